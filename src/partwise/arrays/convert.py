"""From what a user has to an operand, without touching the user's object."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from partwise._types import Array
from partwise.arrays.memory import MemoryOperand
from partwise.arrays.operand import Operand
from partwise.arrays.rows import RowBlocks

OPERANDS: dict[str, Callable[[Any], Operand]] = {
    "memory": MemoryOperand,
    "rows": lambda x: RowBlocks([canonical(block) for block in x]),
}
"""The storages by name, each made from what ``as_operand`` takes."""


def as_operand(X: Any) -> Operand:
    """The operand for a validated matrix: numeric, two-dimensional, float32 or float64.

    Parameters
    ----------
    X : ndarray, SciPy sparse array or matrix, list of those, or an Operand
        A list is taken as consecutive blocks of rows.
    """
    if isinstance(X, MemoryOperand | RowBlocks):
        return X
    if isinstance(X, list):
        return OPERANDS["rows"](X)
    if isinstance(X, sp.csc_array | sp.csc_matrix):
        # Its buffers are the transpose in CSR form, which the products need too: one copy instead of two.
        return MemoryOperand(canonical(X.T)).T
    return OPERANDS["memory"](canonical(X))


def canonical(X: Any) -> Array | sp.csr_array:
    """One form for all containers: an ndarray along whose rows or columns memory runs, or a canonical CSR array.

    Nothing is copied that is already so; what is copied is never the user's own.
    """
    return _canonical_sparse(X) if sp.issparse(X) else _canonical_dense(np.asarray(X))


def _canonical_dense(x: Array) -> Array:
    return x if x.flags.c_contiguous or x.flags.f_contiguous or _rows_run(x) else np.ascontiguousarray(x)


def _canonical_sparse(X: Any) -> sp.csr_array:
    # A shell of its own around the user's buffers: SciPy caches what it finds out (sorted, canonical) on the object.
    x: sp.csr_array = sp.csr_array(X)
    x = sp.csr_array((x.data, x.indices, x.indptr), shape=x.shape)
    if not x.has_canonical_format:
        x = x.copy()
        x.sum_duplicates()
    if x.nnz != np.count_nonzero(x.data):
        x = x.copy()
        x.eliminate_zeros()
    return _small_indices(x)


def _rows_run(x: Array) -> bool:
    """Whether BLAS can read the view as it is: one stride is an entry, the other at least a whole line."""
    (m, n), (a, b), size = x.shape, x.strides, x.itemsize
    return (b == size and a >= n * size and a % size == 0) or (a == size and b >= m * size and b % size == 0)


def _small_indices(x: sp.csr_array) -> sp.csr_array:
    """Indices as int32 where they fit, so that kernels are compiled once and half the memory is read."""
    if x.indices.dtype == np.int32 and x.indptr.dtype == np.int32:
        return x
    dtype = np.int32 if max(x.nnz, *x.shape) <= np.iinfo(np.int32).max else np.int64
    small = sp.csr_array(x.shape, dtype=x.dtype)
    small.data, small.indices, small.indptr = x.data, x.indices.astype(dtype), x.indptr.astype(dtype)
    return small
