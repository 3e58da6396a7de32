"""One form for all containers."""

from typing import Any

import numpy as np
import scipy.sparse as sp

from partwise._types import Array


def canonical(X: Any, keep_zeros: bool = False) -> Array | sp.csr_array:
    """One form for all containers: an ndarray along whose rows or columns memory runs, or a canonical CSR array.

    Nothing is copied that is already so; what is copied is never the user's own. Zeros that sparse data store are
    dropped unless they are to be kept.
    """
    return _canonical_sparse(X, keep_zeros) if sp.issparse(X) else _canonical_dense(np.asarray(X))


def _canonical_dense(x: Array) -> Array:
    return x if x.flags.c_contiguous or x.flags.f_contiguous or _rows_run(x) else np.ascontiguousarray(x)


def _canonical_sparse(X: Any, keep_zeros: bool) -> sp.csr_array:
    # A shell of its own around the user's buffers: SciPy caches what it finds out (sorted, canonical) on the object.
    x: sp.csr_array = sp.csr_array(X)
    x = sp.csr_array((x.data, x.indices, x.indptr), shape=x.shape)
    if not x.has_canonical_format:
        x = x.copy()
        x.sum_duplicates()
    if not keep_zeros and x.nnz != np.count_nonzero(x.data):
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
