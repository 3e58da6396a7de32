"""Coordinate descent for the Kullback–Leibler divergence, one row at a time, on the entries that are not zero.

With G (n × k) held and S its column sums a row f ≥ 0 lowers

    φ(f) = Σ_c [x_c log(x_c / y_c) − x_c] + ⟨S, f⟩ + linear Σ f + ½ ridge Σ f²,    y = f Gᵀ, over the c where x_c > 0,

where entries with weights v come as v x, S = Σ_c v_c g_c of the row's, and N and D below have them already,
one coordinate t = f_j after the other (Hsieh & Dhillon 2011; a zero entry is seen through S alone). Its derivative is
φ' = P − N with P(t) = S_j + linear + ridge t and N(t) = Σ_c x_c g_c / y_c(t), and D = −N' = Σ_c x_c (g_c / y_c)².

**The step.** N is a sum of poles x_c / (β_c + t) with β_c ≥ 0, so 1/N is a weighted harmonic mean of lines in t, which
is concave. Its tangent at the current t turns φ' = 0 into (P + ridge δ)(N/D + δ) = N²/D, which is exact where one entry
or proportional ones decide, and whose root is nearer than Newton's and, as 1/N lies below its tangent, never to the
right of the true one. Steps to the right therefore only descend.

**The guard.** A step to the left, from t to s, can pass the root. As φ' is concave, φ rises by no more than it fell
unless φ'(s) + φ'(t) < 0. Since y(s) ≥ y(t) s/t, N(s) ≤ N(t) t/s, and that sum is certain to be ≥ 0 as long as s is
not below the root of ridge s² + (P(0) + P(t) − N) s = N t. Below that it is computed, and where it is negative the step
ends at that root.

The gain of a sweep is Σ_j (S_j δ_j)² / Σ_c x_c, in the units of the natural residual of
:class:`partwise.subproblems.Entries`. A row stops when a sweep gains at most ``gain`` times what its first one did,
whatever its neighbours do, so its answer does not depend on them.

Divisions in loops go through ``np.divide``: Numba's own test each divisor for zero, and a loop that may raise does not
vectorise. Single numbers are float64 for any data, vectors have the dtype of F: a mixed loop would convert every entry.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from partwise._types import Array, Float64
from partwise.kernels._jit import inlined, kernel

Stored: TypeAlias = "tuple[Array, ...]"
"""Rows of data: ``(x,)`` if they are dense, ``(data, indices, indptr)`` in CSR form."""

# Dense rows that are copied at once: they may lie across memory.
_TILE = 64
# Entries of a row are taken by eights, so that vector registers are full.
_LANES = 8


def descent(
    rows: Stored, G: Array, S: Float64, penalty: tuple[float, float], F: Array, sweeps: int, gain: float, new: Array
) -> Callable[[tuple[int, int]], Float64]:
    """Make once what depends on G alone; return what writes the lowered rows ``start`` … ``stop`` of F to ``new``.

    S has the sums Σ v g over the entries of each row (rows × k), or one row of them for all; the x are times their v.
    That returns the sums over the rows of the first gain, the last gain, the sweeps done and the coordinates moved.
    """
    F, G = np.ascontiguousarray(F), np.ascontiguousarray(G, F.dtype)
    if len(rows) == 1:
        x, g = rows[0], _transposed(G)

    def lower(bounds: tuple[int, int]) -> Float64:
        work = np.zeros(4)
        if len(rows) == 3:
            _lower_csr(*rows, G, S, *penalty, F, *bounds, sweeps, gain, new, work)
            return work
        start, stop = bounds
        for a, b in pairwise([*range(start, stop, _TILE), stop]):
            sums = S if len(S) == 1 else S[a:b]
            _lower_dense(np.ascontiguousarray(x[a:b]), g, sums, *penalty, F[a:b], sweeps, gain, new[a:b], work)
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
    linear: float,
    ridge: float,
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
            row = G[indices[first + min(c, stored - 1)]]  # beyond the end any row will do: x is zero there
            for j in range(k):
                g[j, c] = row[j]
        sums = S[min(i, len(S) - 1)]
        _lower_row(x, g, sums, linear, ridge, F[i], blocks, sweeps, gain, y, inverse, new[i], work)


@kernel
def _lower_dense(
    X: Array,
    g: Array,
    S: Float64,
    linear: float,
    ridge: float,
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
        sums = S[min(i, len(S) - 1)]
        _lower_row(x, g, sums, linear, ridge, F[i], room // _LANES, sweeps, gain, y, inverse, new[i], work)


@inlined
def _lower_row(
    x: Array,
    g: Array,
    S: Float64,
    linear: float,
    ridge: float,
    old: Array,
    blocks: int,
    sweeps: int,
    gain: float,
    y: Array,
    inverse: Array,
    f: Array,
    work: Float64,
) -> None:
    """Lower one row from ``old`` into ``f``; ``y`` and its floored ``inverse`` are kept up to date on its entries."""
    zero = f.dtype.type(0)
    total = 0.0
    largest = zero
    for c in range(_LANES * blocks):
        total += x[c]
        largest = max(largest, x[c])
    if largest == zero:
        blocks = 0
    weight = np.divide(1.0, total) if total > 0 else 0.0
    eps = f.dtype.type(np.finfo(f.dtype).eps)
    # A start may leave y at zero where x is not, and keeping y up to date may take it below.
    floor = eps * eps * largest
    _start_model(old, g, floor, blocks, y, inverse)
    for j in range(len(f)):
        f[j] = old[j]
    first = last = 0.0
    for sweep in range(sweeps):
        last = 0.0
        for j in range(len(f)):
            before = f[j]
            f[j] = _lowered(x, g[j], y, inverse, np.float64(before), S[j] + linear, ridge, floor, blocks)
            delta = f[j] - before
            if delta != zero:
                _move(y, inverse, g[j], delta, floor, blocks)
                last += weight * (S[j] * np.float64(delta)) ** 2
                work[3] += 1
        work[2] += 1
        if sweep == 0:
            first = last
        if last <= gain * first:
            break
    work[0] += first
    work[1] += last


@inlined
def _start_model(f: Array, g: Array, floor: float, blocks: int, y: Array, inverse: Array) -> None:
    zero = f.dtype.type(0)
    for c in range(_LANES * blocks):
        y[c] = zero
    for j in range(len(f)):
        if f[j] != zero:
            row = g[j]
            for c in range(_LANES * blocks):
                y[c] += f[j] * row[c]
    one = f.dtype.type(1)
    for c in range(_LANES * blocks):
        inverse[c] = np.divide(one, y[c] if y[c] > floor else floor)


@inlined
def _lowered(
    x: Array, g: Array, y: Array, inverse: Array, t: float, constant: float, ridge: float, floor: float, blocks: int
) -> float:
    """Where the coordinate at t goes, with P(t) = constant + ridge t."""
    zero = x.dtype.type(0)
    P = constant + ridge * t
    if P <= 0:  # neither data nor penalty knows this component
        return t
    N = D = zero
    for c in range(_LANES * blocks):
        share = g[c] * inverse[c]
        pull = x[c] * share
        N += pull
        D += pull * share
    if D <= 0:
        return t if N > 0 else 0.0
    s = _root(t, np.float64(N), np.float64(D), P, ridge)
    if s >= t:
        return s
    safe = _safe(t, np.float64(N), constant + P - N, ridge)
    if s >= safe or N + _pull_at(x, g, y, x.dtype.type(s - t), floor, blocks) <= constant + P + ridge * s:
        return s
    return safe


@inlined
def _root(t: float, N: float, D: float, P: float, ridge: float) -> float:
    """The root of (P + ridge δ)(N/D + δ) = N²/D as t + δ, not below zero."""
    reach = N / D
    u = N / P
    r = ridge * reach / P
    return float(max(0.0, t + 2 * (u - 1) * reach / (1 + r + np.sqrt((1 - r) ** 2 + 4 * r * u))))


@inlined
def _safe(t: float, N: float, slope: float, ridge: float) -> float:
    """The root s of ridge s² + slope s = N t: steps to the left are safe down to it."""
    u = N / slope
    return float(2 * t * u / (1 + np.sqrt(1 + 4 * u * ridge * t / slope)))


@inlined
def _pull_at(x: Array, g: Array, y: Array, delta: float, floor: float, blocks: int) -> float:
    """N after a move by ``delta``."""
    N = x.dtype.type(0)
    for c in range(_LANES * blocks):
        moved = y[c] + delta * g[c]
        N += np.divide(x[c] * g[c], moved if moved > floor else floor)
    return float(N)


@inlined
def _move(y: Array, inverse: Array, g: Array, delta: float, floor: float, blocks: int) -> None:
    one = y.dtype.type(1)
    for c in range(_LANES * blocks):
        moved = y[c] + delta * g[c]
        y[c] = moved
        inverse[c] = np.divide(one, moved if moved > floor else floor)
