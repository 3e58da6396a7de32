"""Blocks: some consecutive rows of the data, in memory."""

import weakref
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp

from partwise._lazy import lazy
from partwise._types import Array
from partwise.arrays.survey import Survey, first_gap, first_zero, survey_line, survey_values
from partwise.arrays.weights import Weights
from partwise.kernels.beta import dense_share, divergence_of, sparse_share
from partwise.kernels.sparse import csr_times
from partwise.kernels.sums import row_squares, row_sums
from partwise.kernels.threads import each_range, even_ranges, parallel
from partwise.kernels.weighted import stored_model

# Operations on an entry where rows are lowered by their entries: a few sweeps over some ten components.
_SWEPT = 250

# Entries whose divergences are taken at a time.
_PIECE = 1 << 18

# A squared residual below this share of the squared row has lost half its digits to cancellation.
CANCELLED = 1e-8


class Block(ABC):
    """Rows ``start … start + shape[0]`` of the data; what the mathematics may ask of them, whatever holds them."""

    start: int
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    weights: Weights | None = None

    @abstractmethod
    def times(self, B: Array) -> Array:
        """The product of these rows with ``B`` (n × k), a new C-ordered array of their common dtype."""

    def __init__(self) -> None:
        self._forth: Block | None = None
        self._back: weakref.ref[Block] | None = None

    @property
    def T(self) -> "Block":
        """The transpose, made once, when first asked for."""
        behind = None if self._back is None else self._back()
        if behind is not None:
            return behind
        if self._forth is None:
            self.keep_transpose(self._transposed())
        assert self._forth is not None
        return self._forth

    def keep_transpose(self, transpose: "Block") -> None:
        """Take ``transpose`` for this block's own; it refers back weakly, so that no cycle keeps the data alive."""
        self._forth, transpose._back = transpose, weakref.ref(self)
        known = self.survey.transposed()
        # The first bad entry by columns is not the first by rows.
        vars(transpose)["survey"] = known if known.clean else transpose._survey()

    @abstractmethod
    def _transposed(self) -> "Block": ...

    @property
    @abstractmethod
    def row_squares(self) -> Array:
        """‖xᵢ‖² for each row i, in float64."""

    @property
    @abstractmethod
    def stored(self) -> tuple[Array, ...]:
        """What kernels of single entries read: ``(x,)`` of any strides, or ``(data, indices, indptr)`` in CSR form."""

    @property
    def weighted(self) -> tuple[Array, ...]:
        """The same with each entry times its weight."""
        return self.stored

    @property
    @abstractmethod
    def ranges(self) -> Sequence[int]:
        """Bounds of row ranges that hold about the same number of entries."""

    @abstractmethod
    def part(self, index: Array) -> Any:
        """Copies of single rows of the block, dense or CSR as the block is."""

    @abstractmethod
    def taken(self, index: Array) -> "Block":
        """The same as a block, which starts at 0, with their weights."""

    @abstractmethod
    def rows(self, index: Array) -> Array:
        """Copies of single rows of the block, dense (len(index) × n)."""

    @abstractmethod
    def residual_squares(self, F: Array, G: Array) -> Array:
        """‖xᵢ − fᵢ Gᵀ‖² for each row i in float64, to half its digits or better, never as large as the block."""

    @abstractmethod
    def reached(self, F: Array, G: Array) -> bool:
        """Whether F Gᵀ is above zero wherever an observed entry is."""

    def weights_of(self, index: Array) -> Array | float:
        """The weights of single rows of the block, in a shape that broadcasts to (len(index) × n)."""
        return 1.0

    @property
    def counts(self) -> Array:
        """How many entries of each row are observed."""
        return np.full(*self.shape)

    def divergence(self, F: Array, G: Array, beta: float, valued: bool = True) -> tuple[Array, Array, float]:
        """Both parts of the gradient in F of D_β(X | F Gᵀ), negative and positive, and D_β itself, β ≠ 2.

        For β = 1 the positive part is one row for all, in float64, where no entry has a weight of its own.
        D_β costs as much as the rest; it is NaN where it is not ``valued``.
        """
        F, G = np.ascontiguousarray(F), np.ascontiguousarray(G)
        negative = np.zeros(F.shape, F.dtype)
        positive = self.weights_times(G) if beta == 1 else np.zeros_like(negative)

        def share(pair: tuple[int, int]) -> float:
            rows = slice(*pair)
            written = positive if positive.ndim == 1 else positive[rows]
            return self._share(rows, F[rows], G, beta, negative[rows], written, valued)

        return negative, positive, sum(parallel(share, pairwise(self._divergence_ranges(F.shape[1], beta))))

    def divergences(self, F: Array, G: Array, beta: float) -> Array:
        """D_β(xᵢ | fᵢ Gᵀ) of each row i in float64, β ≠ 2; never as large as the block."""
        F, G = F.astype(np.float64, copy=False), G.astype(np.float64, copy=False)
        out = np.empty(self.shape[0])
        step = max(1, _PIECE // self.shape[1])

        def measure(start: int) -> None:
            index = np.arange(start, min(start + step, len(out)))
            v = np.broadcast_to(self.weights_of(index), (len(index), self.shape[1]))
            x = np.where(v > 0, self.rows(index), 1.0)
            out[index] = np.einsum("ij,ij->i", v, divergence_of(x, F[index] @ G.T, beta))

        parallel(measure, range(0, len(out), step))
        return np.maximum(out, 0)

    def weights_times(self, G: Array) -> Array:
        """V G for the weights V, (b × k); one row for all (k,) where V is 1. In the dtype of G or in float64."""
        return np.asarray(G.sum(axis=0, dtype=np.float64))

    def weighted_times(self, B: Array) -> Array:
        """(V ∘ X) B."""
        return self.times(B)

    @abstractmethod
    def _share(
        self, rows: slice, F: Array, G: Array, beta: float, negative: Array, positive: Array, valued: bool
    ) -> float:
        """See :mod:`partwise.kernels.beta`."""

    def _divergence_ranges(self, k: int, beta: float) -> Sequence[int]:
        # Three products, and a power, a logarithm and a quotient like forty operations, for each entry of a tile.
        return even_ranges(self.shape[0], self.shape[1] * (6 * k + 40))

    @lazy
    def survey(self) -> Survey:
        """Sum, squares, zeros and the first entry that is negative or not finite, from one read."""
        return self._survey()

    @abstractmethod
    def _survey(self) -> Survey: ...

    @property
    def sumsq(self) -> float:
        """Σ x², in float64."""
        return self.survey.sumsq


class DenseBlock(Block):
    """Rows of an ndarray in C or Fortran order; never copied."""

    def __init__(self, x: Array, start: int = 0) -> None:
        self.x = x
        self.start = start
        self.shape = (x.shape[0], x.shape[1])
        self.dtype = x.dtype
        super().__init__()

    def times(self, B: Array) -> Array:
        return dense_times(self.x, B)

    def _transposed(self) -> "DenseBlock":
        return DenseBlock(self.x.T)

    @lazy
    def row_squares(self) -> Array:
        return np.asarray(np.einsum("ij,ij->i", self.x, self.x, dtype=np.float64))

    @property
    def stored(self) -> tuple[Array, ...]:
        return (self.x,)

    @property
    def ranges(self) -> Sequence[int]:
        return even_ranges(self.shape[0], _SWEPT * self.shape[1], fewest=1)

    def part(self, index: Array) -> Array:
        return np.ascontiguousarray(self.x[index])

    def taken(self, index: Array) -> Block:
        return DenseBlock(self.part(index))

    def rows(self, index: Array) -> Array:
        return np.array(self.x[index])

    def residual_squares(self, F: Array, G: Array) -> Array:
        return dense_residual_squares(self, np.arange(self.shape[0]), F, G)

    def reached(self, F: Array, G: Array) -> bool:
        x, step = self.weighted[0], max(1, _PIECE // self.shape[1])

        def reached(start: int) -> bool:
            rows = slice(start, start + step)
            return bool(np.all((F[rows] @ G.T > 0) | (x[rows] == 0)))

        return all(parallel(reached, range(0, len(F), step)))

    def _share(
        self, rows: slice, F: Array, G: Array, beta: float, negative: Array, positive: Array, valued: bool
    ) -> float:
        return dense_share(self.x[rows], F, G, beta, negative, positive, valued)

    def _survey(self) -> Survey:
        found = self._survey_along()
        zero = first_zero(self.x) if found.nonzeros < found.size else None
        return replace(found, zero=zero).moved(self.start)

    def _survey_along(self) -> Survey:
        # Read along memory.
        if self.x.flags.c_contiguous or not self.x.flags.f_contiguous:
            return survey_values(self.x)
        found = survey_values(self.x.T).transposed()
        return found if found.clean else survey_values(self.x)  # the first bad entry by rows


class CSRBlock(Block):
    """Rows of a canonical CSR array: indices sorted, no duplicates, no stored zeros."""

    def __init__(self, x: sp.csr_array, start: int = 0) -> None:
        self.x = x
        self.start = start
        m, n = x.shape
        self.shape = (m, n)
        self.dtype = x.dtype
        super().__init__()

    def times(self, B: Array) -> Array:
        return self.values_times(self.x.data, B)

    def values_times(self, values: Array, B: Array) -> Array:
        """The product with B of other values in the places of the stored ones."""
        x = self.x
        B = np.ascontiguousarray(B)
        out = np.empty((self.shape[0], B.shape[1]), np.result_type(values.dtype, B.dtype))

        def multiply(a: int, b: int) -> None:
            csr_times(values, x.indices, x.indptr, B, a, b, out)

        each_range(multiply, self.ranges)
        return out

    @property
    def stored(self) -> tuple[Array, ...]:
        return self.x.data, self.x.indices, self.x.indptr

    @lazy
    def ranges(self) -> Sequence[int]:
        m, indptr = self.shape[0], self.x.indptr
        ranges = len(even_ranges(m, _SWEPT * self.x.nnz // max(1, m), fewest=1)) - 1
        cuts = np.searchsorted(indptr, np.linspace(0, indptr[-1], ranges + 1)[1:-1])
        return [0, *(int(c) for c in np.maximum.accumulate(cuts)), m]

    def _transposed(self) -> "CSRBlock":
        return CSRBlock(sp.csr_array(self.x.T))

    @lazy
    def row_squares(self) -> Array:
        out = np.empty(self.shape[0])
        row_squares(self.x.data, self.x.indptr, out)
        return out

    def part(self, index: Array) -> Any:
        return self.x[index]

    def taken(self, index: Array) -> Block:
        return CSRBlock(self.part(index))

    def rows(self, index: Array) -> Array:
        return np.asarray(self.x[index].toarray())

    def residual_squares(self, F: Array, G: Array) -> Array:
        """By ‖x‖² − 2⟨x, f Gᵀ⟩ + f GᵀG fᵀ from one product; rows where that cancels are made dense, a few at once."""
        F = F.astype(np.float64, copy=False)
        G = G.astype(np.float64, copy=False)
        mixed = np.einsum("ij,ij->i", self.times(G), F)
        model = np.einsum("ij,ij->i", F @ (G.T @ G), F)
        residuals: Array = self.row_squares - 2.0 * mixed + model
        cancelled = np.flatnonzero(residuals < CANCELLED * self.row_squares)
        residuals[cancelled] = dense_residual_squares(self, cancelled, F[cancelled], G)
        return residuals

    def reached(self, F: Array, G: Array) -> bool:
        return bool(np.all((self.model(F, G) > 0) | (self.weighted[0] == 0)))

    def model(self, F: Array, G: Array) -> Array:
        """The model F Gᵀ at the stored entries."""
        F, G = np.ascontiguousarray(F), np.ascontiguousarray(G)
        out = np.empty(self.x.nnz, F.dtype)
        each_range(lambda a, b: stored_model(self.x.indices, self.x.indptr, F, G, a, b, out), self.ranges)
        return out

    def divergences(self, F: Array, G: Array, beta: float) -> Array:
        """For β = 1 from the stored entries and the sums of the model, else like dense data."""
        if beta != 1:
            return super().divergences(F, G, beta)
        F, G = F.astype(np.float64, copy=False), G.astype(np.float64, copy=False)
        y = self.model(F, G)
        everywhere = np.broadcast_to(self.weights_times(G), F.shape)
        own = self.stored_sums(self._counted(divergence_of(self.x.data, y, beta) - y))
        return np.asarray(np.maximum(own + np.einsum("ij,ij->i", F, everywhere), 0))

    def stored_sums(self, values: Array) -> Array:
        """The sums by row of values in the places of the stored entries, in float64."""
        out = np.empty(self.shape[0])
        row_sums(values.astype(np.float64, copy=False), self.x.indptr, out)
        return out

    def _counted(self, values: Array) -> Array:
        """Values in the places of the stored entries, times their weights."""
        return values

    def _share(
        self, rows: slice, F: Array, G: Array, beta: float, negative: Array, positive: Array, valued: bool
    ) -> float:
        x, bounds = self.x, self.x.indptr[rows.start : rows.stop + 1]
        return sparse_share(x.data, x.indices, bounds, F, G, beta, negative, positive, valued)

    def _divergence_ranges(self, k: int, beta: float) -> Sequence[int]:
        return self.ranges if beta == 1 else super()._divergence_ranges(k, beta)

    def _survey(self) -> Survey:
        x = self.x
        stored = survey_line(x.data).unpacked(x.indptr, x.indices, self.shape)
        return replace(stored, zero=first_gap(x.indptr, x.indices, self.shape[1])).moved(self.start)


def dense_times(x: Array, B: Array) -> Array:
    """X B for a dense x of any strides."""
    m, n = x.shape
    out = np.empty((m, B.shape[1]), np.result_type(x.dtype, B.dtype))

    def multiply(a: int, b: int) -> None:
        np.matmul(x[a:b], B, out=out[a:b])

    each_range(multiply, even_ranges(m, 2 * n * B.shape[1]))
    return out


def dense_residual_squares(block: Block, index: Array, F: Array, G: Array) -> Array:
    """Σ v (x − f Gᵀ)² for the rows in ``index``, from the residuals themselves, about a million entries at a time."""
    out = np.empty(len(index))
    G = G.astype(np.float64, copy=False)

    def measure(start: int) -> None:
        part = slice(start, start + step)
        residual = F[part].astype(np.float64, copy=False) @ G.T
        residual -= block.rows(index[part])
        out[part] = np.einsum("ij,ij->i", residual * block.weights_of(index[part]), residual)

    step = max(1, (1 << 20) // block.shape[1])
    parallel(measure, range(0, len(index), step))
    return out
