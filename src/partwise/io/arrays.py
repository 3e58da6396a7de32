"""NumPy's files: ``.npy``, ``.npz`` with dense arrays, ``.npz`` with a SciPy sparse matrix."""

import zipfile
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from scipy import sparse

from partwise._errors import FileError, ParameterError
from partwise._wording import option
from partwise.io.dataset import Dataset
from partwise.io.files import opened, too_large
from partwise.io.options import ArchiveOptions, NumberOptions

RECORD_MEMBER = "partwise.json"
"""The member of an archive that makes it a record of partwise, see `partwise.io.records`."""

_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def check_header(stream: IO[bytes], path: Path, max_bytes: int) -> int:
    """Refuse an array that is too large or made of Python objects, before memory is asked for.

    Parameters
    ----------
    stream : binary file
        An array in NumPy's format, at its beginning.
    path : Path
        Its file, for the sentence.
    max_bytes : int
        Largest size in bytes.

    Returns
    -------
    int
        Size of the array in bytes.
    """
    version = np.lib.format.read_magic(stream)
    if version not in _HEADER_READERS:
        raise FileError(f"{path} holds a structured array; save a plain array of numbers instead.")
    shape, _, dtype = _HEADER_READERS[version](stream)
    if dtype.hasobject:
        raise FileError(
            f"{path} holds an array of Python objects, which could run any code when loaded; "
            "save it again with a plain dtype such as float64 or str."
        )
    size = prod(shape) * dtype.itemsize
    if size > max_bytes:
        raise too_large(path, max_bytes)
    return size


def check_archive(archive: zipfile.ZipFile, path: Path, max_bytes: int) -> None:
    """Refuse an archive whose members together would expand beyond the limit, or are packed in an unusual way."""
    members = archive.infolist()
    if sum(member.file_size for member in members) > max_bytes:
        raise too_large(path, max_bytes)
    if {member.compress_type for member in members} - {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise FileError(
            f"{path} is packed in a way that NumPy does not use: save it again with numpy.savez_compressed."
        )


def read_member(archive: zipfile.ZipFile, member: str, path: Path, max_bytes: int) -> np.ndarray[Any, Any]:
    """Read one array of an archive, without pickle and never more than it is declared to hold."""
    with archive.open(member) as stream:
        size = check_header(stream, path, max_bytes)
        if size != archive.getinfo(member).file_size - stream.tell():
            raise FileError(f"{path} is damaged: the size of its array {member} is not the one that it declares.")
    with archive.open(member) as stream:
        array: np.ndarray[Any, Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array


def read_npy(path: Path, options: NumberOptions) -> Dataset:
    """Read a matrix saved by `numpy.save`."""
    with opened(path, options.max_bytes) as stream:
        check_header(stream, path, options.max_bytes)
    with opened(path, options.max_bytes) as stream:
        return _dense(np.lib.format.read_array(stream, allow_pickle=False), path, options)


def read_npz(path: Path, options: ArchiveOptions) -> Dataset:
    """Read a matrix saved by `numpy.savez` or `scipy.sparse.save_npz`."""
    with zipfile.ZipFile(path) as archive:
        check_archive(archive, path, options.max_bytes)
        names = archive.namelist()
        if RECORD_MEMBER in names:
            raise FileError(f"{path} is a model saved by partwise, not a data set: name the file of the data.")
        arrays = [name.removesuffix(".npy") for name in names if name.endswith(".npy")]
        if {"format", "shape", "data"} <= set(arrays):
            return Dataset(_read_sparse(archive, arrays, path, options), source=str(path))
        array = read_member(archive, f"{_choose(arrays, path, options.key)}.npy", path, options.max_bytes)
    return _dense(array, path, options)


def _choose(arrays: list[str], path: Path, key: str | None) -> str:
    listed = ", ".join(arrays) or "none"
    if key is None and len(arrays) != 1:
        raise FileError(f"{path} holds {len(arrays)} arrays ({listed}): choose one of them with {option('key')}.")
    if key is not None and key not in arrays:
        raise FileError(f"{path} has no array {key!r}: it holds {listed}.")
    return arrays[0] if key is None else key


def _read_sparse(archive: zipfile.ZipFile, names: list[str], path: Path, options: ArchiveOptions) -> sparse.csr_array:
    if options.key is not None:
        raise ParameterError(
            f"{path} holds one sparse matrix, so there is nothing to choose: leave out {option('key')}."
        )
    members = {name: read_member(archive, f"{name}.npy", path, options.max_bytes) for name in names}
    rows, columns = (int(size) for size in members["shape"])
    if 8 * (rows + columns) > options.max_bytes:
        raise too_large(path, options.max_bytes)
    check_numeric(members["data"].dtype, path)
    return _assemble(members, bytes(members["format"][()]).decode("ascii"), (rows, columns))


def _assemble(members: dict[str, Any], form: str, shape: tuple[int, int]) -> sparse.csr_array:
    """Build the array, checking every index: a wrong one would reach outside the memory of the matrix."""
    data = members["data"]
    if form in {"csr", "csc", "bsr"}:
        make = {"csr": sparse.csr_array, "csc": sparse.csc_array, "bsr": sparse.bsr_array}[form]
        matrix = make((data, members["indices"], members["indptr"]), shape=shape)
        matrix.check_format(full_check=True)
    elif form == "dia":
        matrix = sparse.dia_array((data, members["offsets"]), shape=shape)
    elif "coords" in members:
        matrix = sparse.coo_array((data, tuple(members["coords"])), shape=shape)
    else:
        matrix = sparse.coo_array((data, (members["row"], members["col"])), shape=shape)
    return sparse.csr_array(matrix)


def _dense(array: np.ndarray[Any, Any], path: Path, options: NumberOptions) -> Dataset:
    check_numeric(array.dtype, path)
    if array.ndim > 2 and array.shape[1:] == tuple(options.image_shape or ()):
        array = array.reshape(array.shape[0], -1)
    if array.ndim == 1 and options.column:
        array = array[:, None]
    if array.ndim != 2:
        advice = (
            f"if it holds {array.shape[0]} pictures, say {option('image_shape', array.shape[1:])}"
            if array.ndim in {3, 4}
            else "save it as a matrix of samples × features"
        )
        raise FileError(f"{path} holds an array of shape {array.shape}, which is no matrix: {advice}.")
    return Dataset(array, source=str(path))


def check_numeric(dtype: np.dtype[Any], path: Path) -> None:
    """Refuse what are no real numbers."""
    if dtype.kind not in "biuf":
        raise FileError(f"{path} holds values of type {dtype}, not real numbers: convert them, for example to float64.")
