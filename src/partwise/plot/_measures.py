"""The numbers behind the figures: sparseness, errors by row and column, who dominates whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]

BLOCK_ENTRIES = 4_000_000  # 32 MB of float64: a block's residual stays small beside any matrix worth blocking


def sparseness(vectors: Any) -> Floats:
    """Hoyer's sparseness of each row: 0 where all entries are equal, 1 where only one is not zero.

    A zero row, or rows of length 1, have none (NaN). Source: P. O. Hoyer, "Non-negative matrix factorization with
    sparseness constraints", JMLR 5 (2004), page 1460.
    """
    values = np.asarray(vectors, dtype=np.float64)
    root = np.sqrt(values.shape[1])
    if root == 1.0:
        return np.full(values.shape[0], np.nan)
    peak = values.max(axis=1, keepdims=True, initial=0.0)
    unit = np.divide(values, peak, out=np.full_like(values, np.nan), where=peak > 0)
    ratio = unit.sum(axis=1) / np.sqrt(np.square(unit).sum(axis=1))
    return np.clip((root - ratio) / (root - 1.0), 0.0, 1.0)


def strongest(values: Any, count: int) -> Ints:
    """Indices of the ``count`` largest positive entries, largest first; ties by position."""
    values = np.asarray(values)
    order = np.argsort(-values, kind="stable")[:count]
    return order[values[order] > 0]


def contributions(W: Any, H: Any) -> Floats:
    """(m, k) sum that each part adds to each row of WH; unlike W itself it does not depend on H's scale."""
    return np.asarray(W, dtype=np.float64) * np.asarray(H, dtype=np.float64).sum(axis=1)


def mixture(W: Any, H: Any) -> Floats:
    """(m, k) share of each part in each row of WH; a row without parts stays zero."""
    amounts = contributions(W, H)
    totals = amounts.sum(axis=1, keepdims=True)
    return np.divide(amounts, totals, out=np.zeros_like(amounts), where=totals > 0)


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
    ratio = np.divide(errors, sizes, out=np.full_like(errors, np.nan), where=sizes > 0)
    return np.sqrt(ratio)


def residuals(X: Any, W: Any, H: Any) -> Residuals:
    """Errors of WH by row and column, without anything of X's size: row blocks, or products with sparse X."""
    W, H = np.asarray(W, dtype=np.float64), np.asarray(H, dtype=np.float64)
    return _sparse_residuals(X, W, H) if sparse.issparse(X) else _dense_residuals(X, W, H)


def _sparse_residuals(X: Any, W: Floats, H: Floats) -> Residuals:
    squares = X.astype(np.float64).power(2)
    row_sizes, column_sizes = _flat(squares.sum(axis=1)), _flat(squares.sum(axis=0))
    return Residuals(
        row_errors=_expanded(row_sizes, W, X @ H.T, H @ H.T),
        row_sizes=row_sizes,
        column_errors=_expanded(column_sizes, H.T, X.T @ W, W.T @ W),
        column_sizes=column_sizes,
    )


def _expanded(sizes: Floats, factor: Floats, cross: Floats, gram: Floats) -> Floats:
    """‖x‖² − 2 w·(H xᵀ) + w (H Hᵀ) wᵀ by row; rounding may take an exact fit below zero."""
    errors = sizes - 2.0 * np.einsum("ij,ij->i", factor, cross) + np.einsum("ij,ij->i", factor @ gram, factor)
    return np.maximum(errors, 0.0)


def _flat(values: Any) -> Floats:
    return np.asarray(values, dtype=np.float64).ravel()


def _dense_residuals(X: Any, W: Floats, H: Floats) -> Residuals:
    m, n = X.shape
    row_errors, row_sizes = np.zeros(m), np.zeros(m)
    column_errors, column_sizes = np.zeros(n), np.zeros(n)
    for rows in row_blocks(m, n):
        block = np.asarray(X[rows], dtype=np.float64)
        column_sizes += np.einsum("ij,ij->j", block, block)
        row_sizes[rows] = np.einsum("ij,ij->i", block, block)
        gap = block - W[rows] @ H
        column_errors += np.einsum("ij,ij->j", gap, gap)
        row_errors[rows] = np.einsum("ij,ij->i", gap, gap)
    return Residuals(row_errors, row_sizes, column_errors, column_sizes)


def row_blocks(m: int, n: int) -> Iterator[slice]:
    """Slices over m rows of n entries, none above BLOCK_ENTRIES unless one row is."""
    step = max(1, BLOCK_ENTRIES // max(n, 1))
    return (slice(start, min(start + step, m)) for start in range(0, m, step))


def bin_rows(values: Floats, limit: int) -> Floats:
    """Means of at most ``limit`` runs of neighbouring rows, all rows used."""
    if len(values) <= limit:
        return values
    edges = np.linspace(0, len(values), limit + 1).astype(np.intp)
    sums: Floats = np.add.reduceat(values, edges[:-1], axis=0)
    return sums / np.diff(edges).reshape(-1, *[1] * (values.ndim - 1))
