"""The numbers behind the figures: sparseness, errors by row and column, who dominates whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from partwise.arrays.block import Block

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]


def sparseness(vectors: Floats) -> Floats:
    """Hoyer's sparseness of each row: 0 where all entries are equal, 1 where only one is not zero.

    A zero row, or rows of length 1, have none (NaN). Source: P. O. Hoyer, "Non-negative matrix factorization with
    sparseness constraints", JMLR 5 (2004), page 1460.
    """
    values = np.asarray(vectors, dtype=np.float64)
    root = float(np.sqrt(values.shape[1]))
    if root == 1.0:
        return np.full(values.shape[0], np.nan)
    peak = values.max(axis=1, keepdims=True, initial=0.0)
    unit = ratio(values, peak, np.nan)
    spread = unit.sum(axis=1) / np.sqrt(np.square(unit).sum(axis=1))
    scores: Floats = np.clip((root - spread) / (root - 1.0), 0.0, 1.0)
    return scores


def ratio(amounts: Floats, totals: Floats, fill: float = 0.0) -> Floats:
    """Share ``amounts / totals``, and ``fill`` where the total is zero."""
    result: Floats = np.divide(amounts, totals, out=np.full(amounts.shape, fill), where=totals > 0)
    return result


def strongest(values: Floats, count: int) -> Ints:
    """Indices of the ``count`` largest positive entries, largest first; ties by position."""
    order: Ints = np.argsort(-values, kind="stable")[:count]
    return order[values[order] > 0]


def contributions(W: Floats, H: Floats) -> Floats:
    """(m, k) sum that each part adds to each row of WH; unlike W itself it does not depend on H's scale."""
    sums: Floats = H.sum(axis=1, dtype=np.float64)
    return W * sums


def mixture(W: Floats, H: Floats) -> Floats:
    """(m, k) share of each part in each row of WH; a row without parts stays zero."""
    amounts = contributions(W, H)
    return ratio(amounts, amounts.sum(axis=1, keepdims=True))


def dominant(shares: Floats) -> Ints:
    """(m,) the part with the largest share of each row, −1 for a row without parts."""
    return np.where(shares.max(axis=1, initial=0.0) > 0, shares.argmax(axis=1), -1)


def by_dominant_part(shares: Floats) -> Ints:
    """Order of the rows by dominant part, then by falling share of it; rows without parts last."""
    leader = dominant(shares)
    return np.lexsort((-shares.max(axis=1, initial=0.0), np.where(leader < 0, shares.shape[1], leader)))


@dataclass(frozen=True)
class Residuals:
    """Squared residuals and squared sizes of X, summed by row and by column."""

    row_errors: Floats
    row_sizes: Floats
    column_errors: Floats
    column_sizes: Floats

    @property
    def by_row(self) -> Floats:
        """‖x − wH‖ / ‖x‖ of each row; NaN where the row is zero."""
        return _relative(self.row_errors, self.row_sizes)

    @property
    def by_column(self) -> Floats:
        """The same of each column."""
        return _relative(self.column_errors, self.column_sizes)

    @property
    def relative(self) -> float:
        """‖X − WH‖ / ‖X‖; NaN where X is zero."""
        return float(_relative(self.row_errors.sum(keepdims=True), self.row_sizes.sum(keepdims=True))[0])


def _relative(errors: Floats, sizes: Floats) -> Floats:
    return np.sqrt(ratio(errors, sizes, np.nan))


def residuals(block: Block, W: Floats, H: Floats) -> Residuals:
    """Errors of WH by row and by column; the sizes are those of a model without parts."""
    m, n = block.shape
    nothing_by_row, nothing_by_column = np.zeros((m, 1)), np.zeros((n, 1))
    G = np.ascontiguousarray(H.T)
    return Residuals(
        row_errors=block.residual_squares(W, G),
        row_sizes=block.residual_squares(nothing_by_row, nothing_by_column),
        column_errors=block.T.residual_squares(G, W),
        column_sizes=block.T.residual_squares(nothing_by_column, nothing_by_row),
    )


def bin_rows(values: Floats, limit: int) -> Floats:
    """Means of at most ``limit`` runs of neighbouring rows, all rows used."""
    if len(values) <= limit:
        return values
    edges = np.linspace(0, len(values), limit + 1).astype(np.intp)
    sums: Floats = np.add.reduceat(values, edges[:-1], axis=0)
    return sums / np.diff(edges).reshape(-1, *[1] * (values.ndim - 1))
