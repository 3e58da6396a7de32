"""Tables with names: ``.csv``, ``.tsv`` (gzipped or not) and ``.parquet``."""

import csv
import re
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from math import isfinite, isnan, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from partwise._errors import FileError, ParameterError, PartwiseError
from partwise._optional import require
from partwise._wording import option
from partwise.io.dataset import Dataset
from partwise.io.files import codec, no_value, opened, opened_text, too_large
from partwise.io.options import NumberOptions, TableOptions

if TYPE_CHECKING:
    import pandas as pd

_MISSING = frozenset({"", "na", "n/a", "#n/a", "null", "none", "<na>", "."})
_COUNTERS = frozenset({"id", "ids", "index"})
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_SAMPLE_ROWS = 100


@dataclass(frozen=True)
class _Form:
    """How a table of characters is written; ``header`` holds the names of all columns but that of the row names."""

    delimiter: str
    skip: int  # lines up to the end of the header
    header: tuple[str, ...] | None
    row_names: bool
    corner: str  # what the header calls the row names
    width: int

    @property
    def recognised(self) -> dict[str, str]:
        """What was taken for names, for the reader to see."""
        names = (f"from {self.corner!r}" if self.corner else "from the first column") if self.row_names else "no"
        return {"header": "no" if self.header is None else "yes", "row names": names}


def read_table(path: Path, options: TableOptions) -> Dataset:
    """Read a table of numbers with or without names of its columns (a header) and of its rows (a first column)."""
    form = _recognise(path, options)
    try:
        frame = _parse(path, form, options)
    except PartwiseError:
        raise
    except ValueError:  # pandas' ParserError is one
        _explain(path, form, options)
        raise
    X = _numbers(frame.iloc[:, 1:] if form.row_names else frame, options)
    if X is not None and options.missing and np.isnan(X.min(initial=0)):
        deque(_body(path, form, options), maxlen=0)  # to pandas a cell that is lacking is empty too
    if X is None or frame.shape[1] != form.width or not (np.isfinite(X) | (np.isnan(X) & options.missing)).all():
        _explain(path, form, options)
        raise FileError(f"{path} holds cells that are no numbers: look for unusual signs in its cells.")
    if options.row_names is None and not form.row_names and _counts_rows(X):
        warnings.warn(
            f"The first column of {path} counts its rows, and is taken for data: if it names them, "
            f"say {option('row_names', True)}.",
            UserWarning,
            stacklevel=2,
        )
    row_names = tuple(frame.iloc[:, 0]) if form.row_names else None
    return Dataset(X, row_names, form.header, source=str(path), recognised=form.recognised)


def _numbers(frame: "pd.DataFrame", options: TableOptions) -> np.ndarray[Any, Any] | None:
    """The cells as float64, NaN where one has no value; None if some hold anything else, or have none and must."""
    if all(dtype.kind in "biuf" for dtype in frame.dtypes):
        return frame.to_numpy(np.float64)
    if not options.missing:
        return None
    X = np.empty(frame.shape)
    for j in range(frame.shape[1]):
        column = frame.iloc[:, j]
        values = column if column.dtype.kind in "biuf" else [_value(str(cell)) for cell in column]
        if any(value is None for value in values):
            return None
        X[:, j] = values
    return X


def _value(cell: str) -> float | None:
    """The number in a cell, NaN where it has none, and None where it holds something else."""
    number = _number(cell)
    return nan if number is None and _missing(cell) else number


def _counts_rows(X: np.ndarray[Any, Any]) -> bool:
    """Whether the first of several columns runs from 0 or 1 in steps of 1."""
    m, n = X.shape
    return m > 2 and n > 1 and X[0, 0] in (0, 1) and np.array_equal(X[:, 0], X[0, 0] + np.arange(m))


