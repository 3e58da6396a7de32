"""Single steps of the descent of :mod:`partwise.kernels.kullback_leibler`, which states their mathematics."""

import numpy as np

from partwise._types import Array
from partwise.kernels._jit import inlined

# After all coordinates those that are not zero are visited so many times at most, until that gains this share.
NARROW, NEXT = 3, 0.1
# Entries of a row are taken by eights, so that vector registers are full.
WIDTH = 8


@inlined
def root(t: float, N: float, D: float, P: float, ridge: float) -> float:
    """The root of (P + ridge δ)(N/D + δ) = N²/D as t + δ, not below zero; P > 0."""
    reach, u = np.divide(N, D), np.divide(N, P)
    step = (u - 1) * reach
    if ridge > 0:
        r = np.divide(ridge * reach, P)
        step *= np.divide(2.0, 1 + r + np.sqrt((1 - r) ** 2 + 4 * r * u))
    if D <= 0:
        return t if N > 0 else 0.0
    return float(max(0.0, t + step))


@inlined
def safe(t: float, N: float, slope: float, ridge: float) -> float:
    """The root s of ridge s² + slope s = N t: steps to the left are safe down to it."""
    u = np.divide(N, slope)
    s = t * u
    if ridge > 0:
        s *= np.divide(2.0, 1 + np.sqrt(1 + 4 * u * np.divide(ridge * t, slope)))
    return float(s)


@inlined
def start_model(F: Array, i: int, g: Array, floor: float, blocks: int, y: Array, inverse: Array) -> None:
    """Write the model y of row i, and 1/y where y is raised to ``floor``."""
    zero = F.dtype.type(0)
    for c in range(WIDTH * blocks):
        y[c] = zero
    for j in range(F.shape[1]):
        f = F[i, j]
        if f != zero:
            for c in range(WIDTH * blocks):
                y[c] += f * g[j, c]
    one = F.dtype.type(1)
    for c in range(WIDTH * blocks):
        inverse[c] = np.divide(one, y[c] if y[c] > floor else floor)


@inlined
def pulls(x: Array, g: Array, j: int, inverse: Array, blocks: int) -> tuple[float, float]:
    """N and D of coordinate j."""
    N = D = x.dtype.type(0)
    for c in range(WIDTH * blocks):
        share = g[j, c] * inverse[c]
        pull = x[c] * share
        N += pull
        D += pull * share
    return np.float64(N), np.float64(D)
