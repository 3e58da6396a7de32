"""Cyclic coordinate descent for non-negative least squares (HALS), two kernels of one algorithm.

Each row f of F lowers ½ f G fᵀ − f·c with f ≥ 0, where G is the k × k Gram and c the row's cross product, one
coordinate after the other (Cichocki & Phan 2009; Gillis & Glineur 2012, section 3). A row stops when a sweep gains
at most ``gain`` times what its first sweep gained, whatever its neighbours do, so its answer does not depend on them.
The gain of a sweep is measured as Σⱼ Gⱼⱼ Δⱼ², twice what the coordinate steps lower the objective by at least.
"""

import numpy as np

from partwise._types import Array, Float64
from partwise.kernels._jit import inlined, kernel

# Rows that the dense kernel moves together, a few vector registers' worth: 64 rows of 50 components are 25 kB in
# float64, which a first-level cache holds.
LANES = 64


@kernel
def hals_lanes(cross: Array, gram: Array, F: Array, sweeps: int, gain: float, new: Array, work: Float64) -> None:
    """Write the lowered rows of F to ``new``, vectorised across rows: fast where most coordinates move.

    A row that has stopped leaves its lane to the next one, so that no lane waits for the slowest.

    ``work`` (4,) gets the sums over rows of the first gain, the last gain, the sweeps done, and the coordinates moved
    (and of those not zero at entry, whose share of the gradient has to be made).
    """
    m, k = F.shape
    G, inverse = _padded(gram)
    c = np.empty((len(G), LANES), F.dtype)
    f = np.empty((len(G), LANES), F.dtype)
    slope = np.empty((4, LANES), F.dtype)
    first = np.empty(LANES, F.dtype)
    last = np.empty(LANES, F.dtype)
    live = np.empty(LANES, F.dtype)
    row = np.empty(LANES, np.int64)
    done = np.empty(LANES, np.int64)
    zero = F.dtype.type(0)
    for j in range(len(G)):
        for r in range(LANES):
            c[j, r] = f[j, r] = zero
    for r in range(LANES):
        row[r], done[r], live[r], first[r], last[r] = -1, sweeps, zero, zero, zero
    coming = moved = 0
    while True:
        busy = False
        for r in range(LANES):
            stopped = done[r] >= sweeps or (done[r] > 0 and last[r] <= gain * first[r])
            if stopped and row[r] >= 0:
                work[0] += first[r]
                work[1] += last[r]
                work[2] += done[r]
                for j in range(k):
                    new[row[r], j] = f[j, r]
                row[r], done[r], live[r] = -1, sweeps, zero
            if stopped and coming < m:
                row[r], done[r], live[r] = coming, 0, F.dtype.type(1)
                for j in range(k):
                    c[j, r] = cross[coming, j]
                    f[j, r] = F[coming, j]
                    moved += f[j, r] != zero
                    if inverse[j] == zero and c[j, r] < zero:  # held by a penalty alone
                        f[j, r] = zero
                coming += 1
            busy = busy or row[r] >= 0
        if not busy:
            break
        moved += _sweep(c, G, inverse, f, live, slope, last)
        for r in range(LANES):
            if done[r] == 0:
                first[r] = last[r]
            done[r] += 1
    work[3] += moved


@inlined
def _padded(gram: Array) -> tuple[Array, Array]:
    """The Gram with zeros up to a multiple of four components, and the inverse of its diagonal, 0 where that is 0."""
    k = len(gram)
    size = (k + 3) // 4 * 4
    G = np.empty((size, size), gram.dtype)
    inverse = np.empty(size, gram.dtype)
    for j in range(size):
        for i in range(size):
            G[j, i] = gram[j, i] if j < k and i < k else gram.dtype.type(0)
        inverse[j] = gram.dtype.type(1) / G[j, j] if G[j, j] > 0 else gram.dtype.type(0)
    return G, inverse


