"""A mask that holds out entries by a hash of their place, and is never stored."""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from numbers import Integral, Real

import numpy as np

from partwise._errors import ParameterError
from partwise._types import Array
from partwise.kernels.speckle import BITS, count_taken, list_taken, take_at, take_rows
from partwise.kernels.threads import each_range, even_bounds, even_ranges, parallel

# Operations of a hash, and places hashed by one thread at a time.
_HASH, _PIECE = 50, 1 << 20
# How far (fold + 1) · share may lie above 1 by rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Speckle:
    """A mask for a matrix of any shape, that holds out a random share of the entries, each by itself.

    Entry (i, j) has a number u(i, j), uniform in [0, 1), that is a hash of ``seed``, i and j alone (SplitMix64 [1]_);
    it is held out where fold · share ≤ u < (fold + 1) · share. So the folds 0, 1, … of one seed are disjoint, and with
    a share of 1/F all F of them together hold out each entry once. Nothing is stored: for sparse data whose zeros are
    observed only the places that are held out are ever made.

    Parameters
    ----------
    share : float
        Of the entries that are held out, in (0, 1].
    fold : int, default=0
        Which of the disjoint shares, from 0; (fold + 1) · share ≤ 1.
    seed : int, default=0
        From 0 to 2⁶⁴ − 1. Speckles of different seeds are independent.
    inverted : bool, default=False
        Whether what would be held out is all that is observed; see ``complement``.

    Raises
    ------
    ParameterError
        If one of them is out of its range, or the fold lies beyond what the share leaves.

    References
    ----------
    .. [1] Steele, G. L., Lea, D. & Flood, C. H. (2014). Fast splittable pseudorandom number generators. OOPSLA 2014,
       453-472.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise import NMF, Speckle
    >>> X = np.outer(np.arange(1.0, 21.0), np.arange(1.0, 11.0))
    >>> held_out = Speckle(0.1, fold=0, seed=1)
    >>> model = NMF(1, tol=1e-8).fit(X, mask=held_out)
    >>> bool(model.score(X, mask=held_out.complement) > -1e-6)
    True
    """

    share: float
    fold: int = 0
    seed: int = 0
    inverted: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.share, Real) or isinstance(self.share, bool) or not 0 < self.share <= 1:
            raise ParameterError(f"share={self.share!r} cannot be held out: give a number above 0, 1 at most.")
        _check_integer("fold", self.fold, 2**53)
        _check_integer("seed", self.seed, 2**64)
        if (self.fold + 1) * self.share > 1 + _ROUNDING:
            raise ParameterError(
                f"fold={self.fold} with share={self.share} cannot be: the folds before it leave less than a share. "
                "Give a fold of at most 1 / share − 1, counted from 0."
            )

    @property
    def complement(self) -> "Speckle":
        """The mask that observes exactly what this one holds out."""
        return replace(self, inverted=not self.inverted)

    def rows(self, start: int, stop: int, n: int) -> Array:
        """Which entries of rows ``start`` … ``stop`` of n columns are observed, a bool array (stop − start, n)."""
        out = np.empty((stop - start, n), bool)

        def write(a: int, b: int) -> None:
            take_rows(*self._key, start + a, out[a:b])
            if not self.inverted:
                np.logical_not(out[a:b], out=out[a:b])

        each_range(write, even_ranges(len(out), _HASH * n))
        return out

    def at(self, rows: Array, columns: Array) -> Array:
        """Which of the entries (row, column) are observed, a bool array like these index arrays of one dimension."""
        out = np.empty(len(rows), bool)
        pieces = even_bounds(len(out), _PIECE)
        each_range(lambda a, b: take_at(*self._key, rows[a:b], columns[a:b], out[a:b]), pieces)
        return out if self.inverted else ~out

    def count(self, shape: tuple[int, int]) -> int:
        """How many entries of a matrix of this shape are observed."""
        m, n = shape
        bounds = even_ranges(m, _HASH * n)
        taken = sum(parallel(lambda pair: count_taken(*self._key, *pair, n), pairwise(bounds)))
        return taken if self.inverted else m * n - taken

    def places(self, start: int, stop: int, n: int, observed: bool) -> Array:
        """The places i · n + j (int64, ascending) of the rows ``start`` … ``stop`` that are observed, or are not."""
        taken = observed == self.inverted

        def listed(pair: tuple[int, int]) -> Array:
            a, b = start + pair[0], start + pair[1]
            count = count_taken(*self._key, a, b, n)
            out = np.empty(count if taken else (b - a) * n - count, np.int64)
            list_taken(*self._key, a, b, n, taken, out)
            return out

        return np.concatenate(parallel(listed, pairwise(even_ranges(stop - start, _HASH * n))))

    @property
    def _key(self) -> tuple[np.uint64, np.uint64, np.uint64]:
        """The seed, and the bounds of the hashes that are taken, rounded so that equal folds leave none between."""
        low, high = (round(fold * float(self.share) * 2**BITS) for fold in (int(self.fold), int(self.fold) + 1))
        return np.uint64(int(self.seed)), np.uint64(low), np.uint64(high)


def _check_integer(name: str, value: object, end: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or not 0 <= int(value) < end:
        raise ParameterError(f"{name}={value!r} cannot be: give an integer ≥ 0 (and below {end}).")