def _parse(path: Path, form: _Form, options: TableOptions) -> "pd.DataFrame":
    pandas = require("pandas", "io", "Reading tables")
    # Since pandas 3.1 the default parser returns the nearest float64; before, only this one did.
    exact = {} if _version(pandas.__version__) >= (3, 1) else {"float_precision": "round_trip"}
    with opened(path, options.max_bytes) as stream:
        frame: pd.DataFrame = pandas.read_csv(
            stream,
            sep=form.delimiter,
            header=None,
            skiprows=form.skip,
            dtype={0: str} if form.row_names else None,
            na_filter=False,
            low_memory=False,
            encoding=codec(options),
            **exact,
        )
    return frame


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])


# --- what the file looks like ---------------------------------------------------------------------------------------


def _recognise(path: Path, options: TableOptions) -> _Form:
    delimiter = _delimiter(path, options)
    numbered = list(islice(_rows(path, delimiter, options), _SAMPLE_ROWS))
    if not numbered:
        raise FileError(f"{path} is empty: it should hold a table of numbers.")
    sample = [row for _, row in numbered]
    first, body = sample[0], sample[1:]
    short = bool(body) and len(first) + 1 == len(body[0])
    header = options.header if options.header is not None else short or _is_header(first, body)
    body = body if header else sample
    if not body:
        raise FileError(f"{path} has a header and no rows below it: it should hold a table of numbers.")
    corner = first[0] if header and not short else None
    named = options.row_names if options.row_names is not None else short or _names_rows(corner, body)
    names = tuple(first if short or not named else first[1:]) if header else None
    width = len(body[0]) if names is None else len(names) + named
    # Line ends within quoted names are no lines to pandas.
    skip = numbered[0][0] - sum(cell.count("\n") for cell in first) if header else 0
    return _Form(delimiter, skip, names, named, corner or "", width)


def _is_header(first: list[str], body: list[list[str]]) -> bool:
    """Whether the first row names the columns: words, or below no number of its own numbers that count something."""
    if len(first) > 1 and first[0] == "":
        return True
    if _texts(first[1:] or first):
        return True
    return _texts(first[:1]) and _count(first) and 2 * sum(map(_count, body)) <= len(body)


def _count(row: list[str]) -> bool:
    """Whether the numbers of a row rise like names (years, days, 1 to n): in even steps, or there are many of them."""
    if len(row) < 4 or not all(cell.strip().isdecimal() for cell in row[1:]):
        return False
    steps = {int(b) - int(a) for a, b in pairwise(row[1:])}
    return min(steps) > 0 and (len(steps) == 1 or len(row) > 5)


def _names_rows(corner: str | None, body: list[list[str]]) -> bool:
    """Whether the first column, called ``corner`` by the header if there is one, holds the names of the rows."""
    cells = [row[0] for row in body]
    if len(body[0]) == 1:
        return False
    if corner == "" or _texts(cells):
        return True
    return corner is not None and corner.strip().lower() in _COUNTERS and len(set(cells)) == len(cells)


def _delimiter(path: Path, options: TableOptions) -> str:
    if options.delimiter is not None:
        if len(options.delimiter) != 1 or options.delimiter in '\r\n"':
            raise ParameterError(f"The delimiter {options.delimiter!r} cannot separate cells: give one character.")
        return options.delimiter
    if (options.kind or path.name).lower().endswith(("tsv", "tsv.gz")):
        return "\t"
    first = {sign: next(_rows(path, sign, options), (1, []))[1] for sign in (",", ";", "\t")}
    return max(first, key=lambda sign: len(first[sign]))


def _rows(path: Path, delimiter: str, options: TableOptions) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each row ends, and its cells; blank lines are skipped."""
    with opened_text(path, options) as stream:
        reader = csv.reader(stream, delimiter=delimiter)
        for cells in reader:
            if cells:
                yield reader.line_num, cells


def _texts(cells: Sequence[str]) -> bool:
    """Whether most of the cells that are filled are no numbers: one bad cell doesn't make a header of a row."""
    filled = [cell for cell in cells if not _missing(cell)]
    return 2 * sum(_number(cell) is None for cell in filled) > len(filled)


