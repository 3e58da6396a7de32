"""One read of the data: sums and the first bad entry."""

import numpy as np

from partwise._types import Array, Float64
from partwise.kernels._jit import kernel

# A comparison: under reordered sums the compiler takes np.isfinite, which subtracts a number from itself, for true.
_MAX = np.finfo(np.float64).max


@kernel
def survey_dense(x: Array, sums: Float64, places: Array) -> int:
    """Count the entries of x that are not zero; ``sums`` gets Σ x, Σ x², max x.

    ``places`` (2, 2) gets the row and column of the first entry below zero and of the first that is not finite.
    """
    nonzeros = 0
    total, squares, largest = 0.0, 0.0, -np.inf
    for i in range(x.shape[0]):
        lowest = 0.0
        row_total, row_squares = 0.0, 0.0
        for j in range(x.shape[1]):
            value = np.float64(x[i, j])
            nonzeros += value != 0.0
            row_total += value
            row_squares += value * value
            lowest = min(lowest, value)
            largest = max(largest, value)
        total += row_total
        squares += row_squares
        # An infinity or a NaN anywhere in the row shows in its sum; so may an overflow, hence the closer look.
        if lowest < 0.0 or not abs(row_total) <= _MAX:
            for j in range(x.shape[1]):
                if x[i, j] < 0 and places[0, 0] < 0:
                    places[0, 0], places[0, 1] = i, j
                if not abs(x[i, j]) <= _MAX and places[1, 0] < 0:
                    places[1, 0], places[1, 1] = i, j
    sums[0], sums[1], sums[2] = total, squares, largest
    return nonzeros
