"""Row by row where each entry has a weight: models, Grams, and half-steps with a Gram for each row."""

import numpy as np

from partwise._types import Array, Float64
from partwise.kernels._jit import inlined, kernel
from partwise.kernels.bpp import solve_rows


@kernel
def stored_model(indices: Array, indptr: Array, F: Array, G: Array, start: int, stop: int, out: Array) -> None:
    """Write F Gᵀ at the entries of rows start … stop of a CSR pattern to ``out``, which is of all entries."""
    k = F.shape[1]
    zero = F.dtype.type(0)
    for r in range(start, stop):
        f = F[r]
        for p in range(indptr[r], indptr[r + 1]):
            g = G[indices[p]]
            y = zero
            for j in range(k):
                y += f[j] * g[j]
            out[p] = y


@kernel
def dense_grams(E: Array, G: Array, whole: Array, out: Array) -> None:
    """Write Gᵀ diag(e) G of each row e of E to ``out`` (rows × k × k), given ``whole`` = GᵀG.

    Most entries of a mask are alike: where most are 1 the others are taken off the whole, else added to nothing.
    """
    rows, n = E.shape
    zero = G.dtype.type(0)
    one = G.dtype.type(1)
    for r in range(rows):
        ones = 0
        for c in range(n):
            ones += E[r, c] == one
        base = one if 2 * ones > n else zero
        gram = out[r]
        gram[:] = base * whole
        for c in range(n):
            e = E[r, c] - base
            if e != zero:
                _add_square(gram, e, G[c])
        _mirror(gram)


@kernel
def stored_grams(e: Array, absent: float, indices: Array, indptr: Array, G: Array, whole: Array, out: Array) -> None:
    """The same for rows of a CSR pattern, with ``absent`` (1 or 0) for what it does not store."""
    zero = G.dtype.type(0)
    row = np.empty(len(G), G.dtype)
    for r in range(len(out)):
        gram = out[r]
        lost = 0
        for p in range(indptr[r], indptr[r + 1]):
            lost += e[p] == 0
        if absent > 0 and 2 * lost > len(G):
            row[:] = absent
            for p in range(indptr[r], indptr[r + 1]):
                row[indices[p]] = e[p]
            gram[:] = zero
            for c in range(len(G)):
                if row[c] != zero:
                    _add_square(gram, row[c], G[c])
        else:
            gram[:] = G.dtype.type(absent) * whole
            p = indptr[r]
            while absent == 0 and p + 4 <= indptr[r + 1]:
                _add_four_squares(gram, e[p : p + 4], indices[p : p + 4], G)
                p += 4
            while p < indptr[r + 1]:
                more = G.dtype.type(e[p] - absent)
                if more != zero:
                    _add_square(gram, more, G[indices[p]])
                p += 1
        _mirror(gram)


@inlined
def _add_square(gram: Array, weight: float, g: Array) -> None:
    """Add weight g gᵀ to the lower triangle."""
    for i in range(len(g)):
        row = gram[i]
        scaled = weight * g[i]
        for j in range(i + 1):
            row[j] += scaled * g[j]


@inlined
def _add_four_squares(gram: Array, weights: Array, rows: Array, G: Array) -> None:
    """The same of four rows of G, which share each load and store of the triangle."""
    g0, g1, g2, g3 = G[rows[0]], G[rows[1]], G[rows[2]], G[rows[3]]
    for i in range(len(g0)):
        row = gram[i]
        s0, s1, s2, s3 = weights[0] * g0[i], weights[1] * g1[i], weights[2] * g2[i], weights[3] * g3[i]
        for j in range(i + 1):
            row[j] += s0 * g0[j] + s1 * g1[j] + s2 * g2[j] + s3 * g3[j]


@inlined
def _mirror(gram: Array) -> None:
    for i in range(len(gram)):
        gram[i, i] = max(gram[i, i], gram.dtype.type(0))
        for j in range(i):
            gram[j, i] = gram[i, j]


@kernel
def hals_each(cross: Array, grams: Array, F: Array, sweeps: int, gain: float, new: Array, work: Float64) -> None:
    """Coordinate descent on ½ f Gᵣ fᵀ − f·c for each row r with a Gram of its own; see :mod:`partwise.kernels.hals`."""
    m, k = F.shape
    zero = F.dtype.type(0)
    for r in range(m):
        f, c, gram = new[r], cross[r], grams[r]
        for j in range(k):
            f[j] = F[r, j]
            work[3] += f[j] != zero
        first = last = zero
        for sweep in range(sweeps):
            last = zero
            for j in range(k):
                slope = c[j]
                for i in range(k):
                    slope -= gram[j, i] * f[i]
                square = gram[j, j]
                value = max(zero, f[j] + np.divide(slope, square)) if square > zero else f[j]
                if square <= zero and c[j] < zero:  # held by a penalty alone
                    value = zero
                delta = value - f[j]
                if delta != zero:
                    f[j] = value
                    last += square * delta * delta
                    work[3] += 1
            work[2] += 1
            if sweep == 0:
                first = last
            if last <= gain * first:
                break
        work[0] += first
        work[1] += last


@kernel
def bpp_each(cross: Float64, grams: Float64, F: Float64, pivots: int, work: Float64) -> None:
    """Solve each row of F in place by block principal pivoting, with a Gram of its own and in its own units."""
    m, k = F.shape
    gram = np.empty((k, k))
    units = np.empty(k)
    for r in range(m):
        for j in range(k):
            square = grams[r, j, j]
            units[j] = np.sqrt(square) if square > 0.0 else 1.0
        for j in range(k):
            cross[r, j] /= units[j]
            F[r, j] *= units[j]
            for i in range(k):
                gram[j, i] = grams[r, j, i] / (units[j] * units[i])
        solve_rows(cross[r : r + 1], gram, F[r : r + 1], pivots, work)
        for j in range(k):
            F[r, j] /= units[j]
