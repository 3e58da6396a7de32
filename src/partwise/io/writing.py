"""Tables out: a matrix with the names of its rows and columns."""

import csv
import gzip
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from partwise._errors import FileError, ParameterError
from partwise._optional import require
from partwise.io.atomic import atomic_write

Names = Sequence[str] | None
Matrix = np.ndarray[Any, Any]

# https://owasp.org/www-community/attacks/CSV_Injection: spreadsheets take such cells for formulas and run them.
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_table(path: str | PathLike[str], values: Matrix, row_names: Names = None, column_names: Names = None) -> None:
    """Write a matrix with its names, atomically.

    Parameters
    ----------
    path : path-like
        Ends in ``.csv``, ``.tsv`` (``.gz`` or not), ``.parquet`` or ``.npy`` (which has no place for names).
    values : ndarray of shape (n_rows, n_columns)
        Real numbers. They are written so that reading gives the same numbers back.
    row_names, column_names : sequence of str or None, default=None
        Without row names there is no column for them; without column names no header (in Parquet, which needs
        names, "0", "1", …). In ``.csv`` and ``.tsv`` a name that a spreadsheet would take for a formula (it begins
        with ``=``, ``+``, ``-``, ``@``, tab or line end) gets an apostrophe in front.

    Raises
    ------
    FileError
        If the suffix is none of these or the file cannot be written; an earlier file then stays as it was.
    ParameterError
        If ``values`` is no matrix of real numbers, or the number of names is not that of rows or columns.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "H.csv"
    >>> write_table(path, np.array([[0.1, 2.0]]), ["nmf0"], ["=SUM(A1)", "pear"])
    >>> print(path.read_text())
    "","'=SUM(A1)","pear"
    "nmf0",0.1,2.0
    <BLANKLINE>
    """
    values = np.asarray(values)
    suffix = max((s for s in WRITERS if str(path).lower().endswith(s)), key=len, default=None)
    if suffix is None:
        raise FileError(f"{path} cannot be written as a table: its name should end in one of {', '.join(WRITERS)}.")
    if values.ndim != 2 or values.dtype.kind not in "biuf":
        raise ParameterError(f"A table needs a matrix of real numbers, not {values.dtype} of shape {values.shape}.")
    for names, size, what in ((row_names, values.shape[0], "row"), (column_names, values.shape[1], "column")):
        if names is not None and len(names) != size:
            raise ParameterError(f"There are {len(names)} {what} names for {size} {what}s; give one name for each.")
    with atomic_write(path) as temporary:
        WRITERS[suffix](temporary, values, row_names, column_names)


def guarded(name: str) -> str:
    """Return the name with an apostrophe in front where a spreadsheet would take it for a formula."""
    return f"'{name}" if name.startswith(_FORMULA_SIGNS) else name


def _delimited(delimiter: str) -> Callable[[Path, Matrix, Names, Names], None]:
    def write(path: Path, values: Matrix, row_names: Names, column_names: Names) -> None:
        with _opened(path) as stream:
            # Quoted, a name may hold line ends, and one like "1" is no number.
            writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
            if column_names is not None:
                writer.writerow([""] * (row_names is not None) + [guarded(name) for name in column_names])
            for i, row in enumerate(values):
                cells = row.tolist()  # Python's numbers, which csv writes with repr: exactly
                writer.writerow(cells if row_names is None else [guarded(row_names[i]), *cells])

    return write


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if path.suffix.lower() != ".gz":
        with open(path, "w", encoding="utf-8", newline="") as stream:
            yield stream
        return
    # Neither a name nor a time in the header: the same table gives the same bytes.
    with (
        open(path, "wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as stream,
    ):
        yield stream


def _write_parquet(path: Path, values: Matrix, row_names: Names, column_names: Names) -> None:
    pd = require("pandas", "io", "Writing Parquet files")
    require("pyarrow", "io", "Writing Parquet files")
    columns = list(map(str, range(values.shape[1]) if column_names is None else column_names))
    if len(set(columns)) < len(columns):
        raise FileError("Parquet cannot hold several columns of one name: write .csv instead, or rename them.")
    index = None if row_names is None else list(row_names)
    with open(path, "wb") as stream:
        pd.DataFrame(values, index=index, columns=columns).to_parquet(stream, engine="pyarrow")


def _write_npy(path: Path, values: Matrix, row_names: Names, column_names: Names) -> None:
    # Opened "wb", NumPy would write past Python, whose errors say why a disk took no more.
    with open(path, "w+b") as stream:
        np.save(stream, values, allow_pickle=False)


WRITERS: dict[str, Callable[[Path, Matrix, Names, Names], None]] = {
    ".csv": _delimited(","),
    ".csv.gz": _delimited(","),
    ".tsv": _delimited("\t"),
    ".tsv.gz": _delimited("\t"),
    ".parquet": _write_parquet,
    ".npy": _write_npy,
}
"""Writers by suffix."""
