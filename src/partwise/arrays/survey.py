"""The first read of the data: what it holds, and the first entry that it should not."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np

from partwise._types import Array
from partwise.kernels.survey import survey_dense
from partwise.kernels.threads import even_bounds, parallel

Position = tuple[int, int]


@dataclass(frozen=True)
class Survey:
    """Facts about a matrix; those of blocks of rows add up with ``+``.

    Parameters
    ----------
    size, nonzeros : int
        Number of observed entries, and of those that are not zero.
    total, sumsq, largest : float
        Σ v x, Σ v x² (v the weights, 1 where there are none) and max x, in float64.
    negative, not_finite, zero : (int, int) or None
        Row and column of the first entry below zero, of the first NaN or infinity, and of the first zero.
    missing : int
        Number of entries without weight.
    weight, nonzero_weight : float or None
        Σ v over all entries, and over those that are not zero; None where each entry counts 1.
    """

    size: int
    nonzeros: int
    total: float
    sumsq: float
    largest: float
    negative: Position | None = None
    not_finite: Position | None = None
    zero: Position | None = None
    missing: int = 0
    weight: float | None = None
    nonzero_weight: float | None = None

    def __add__(self, other: "Survey") -> "Survey":
        return Survey(
            self.size + other.size,
            self.nonzeros + other.nonzeros,
            self.total + other.total,
            self.sumsq + other.sumsq,
            max(self.largest, other.largest),
            self.negative or other.negative,
            self.not_finite or other.not_finite,
            self.zero or other.zero,
            self.missing + other.missing,
            _sum(self.weight, other.weight),
            _sum(self.nonzero_weight, other.nonzero_weight),
        )

    @property
    def clean(self) -> bool:
        """Whether all entries are finite and none is negative."""
        return self.negative is None and self.not_finite is None

    @property
    def mean(self) -> float:
        """Weighted mean of the observed entries, zeros included; 0 where there are none."""
        return self.total / (self.whole or 1.0)

    @property
    def whole(self) -> float:
        """The weight of all entries."""
        return float(self.size) if self.weight is None else self.weight

    @property
    def filled(self) -> float:
        """The weight of those that are not zero."""
        return float(self.nonzeros) if self.nonzero_weight is None else self.nonzero_weight

    @property
    def norm(self) -> float:
        """Frobenius norm ‖X‖."""
        return float(np.sqrt(self.sumsq))

    @property
    def zeros(self) -> float:
        """Share of the entries that are zero."""
        return 1.0 - self.nonzeros / self.size

    def moved(self, rows: int = 0, columns: int = 0) -> "Survey":
        """The same facts, their positions counted from so many rows and columns before."""
        return self._placed(lambda i, j: (i + rows, j + columns))

    def transposed(self) -> "Survey":
        """The facts of the transpose."""
        return self._placed(lambda i, j: (j, i))

    def unpacked(self, indptr: Array, indices: Array, shape: tuple[int, int]) -> "Survey":
        """The facts of a CSR array from those of its stored entries laid out in one row."""

        def place(_: int, p: int) -> Position:
            return int(np.searchsorted(indptr, p, side="right")) - 1, int(indices[p])

        return replace(self._placed(place), size=shape[0] * shape[1], largest=max(self.largest, 0.0))

    def _placed(self, place: Callable[[int, int], Position]) -> "Survey":
        return replace(
            self,
            negative=None if self.negative is None else place(*self.negative),
            not_finite=None if self.not_finite is None else place(*self.not_finite),
            zero=None if self.zero is None else place(*self.zero),
        )


def _sum(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a + b


# Entries that a thread surveys at a time.
_PIECE = 1 << 20
# Entries among which a zero is looked for at a time.
_LOOK = 1 << 16


def survey_values(x: Array) -> Survey:
    """Survey a dense matrix of any strides, whole rows at a time."""
    bounds = even_bounds(x.shape[0], max(1, _PIECE // max(1, x.shape[1])))
    parts = parallel(lambda pair: _survey_rows(x, *pair), pairwise(bounds))
    return reduce(add, parts, Survey(0, 0, 0.0, 0.0, -np.inf))


def first_zero(x: Array) -> Position | None:
    """Row and column of the first zero of a dense matrix, looked for a few rows at a time."""
    for a, b in pairwise(even_bounds(x.shape[0], max(1, _LOOK // max(1, x.shape[1])))):
        zeros = np.flatnonzero(x[a:b] == 0)
        if len(zeros):
            i, j = divmod(int(zeros[0]), x.shape[1])
            return a + i, j
    return None


def first_gap(indptr: Array, indices: Array, columns: int, rows: Array | None = None) -> Position | None:
    """Row and column of the first entry that a canonical CSR array does not store, among the rows that are not 0."""
    short = np.flatnonzero((np.diff(indptr) < columns) & (True if rows is None else rows != 0))
    if not len(short):
        return None
    row = int(short[0])
    stored = indices[indptr[row] : indptr[row + 1]]
    gaps = np.flatnonzero(stored != np.arange(len(stored)))
    return row, int(gaps[0]) if len(gaps) else len(stored)


def survey_line(values: Array) -> Survey:
    """Survey values that stand in one row."""
    starts = range(0, len(values), _PIECE)
    parts = parallel(lambda a: _survey_rows(values[None, a : a + _PIECE], 0, 1).moved(columns=a), starts)
    return reduce(add, parts, Survey(0, 0, 0.0, 0.0, -np.inf))


def _survey_rows(x: Array, start: int, stop: int) -> Survey:
    part = x[start:stop]
    sums = np.zeros(3)
    places = np.full((2, 2), -1, np.int64)
    nonzeros = survey_dense(part, sums, places)
    (a, b), (c, d) = places.tolist()
    return Survey(
        part.size,
        nonzeros,
        float(sums[0]),
        float(sums[1]),
        float(sums[2]),
        None if a < 0 else (start + a, b),
        None if c < 0 else (start + c, d),
    )
