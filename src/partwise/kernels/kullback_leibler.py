"""Coordinate descent for the Kullback–Leibler divergence, one row at a time, on the entries that are not zero.

With G (n × k) held and S its column sums a row f ≥ 0 lowers

    φ(f) = Σ_c [x_c log(x_c / y_c) − x_c] + ⟨S + linear, f⟩ + ½ ⟨ridge, f²⟩,    y = f Gᵀ, over the c where x_c > 0,

where entries with weights v come as v x, S = Σ_c v_c g_c of the row's, and N and D below have them already,
one coordinate t = f_j after the other (Hsieh & Dhillon 2011; a zero entry is seen through S alone). Its derivative is
φ' = P − N with P(t) = S_j + linear_j + ridge_j t and N(t) = Σ_c x_c g_c / y_c(t), and D = −N' = Σ_c x_c (g_c / y_c)².

**The step.** N is a sum of poles x_c / (β_c + t) with β_c ≥ 0, so 1/N is a weighted harmonic mean of lines in t, which
is concave. Its tangent at the current t turns φ' = 0 into (P + ridge δ)(N/D + δ) = N²/D, which is exact where one entry
or proportional ones decide, and whose root is nearer than Newton's and, as 1/N lies below its tangent, never to the
right of the true one. Steps to the right therefore only descend.

**The guard.** A step to the left, from t to s, can pass the root. As φ' is concave, φ rises by no more than it fell
unless φ'(s) + φ'(t) < 0. Since y(s) ≥ y(t) s/t, N(s) ≤ N(t) t/s, and that sum is certain to be ≥ 0 as long as s is
not below the root of ridge s² + (P(0) + P(t) − N) s = N t. Below that it is computed, and where it is negative the step
ends at that root.

**Sweeps.** Most coordinates stay at zero. So a sweep visits all of them once, and then up to three times more those
that are not zero, until that gains at most a tenth. What the first visits gain is Σ_j (S_j δ_j)² / Σ_c x_c, in the
units of the natural residual of :class:`partwise.subproblems.Entries`. A row stops when a sweep gains at most ``gain``
times what its first one did, whatever its neighbours do, so its answer does not depend on them.

**The code** takes no views of rows in loops: Numba counts references to each with locked instructions, which the
threads share, and on rows of a few entries that cost four times the arithmetic.

Divisions in loops go through ``np.divide``: Numba's own test each divisor for zero, and a loop that may raise does not
vectorise. Single numbers are float64 for any data, vectors have the dtype of F: a mixed loop would convert every entry.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from partwise._types import Array, Float64, PerComponent
from partwise.kernels._jit import inlined, kernel

Stored: TypeAlias = "tuple[Array, ...]"
"""Rows of data: ``(x,)`` if they are dense, ``(data, indices, indptr)`` in CSR form."""

# Dense rows that are copied at once: they may lie across memory.
_TILE = 64
# Entries of a row are taken by eights, so that vector registers are full.
_LANES = 8
# After all coordinates those that are not zero are visited so many times at most, until that gains this share.
_NARROW, _NEXT = 3, 0.1


def descent(
    rows: Stored,
    G: Array,
    S: Float64,
    penalty: tuple[PerComponent, PerComponent],
    F: Array,
    sweeps: int,
    gain: float,
    new: Array,
) -> Callable[[tuple[int, int]], Float64]:
    """Make once what depends on G alone; return what writes the lowered rows ``start`` … ``stop`` of F to ``new``.

    S has the sums Σ v g over the entries of each row (rows × k), or one row of them for all; the x are times their v.
    That returns the sums over the rows of the first gain, the last gain, the sweeps done and the coordinates moved.
    """
    F, G = np.ascontiguousarray(F), np.ascontiguousarray(G, F.dtype)
    linear, ridge = (np.full(F.shape[1], weight, np.float64) for weight in penalty)
    if len(rows) == 1:
        x, g = rows[0], _transposed(G)

    def lower(bounds: tuple[int, int]) -> Float64:
        work = np.zeros(4)
        if len(rows) == 3:
            _lower_csr(*rows, G, S, linear, ridge, F, *bounds, sweeps, gain, new, work)
            return work
        start, stop = bounds
        for a, b in pairwise([*range(start, stop, _TILE), stop]):
            sums = S if len(S) == 1 else S[a:b]
            _lower_dense(np.ascontiguousarray(x[a:b]), g, sums, linear, ridge, F[a:b], sweeps, gain, new[a:b], work)
        return work

    return lower


def _transposed(G: Array) -> Array:
    """Gᵀ (k × n) with columns of zeros up to a multiple of the lanes."""
    n, k = G.shape
    g = np.zeros((k, -(-n // _LANES) * _LANES), G.dtype)
    g[:, :n] = G.T
    return g


@kernel
def _lower_csr(
    data: Array,
    indices: Array,
    indptr: Array,
    G: Array,
    S: Float64,
    linear: Float64,
    ridge: Float64,
    F: Array,
    start: int,
    stop: int,
    sweeps: int,
    gain: float,
    new: Array,
    work: Float64,
) -> None:
    k = F.shape[1]
    zero = F.dtype.type(0)
    longest = 0
    for i in range(start, stop):
        longest = max(longest, indptr[i + 1] - indptr[i])
    room = (longest + _LANES - 1) // _LANES * _LANES
    g = np.empty((k, room), F.dtype)
    x = np.empty(room, F.dtype)
    y = np.empty(room, F.dtype)
    inverse = np.empty(room, F.dtype)
    for i in range(start, stop):
        first = indptr[i]
        stored = indptr[i + 1] - first
        blocks = (stored + _LANES - 1) // _LANES
        for c in range(_LANES * blocks):
            x[c] = data[first + c] if c < stored else zero
            row = indices[first + min(c, stored - 1)]  # beyond the end any row will do: x is zero there
            for j in range(k):
                g[j, c] = G[row, j]
        _lower_row(i, x, g, S, linear, ridge, F, blocks, sweeps, gain, y, inverse, new, work)


@kernel
def _lower_dense(
    X: Array,
    g: Array,
    S: Float64,
    linear: Float64,
    ridge: Float64,
    F: Array,
    sweeps: int,
    gain: float,
    new: Array,
    work: Float64,
) -> None:
    room = g.shape[1]
    zero = F.dtype.type(0)
    x = np.empty(room, F.dtype)
    y = np.empty(room, F.dtype)
    inverse = np.empty(room, F.dtype)
    for i in range(len(X)):
        for c in range(room):
            x[c] = X[i, c] if c < X.shape[1] else zero
        _lower_row(i, x, g, S, linear, ridge, F, room // _LANES, sweeps, gain, y, inverse, new, work)


@inlined
def _lower_row(
    i: int,
    x: Array,
    g: Array,
    S: Float64,
    linear: Float64,
    ridge: Float64,
    F: Array,
    blocks: int,
    sweeps: int,
    gain: float,
    y: Array,
    inverse: Array,
    new: Array,
    work: Float64,
) -> None:
    """Lower row i of F, whose entries are x, into ``new``; ``y`` and its floored ``inverse`` are kept up to date."""
    zero = F.dtype.type(0)
    total = 0.0
    largest = zero
    for c in range(_LANES * blocks):
        total += x[c]
        largest = max(largest, x[c])
    if largest == zero:
        blocks = 0
    weight = np.divide(1.0, total) if total > 0 else 0.0
    eps = F.dtype.type(np.finfo(F.dtype).eps)
    # A start may leave y at zero where x is not, and keeping y up to date may take it below.
    floor = eps * eps * largest
    _start_model(F, i, g, floor, blocks, y, inverse)
    for j in range(F.shape[1]):
        new[i, j] = F[i, j]
    s = min(i, len(S) - 1)
    first = last = 0.0
    for sweep in range(sweeps):
        for narrow in range(1 + _NARROW):
            gained = 0.0
            for j in range(F.shape[1]):
                before = new[i, j]
                if narrow > 0 and before == zero:
                    continue
                t = np.float64(before)
                steepness = ridge[j]
                constant = S[s, j] + linear[j]
                P = constant + steepness * t
                if P <= 0:  # neither data nor penalty knows this component, or it is held
                    continue
                N, D = _pulls(x, g, j, inverse, blocks)
                to = _root(t, N, D, P, steepness)
                safe = _safe(t, N, constant + P - N, steepness) if to < t else 0.0
                if to < safe:
                    there = _pull_at(x, g, j, y, F.dtype.type(to - t), floor, blocks)
                    if N + there > constant + P + steepness * to:
                        to = safe
                after = F.dtype.type(to)
                if after != before:
                    new[i, j] = after
                    _move(y, inverse, g, j, after - before, floor, blocks)
                    gained += weight * (S[s, j] * np.float64(after - before)) ** 2
                    work[3] += 1
            if narrow == 0:
                last = gained
            elif gained <= _NEXT * last:
                break
        work[2] += 1
        if sweep == 0:
            first = last
        if last <= gain * first:
            break
    work[0] += first
    work[1] += last


@inlined
def _start_model(F: Array, i: int, g: Array, floor: float, blocks: int, y: Array, inverse: Array) -> None:
    zero = F.dtype.type(0)
    for c in range(_LANES * blocks):
        y[c] = zero
    for j in range(F.shape[1]):
        f = F[i, j]
        if f != zero:
            for c in range(_LANES * blocks):
                y[c] += f * g[j, c]
    one = F.dtype.type(1)
    for c in range(_LANES * blocks):
        inverse[c] = np.divide(one, y[c] if y[c] > floor else floor)


@inlined
def _pulls(x: Array, g: Array, j: int, inverse: Array, blocks: int) -> tuple[float, float]:
    """N and D of coordinate j."""
    N = D = x.dtype.type(0)
    for c in range(_LANES * blocks):
        share = g[j, c] * inverse[c]
        pull = x[c] * share
        N += pull
        D += pull * share
    return np.float64(N), np.float64(D)


@inlined
def _root(t: float, N: float, D: float, P: float, ridge: float) -> float:
    """The root of (P + ridge δ)(N/D + δ) = N²/D as t + δ, not below zero; P > 0."""
    if t == 0 and N <= P:
        return t
    if D <= 0:
        return t if N > 0 else 0.0
    if ridge == 0:
        return float(max(0.0, t + (N - P) / P * (N / D)))
    reach = N / D
    u = N / P
    r = ridge * reach / P
    return float(max(0.0, t + 2 * (u - 1) * reach / (1 + r + np.sqrt((1 - r) ** 2 + 4 * r * u))))


@inlined
def _safe(t: float, N: float, slope: float, ridge: float) -> float:
    """The root s of ridge s² + slope s = N t: steps to the left are safe down to it."""
    u = N / slope
    if ridge == 0:
        return t * u
    return float(2 * t * u / (1 + np.sqrt(1 + 4 * u * ridge * t / slope)))


@inlined
def _pull_at(x: Array, g: Array, j: int, y: Array, delta: float, floor: float, blocks: int) -> float:
    """N after a move by ``delta``."""
    N = x.dtype.type(0)
    for c in range(_LANES * blocks):
        moved = y[c] + delta * g[j, c]
        N += np.divide(x[c] * g[j, c], moved if moved > floor else floor)
    return float(N)


@inlined
def _move(y: Array, inverse: Array, g: Array, j: int, delta: float, floor: float, blocks: int) -> None:
    one = y.dtype.type(1)
    for c in range(_LANES * blocks):
        moved = y[c] + delta * g[j, c]
        y[c] = moved
        inverse[c] = np.divide(one, moved if moved > floor else floor)