def _number(cell: str) -> float | None:
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return {"true": 1.0, "false": 0.0}.get(cell.lower())


def _missing(cell: str) -> bool:
    number = _number(cell)
    return cell.strip().lower() in _MISSING or (number is not None and isnan(number))


# --- what is wrong with it ------------------------------------------------------------------------------------------


def _explain(path: Path, form: _Form, options: TableOptions) -> None:
    """Find the first row or cell that cannot be, slowly, and raise a sentence that says where it is."""
    for line, cells in _body(path, form, options):
        for column in range(int(form.row_names), form.width):
            if not (options.missing and _missing(cells[column])):
                _check_cell(cells[column], f"{path}, {_place(form, line, column, cells)}")


def _body(path: Path, form: _Form, options: TableOptions) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows below the header with their lines, all as wide as they should be."""
    for line, cells in islice(_rows(path, form.delimiter, options), form.header is not None, None):
        if len(cells) != form.width:
            raise FileError(
                f"{path} is ragged: line {line} has {len(cells)} cells where {form.width} were expected; "
                f"mend that line, or name the sign between cells with {option('delimiter')}."
            )
        yield line, cells


def _place(form: _Form, line: int, column: int, cells: list[str]) -> str:
    row = f"line {line} (row {cells[0]!r})" if form.row_names else f"line {line}"
    name = f" ({form.header[column - form.row_names]!r})" if form.header else ""
    return f"{row}, column {column + 1}{name}"


def _check_cell(cell: str, place: str) -> None:
    if _missing(cell):
        raise no_value(f"{place} has no value ({cell!r})")
    number = _number(cell)
    if number is None and _DECIMAL_COMMA.fullmatch(cell.strip()):
        raise FileError(f"{place} holds {cell!r}: decimal commas are not read, so write it with a point.")
    if number is None:
        raise FileError(
            f"{place} holds {cell!r}, which is not a number: mend it, or say what names rows and columns with "
            f"{option('row_names')} and {option('header')}."
        )
    if not isfinite(number):
        raise FileError(f"{place} holds {cell!r}, which is not finite: replace it by a number.")


# --- parquet --------------------------------------------------------------------------------------------------------


def read_parquet(path: Path, options: NumberOptions) -> Dataset:
    """Read a table whose row names are its pandas index, or its first column where that holds no numbers."""
    parquet = require("pyarrow.parquet", "io", "Reading Parquet files")
    with parquet.ParquetFile(path) as file:
        groups = [file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups)]
        if max(sum(groups), 8 * file.metadata.num_rows * file.metadata.num_columns) > options.max_bytes:
            raise too_large(path, options.max_bytes)
        frame: pd.DataFrame = file.read().to_pandas()
    return _from_frame(frame, path, options)


def _from_frame(frame: "pd.DataFrame", path: Path, options: NumberOptions) -> Dataset:
    pandas = require("pandas", "io", "Reading tables")
    names: Iterable[Any] | None = None if isinstance(frame.index, pandas.RangeIndex) else frame.index
    if names is None and frame.shape[1] > 1 and frame.dtypes.iloc[0].kind not in "biuf":
        names, frame = frame.iloc[:, 0], frame.iloc[:, 1:]
    for position in range(frame.shape[1]):
        _check_column(frame.iloc[:, position], path, options)
    row_names = None if names is None else tuple(str(name) for name in names)
    X = frame.to_numpy(np.float64, na_value=np.nan)
    return Dataset(X, row_names, tuple(map(str, frame.columns)), source=str(path))


def _check_column(column: "pd.Series[Any]", path: Path, options: NumberOptions) -> None:
    missing = column.isna().to_numpy()
    if missing.any() and not options.missing:
        raise no_value(f"{path}, row {missing.argmax() + 1}, column {column.name!r} has no value")
    if column.dtype.kind not in "biuf" and not missing.all():
        raise FileError(
            f"{path}, column {column.name!r} holds {column.dtype} values such as {column[~missing].iloc[:1].tolist()}, "
            "not numbers: convert or remove it."
        )
