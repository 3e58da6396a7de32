"""NumPy's files, whole and hostile."""

import pickle
import struct
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from partwise import io
from partwise._errors import FileError, ParameterError


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self):
        return (Path.touch, (self.witness,))


def npy(array: np.ndarray) -> bytes:
    stream = BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@given(
    hnp.arrays(
        dtype=st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.uint8, np.bool_, ">f8"]),
        shape=hnp.array_shapes(min_dims=2, max_dims=2),
    ),
    st.booleans(),
)
@example(np.array([[np.nan]]), False)
def test_dense_arrays_keep_values_and_dtype(tmp_path_factory, array, fortran):
    path = tmp_path_factory.mktemp("npy") / "x.npy"
    np.save(path, np.asfortranarray(array) if fortran else array)
    X = io.read(path, missing=bool(np.isnan(array).any())).X  # NaN is kept where it is said to be a missing entry
    assert X.dtype == array.dtype
    np.testing.assert_array_equal(X, array)


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr", "dia"])
@pytest.mark.parametrize("kind", ["array", "matrix"])
def test_every_sparse_format_comes_as_csr(form, kind, tmp_path, rng):
    X = sparse.random_array((6, 9), density=0.4, rng=rng).toarray()
    sparse.save_npz(tmp_path / "x.npz", getattr(sparse, f"{form}_{kind}")(X))
    data = io.read(tmp_path / "x.npz")
    assert isinstance(data.X, sparse.csr_array)
    np.testing.assert_array_equal(data.X.toarray(), X)


def test_one_array_needs_no_key_and_several_do(tmp_path):
    np.savez(tmp_path / "one.npz", X=np.eye(2))
    np.savez_compressed(tmp_path / "two.npz", W=np.ones((3, 1)), H=np.ones((1, 4)))
    assert io.read(tmp_path / "one.npz").shape == (2, 2)
    assert io.read(tmp_path / "two.npz", key="H").shape == (1, 4)
    with pytest.raises(FileError, match=r"holds 2 arrays \(W, H\): choose one of them with key"):
        io.read(tmp_path / "two.npz")
    with pytest.raises(FileError, match="no array 'X': it holds W, H"):
        io.read(tmp_path / "two.npz", key="X")


def test_a_sparse_archive_has_no_key(tmp_path):
    sparse.save_npz(tmp_path / "x.npz", sparse.eye_array(3, format="csr"))
    with pytest.raises(ParameterError, match="leave out key"):
        io.read(tmp_path / "x.npz", key="data")


def test_an_array_of_pictures_wants_to_know_their_shape(tmp_path):
    pictures = np.arange(24).reshape(2, 3, 4)
    np.save(tmp_path / "x.npy", pictures)
    with pytest.raises(FileError, match=r"if it holds 2 pictures, say image_shape=\(3, 4\)"):
        io.read(tmp_path / "x.npy")
    data = io.read(tmp_path / "x.npy", image_shape=(3, 4))
    assert data.layout == io.Layout("image", (3, 4))
    np.testing.assert_array_equal(data.X, pictures.reshape(2, 12))


@pytest.mark.parametrize(
    "array", [np.array([["a"]]), np.array([[1j]]), np.zeros((1, 1), "M8[s]"), np.zeros((2, 2), [("x", "f8")])]
)
def test_what_are_no_real_numbers_is_refused(array, tmp_path):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(FileError, match="not real numbers"):
        io.read(tmp_path / "x.npy")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_pickles_are_refused_and_never_run(suffix, tmp_path):
    array = np.array([[Bomb(tmp_path / "witness")]], dtype=object)
    (np.save if suffix == ".npy" else np.savez)(tmp_path / f"x{suffix}", array)
    with pytest.raises(FileError, match="Python objects, which could run any code"):
        io.read(tmp_path / f"x{suffix}")
    pickled = tmp_path / f"pickle{suffix}"
    pickled.write_bytes(pickle.dumps(Bomb(tmp_path / "witness")))
    with pytest.raises(FileError):
        io.read(pickled)
    assert not (tmp_path / "witness").exists()


def test_a_header_that_promises_terabytes_asks_for_no_memory(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000)}"
    header += b" " * (63 - (len(header) + 10) % 64) + b"\n"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\0" * 80
    (tmp_path / "x.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("X.npy", content)
    for name in ("x.npy", "x.npz"):
        with pytest.raises(FileError, match=r"expands to more than the limit of [0-9,]+ bytes \(16 GiB"):
            io.read(tmp_path / name)


def test_a_header_that_lies_within_the_limit_is_found_out(tmp_path):
    content = npy(np.ones((20, 10)))[:-160]
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("X.npy", content)
    with pytest.raises(FileError, match=r"size of its array X\.npy is not the one that it declares"):
        io.read(tmp_path / "x.npz")


def test_a_bomb_of_zeros_is_found_before_it_expands(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("X.npy", npy(np.zeros((1000, 1000))))
    assert (tmp_path / "x.npz").stat().st_size < 10_000
    with pytest.raises(FileError, match="limit of 1,000,000 bytes"):
        io.read(tmp_path / "x.npz", max_bytes=1_000_000)
    assert io.read(tmp_path / "x.npz", max_bytes=9_000_000).shape == (1000, 1000)


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_indices_outside_the_matrix_are_refused(form, tmp_path):
    matrix = sparse.eye_array(4, format=form)
    members = {"indices": [0, 1, 2, 99], "indptr": [0, 1, 2, 3, 4]} if form != "coo" else {}
    members = members or {"row": np.arange(4), "col": np.array([0, 1, 2, 99])}
    np.savez(tmp_path / "x.npz", format=form.encode(), shape=(4, 4), data=matrix.data, **members)
    with pytest.raises(FileError, match="cannot be read"):
        io.read(tmp_path / "x.npz")


def test_a_sparse_shape_too_large_for_memory_is_refused(tmp_path):
    sparse.save_npz(tmp_path / "x.npz", sparse.coo_array(([1.0], ([0], [0])), shape=(2**40, 2)))
    with pytest.raises(FileError, match="limit"):
        io.read(tmp_path / "x.npz")


def test_a_model_is_no_data(tmp_path):
    io.write_record(tmp_path / "model.npz", {"H": np.eye(2)}, {})
    with pytest.raises(FileError, match="a model saved by partwise, not a data set"):
        io.read(tmp_path / "model.npz")
