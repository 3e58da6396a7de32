"""Blocks whose entries have weights: missing entries, uncertain ones, repeated rows.

X is zero where an entry is missing, so that products with X need no mask.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np
import scipy.sparse as sp

from partwise._lazy import lazy
from partwise._types import Array
from partwise.arrays.block import (
    CANCELLED,
    Block,
    CSRBlock,
    DenseBlock,
    dense_residual_squares,
    dense_times,
)
from partwise.arrays.survey import Survey, first_gap
from partwise.arrays.weights import Weights
from partwise.kernels.beta import dense_share, divergence_of, weighted_sparse_share
from partwise.kernels.threads import each_range, even_bounds, even_ranges, parallel
from partwise.kernels.weighted import dense_grams, stored_grams

# Entries of a dense temporary.
_PIECE = 1 << 18


class WeightedBlock(Block):
    """What the mathematics asks of weighted blocks only."""

    weights: Weights

    @abstractmethod
    def model_times(self, F: Array, G: Array) -> Array:
        """(V ∘ F Gᵀ) G."""

    @abstractmethod
    def grams(self, G: Array) -> Callable[[int, int], Array]:
        """What makes Gᵀ diag(vᵢ) G of the rows i from start to stop, (stop − start) × k × k."""


class WeightedDenseBlock(DenseBlock, WeightedBlock):
    """Rows of an ndarray, with a weight for each entry."""

    def __init__(self, x: Array, weights: Weights, start: int = 0) -> None:
        self.weights = weights
        super().__init__(x, start)

    def weighted_times(self, B: Array) -> Array:
        weights = self.weights
        return weights.over_rows(dense_times(self._weighed, weights.over_columns(B)))

    @lazy
    def _weighed(self) -> Array:
        """The entries times e."""
        return self.x if self.weights.entries is None else _product(self.x, self.weights.entries)

    def weights_times(self, G: Array) -> Array:
        weights = self.weights
        held = weights.over_columns(G)
        if weights.entries is None:
            sums = held.sum(axis=0, keepdims=True, dtype=np.float64)
            return weights.over_rows(np.repeat(sums, self.shape[0], axis=0))
        return weights.over_rows(dense_times(weights.entries, held))

    def model_times(self, F: Array, G: Array) -> Array:
        weights, out = self.weights, np.empty(F.shape, F.dtype)
        held = weights.over_columns(G)

        def multiply(start: int, stop: int) -> None:
            for a, b in pairwise([*range(start, stop, max(1, _PIECE // self.shape[1])), stop]):
                y = F[a:b] @ G.T
                if weights.entries is not None:
                    y *= weights.entries[a:b]
                np.matmul(y, held, out=out[a:b])

        each_range(multiply, even_ranges(self.shape[0], 4 * self.shape[1] * F.shape[1]))
        return weights.over_rows(out)

    def grams(self, G: Array) -> Callable[[int, int], Array]:
        held, whole = _held_gram(self.weights, G)

        def of(start: int, stop: int) -> Array:
            part = self.weights.part(start, stop)
            out = np.empty((stop - start, *whole.shape))
            if part.entries is None:
                out[:] = whole
            else:
                dense_grams(part.entries, held, whole, out)
            return part.over_rows(out)

        return of

    def taken(self, index: Array) -> WeightedBlock:
        return WeightedDenseBlock(self.part(index), self.weights.of_rows(index))

    @lazy
    def weighted(self) -> tuple[Array, ...]:
        return (_product(self.x, self.weights.tile(slice(None), slice(None))),)

    def weights_of(self, index: Array) -> Array | float:
        return self.weights.tile(index, slice(None))

    @property
    def counts(self) -> Array:
        entries, rows, columns = self.weights.entries, self.weights.rows, self.weights.columns
        m, n = self.shape
        seen = np.ones(n, bool) if columns is None else columns > 0
        counts = np.full(m, seen.sum()) if entries is None else np.count_nonzero(entries[:, seen], axis=1)
        return counts if rows is None else counts * (rows > 0)

    def _transposed(self) -> "WeightedDenseBlock":
        return WeightedDenseBlock(self.x.T, self.weights.T)

    def _share(
        self, rows: slice, F: Array, G: Array, beta: float, negative: Array, positive: Array, valued: bool
    ) -> float:
        tile = self.weights.part(rows.start, rows.stop).tile
        return dense_share(self.x[rows], F, G, beta, negative, positive, valued, tile)

    def _survey(self) -> Survey:
        plain = self._survey_along()
        if plain.not_finite is not None:
            return plain.moved(self.start)
        pieces = pairwise(even_bounds(self.shape[0], max(1, _PIECE // self.shape[1])))
        found = reduce(add, parallel(lambda pair: self._facts(*pair), pieces))
        return replace(found, largest=plain.largest, negative=plain.negative, not_finite=plain.not_finite).moved(
            self.start
        )

    @np.errstate(over="ignore")  # then the sum of squares is infinite, and that is refused
    def _facts(self, start: int, stop: int) -> Survey:
        """What a survey tells of some rows by weight."""
        x = self.x[start:stop]
        v = np.broadcast_to(self.weights.part(start, stop).tile(slice(None), slice(None)), x.shape)
        observed, weighed = v > 0, np.multiply(v, x, dtype=np.float64)
        zeros = np.argwhere(observed & (x == 0))
        return Survey(
            size=int(observed.sum()),
            nonzeros=int((observed & (x != 0)).sum()),
            total=float(weighed.sum()),
            sumsq=float(np.einsum("ij,ij->", weighed, x)),
            largest=0.0,
            zero=(start + int(zeros[0, 0]), int(zeros[0, 1])) if len(zeros) else None,
            missing=x.size - int(observed.sum()),
            weight=float(v.sum(dtype=np.float64)),
            nonzero_weight=float(v[x != 0].sum(dtype=np.float64)),
        )


class WeightedCSRBlock(CSRBlock, WeightedBlock):
    """Rows of a CSR array whose stored entries, zeros among them, have weights; the others are zeros, or missing."""

    def __init__(self, x: sp.csr_array, weights: Weights, start: int = 0) -> None:
        self.weights = weights
        super().__init__(x, start)

    def weighted_times(self, B: Array) -> Array:
        weights = self.weights
        return weights.over_rows(self.values_times(self._weighed, weights.over_columns(B)))

    @lazy
    def _weighed(self) -> Array:
        """The stored entries times e."""
        return self.x.data if self.weights.entries is None else _product(self.x.data, self.weights.entries)

    def weights_times(self, G: Array) -> Array:
        weights = self.weights
        # In float64 where sums over what is missing are taken off sums over all.
        held = weights.over_columns(G.astype(np.float64) if weights.absent else G)
        out = np.zeros((self.shape[0], G.shape[1]), held.dtype)
        if weights.entries is not None:
            out += self.values_times(self._beyond, held)
        if weights.absent:
            out += held.sum(axis=0)
            np.maximum(out, 0, out=out)  # nothing is left of rows that are wholly missing but rounding
        return weights.over_rows(out)

    def model_times(self, F: Array, G: Array) -> Array:
        weights = self.weights
        held = weights.over_columns(G)
        out = F @ (G.T @ held) if weights.absent else np.zeros_like(F)
        if weights.entries is not None:
            out += self.values_times(self._beyond * self.model(F, G), held)
        return weights.over_rows(np.maximum(out, 0, out=out))

    def grams(self, G: Array) -> Callable[[int, int], Array]:
        weights, x = self.weights, self.x
        held, whole = _held_gram(weights, G)

        def of(start: int, stop: int) -> Array:
            out = np.empty((stop - start, *whole.shape))
            if weights.entries is None:
                out[:] = weights.absent * whole
            else:
                bounds = x.indptr[start : stop + 1]
                stored_grams(weights.entries, weights.absent, x.indices, bounds, held, whole, out)
            return replace(weights, entries=None).part(start, stop).over_rows(out)

        return of

    def residual_squares(self, F: Array, G: Array) -> Array:
        """Of the stored entries one by one, and of all zeros together, less where entries are stored."""
        F, G = F.astype(np.float64, copy=False), G.astype(np.float64, copy=False)
        weights, y = self.weights, self.model(F, G)
        squares = self.x.data - y
        np.square(squares, out=squares)
        squares *= self._stored_weights
        if weights.absent:
            np.square(y, out=y)
            if self._scales is not None:
                y *= self._scales
            squares -= y
        out = self.stored_sums(squares)
        if weights.absent:
            whole = weights.over_rows(np.einsum("ij,ij->i", F @ (G.T @ weights.over_columns(G)), F))
            out += whole
            cancelled = np.flatnonzero(out < CANCELLED * whole)
            out[cancelled] = dense_residual_squares(self, cancelled, F[cancelled], G)
        return out

    def taken(self, index: Array) -> WeightedBlock:
        entries = self.weights.entries
        if entries is not None:
            entries = sp.csr_array((entries, self.x.indices, self.x.indptr), self.shape)[index].data
        of_rows = replace(self.weights, entries=None).of_rows(index)
        return WeightedCSRBlock(self.part(index), replace(of_rows, entries=entries))

    @lazy
    def weighted(self) -> tuple[Array, ...]:
        return _product(self.x.data, self._stored_weights), self.x.indices, self.x.indptr

    def weights_of(self, index: Array) -> Array | float:
        pattern = sp.csr_array((self._beyond, self.x.indices, self.x.indptr), self.shape)
        return self.weights.scaled(pattern[index].toarray() + self.weights.absent, index, slice(None))

    def divergences(self, F: Array, G: Array, beta: float) -> Array:
        """Of the stored entries alone where the others are missing."""
        if self.weights.absent or beta == 1:
            return super().divergences(F, G, beta)
        y = self.model(F.astype(np.float64, copy=False), G.astype(np.float64, copy=False))
        x = np.where(self._stored_weights > 0, self.x.data, 1.0)
        return self.stored_sums(self._counted(divergence_of(x, y, beta)))

    def _counted(self, values: Array) -> Array:
        return values * self._stored_weights

    @property
    def _entries(self) -> Array:
        """Of the stored entries e."""
        entries = self.weights.entries
        return np.ones(self.x.nnz, self.dtype) if entries is None else entries

    @property
    def _beyond(self) -> Array:
        """The same, beyond what the entries that are not stored have."""
        return self._entries - self.dtype.type(self.weights.absent) if self.weights.absent else self._entries

    @lazy
    def _scales(self) -> Array | None:
        """Of the stored entries r c; None is 1 for all."""
        rows, columns = self.weights.rows, self.weights.columns
        scales = None if columns is None else columns[self.x.indices]
        if rows is None:
            return scales
        repeated = np.repeat(rows, np.diff(self.x.indptr))
        return repeated if scales is None else repeated * scales

    @lazy
    def _stored_weights(self) -> Array:
        """The weights of the stored entries."""
        if self._scales is None:
            return self._entries
        return self._scales if self.weights.entries is None else self.weights.entries * self._scales

    def _transposed(self) -> "WeightedCSRBlock":
        x, entries = sp.csr_array(self.x.T), self.weights.entries
        if entries is not None:
            entries = sp.csr_array(sp.csr_array((entries, self.x.indices, self.x.indptr), self.shape).T).data
        return WeightedCSRBlock(x, self.weights.turned(entries))

    def _share(
        self, rows: slice, F: Array, G: Array, beta: float, negative: Array, positive: Array, valued: bool
    ) -> float:
        x, bounds = self.x, self.x.indptr[rows.start : rows.stop + 1]
        others = replace(self.weights, entries=None).part(rows.start, rows.stop).tile if self.weights.absent else None
        entries = slice(bounds[0], bounds[-1])
        stored = x.data[entries], x.indices[entries], bounds - bounds[0], self._stored_weights[entries]
        return weighted_sparse_share(*stored, others, F, G, beta, negative, positive, valued)

    @np.errstate(over="ignore")
    def _survey(self) -> Survey:
        plain = super()._survey()
        if plain.not_finite is not None:
            return plain
        x, v = self.x.data.astype(np.float64, copy=False), self._stored_weights
        size = int(self.counts.sum())
        return replace(
            plain,
            size=size,
            nonzeros=int(np.count_nonzero(x)),
            total=float(np.dot(v, x)),
            sumsq=float(np.einsum("i,i,i->", v, x, x)),
            zero=self._first_zero(),
            missing=plain.size - size,
            weight=float(self.weights_times(np.ones((self.shape[1], 1))).sum()),
            nonzero_weight=float(v.sum(dtype=np.float64, where=x != 0)),
        )

    def _first_zero(self) -> tuple[int, int] | None:
        """The first that is observed, stored or not."""
        x = self.x
        gap = first_gap(x.indptr, x.indices, self.shape[1], self.weights.rows) if self.weights.absent else None
        places = [] if gap is None else [gap]
        zeros = np.flatnonzero((x.data == 0) & (self._stored_weights > 0))
        if len(zeros):
            places.append((int(np.searchsorted(x.indptr, zeros[0], side="right")) - 1, int(x.indices[zeros[0]])))
        return min(((self.start + i, j) for i, j in places), default=None)

    @property
    def counts(self) -> Array:
        rows, columns = self.weights.rows, self.weights.columns
        counts = self.stored_sums(self._stored_weights > 0)
        if self.weights.absent:
            others = self.shape[1] if columns is None else np.count_nonzero(columns)
            scales = np.ones(self.x.nnz) if self._scales is None else self._scales
            counts += (others if rows is None else others * (rows > 0)) - self.stored_sums(scales > 0)
        return counts.astype(int)


def _product(x: Array, weights: Array | float) -> Array:
    """Values times weights; the values themselves where these are a mask."""
    product = np.asarray(x * weights, x.dtype)
    return x if np.array_equal(product, x) else product


def _held_gram(weights: Weights, G: Array) -> tuple[Array, Array]:
    """√c ∘ G, and its Gram, in float64: what is missing is taken off sums over all, which one column may rule."""
    held = np.ascontiguousarray(G, np.float64)
    if weights.columns is not None:
        held = held * np.sqrt(weights.columns, dtype=np.float64)[:, None]
    return held, held.T @ held
