"""Cyclic coordinate descent for non-negative least squares (HALS), two kernels of one algorithm.

Each row f of F lowers ½ f G fᵀ − f·c with f ≥ 0, where G is the k × k Gram and c the row's cross product, one
coordinate after the other (Cichocki & Phan 2009; Gillis & Glineur 2012, section 3). A row stops when a sweep gains
at most ``gain`` times what its first sweep gained, whatever its neighbours do, so its answer does not depend on them.
The gain of a sweep is measured as Σⱼ Gⱼⱼ Δⱼ², twice what the coordinate steps lower the objective by at least.
"""

import numpy as np

from partwise._types import Array
from partwise.kernels._jit import kernel

# Rows that the dense kernel moves together: 128 rows of 50 components are 50 kB in float64, well inside
# a second-level cache beside the Gram.
LANES = 128


@kernel
def hals_lanes(cross: Array, gram: Array, F: Array, sweeps: int, gain: float, work: Array) -> None:
    """Lower all rows of F in place, vectorised across rows: fast where most coordinates move.

    ``work`` (5,) gets the sums over rows of the first gain, the last gain, the sweeps done, the coordinates moved (and
    of those not zero at entry, whose share of the gradient has to be made) and the sweeps that whole lanes take.
    """
    m, k = F.shape
    c = np.empty((k, LANES), F.dtype)
    f = np.empty((k, LANES), F.dtype)
    step = np.empty(LANES, F.dtype)
    first = np.empty(LANES, F.dtype)
    last = np.empty(LANES, F.dtype)
    live = np.empty(LANES, F.dtype)
    zero = F.dtype.type(0)
    one = F.dtype.type(1)
    tail = k - k % 8
    for start in range(0, m, LANES):
        b = min(LANES, m - start)
        for r in range(b):
            for j in range(k):
                f[j, r] = F[start + r, j]
                c[j, r] = cross[start + r, j]
        for r in range(b, LANES):
            for j in range(k):
                f[j, r] = zero
                c[j, r] = zero
        # Loops, not slices: the broadcasting of an assignment costs two seconds of compilation.
        for r in range(LANES):
            live[r] = one if r < b else zero
            first[r] = zero
        moved = 0
        for r in range(b):
            for j in range(k):
                moved += f[j, r] != zero
        n_live = b
        for sweep in range(sweeps):
            for r in range(LANES):
                last[r] = zero
            for j in range(k):
                if gram[j, j] <= 0:
                    # Nothing holds the coordinate but a penalty, which takes it to zero.
                    for r in range(b):
                        if c[j, r] < zero:
                            f[j, r] = zero
                    continue
                for r in range(LANES):
                    step[r] = c[j, r]
                for i in range(0, tail, 8):
                    g0, g1, g2, g3 = gram[j, i], gram[j, i + 1], gram[j, i + 2], gram[j, i + 3]
                    g4, g5, g6, g7 = gram[j, i + 4], gram[j, i + 5], gram[j, i + 6], gram[j, i + 7]
                    for r in range(LANES):
                        step[r] -= (
                            g0 * f[i, r]
                            + g1 * f[i + 1, r]
                            + g2 * f[i + 2, r]
                            + g3 * f[i + 3, r]
                            + g4 * f[i + 4, r]
                            + g5 * f[i + 5, r]
                            + g6 * f[i + 6, r]
                            + g7 * f[i + 7, r]
                        )
                for i in range(tail, k):
                    g0 = gram[j, i]
                    for r in range(LANES):
                        step[r] -= g0 * f[i, r]
                inverse = one / gram[j, j]
                d = gram[j, j]
                count = 0
                for r in range(LANES):
                    old = f[j, r]
                    new = max(zero, old + live[r] * inverse * step[r])
                    delta = new - old
                    f[j, r] = new
                    last[r] += d * delta * delta
                    count += delta != zero
                moved += count
            work[2] += n_live
            work[4] += LANES
            if sweep == 0:
                for r in range(b):
                    first[r] = last[r]
                    work[0] += last[r]
            n_live = 0
            for r in range(b):
                if live[r] != zero:
                    if last[r] <= gain * first[r] or sweep == sweeps - 1:
                        live[r] = zero
                        work[1] += last[r]
                    else:
                        n_live += 1
            if n_live == 0:
                break
        work[3] += moved
        for r in range(b):
            for j in range(k):
                F[start + r, j] = f[j, r]


@kernel
def hals_rows(cross: Array, gram: Array, F: Array, sweeps: int, gain: float, work: Array) -> None:
    """Lower all rows of F in place, row by row with the gradient kept: a coordinate that stays at zero costs O(1)."""
    m, k = F.shape
    slope = np.empty(k, F.dtype)
    inverse = np.zeros(k, F.dtype)
    zero = F.dtype.type(0)
    for j in range(k):
        if gram[j, j] > 0:
            inverse[j] = F.dtype.type(1) / gram[j, j]
    most = 0
    for r in range(m):
        f = F[r]
        for j in range(k):
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
                new = max(zero, old + slope[j] * inverse[j])
                if inverse[j] == zero and slope[j] < zero:  # held by a penalty alone
                    new = zero
                delta = new - old
                if delta != zero:
                    f[j] = new
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
        most = max(most, done)
        if (r + 1) % LANES == 0 or r == m - 1:
            work[4] += LANES * most
            most = 0