@inlined
def _sweep(c: Array, G: Array, inverse: Array, f: Array, live: Array, slope: Array, last: Array) -> int:
    """One sweep over the coordinates of all lanes: the gains go to ``last``, the number of moves is returned.

    Four coordinates share each load of f: their slopes are made of the old values, then each takes the moves of those
    before it into account. ``slope`` is room for them.
    """
    zero = f.dtype.type(0)
    s0, s1, s2, s3 = slope[0], slope[1], slope[2], slope[3]
    moved = 0
    for r in range(LANES):
        last[r] = zero
    for j in range(0, len(G), 4):
        c0, c1, c2, c3 = c[j], c[j + 1], c[j + 2], c[j + 3]
        for r in range(LANES):
            s0[r], s1[r], s2[r], s3[r] = c0[r], c1[r], c2[r], c3[r]
        for i in range(0, len(G), 4):
            g00, g01, g02, g03 = G[j, i], G[j, i + 1], G[j, i + 2], G[j, i + 3]
            g10, g11, g12, g13 = G[j + 1, i], G[j + 1, i + 1], G[j + 1, i + 2], G[j + 1, i + 3]
            g20, g21, g22, g23 = G[j + 2, i], G[j + 2, i + 1], G[j + 2, i + 2], G[j + 2, i + 3]
            g30, g31, g32, g33 = G[j + 3, i], G[j + 3, i + 1], G[j + 3, i + 2], G[j + 3, i + 3]
            h0, h1, h2, h3 = f[i], f[i + 1], f[i + 2], f[i + 3]
            for r in range(LANES):
                x0, x1, x2, x3 = h0[r], h1[r], h2[r], h3[r]
                s0[r] -= g00 * x0 + g01 * x1 + g02 * x2 + g03 * x3
                s1[r] -= g10 * x0 + g11 * x1 + g12 * x2 + g13 * x3
                s2[r] -= g20 * x0 + g21 * x1 + g22 * x2 + g23 * x3
                s3[r] -= g30 * x0 + g31 * x1 + g32 * x2 + g33 * x3
        f0, f1, f2, f3 = f[j], f[j + 1], f[j + 2], f[j + 3]
        v0, v1, v2, v3 = inverse[j], inverse[j + 1], inverse[j + 2], inverse[j + 3]
        d0, d1, d2, d3 = G[j, j], G[j + 1, j + 1], G[j + 2, j + 2], G[j + 3, j + 3]
        g10, g20, g30 = G[j + 1, j], G[j + 2, j], G[j + 3, j]
        g21, g31, g32 = G[j + 2, j + 1], G[j + 3, j + 1], G[j + 3, j + 2]
        count = 0
        for r in range(LANES):
            x0, x1, x2, x3 = f0[r], f1[r], f2[r], f3[r]
            n0 = max(zero, x0 + live[r] * v0 * s0[r])
            x0 = n0 - x0
            n1 = max(zero, x1 + live[r] * v1 * (s1[r] - g10 * x0))
            x1 = n1 - x1
            n2 = max(zero, x2 + live[r] * v2 * (s2[r] - g20 * x0 - g21 * x1))
            x2 = n2 - x2
            n3 = max(zero, x3 + live[r] * v3 * (s3[r] - g30 * x0 - g31 * x1 - g32 * x2))
            x3 = n3 - x3
            f0[r], f1[r], f2[r], f3[r] = n0, n1, n2, n3
            last[r] += d0 * x0 * x0 + d1 * x1 * x1 + d2 * x2 * x2 + d3 * x3 * x3
            count += (x0 != zero) + (x1 != zero) + (x2 != zero) + (x3 != zero)
        moved += count
    return moved


@kernel
def hals_rows(cross: Array, gram: Array, F: Array, sweeps: int, gain: float, new: Array, work: Float64) -> None:
    """The same row by row with the gradient kept: a coordinate that stays at zero costs O(1)."""
    m, k = F.shape
    slope = np.empty(k, F.dtype)
    inverse = np.zeros(k, F.dtype)
    zero = F.dtype.type(0)
    for j in range(k):
        if gram[j, j] > 0:
            inverse[j] = F.dtype.type(1) / gram[j, j]
    for r in range(m):
        f = new[r]
        for j in range(k):
            f[j] = F[r, j]
            slope[j] = cross[r, j]
        first = zero
        last = zero
        moved = 0
        done = 0
        for j in range(k):
            old = f[j]
            if old != zero:
                moved += 1
                for i in range(k):
                    slope[i] -= old * gram[j, i]
        for sweep in range(sweeps):
            last = zero
            for j in range(k):
                old = f[j]
                value = max(zero, old + slope[j] * inverse[j])
                if inverse[j] == zero and slope[j] < zero:  # held by a penalty alone
                    value = zero
                delta = value - old
                if delta != zero:
                    f[j] = value
                    for i in range(k):
                        slope[i] -= delta * gram[j, i]
                    last += gram[j, j] * delta * delta
                    moved += 1
            done += 1
            if sweep == 0:
                first = last
            if last <= gain * first:
                break
        work[0] += first
        work[1] += last
        work[2] += done
        work[3] += moved
