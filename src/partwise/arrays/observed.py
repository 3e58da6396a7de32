"""Data of which some entries are missing, or count more than others, as an operand."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from partwise._types import Array
from partwise.arrays.canonical import canonical
from partwise.arrays.memory import MemoryOperand
from partwise.arrays.speckle import Speckle
from partwise.arrays.weights import Weights

Mask: TypeAlias = Array | sp.csr_array | Speckle
"""True where an entry is observed."""

# Rows of a dense mask that are looked at together.
_ROWS = 1024


def observed(
    X: Array | sp.csr_array,
    mask: Mask | None = None,
    weights: Array | sp.csr_array | None = None,
    *,
    absent_missing: bool = False,
) -> MemoryOperand:
    """The operand of X for what is observed of it; X and what else is given stay as they are.

    Parameters
    ----------
    X : ndarray or sparse array of shape (m, n), float32 or float64
        NaN in dense data is missing.
    mask : bool ndarray or sparse array of shape (m, n), or Speckle, default=None
        True where an entry is observed.
    weights : ndarray or sparse array of shape (m, n), or ndarray of shape (m,), default=None
        How much each entry, or each row, counts, in the dtype of X; 0 is missing.
    absent_missing : bool, default=False
        Whether what sparse data do not store is missing; if not, it is zero.
    """
    rows = weights if isinstance(weights, np.ndarray) and weights.ndim == 1 else None
    each = None if rows is not None else weights
    if not sp.issparse(X):
        return _dense(np.asarray(canonical(X)), mask, filled(each), rows)
    if isinstance(each, np.ndarray) and not absent_missing:
        # Zeros that have weights of their own leave nothing sparse.
        return _dense(X.toarray(), mask, each, rows)
    x = sp.csr_array(canonical(X, keep_zeros=absent_missing))
    return _sparse(_without_rows(x, rows), mask, each, rows, absent_missing)


def hide(mask: Mask, missing: Array) -> None:
    """Mark in ``missing`` (m × n, bool) what the mask does not observe."""
    if not isinstance(mask, Speckle):
        missing |= ~filled(mask)
        return
    m, n = missing.shape
    for a in range(0, m, _ROWS):
        missing[a : a + _ROWS] |= mask.complement.rows(a, min(a + _ROWS, m), n)


def filled(values: Any) -> Any:
    """What may be sparse as an ndarray."""
    sparse: bool = sp.issparse(values)
    return values.toarray() if sparse else values


def _without_rows(x: sp.csr_array, rows: Array | None) -> sp.csr_array:
    """Nothing stored in the rows that have no weight."""
    if rows is None or rows.all():
        return x
    lengths = np.diff(x.indptr)
    kept = np.repeat(rows > 0, lengths)
    indptr = np.concatenate([[0], np.cumsum(lengths * (rows > 0))]).astype(x.indptr.dtype)
    return sp.csr_array((x.data[kept], x.indices[kept], indptr), x.shape)


def _dense(x: Array, mask: Mask | None, each: Array | None, rows: Array | None) -> MemoryOperand:
    missing = np.isnan(x)
    if mask is not None:
        hide(mask, missing)
    if each is not None:
        missing |= each == 0
    lost = slice(0) if rows is None else rows == 0
    missing[lost] = False
    if missing.any() or x[lost].any():
        x = x.copy(order="K")
        x[missing] = 0
        x[lost] = 0
    entries = None
    if each is not None or missing.any():
        entries = np.ones_like(x)
        if each is not None:
            entries[...] = each
        entries[missing] = 0
    return MemoryOperand(x, None if entries is None and rows is None else Weights(entries, rows))


@dataclass
class _Entries:
    """Entries of an m × n matrix by their place row · n + column, ascending, with the values and weights there.

    Those that are not here are zero if ``absent`` is 1, and missing if it is 0.
    """

    places: Array
    x: Array
    e: Array
    absent: float

    def only(self, places: Array) -> None:
        """Leave out what is not in ``places``."""
        self.keep(_among(self.places, places)[1])

    def keep(self, kept: Array) -> None:
        """Leave out the others."""
        self.places, self.x, self.e = self.places[kept], self.x[kept], self.e[kept]

    def exactly(self, places: Array) -> None:
        """Have an entry in each of ``places``, zero where there was none, and no other."""
        self.x = _values(places, self.places, self.x)
        self.places, self.e, self.absent = places, np.ones(len(places), self.x.dtype), 0.0

    def without(self, places: Array) -> None:
        """Give the entries of ``places`` no weight, stored ones or not."""
        both = np.union1d(self.places, places)
        lost = _among(both, places)[1]
        self.x = np.where(lost, self.x.dtype.type(0), _values(both, self.places, self.x))
        self.places, self.e = both, (~lost).astype(self.x.dtype)

    def csr(self, shape: tuple[int, int], values: Array) -> sp.csr_array:
        """``values`` in these places."""
        rows, columns = np.divmod(self.places, shape[1])
        indptr = np.searchsorted(rows, np.arange(shape[0] + 1))
        out: sp.csr_array = sp.csr_array((values, columns, indptr), shape)
        out.has_canonical_format = True
        return out


def _sparse(
    x: sp.csr_array,
    mask: Mask | None,
    each: Array | sp.csr_array | None,
    rows: Array | None,
    absent_missing: bool,
) -> MemoryOperand:
    if mask is None and each is None:
        ones = np.ones(x.nnz, x.dtype) if absent_missing else None
        return MemoryOperand(x, Weights(ones, rows, absent=float(not absent_missing)))
    entries = _Entries(_places(x), x.data, np.ones(x.nnz, x.dtype), float(not absent_missing))
    if each is not None:
        _weigh(entries, each)
    if mask is not None:
        _cover(entries, mask, x.shape)
    kept = canonical(entries.csr(x.shape, entries.x), keep_zeros=True)
    return MemoryOperand(kept, Weights(entries.e, rows, absent=entries.absent))


def _weigh(entries: _Entries, each: Array | sp.csr_array) -> None:
    """What a sparse matrix of weights does not store has none."""
    if isinstance(each, np.ndarray):
        entries.e = each[np.divmod(entries.places, each.shape[1])]
        entries.keep(entries.e > 0)
        return
    each = sp.csr_array(canonical(each))
    places = _places(each)
    if entries.absent:
        entries.exactly(places)
    else:
        entries.only(places)
    entries.e = _values(entries.places, places, each.data)


def _cover(entries: _Entries, mask: Mask, shape: tuple[int, int]) -> None:
    """Few missing entries are stored as such; few observed ones are all that is stored."""
    if sp.issparse(mask):
        places = _places(sp.csr_array(canonical(mask)))
        if entries.absent:
            entries.exactly(places)
        else:
            entries.only(places)
    elif not entries.absent:
        at = np.divmod(entries.places, shape[1])
        entries.keep(mask.at(*at) if isinstance(mask, Speckle) else mask[at])
    elif 2 * _count(mask, shape) > shape[0] * shape[1]:
        entries.without(_places_of(mask, shape, False))
    else:
        entries.exactly(_places_of(mask, shape, True))


def _count(mask: Array | Speckle, shape: tuple[int, int]) -> int:
    """How many entries are observed."""
    return mask.count(shape) if isinstance(mask, Speckle) else int(np.count_nonzero(mask))


def _places(x: sp.csr_array) -> Array:
    rows = np.repeat(np.arange(x.shape[0], dtype=np.int64), np.diff(x.indptr))
    return np.asarray(rows * x.shape[1] + x.indices)


def _places_of(mask: Array | Speckle, shape: tuple[int, int], value: bool) -> Array:
    """Where a mask that is not sparse has the value, without another array of its size."""
    m, n = shape
    if isinstance(mask, Speckle):
        return mask.places(0, m, n, value)
    found = [np.flatnonzero(mask[a : a + _ROWS] == value) + a * n for a in range(0, m, _ROWS)]
    return np.concatenate(found).astype(np.int64)


def _values(places: Array, others: Array, values: Array) -> Array:
    """The values that belong to ``others``, in ``places``; zero where there is none."""
    at, found = _among(places, others)
    out = np.zeros(len(places), values.dtype)
    out[found] = values[at[found]]
    return out


def _among(places: Array, others: Array) -> tuple[Array, Array]:
    """For each of ``places`` where it would be among ``others``, and whether it is there."""
    if len(others) == 0:
        return np.zeros(len(places), np.int64), np.zeros(len(places), bool)
    at = np.minimum(np.searchsorted(others, places), len(others) - 1)
    return at, others[at] == places
