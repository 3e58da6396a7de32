"""Records: named arrays and JSON in one ``.npz`` archive, without pickle. Models are saved as such.

The archive is one that `numpy.load` opens: each array is a member ``NAME.npy``; the member ``partwise.json`` holds the
format's name and version, partwise's version, the names of the arrays and the JSON value. JSON has no infinities and
no NaN, so they are written ``{"$float": "inf"}``, and a key of the user's that begins with ``$`` gets a second one.
"""

import json
import zipfile
from collections.abc import Mapping
from math import isfinite
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from partwise._errors import FileError, ParameterError
from partwise._versions import versions
from partwise.io.arrays import RECORD_MEMBER, check_archive, read_member
from partwise.io.atomic import atomic_write
from partwise.io.files import existing, legible, too_large
from partwise.io.options import MAX_BYTES

FORMAT = "partwise-record"
FORMAT_VERSION = 1
_MAX_JSON_BYTES = 256 * 2**20  # names of a million columns take about a tenth of it
_FLOAT = "$float"

JSON = Any
"""None, bool, int, float, str, and lists and dicts (with str keys) of them."""


def write_record(
    path: str | PathLike[str], arrays: Mapping[str, np.ndarray[Any, Any]], meta: Mapping[str, JSON]
) -> None:
    """Write arrays and a JSON value, atomically; the same content gives the same bytes.

    Parameters
    ----------
    path : path-like
        The file; customarily ``.npz``.
    arrays : mapping of str to ndarray
        Arrays of numbers, truth values or strings (any dtype without Python objects).
    meta : mapping
        None, bool, int, float (also infinite and NaN), str, lists and str-keyed dicts of them. Tuples come back as
        lists.

    Raises
    ------
    FileError
        If the file cannot be written; an earlier file then stays as it was.
    ParameterError
        If an array holds Python objects, or ``meta`` something that JSON cannot.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.npz"
    >>> write_record(path, {"H": np.eye(2)}, {"seed": 3, "tol": float("inf")})
    >>> arrays, meta = read_record(path)
    >>> arrays["H"].shape, meta
    ((2, 2), {'seed': 3, 'tol': inf})
    """
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise ParameterError(f"The array {name!r} holds Python objects: convert it to numbers or strings first.")
    head = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "partwise": versions()["partwise"],
        "arrays": list(arrays),
        "meta": _encode(meta, "meta"),
    }
    with atomic_write(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        with archive.open(_member(RECORD_MEMBER), "w") as stream:
            stream.write(json.dumps(head, allow_nan=False).encode("ascii"))
        for name, array in arrays.items():
            with archive.open(_member(f"{name}.npy"), "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)


def read_record(
    path: str | PathLike[str], *, max_bytes: int = MAX_BYTES
) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, JSON]]:
    """Read what `write_record` wrote; nothing in the file is ever executed.

    Parameters
    ----------
    path : path-like
        The file.
    max_bytes : int, default=16 GiB or half of the memory, whichever is less
        Largest expanded size; see `partwise.io.options.CommonOptions`.

    Returns
    -------
    arrays : dict of str to ndarray
        The arrays, equal in dtype, shape and every bit.
    meta : dict
        The JSON value.

    Raises
    ------
    FileError
        If the file is missing, truncated, damaged, too large, holds Python objects, was not written by partwise, or
        by a version with a newer format.
    """
    path = existing(path)
    with legible(path, "a record of partwise"), zipfile.ZipFile(path) as archive:
        check_archive(archive, path, max_bytes)
        head = _read_head(archive, path)
        arrays = {name: read_member(archive, f"{name}.npy", path, max_bytes) for name in head["arrays"]}
        return arrays, _decode(head["meta"])


def _read_head(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    foreign = FileError(f"{path} was not written by partwise: choose a model that partwise has saved.")
    if RECORD_MEMBER not in archive.namelist():
        raise foreign
    if archive.getinfo(RECORD_MEMBER).file_size > _MAX_JSON_BYTES:
        raise too_large(path, _MAX_JSON_BYTES)
    head = json.loads(archive.read(RECORD_MEMBER))
    if not isinstance(head, dict) or head.get("format") != FORMAT or not isinstance(head.get("format_version"), int):
        raise foreign
    if head["format_version"] > FORMAT_VERSION:
        raise FileError(
            f"{path} was written by partwise {head['partwise']} in a newer format ({head['format_version']}; this "
            f"version knows {FORMAT_VERSION}): install that version or a later one."
        )
    sound = isinstance(head.get("arrays"), list) and isinstance(head.get("meta"), dict)
    if not sound or sorted(archive.namelist()) != sorted([RECORD_MEMBER, *(f"{name}.npy" for name in head["arrays"])]):
        raise FileError(f"{path} has been changed since partwise wrote it: its members are not those that it lists.")
    return head


def _member(name: str) -> zipfile.ZipInfo:
    """Return a member with a fixed date and rights."""
    member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    member.create_system = 3
    member.external_attr = 0o644 << 16
    return member


def _encode(value: JSON, place: str) -> JSON:
    if isinstance(value, float) and not isfinite(value):
        return {_FLOAT: repr(float(value))}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_encode(item, f"{place}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {
            f"${key}" if key.startswith("$") else key: _encode(item, f"{place}[{key!r}]") for key, item in value.items()
        }
    raise ParameterError(
        f"{place} is {type(value).__name__}, which JSON cannot hold: convert it, or save it as an array."
    )


def _decode(value: JSON) -> JSON:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if _FLOAT in value:
        return float(value[_FLOAT])
    return {key.removeprefix("$"): _decode(item) for key, item in value.items()}
