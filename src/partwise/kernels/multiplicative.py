"""A multiplicative step in parts, between which NumPy raises the ratios to their exponent: its powers vectorise."""

import numpy as np

from partwise._types import Array
from partwise.kernels._jit import kernel


@kernel
def ratios(negative: Array, positive: Array, out: Array) -> None:
    """Write negative / positive to ``out``, 1 where positive is not above zero."""
    for r in range(out.shape[0]):
        for j in range(out.shape[1]):
            above = positive[r, j] > 0
            quotient = np.divide(negative[r, j], positive[r, j] if above else out.dtype.type(1))
            out[r, j] = quotient if above else out.dtype.type(1)


@kernel
def multiplied(F: Array, positive: Array, half: float, gone: float, least: float, new: Array) -> None:
    """Multiply ``new``, ratios or powers of them, by F; what falls and is lost beside the largest of its row is zero.

    Lost is what has a share F ∘ positive, which does not depend on the scales of the components, below ``least`` times
    the largest one; what falls by a factor below ``half`` is lost below ``gone`` times it.
    """
    m, k = F.shape
    products = np.empty(k, F.dtype)
    for r in range(m):
        largest = F.dtype.type(0)
        for j in range(k):
            products[j] = F[r, j] * new[r, j]
            largest = max(largest, products[j] * positive[r, j])
        for j in range(k):
            ratio, share = new[r, j], products[j] * positive[r, j]
            lost = (ratio < half and share < gone * largest) or (ratio < 1 and share < least * largest)
            new[r, j] = F.dtype.type(0) if lost else products[j]
