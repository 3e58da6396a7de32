"""Block principal pivoting for non-negative least squares, one row at a time (Kim & Park 2011, algorithm 1).

A row f that minimises ½ f G fᵀ − f·c over f ≥ 0 is zero outside a passive set P and solves G[P, P] f[P] = c[P] inside,
with a gradient y = f G − c that is ≥ 0 outside. P is guessed, solved by Cholesky, and the coordinates that violate a
sign change sides: all of them while their number falls, the last one alone after three failures (which ends cycles).
"""

import numpy as np

from partwise._types import Array, Float64
from partwise.kernels._jit import kernel

# A pivot below this share of its diagonal is a column that the earlier ones already span; the column stays at zero.
_DEPENDENT = 1e-12
# A sign is violated when it is off by more than this share of the row's largest cross product.
_SIGN = 1e-13


@kernel
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


@kernel
def violations(gram: Float64, c: Float64, passive: Array, f: Float64, wrong: Array) -> int:
    """Mark the coordinates whose sign is wrong (f < 0 inside P, gradient < 0 outside) and count them."""
    k = gram.shape[0]
    largest = 0.0
    for j in range(k):
        largest = max(largest, abs(c[j]))
    count = 0
    for j in range(k):
        wrong[j] = False
        if passive[j]:
            wrong[j] = f[j] < 0.0
        elif gram[j, j] > 0.0:
            y = -c[j]
            for i in range(k):
                y += gram[j, i] * f[i]
            wrong[j] = y < -_SIGN * largest
        count += wrong[j]
    return count


@kernel
def bpp_rows(cross: Array, gram: Float64, F: Array, pivots: int, unsolved: Array, work: Float64) -> None:
    """Solve all rows of F in place, each from the passive set F > 0; mark those not solved in ``pivots`` exchanges.

    ``work`` (5,) gets the sums over rows of the gain (at entry; 0 at the end), of the exchanges and of the moves.
    """
    m, k = F.shape
    L = np.empty((k, k))
    index = np.empty(k, np.int64)
    passive = np.empty(k, np.bool_)
    wrong = np.empty(k, np.bool_)
    c = np.empty(k)
    f = np.empty(k)
    for r in range(m):
        for j in range(k):
            c[j] = cross[r, j]
            passive[j] = F[r, j] > 0 and gram[j, j] > 0.0
        best = k + 1
        patience = 3
        unsolved[r] = True
        for _ in range(pivots):
            work[2] += 1
            solve_passive(gram, c, passive, L, index, f)
            count = violations(gram, c, passive, f, wrong)
            if count == 0:
                unsolved[r] = False
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
        if unsolved[r]:
            continue
        for j in range(k):
            if gram[j, j] > 0.0:
                delta = f[j] - F[r, j]
                work[0] += gram[j, j] * delta * delta
                work[3] += delta != 0.0
                F[r, j] = f[j]
