"""Pictures of all formats, depths and colours."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from partwise import io
from partwise._errors import FileError

GREY = np.array([[0, 51, 102], [153, 204, 255]], dtype=np.uint8)
COLOUR = np.stack([GREY, GREY.T.reshape(2, 3), GREY[::-1]], axis=-1)


@pytest.fixture
def folder(tmp_path):
    def write(**pictures):
        for name, picture in pictures.items():
            stem, _, suffix = name.rpartition("_")
            image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
            image.save(tmp_path / f"{stem}.{suffix}")
        return tmp_path

    return write


@pytest.mark.parametrize("suffix", ["png", "pgm", "tiff", "tif"])
def test_grey_pictures_are_scaled_exactly(suffix, folder):
    data = io.read(folder(**{f"a_{suffix}": GREY, f"b_{suffix}": GREY[::-1]}))
    np.testing.assert_array_equal(data.X, np.stack([GREY, GREY[::-1]]).reshape(2, 6) / 255)
    assert data.layout == io.Layout("image", (2, 3))
    assert data.row_names == (f"a.{suffix}", f"b.{suffix}")


@pytest.mark.parametrize("suffix", ["png", "ppm", "tiff"])
def test_colour_pictures_keep_their_colours(suffix, folder):
    data = io.read(folder(**{f"a_{suffix}": COLOUR}))
    np.testing.assert_array_equal(data.X, COLOUR.reshape(1, 18) / 255)
    assert data.layout == io.Layout("image", (2, 3, 3))


def test_colour_is_turned_into_grey_when_asked(folder):
    data = io.read(folder(a_png=COLOUR, b_png=GREY), grey=True)
    assert data.layout == io.Layout("image", (2, 3))
    np.testing.assert_allclose(data.X[0], COLOUR.reshape(6, 3) @ [0.299, 0.587, 0.114] / 255, atol=1 / 255)


def test_jpeg_comes_close(folder):
    smooth = np.linspace(0, 255, 256).astype(np.uint8).reshape(16, 16)
    data = io.read(folder(a_jpg=smooth, b_jpeg=smooth))
    assert data.shape == (2, 256)
    np.testing.assert_allclose(data.X[0], smooth.ravel() / 255, atol=0.05)


@pytest.mark.parametrize("suffix", ["png", "tiff", "pgm"])
def test_sixteen_bits_are_scaled_by_their_own_range(suffix, folder):
    deep = GREY.astype(np.uint16) * 257
    np.testing.assert_array_equal(io.read(folder(**{f"a_{suffix}": deep})).X, deep.reshape(1, 6) / 65535)


def test_a_pgm_is_scaled_by_its_own_maximum(tmp_path):
    (tmp_path / "a.pgm").write_text("P2\n3 1\n4\n0 2 4\n")
    np.testing.assert_allclose(io.read(tmp_path).X, [[0, 0.5, 1]], atol=1 / 255)


def test_other_modes_are_understood(folder):
    palette = Image.fromarray(COLOUR).quantize(6)
    transparent = Image.fromarray(np.dstack([COLOUR, GREY]))
    data = io.read(folder(a_png=palette, b_png=transparent))
    assert data.layout.shape == (2, 3, 3)
    np.testing.assert_array_equal(data.X[1], COLOUR.ravel() / 255)


def test_black_and_white_is_zero_and_one(folder):
    assert set(io.read(folder(a_png=Image.fromarray(GREY > 100))).X.ravel()) == {0.0, 1.0}


@pytest.mark.parametrize("pixels", [np.ones((2, 2), np.float32), np.full((2, 2), 70_000, np.int32)])
def test_pixels_without_a_known_range_are_refused(pixels, folder):
    with pytest.raises(FileError, match=r"a\.tiff holds pixels of 32 bits"):
        io.read(folder(a_tiff=pixels))


def test_pictures_are_turned_as_the_camera_says(folder, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY).save(tmp_path / "a.png", exif=exif)
    data = io.read(tmp_path)
    assert data.layout.shape == (3, 2)
    np.testing.assert_array_equal(data.X.reshape(3, 2), np.rot90(GREY, -1) / 255)


def test_names_are_in_natural_order_and_hidden_files_left_out(tmp_path):
    for name in ("s10/1.png", "s9/10.png", "s9/9.PNG", ".hidden.png", "s9/readme.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(GREY).save(tmp_path / name, format="PNG")
    assert io.read(tmp_path).row_names == ("s9/9.PNG", "s9/10.png", "s10/1.png")
    assert io.read(tmp_path, pattern="s9/*").row_names == ("s9/9.PNG", "s9/10.png")


def test_every_page_of_a_tiff_file_in_a_folder_is_a_row(folder, tmp_path):
    first, second = Image.fromarray(GREY), Image.fromarray(GREY[::-1])
    first.save(tmp_path / "b.tif", save_all=True, append_images=[second])
    data = io.read(folder(a_png=GREY, c_tiff=GREY))
    assert data.row_names == ("a.png", "b.tif page 1", "b.tif page 2", "c.tiff")
    np.testing.assert_array_equal(data.X[1:3], np.stack([GREY, GREY[::-1]]).reshape(2, 6) / 255)


def test_mixed_sizes_name_two_files_and_their_sizes(folder):
    with pytest.raises(FileError, match=r"a\.png has 3 × 2 pixels and b\.png 2 × 3 \(width × height\)"):
        io.read(folder(a_png=GREY, b_png=GREY.T.copy()))


def test_mixed_colours_name_two_files(folder):
    with pytest.raises(FileError, match=r"b\.png is grey and a\.png is in colour: .*grey=True"):
        io.read(folder(a_png=COLOUR, b_png=GREY))


def test_a_damaged_picture_is_named(folder):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    path = folder(a_png=noise, b_png=noise)
    (path / "b.png").write_bytes((path / "b.png").read_bytes()[:-100])
    with pytest.raises(FileError, match=r"b\.png cannot be read as a picture"):
        io.read(path)


def test_what_only_pretends_to_be_a_picture_is_not_opened(tmp_path):
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n")
    with pytest.raises(FileError, match=r"a\.png cannot be read as a picture"):
        io.read(tmp_path)


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_a_picture_bomb_is_not_expanded(side, tmp_path):
    def chunk(name, content):
        checked = name + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    with pytest.raises(FileError, match=r"bomb\.png has more than the 89,478,485 pixels"):
        io.read(tmp_path)


def test_many_pictures_together_keep_the_limit(folder):
    path = folder(**{f"{i}_png": GREY for i in range(10)})
    with pytest.raises(FileError, match="limit of 400 bytes"):
        io.read(path, max_bytes=400)
