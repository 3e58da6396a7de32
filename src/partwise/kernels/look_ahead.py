"""The extrapolation of a factor."""

from partwise._types import Array
from partwise.kernels._jit import kernel


@kernel
def look_ahead(new: Array, base: Array, beta: float, floor: float, low: float, high: float, out: Array) -> None:
    """Write new + beta (new − base), at least floor · new and between low and high, to ``out`` in one pass."""
    for r in range(new.shape[0]):
        for j in range(new.shape[1]):
            out[r, j] = min(max(new[r, j] + beta * (new[r, j] - base[r, j]), floor * new[r, j], low), high)
