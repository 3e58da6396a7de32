"""Which places of a matrix a speckle takes: by a hash of seed, row and column.

Row i of the hash is the output of the generator SplitMix64 (Steele, Lea & Flood 2014, its finaliser being Stafford's
mix13 as in Java) from a state that the same finaliser makes of the seed and i. A place (i, j) is taken where the upper
48 bits of its number lie in [low, high). All numbers are uint64: Numba would turn a sum with an int64 into a float.
"""

import numpy as np

from partwise._types import Array
from partwise.kernels._jit import inlined, kernel

BITS = 48
"""Bits of the hash that are compared."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _1 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(1)
_LOST = np.uint64(64 - BITS)


@inlined
def _mixed(z: np.uint64) -> np.uint64:
    z = (z ^ (z >> _30)) * _FIRST
    z = (z ^ (z >> _27)) * _SECOND
    return z ^ (z >> _31)


@inlined
def _number(state: np.uint64, i: int) -> np.uint64:
    """Number i of the generator from this state."""
    return _mixed(state + (np.uint64(i) + _1) * _GOLDEN)


@inlined
def _taken(state: np.uint64, j: int, low: np.uint64, high: np.uint64) -> bool:
    u = _number(state, j) >> _LOST
    return bool(low <= u and u < high)


@kernel
def take_rows(seed: np.uint64, low: np.uint64, high: np.uint64, start: int, out: Array) -> None:
    """Write to ``out`` (b × n, bool) which places of the rows from ``start`` are taken."""
    of_seed = _mixed(seed)
    for r in range(out.shape[0]):
        state = _number(of_seed, start + r)
        for j in range(out.shape[1]):
            out[r, j] = _taken(state, j, low, high)


@kernel
def take_at(seed: np.uint64, low: np.uint64, high: np.uint64, rows: Array, columns: Array, out: Array) -> None:
    """Write to ``out`` (bool) which of the places (row, column) are taken."""
    of_seed = _mixed(seed)
    for p in range(len(out)):
        out[p] = _taken(_number(of_seed, rows[p]), columns[p], low, high)


@kernel
def count_taken(seed: np.uint64, low: np.uint64, high: np.uint64, start: int, stop: int, n: int) -> int:
    """How many places of rows ``start`` … ``stop`` of n columns are taken."""
    of_seed = _mixed(seed)
    count = 0
    for i in range(start, stop):
        state = _number(of_seed, i)
        for j in range(n):
            count += _taken(state, j, low, high)
    return count


@kernel
def list_taken(
    seed: np.uint64, low: np.uint64, high: np.uint64, start: int, stop: int, n: int, taken: bool, out: Array
) -> None:
    """Write to ``out`` (int64), in ascending order, the i n + j of these rows that are taken, or of those that are not.

    It has as many entries as there are such places.
    """
    of_seed = _mixed(seed)
    p = 0
    for i in range(start, stop):
        state = _number(of_seed, i)
        for j in range(n):
            if _taken(state, j, low, high) == taken:
                out[p] = i * n + j
                p += 1
