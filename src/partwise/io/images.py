"""Pictures: a folder of them, or the pages of one TIFF file."""

import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from partwise._errors import FileError
from partwise._optional import require
from partwise._wording import option
from partwise.io.dataset import Dataset, Layout
from partwise.io.files import legible, too_large
from partwise.io.options import ImageOptions

if TYPE_CHECKING:
    from PIL.Image import Image

Floats = np.ndarray[Any, np.dtype[np.float64]]

_TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".pgm", ".ppm", ".pnm"}) | _TIFF_SUFFIXES

# Pillow would guess among dozens of formats whatever the suffix says, some of them run by other programs.
_FORMATS = ("PNG", "JPEG", "PPM", "TIFF")
_GREY_MODES = frozenset({"1", "L", "LA"})
_SIXTEEN_BITS = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})


def natural_order(name: str) -> list[tuple[int, str]]:
    """Sort key under which ``s2/10.pgm`` follows ``s2/9.pgm``."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def read_image_folder(path: Path, files: list[Path], options: ImageOptions) -> Dataset:
    """Read pictures of one size as the rows of a matrix, scaled to [0, 1]; rows are named by their paths in the folder.

    Each page of a TIFF file is a picture, named as in ``a.tif page 1`` where there are several. A part of a picture
    that is transparent keeps the colour stored there; pictures are turned as their EXIF data say.
    """
    pages = [(file, page, count) for file in files for count in [_count(file)] for page in range(count)]
    names = [_name(file.relative_to(path).as_posix(), page, count) for file, page, count in pages]
    return _stack(names, (_load(file, page, options) for file, page, _ in pages), path, options)


def _name(file: str, page: int, count: int) -> str:
    return file if count == 1 else f"{file} page {page + 1}"


def _count(path: Path) -> int:
    """Return the number of pages, which only a TIFF file has several of."""
    if path.suffix.lower() not in _TIFF_SUFFIXES:
        return 1
    with _opened(path) as image:
        return getattr(image, "n_frames", 1)


def read_tiff(path: Path, options: ImageOptions) -> Dataset:
    """Read the pages of a TIFF file as `read_image_folder` reads files."""
    with _opened(path) as image:
        count: int = getattr(image, "n_frames", 1)
        return _stack([f"page {i + 1}" for i in range(count)], _pages(image, count, path, options), path, options)


def _load(path: Path, page: int, options: ImageOptions) -> Floats:
    with _opened(path) as image:
        image.seek(page)
        return _pixels(image, path, options)


def _pages(image: "Image", count: int, path: Path, options: ImageOptions) -> Iterator[Floats]:
    for page in range(count):
        image.seek(page)
        yield _pixels(image, path, options)


@contextmanager
def _opened(path: Path) -> "Iterator[Image]":
    pil = require("PIL.Image", "io", "Reading pictures")
    with legible(path, "a picture"), warnings.catch_warnings():
        warnings.simplefilter("error", pil.DecompressionBombWarning)
        # In a TIFF file Pillow warns of lost pages and pixels; elsewhere of details that do not touch the pixels.
        warnings.simplefilter("error" if path.suffix.lower() in _TIFF_SUFFIXES else "ignore", UserWarning)
        try:
            with pil.open(path, formats=_FORMATS) as image:
                yield image
        except (pil.DecompressionBombWarning, pil.DecompressionBombError) as error:
            raise FileError(
                f"{path} has more than the {pil.MAX_IMAGE_PIXELS:,} pixels that Pillow allows: make it smaller, "
                "or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it."
            ) from error


def _pixels(image: "Image", path: Path, options: ImageOptions) -> Floats:
    """Return (height, width) or (height, width, 3) values in [0, 1]."""
    if image.mode == "F" or (image.mode == "I" and not _in_sixteen_bits(np.asarray(image))):
        raise FileError(f"{path} holds pixels of 32 bits, without a known range: save it with 8 or 16 bits.")
    image = require("PIL.ImageOps", "io", "Reading pictures").exif_transpose(image)
    if image.mode in _SIXTEEN_BITS:
        return np.asarray(image) / 65535.0
    return np.asarray(image.convert("L" if options.grey or image.mode in _GREY_MODES else "RGB")) / 255.0


def _in_sixteen_bits(pixels: np.ndarray[Any, Any]) -> bool:
    return bool(pixels.min() >= 0 and pixels.max() <= 65535)


def _stack(names: list[str], pictures: Iterable[Floats], path: Path, options: ImageOptions) -> Dataset:
    X, shape = np.empty((0, 0)), (0, 0)
    for i, picture in enumerate(pictures):
        if i == 0:
            shape = picture.shape
            if len(names) * picture.nbytes > options.max_bytes:
                raise too_large(path, options.max_bytes)
            X = np.empty((len(names), picture.size))
        if picture.shape != shape:
            raise _mixed(path, (names[0], shape), (names[i], picture.shape))
        X[i] = picture.ravel()
    return Dataset(X, row_names=tuple(names), layout=Layout("image", shape), source=str(path))


def _mixed(path: Path, first: tuple[str, tuple[int, ...]], second: tuple[str, tuple[int, ...]]) -> FileError:
    (name, shape), (other, other_shape) = first, second
    if shape[:2] == other_shape[:2]:
        grey, colour = (name, other) if len(shape) == 2 else (other, name)
        return FileError(
            f"In {path}, {grey} is grey and {colour} is in colour: read all as grey with {option('grey', True)}, "
            f"or choose the files that belong together with {option('pattern')}."
        )
    return FileError(
        f"The pictures in {path} differ in size, {name} has {_size(shape)} pixels and {other} {_size(other_shape)} "
        "(width × height): crop or scale them to one size, or choose files of one size with "
        f"{option('pattern')}."
    )


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} × {shape[0]}"
