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
class Side:
    """What is lost in each row, or in each column, over its observed entries.

    Parameters
    ----------
    beta : float
        The β of the loss.
    lost : ndarray
        For β = 2 the squared residuals Σ v (x − y)², v the weights; otherwise the divergences.
    sizes, weights : ndarray
        Σ v x² and Σ v.
    """

    beta: float
    lost: Floats
    sizes: Floats
    weights: Floats

    @property
    def errors(self) -> Floats:
        """Relative errors, for β ≠ 2 divergences per entry; NaN where all that is observed is zero, or nothing is."""
        return np.where(self.empty, np.nan, self._errors(self.lost, self.sizes, self.weights))

    @property
    def error(self) -> float:
        """The same of all rows together."""
        return float(self._errors(*(part.sum(keepdims=True) for part in (self.lost, self.sizes, self.weights)))[0])

    @property
    def means(self) -> Floats:
        """What an entry loses on average: the root of the mean squared residual, or the divergence per entry."""
        mean = ratio(self.lost, self.weights, np.nan)
        return np.sqrt(mean) if self.beta == 2 else mean

    @property
    def unseen(self) -> NDArray[np.bool_]:
        """Where nothing is observed."""
        return np.asarray(self.weights == 0)

    @property
    def empty(self) -> NDArray[np.bool_]:
        """Where all that is observed is zero."""
        return np.asarray((self.sizes == 0) & (self.weights > 0))

    def _errors(self, lost: Floats, sizes: Floats, weights: Floats) -> Floats:
        return np.sqrt(ratio(lost, sizes, np.nan)) if self.beta == 2 else ratio(lost, weights, np.nan)


@dataclass(frozen=True)
class Residuals:
    """What is lost by row and by column."""

    rows: Side
    columns: Side


def residuals(block: Block, W: Floats, H: Floats, beta: float = 2.0) -> Residuals:
    """What WH leaves of the observed entries, by row and by column, in the loss of this β."""
    G = np.ascontiguousarray(H.T)
    return Residuals(_side(block, W, G, beta), _side(block.T, G, W, beta))


def _side(block: Block, F: Floats, G: Floats, beta: float) -> Side:
    m, n = block.shape
    lost = block.residual_squares(F, G) if beta == 2 else block.divergences(F, G, beta)
    sizes = block.residual_squares(np.zeros((m, 1)), np.zeros((n, 1)))
    weights = np.broadcast_to(block.weights_times(np.ones((n, 1))).ravel(), (m,))
    return Side(beta, lost, sizes, weights)


def bin_rows(values: Floats, limit: int) -> Floats:
    """Means of at most ``limit`` runs of neighbouring rows, all rows used; of NaN those of the others, if there are."""
    if len(values) <= limit:
        return values
    starts = np.linspace(0, len(values), limit + 1).astype(np.intp)[:-1]
    known = np.isfinite(values)
    sums: Floats = np.add.reduceat(np.where(known, values, 0.0), starts, axis=0)
    return ratio(sums, np.add.reduceat(known.astype(np.float64), starts, axis=0), np.nan)
