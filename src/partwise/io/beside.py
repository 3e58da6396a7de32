"""What is read beside the data: how much each entry or row counts, and which are observed."""

from dataclasses import fields, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from partwise._errors import FileError
from partwise.io.dataset import Dataset
from partwise.io.files import existing
from partwise.io.options import ImageOptions, NumberOptions, ReadOptions
from partwise.io.reading import read, reader_of

# How DATA are written, such files are too.
_SHARED = ("transpose", "max_bytes", "encoding", "header", "row_names", "delimiter")


def read_weights(path: str | PathLike[str], data: Dataset, options: ReadOptions | None = None) -> Any:
    r"""Read what ``NMF.fit`` takes as ``weights``, in any kind of file that holds numbers or pictures.

    Parameters
    ----------
    path : path-like
        A weight for each entry of ``data``, or one column or row with one for each row. A ``.txt`` file is read as a
        table.
    data : Dataset
        What the weights are for. Names that both have must stand in the same order.
    options : ReadOptions or None, default=None
        How ``data`` were read: ``transpose``, ``max_bytes`` and what concerns tables is done here too.

    Returns
    -------
    ndarray of shape (n_samples, n_features) or (n_samples,), or scipy.sparse.csr_array
        What a sparse file does not store has no weight.

    Raises
    ------
    FileError
        If the shape is another one, names stand in another order, or a weight is negative, not finite or missing, or
        all are zero.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "weights.txt"
    >>> _ = path.write_text("1\n0.5\n")
    >>> read_weights(path, Dataset(np.ones((2, 3))))
    array([1. , 0.5])
    """
    found = _read(path, data, options, "weights")
    bad = _first(found, lambda values: ~((values >= 0) & np.isfinite(values)))
    if bad is not None:
        value, place = bad
        raise FileError(f"{path} holds the weight {value:g} in {place}: give 0 for what is missing, and no less.")
    if not found.X.max() > 0:
        raise FileError(f"All weights in {path} are zero, so that nothing would be fitted: give some above zero.")
    return found.X if found.X.shape == data.shape else np.ravel(found.X)


def read_mask(path: str | PathLike[str], data: Dataset, options: ReadOptions | None = None) -> Any:
    """Read what ``NMF.fit`` takes as ``mask``, written as 1 (observed) and 0 (missing); else as `read_weights`.

    Parameters
    ----------
    path : path-like
        A 1 or 0 for each entry of ``data``, or one column or row with one for each row.
    data : Dataset
        What the mask is for.
    options : ReadOptions or None, default=None
        How ``data`` were read.

    Returns
    -------
    bool ndarray or scipy.sparse.csr_array of shape (n_samples, n_features)
        What a sparse file does not store is missing.

    Raises
    ------
    FileError
        If the shape is another one, names stand in another order, or there is a value other than 0 and 1.
    """
    found = _read(path, data, options, "truth values")
    bad = _first(found, lambda values: (values != 0) & (values != 1))
    if bad is not None:
        value, place = bad
        raise FileError(
            f"{path} holds {value:g} in {place}: in a mask 1 is an observed entry, 0 a missing one, and nothing else."
        )
    mask = found.X.astype(bool)
    return mask if mask.shape == data.shape else np.broadcast_to(mask.reshape(-1, 1), data.shape)


def _read(path: str | PathLike[str], data: Dataset, options: ReadOptions | None, what: str) -> Dataset:
    path = existing(path)
    own = _options(path, options or ReadOptions())
    found = read(path, own)
    m, n = data.shape
    if found.shape == (m, n):
        _check_order(found, data)
        return replace(
            found,
            row_names=found.row_names or data.row_names,
            column_names=found.column_names or data.column_names,
        )
    if found.shape not in ((m, 1), (1, m)):
        rows, columns = found.shape
        raise FileError(
            f"{path} holds {rows} × {columns} {what}, and {data.source or 'the matrix'} has {m} × {n} entries: "
            f"give one for each entry, or one for each of the {m} rows."
        )
    return found if isinstance(found.X, np.ndarray) else replace(found, X=found.X.toarray())


def _options(path: Path, options: ReadOptions) -> ReadOptions:
    """The options of such a file; it may be a list of numbers."""
    if path.is_dir():
        return ReadOptions(transpose=options.transpose, max_bytes=options.max_bytes)
    kind = ".csv" if path.name.lower().endswith((".txt", ".txt.gz")) else None
    concern = reader_of(path, kind).options
    if not issubclass(concern, NumberOptions | ImageOptions):
        raise FileError(f"{path} holds text, where numbers are needed: give an array, a table or a sparse matrix.")
    shared = {field.name: getattr(options, field.name) for field in fields(concern) if field.name in _SHARED}
    of_numbers = issubclass(concern, NumberOptions)
    return ReadOptions(kind=kind, missing=of_numbers, column=of_numbers, **shared)


def _check_order(found: Dataset, data: Dataset) -> None:
    """Refuse the same names in another order: each number would go to the wrong entry."""
    for what, own, names in (
        ("row", found.row_names, data.row_names),
        ("column", found.column_names, data.column_names),
    ):
        if own is None or names is None or own == names or sorted(own) != sorted(names):
            continue
        j = next(j for j, (a, b) in enumerate(zip(own, names, strict=True)) if a != b)
        raise FileError(
            f"{found.source} names its {what}s in another order: {what} {j} is {own[j]!r}, and {names[j]!r} in "
            f"{data.source or 'the data'}. Order them alike."
        )


def _first(found: Dataset, is_bad: Any) -> tuple[float, str] | None:
    """The first bad value and where it is."""
    X = found.X
    dense = isinstance(X, np.ndarray)
    bad = is_bad(X if dense else X.data)
    if not bad.any():
        return None
    rows, columns = (
        np.nonzero(bad) if dense else (np.repeat(np.arange(len(X.indptr) - 1), np.diff(X.indptr))[bad], X.indices[bad])
    )
    i, j = int(rows[0]), int(columns[0])
    return float(X[i, j]), found.place(i, j)
