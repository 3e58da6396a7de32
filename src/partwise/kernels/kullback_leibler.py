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
not below the root of ridge s² + (P(0) + P(t) − N) s = N t. Where it turns out negative the step ends at that root.

**Sweeps.** Most coordinates stay at zero. So a sweep visits all of them once, and then up to three times more those
that are not zero, until that gains at most a tenth. What the first visits gain is Σ_j (S_j δ_j)² / Σ_c x_c, in the
units of the natural residual of :class:`partwise.subproblems.Entries`. A row stops when a sweep gains at most ``gain``
times what its first one did, whatever its neighbours do, so its answer does not depend on them.

**The passes.** Time goes into the divisions by y after a move. So the pass over the entries that makes them has at
once N where the step has led, for the guard, and N and D of the coordinate that is visited next. Rows too short for
that to be most of the time are vectorised across each other, see :mod:`partwise.kernels.kl_lanes`.

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
from partwise.kernels.kl_lanes import lower_lanes
from partwise.kernels.kl_steps import NARROW, NEXT, WIDTH, pulls, root, safe, start_model

Stored: TypeAlias = "tuple[Array, ...]"
"""Rows of data: ``(x,)`` if they are dense, ``(data, indices, indptr)`` in CSR form."""

# Dense rows that are copied at once: they may lie across memory.
_TILE = 64
# One sweep over rows of at most so many entries is vectorised across them, and they are copied by so many.
_SHORT, _MANY = 64, 1024


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
        short = sweeps == 1 and len(G) <= _SHORT

    def lower(bounds: tuple[int, int]) -> Float64:
        work = np.zeros(4)
        if len(rows) == 3:
            _lower_csr(*rows, G, S, linear, ridge, F, *bounds, sweeps, gain, new, work)
            return work
        start, stop = bounds
        for a, b in pairwise([*range(start, stop, _MANY if short else _TILE), stop]):
            shared = np.ascontiguousarray(x[a:b]), g, S if len(S) == 1 else S[a:b], linear, ridge, F[a:b]
            if short:
                lower_lanes(*shared, new[a:b], work)
            else:
                _lower_dense(*shared, sweeps, gain, new[a:b], work)
        return work

    return lower


def _transposed(G: Array) -> Array:
    """Gᵀ (k × n) with columns of zeros up to a multiple of the lanes."""
    n, k = G.shape
    g = np.zeros((k, -(-n // WIDTH) * WIDTH), G.dtype)
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
    room = (longest + WIDTH - 1) // WIDTH * WIDTH
    g = np.empty((k, room), F.dtype)
    x = np.empty(room, F.dtype)
    y = np.empty(room, F.dtype)
    inverse = np.empty(room, F.dtype)
    for i in range(start, stop):
        first = indptr[i]
        stored = indptr[i + 1] - first
        blocks = (stored + WIDTH - 1) // WIDTH
        for c in range(WIDTH * blocks):
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
        _lower_row(i, x, g, S, linear, ridge, F, room // WIDTH, sweeps, gain, y, inverse, new, work)


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
    for c in range(WIDTH * blocks):
        total += x[c]
        largest = max(largest, x[c])
    if largest == zero:
        blocks = 0
    weight = np.divide(1.0, total) if total > 0 else 0.0
    eps = F.dtype.type(np.finfo(F.dtype).eps)
    # A start may leave y at zero where x is not, and keeping y up to date may take it below.
    floor = eps * eps * largest
    start_model(F, i, g, floor, blocks, y, inverse)
    k = F.shape[1]
    for j in range(k):
        new[i, j] = F[i, j]
    s = min(i, len(S) - 1)
    first = last = 0.0
    for sweep in range(sweeps):
        for narrow in range(1 + NARROW):
            gained = 0.0
            coming = _visited(new, i, 0, narrow)
            N, D = pulls(x, g, coming % k, inverse, blocks)
            while coming < k:
                j, coming = coming, _visited(new, i, coming + 1, narrow)
                t = np.float64(new[i, j])
                steepness = ridge[j]
                constant = S[s, j] + linear[j]
                P = constant + steepness * t
                # Where P is not positive neither data nor penalty know this component, or it is held.
                stays = P <= 0 or (t == 0 and N <= P)
                to = F.dtype.type(t if stays else root(t, N, D, P, steepness))
                delta = to - new[i, j]
                if delta == 0:
                    N, D = pulls(x, g, coming % k, inverse, blocks)
                    continue
                here = N
                there, N, D = _move(j, coming % k, x, y, inverse, g, delta, floor, blocks)
                if delta < 0 and here + there > constant + P + steepness * np.float64(to):
                    to, passed = max(to, F.dtype.type(safe(t, here, constant + P - here, steepness))), to
                    there, N, D = _move(j, coming % k, x, y, inverse, g, to - passed, floor, blocks)
                new[i, j] = to
                gained += weight * (S[s, j] * (np.float64(to) - t)) ** 2
                work[3] += to != t
            if narrow == 0:
                last = gained
            elif gained <= NEXT * last:
                break
        work[2] += 1
        if sweep == 0:
            first = last
        if last <= gain * first:
            break
    work[0] += first
    work[1] += last


@inlined
def _visited(new: Array, i: int, j: int, narrow: int) -> int:
    """The first coordinate of row i from j on that a sweep visits; k if there is none."""
    while narrow > 0 and j < new.shape[1] and new[i, j] == 0:
        j += 1
    return j


@inlined
def _move(
    j: int, then: int, x: Array, y: Array, inverse: Array, g: Array, delta: float, floor: float, blocks: int
) -> tuple[float, float, float]:
    """Move coordinate j by ``delta``; return its N there, and N and D of the coordinate ``then``."""
    one = y.dtype.type(1)
    there = N = D = x.dtype.type(0)
    for c in range(WIDTH * blocks):
        moved = y[c] + delta * g[j, c]
        y[c] = moved
        inverse[c] = np.divide(one, moved if moved > floor else floor)
        pull = x[c] * inverse[c]
        there += pull * g[j, c]
        N += pull * g[then, c]
        D += pull * g[then, c] * (g[then, c] * inverse[c])
    return np.float64(there), np.float64(N), np.float64(D)
