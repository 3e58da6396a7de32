"""Block principal pivoting for non-negative least squares, one row at a time (Kim & Park 2011, algorithm 1).

A row f that minimises ½ f G fᵀ − f·c over f ≥ 0 is zero outside a passive set P and solves G[P, P] f[P] = c[P] inside,
with a gradient y = f G − c that is ≥ 0 outside. P is guessed, solved by Cholesky, and the coordinates that violate a
sign change sides: all of them while their number falls, the last one alone after three failures (which ends cycles).
"""

import numpy as np

from partwise._types import Array, Float64
from partwise.kernels._jit import inlined, kernel

# A pivot below this share of its diagonal is a column that the earlier ones already span; the column stays at zero.
_DEPENDENT = 1e-12
# A sign is violated when it is off by more than this share of the row's largest coefficient, or cross product for a
# gradient: far above the rounding of a Gram that is worth solving, far below what anyone could see.
_SIGN = 1e-10


@inlined
def solve_passive(gram: Float64, c: Float64, passive: Array, L: Float64, index: Array, f: Float64) -> None:
    """Solve G[P, P] f[P] = c[P] by Cholesky, f = 0 elsewhere; columns dependent on earlier ones leave P."""
    k = gram.shape[0]
    p = 0
    for j in range(k):
        f[j] = 0.0
        if not passive[j]:
            continue
        for a in range(p):
            total = gram[j, index[a]]
            for b in range(a):
                total -= L[p, b] * L[a, b]
            L[p, a] = total / L[a, a]
        pivot = gram[j, j]
        for a in range(p):
            pivot -= L[p, a] * L[p, a]
        if pivot <= _DEPENDENT * gram[j, j]:
            passive[j] = False
            continue
        L[p, p] = np.sqrt(pivot)
        index[p] = j
        p += 1
    for a in range(p):
        total = c[index[a]]
        for b in range(a):
            total -= L[a, b] * f[index[b]]
        f[index[a]] = total / L[a, a]
    for a in range(p - 1, -1, -1):
        total = f[index[a]]
        for b in range(a + 1, p):
            total -= L[b, a] * f[index[b]]
        f[index[a]] = total / L[a, a]


@inlined
def violations(gram: Float64, c: Float64, passive: Array, f: Float64, wrong: Array) -> int:
    """Mark the coordinates whose sign is wrong (f < 0 inside P, gradient < 0 outside) and count them."""
    k = gram.shape[0]
    largest, longest = 0.0, 0.0
    for j in range(k):
        largest = max(largest, abs(c[j]))
        longest = max(longest, abs(f[j]))
    count = 0
    for j in range(k):
        wrong[j] = False
        if passive[j]:
            wrong[j] = f[j] < -_SIGN * longest
        elif gram[j, j] > 0.0:
            y = -c[j]
            for i in range(k):
                y += gram[j, i] * f[i]
            wrong[j] = y < -_SIGN * largest
        count += wrong[j]
    return count


@inlined
def active_set(gram: Float64, c: Float64, passive: Array, L: Float64, index: Array, f: Float64, s: Float64) -> None:
    """Solve one row by the active set, one coordinate after the other (Bro & de Jong 1997): slower, but it ends."""
    k = gram.shape[0]
    blocked = np.empty(k, np.bool_)
    largest = 0.0
    for j in range(k):
        blocked[j] = False
        largest = max(largest, abs(c[j]))
        passive[j] = False
        f[j] = 0.0
    for _ in range(10 * k):
        best, slope = -1, _SIGN * largest
        for j in range(k):
            if passive[j] or blocked[j] or gram[j, j] <= 0.0:
                continue
            y = c[j]
            for i in range(k):
                y -= gram[j, i] * f[i]
            if y > slope:
                best, slope = j, y
        if best < 0:
            return
        passive[best] = True
        while True:
            solve_passive(gram, c, passive, L, index, s)
            blocked[best] = not passive[best]
            step = 1.0
            for j in range(k):
                if passive[j] and s[j] <= 0.0:
                    step = min(step, f[j] / (f[j] - s[j]) if f[j] > 0.0 else 0.0)
            for j in range(k):
                f[j] = max(0.0, f[j] + step * (s[j] - f[j]))
                if passive[j] and s[j] <= 0.0 and f[j] <= _SIGN * abs(s[j]):
                    passive[j] = False
                    f[j] = 0.0
                    blocked[j] = blocked[j] or j == best
            if step == 1.0:
                break


@kernel
def bpp_rows(cross: Array, gram: Float64, F: Array, pivots: int, work: Float64) -> None:
    """Solve all rows of F in place, each from the passive set F > 0; after ``pivots`` exchanges by the active set.

    ``work`` (4,) gets the sums over rows of the gain (at entry; 0 at the end), of the exchanges and of the moves.
    """
    solve_rows(cross, gram, F, pivots, work)


@inlined
def solve_rows(cross: Array, gram: Float64, F: Array, pivots: int, work: Float64) -> None:
    """What :func:`bpp_rows` does, for kernels."""
    m, k = F.shape
    L = np.empty((k, k))
    index = np.empty(k, np.int64)
    passive = np.empty(k, np.bool_)
    wrong = np.empty(k, np.bool_)
    c = np.empty(k)
    f = np.empty(k)
    s = np.empty(k)
    for r in range(m):
        for j in range(k):
            c[j] = cross[r, j]
            passive[j] = F[r, j] > 0 and gram[j, j] > 0.0
        best = k + 1
        patience = 3
        count = k
        for _ in range(pivots):
            work[2] += 1
            solve_passive(gram, c, passive, L, index, f)
            count = violations(gram, c, passive, f, wrong)
            if count == 0:
                break
            everything = count < best or patience > 0
            if count < best:
                best = count
                patience = 3
            else:
                patience -= 1
            for j in range(k - 1, -1, -1):
                if wrong[j]:
                    passive[j] = not passive[j]
                    if not everything:
                        break
        if count > 0:
            active_set(gram, c, passive, L, index, f, s)
        for j in range(k):
            if gram[j, j] > 0.0:
                f[j] = max(f[j], 0.0)
                delta = f[j] - F[r, j]
                work[0] += gram[j, j] * delta * delta
                work[3] += delta != 0.0
                F[r, j] = f[j]
            elif c[j] < 0.0:  # held by a penalty alone
                F[r, j] = 0.0
