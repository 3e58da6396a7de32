"""A data set: the matrix together with the names of its rows and columns and what a row looks like."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from partwise._errors import DataError

RowKind = Literal["table", "image", "text"]


def writable(text: str) -> str:
    """Return the text with what no encoding can write, lone surrogates, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(frozen=True)
class Layout:
    """What one row of the matrix looks like, so that a part can be shown the same way.

    Parameters
    ----------
    kind : {"table", "image", "text"}, default="table"
        A row of numbers under column names, a picture, or the term weights of a document.
    shape : tuple of int or None, default=None
        For pictures (height, width) or (height, width, 3); a row is the picture in C order.
    """

    kind: RowKind = "table"
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Dataset:
    r"""A matrix with its labels; ``NMF.fit`` takes one as it takes an array.

    Parameters
    ----------
    X : ndarray or scipy.sparse.csr_array of shape (n_samples, n_features)
        The values.
    row_names, column_names : tuple of str or None
        Labels of the samples and of the features; None where the source had none. What no encoding can write (bytes
        of a file name that are no UTF-8, half a surrogate pair) is replaced by its escape, as in ``"\udcff.png"``.
    layout : Layout
        What one row looks like.
    source : str
        Where the data came from, as a reader would write it (a path, ``"demo faces"``).
    recipe : dict
        For text, the options of `read` (plain JSON values) that turn further documents into rows with the same
        columns and term weights: ``read(path, **dataset.recipe)``. Empty for the other kinds.
    recognised : dict of str to str
        What the reader took for names where it had to look, such as ``{"header": "yes", "row names": "from 'gene'"}``.

    Raises
    ------
    DataError
        If the number of names or the shape of the pictures does not fit the matrix.
    """

    X: Any
    row_names: tuple[str, ...] | None = None
    column_names: tuple[str, ...] | None = None
    layout: Layout = field(default_factory=Layout)
    source: str = ""
    recipe: dict[str, Any] = field(default_factory=dict)
    recognised: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("row_names", "column_names"):
            names = getattr(self, name)
            object.__setattr__(self, name, names if names is None else tuple(map(writable, names)))
        object.__setattr__(self, "source", writable(self.source))
        m, n = self.X.shape
        for names, size, what in ((self.row_names, m, "row"), (self.column_names, n, "column")):
            if names is not None and len(names) != size:
                raise DataError(f"There are {len(names)} {what} names for {size} {what}s; give one name for each.")
        if self.layout.shape is not None and int(np.prod(self.layout.shape)) != n:
            raise DataError(f"Pictures of shape {self.layout.shape} have {np.prod(self.layout.shape)} values, not {n}.")

    @property
    def shape(self) -> tuple[int, int]:
        """(n_samples, n_features)."""
        m, n = self.X.shape
        return m, n

    def place(self, row: int, column: int) -> str:
        """Where an entry is, for a sentence: by its numbers, and by the names that there are.

        >>> Dataset(np.eye(2), row_names=("Monday", "Friday")).place(1, 0)
        "row 1, column 0 (counted from 0; row 'Friday')"
        """
        labels = ((self.row_names, row, "row"), (self.column_names, column, "column"))
        named = ", ".join(f"{what} {names[at]!r}" for names, at, what in labels if names is not None)
        return f"row {row}, column {column} (counted from 0{named and f'; {named}'})"
