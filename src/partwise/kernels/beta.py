"""β-divergences of X and y = F Gᵀ with both parts of their gradients, for rows of X.

The gradient in a row of F is Σ_c (y_c^(β−1) − x_c y_c^(β−2)) g_c. Its negative part needs y where x is not zero. Its
positive part needs y everywhere, except for β = 1, where it is the column sums of G. So Kullback–Leibler on sparse data
is one pass over the stored entries; all else goes by tiles of y that stay in the cache.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import kl_div

from partwise._types import Array
from partwise.kernels._jit import inlined, kernel
from partwise.kernels.sparse import csr_times
from partwise.kernels.threads import even_bounds
from partwise.kernels.weighted import stored_model

# Entries of a tile, three of which are in a second-level cache of 1 MiB in float64, and the most rows of one: BLAS
# packs G for each.
TILE, TILE_ROWS = 1 << 15, 256

# Entries of which NumPy takes a power at a time, so that what lies between stays in the cache too.
_PIECE = 1 << 14

_ROOT_2, _LOG_2 = float(np.sqrt(2.0)), float(np.log(2.0))

_POWERS: dict[float, Callable[[Array], Array]] = {0.0: np.ones_like, 0.5: np.sqrt, 1.0: np.copy, 2.0: np.square}


def least(beta: float, dtype: np.dtype[Any]) -> float:
    """What y is raised to at least, so that 1/y and y^(β−2) stay in the range of numbers: far below what matters."""
    limits = np.finfo(dtype)
    return float((float(limits.max) * float(limits.eps)) ** (1 / min(beta - 2, -1)))


Tile = Callable[[slice, slice], "Array | float"]
"""The weights of some rows and columns, in a shape that broadcasts to them."""


def dense_share(
    x: Array,
    F: Array,
    G: Array,
    beta: float,
    negative: Array,
    positive: Array,
    valued: bool = True,
    weights: Tile | None = None,
) -> float:
    """Add both parts of the gradient of dense rows x, of any strides, to zeroed arrays; return the divergence.

    For β = 1 ``positive`` has been made already. The divergence costs as much as the rest; where it is not ``valued``
    it is NaN.
    """
    across = not x.flags.c_contiguous and x.strides[0] < x.strides[1]
    total, low = 0.0, least(beta, F.dtype)
    for rows, columns in _tiles(*x.shape):
        f, g = F[rows], G[columns]
        # In tiles of the order of x both are read along memory.
        tile = np.ascontiguousarray(x[rows, columns].T if across else x[rows, columns])
        y = g @ f.T if across else f @ g.T
        slope, v = np.ones_like(y) if beta == 0 else _slope(y, beta, low), None
        if weights is not None:
            v = _spread(weights(rows, columns), y, across)
            slope *= v
        sums = _weigh(tile, y, slope, F.dtype.type(low), beta, valued)
        total += _divergence(*sums, beta, tile, v) if valued else np.nan
        negative[rows] += (y.T if across else y) @ g
        if beta != 1:
            positive[rows] += (slope.T if across else slope) @ g
    return total


def sparse_share(
    data: Array,
    indices: Array,
    indptr: Array,
    F: Array,
    G: Array,
    beta: float,
    negative: Array,
    positive: Array,
    valued: bool = True,
) -> float:
    """Do the same for the rows of a CSR array that ``indptr`` bounds; a tile is all that its zeros are given."""
    entries = slice(indptr[0], indptr[-1])
    x, indices, bounds = data[entries], indices[entries], indptr - indptr[0]
    quotient, low = np.empty(len(x), F.dtype), least(beta, F.dtype)
    if beta == 1:
        _quotients(x, indices, bounds, F, G, F.dtype.type(low), quotient, negative)
        if not valued:
            return np.nan
        everywhere = F.sum(axis=0, dtype=np.float64) @ positive
        return _divergence(float(x.sum(dtype=np.float64)), everywhere, _log_sum(x, quotient), beta)
    seen, weighed = bounds[:-1].copy(), 0.0
    for rows, columns in _tiles(len(F), len(G)):
        g = G[columns]
        y = F[rows] @ g.T
        slope = _slope(y, beta, low)
        stored = x, indices, seen[rows], bounds[1:][rows]
        weighed += _weigh_stored(*stored, columns.start, y, slope, g, F.dtype.type(low), quotient, negative[rows])
        positive[rows] += slope @ g
    if not valued:
        return np.nan
    everywhere = float(np.einsum("ij,ij->", F, positive, dtype=np.float64))  # Σ y^β, as y is linear in F
    logs = _log_sum(np.ones_like(x), quotient) if beta == 0 else 0.0
    return _divergence(weighed, everywhere, logs, beta, x)


def weighted_sparse_share(
    x: Array,
    indices: Array,
    bounds: Array,
    v: Array,
    others: Tile | None,
    F: Array,
    G: Array,
    beta: float,
    negative: Array,
    positive: Array,
    valued: bool,
) -> float:
    """Do the same for rows of a CSR array with weights v of the stored entries.

    ``others`` gives what the entries weigh that are not stored, and any number elsewhere; None leaves those out.
    """
    low = least(beta, F.dtype)
    y = np.empty(len(x), F.dtype)
    stored_model(indices, bounds, F, G, 0, len(F), y)
    slope = v.astype(y.dtype) if beta == 0 else v * _slope(y, beta, low)
    line = (1, len(x))
    weighed, everywhere, logs = _weigh(
        x.reshape(line), y.reshape(line), slope.reshape(line), F.dtype.type(low), beta, valued
    )
    _add_times(y, indices, bounds, G, negative)
    if beta == 1:
        everywhere = float(np.einsum("ij,ij->", F, positive, dtype=np.float64))
    else:
        _add_times(slope, indices, bounds, G, positive)
        if others is not None:
            everywhere += _zeros_share(indices, bounds, others, F, G, beta, positive)
    return _divergence(weighed, everywhere, logs, beta, x, v) if valued else np.nan


def _zeros_share(
    indices: Array, bounds: Array, weights: Tile, F: Array, G: Array, beta: float, positive: Array
) -> float:
    """Add the positive part of the entries that are not stored, and return their Σ v y^β.

    Tile by tile without the stored ones: taken off a sum over all, what is missing and has a model near zero, to which
    y^(β−1) gives any weight for β < 1, would leave nothing but rounding.
    """
    total, low, seen = 0.0, least(beta, F.dtype), bounds[:-1].copy()
    for rows, columns in _tiles(len(F), len(G)):
        y = F[rows] @ G[columns].T
        slope = _slope(y, beta, low)
        slope *= weights(rows, columns)
        _blank_stored(indices, seen[rows], bounds[1:][rows], columns.start, slope)
        total += float(np.einsum("ij,ij->", slope, y, dtype=np.float64))
        positive[rows] += slope @ G[columns]
    return total


def _add_times(values: Array, indices: Array, bounds: Array, G: Array, out: Array) -> None:
    product = np.empty_like(out)
    csr_times(values.astype(G.dtype, copy=False), indices, bounds, G, 0, len(out), product)
    out += product


def power(y: Array, exponent: float) -> Array:
    """y^exponent, a new array, by roots, squares and reciprocals where these do: five times as fast as ``**``."""
    if exponent < 0:
        out = power(y, -exponent)
        return np.reciprocal(out, out=out)
    return _POWERS[exponent](y) if exponent in _POWERS else np.power(y, exponent)


def divergence_of(x: Array, y: Array, beta: float) -> Array:
    """D of single entries in float64, y raised to the least that serves; x may be zero where beta > 0."""
    y = np.maximum(y, least(beta, y.dtype))
    if beta == 0:
        quotient = x / y
        return np.asarray(quotient - np.log(quotient) - 1.0)
    if beta == 1:
        return np.asarray(kl_div(x, y))
    return np.asarray((x**beta + (beta - 1) * y**beta - beta * x * y ** (beta - 1)) / (beta * (beta - 1)))


def _slope(y: Array, beta: float, low: float) -> Array:
    """y^(β−1), for β < 1 of y raised to ``low``; for other β zeros of y are in the way of quotients only."""
    if beta < 1:
        np.maximum(y, low, out=y)
    return power(y, beta - 1)


def _spread(weights: Array | float, y: Array, across: bool) -> Array:
    """Weights of a tile in its order."""
    v = np.asarray(weights, y.dtype)
    return np.ascontiguousarray(np.broadcast_to(v.T if across else v, y.shape))


def _tiles(rows: int, columns: int) -> Iterator[tuple[slice, slice]]:
    """All columns of some rows, then of the next ones."""
    for a, b in pairwise(even_bounds(rows, TILE_ROWS)):
        for c, d in pairwise(even_bounds(columns, TILE // (b - a))):
            yield slice(a, b), slice(c, d)


def _divergence(
    weighed: float, everywhere: float, logs: float, beta: float, x: Array | None = None, v: Array | None = None
) -> float:
    """D from Σ v x y^(β−1), Σ v y^β, Σ v log(x/y) or Σ v x log(x/y) for β = 0 or 1, and x for all other β."""
    if beta == 0:
        return weighed - everywhere - logs
    if beta == 1:
        return logs - weighed + everywhere
    assert x is not None
    return (_power_sum(x, v, beta) + (beta - 1) * everywhere - beta * weighed) / (beta * (beta - 1))


def _power_sum(x: Array, v: Array | None, beta: float) -> float:
    """Σ v x^β in float64."""
    x, total = x.ravel(), 0.0
    weights = None if v is None else v.ravel()
    for piece in (slice(*pair) for pair in pairwise(even_bounds(len(x), _PIECE))):
        part, of = x[piece], None if weights is None else weights[piece]
        # What is missing may be zero.
        terms = power(part if beta > 0 or of is None else np.where(of > 0, part, 1), beta)
        total += float((terms if of is None else terms * of).sum(dtype=np.float64))
    return total


@kernel
def _log_sum(times: Array, x: Array) -> float:
    """Σ times log x."""
    total = 0.0
    for i in range(len(x)):
        total += np.float64(times[i]) * _log(np.float64(x[i]))
    return total


@inlined
def _log(x: float) -> float:
    """The natural logarithm of a normal number to its last digit, in operations that vectorise: four times as fast.

    With x = 2^e m and m within √2 of 1, log m = 2 artanh s for s = (m − 1) / (m + 1), by its series.
    """
    bits = np.float64(x).view(np.int64)
    e = (bits >> 52) - 1023
    m = np.int64((bits & np.int64(0x000FFFFFFFFFFFFF)) | np.int64(0x3FF0000000000000)).view(np.float64)
    large = m > _ROOT_2
    m = 0.5 * m if large else m
    e = e + 1 if large else e
    s = np.divide(m - 1.0, m + 1.0)
    z = s * s
    series = 1 / 21
    series = series * z + 1 / 19
    series = series * z + 1 / 17
    series = series * z + 1 / 15
    series = series * z + 1 / 13
    series = series * z + 1 / 11
    series = series * z + 1 / 9
    series = series * z + 1 / 7
    series = series * z + 1 / 5
    series = series * z + 1 / 3
    return float(np.float64(e) * _LOG_2 + 2.0 * s * (1.0 + z * series))


@kernel
def _weigh(x: Array, y: Array, slope: Array, low: float, beta: float, valued: bool) -> tuple[float, float, float]:
    """With slope = v y^(β−1), or v for β = 0, make slope v y^(β−1) and y the weights v x y^(β−2).

    Return Σ v x y^(β−1), Σ v y^β, and for β = 0 or 1 where it is ``valued`` Σ v log(x/y) or Σ v x log(x/y). Neither y
    in a quotient nor a quotient in a logarithm is below ``low``. Row by row, so that what lies between stays in the
    first cache, and logarithms in a loop of their own: together with the sums they would not vectorise.
    """
    rows, columns = y.shape
    one = y.dtype.type(1)
    quotient = np.empty(columns, y.dtype)
    times = np.empty(columns, y.dtype)
    weighed = everywhere = logs = 0.0
    for r in range(rows):
        for c in range(columns):
            value, s = x[r, c], slope[r, c]
            model = max(y[r, c], low)
            inverse = np.divide(one, model)
            q = value * inverse
            times[c] = s if beta == 0 else value * s
            if beta == 0:
                s *= inverse
            weighed += np.float64(value) * np.float64(s)
            everywhere += np.float64(model) * np.float64(s)
            quotient[c] = max(q, low)
            slope[r, c] = s
            y[r, c] = q * s
        if valued and (beta == 0 or beta == 1):
            for c in range(columns):
                logs += np.float64(times[c]) * _log(np.float64(quotient[c]))
    return weighed, everywhere, logs


@kernel
def _weigh_stored(
    x: Array,
    indices: Array,
    seen: Array,
    ends: Array,
    first: int,
    y: Array,
    slope: Array,
    g: Array,
    low: float,
    quotient: Array,
    negative: Array,
) -> float:
    """The same in a tile from column ``first`` on, for entries stored row by row: ``seen`` moves past those inside.

    Return Σ x y^(β−1) of these, and write their quotients.
    """
    weighed = 0.0
    rows, columns = y.shape
    for r in range(rows):
        p = seen[r]
        row = negative[r]
        while p < ends[r] and indices[p] < first + columns:
            c = indices[p] - first
            q = np.divide(x[p], max(y[r, c], low))
            weighed += np.float64(x[p]) * np.float64(slope[r, c])
            quotient[p] = max(q, low)
            w = q * slope[r, c]
            held = g[c]
            for j in range(len(row)):
                row[j] += w * held[j]
            p += 1
        seen[r] = p
    return weighed


@kernel
def _blank_stored(indices: Array, seen: Array, ends: Array, first: int, tile: Array) -> None:
    """Make zero what is stored of a tile from column ``first`` on; ``seen`` moves past it."""
    rows, columns = tile.shape
    for r in range(rows):
        p = seen[r]
        while p < ends[r] and indices[p] < first + columns:
            tile[r, indices[p] - first] = 0
            p += 1
        seen[r] = p


@kernel
def _quotients(
    x: Array, indices: Array, bounds: Array, F: Array, G: Array, low: float, quotient: Array, negative: Array
) -> None:
    """Write x/y of the stored entries and add Σ x/y g to each row; four entries at a time share each load of a row.

    Through ``np.divide``: Numba's own operator looks for a zero divisor first, and what may raise does not vectorise.
    """
    zero = F.dtype.type(0)
    k = F.shape[1]
    for r in range(len(F)):
        f = F[r]
        row = negative[r]
        p = bounds[r]
        end = bounds[r + 1]
        while p + 4 <= end:
            g0, g1, g2, g3 = G[indices[p]], G[indices[p + 1]], G[indices[p + 2]], G[indices[p + 3]]
            y0 = y1 = y2 = y3 = zero
            for j in range(k):
                y0 += f[j] * g0[j]
                y1 += f[j] * g1[j]
                y2 += f[j] * g2[j]
                y3 += f[j] * g3[j]
            q0, q1 = np.divide(x[p], max(y0, low)), np.divide(x[p + 1], max(y1, low))
            q2, q3 = np.divide(x[p + 2], max(y2, low)), np.divide(x[p + 3], max(y3, low))
            quotient[p], quotient[p + 1] = max(q0, low), max(q1, low)
            quotient[p + 2], quotient[p + 3] = max(q2, low), max(q3, low)
            for j in range(k):
                row[j] += q0 * g0[j] + q1 * g1[j] + q2 * g2[j] + q3 * g3[j]
            p += 4
        while p < end:
            g0 = G[indices[p]]
            y0 = zero
            for j in range(k):
                y0 += f[j] * g0[j]
            q0 = np.divide(x[p], max(y0, low))
            quotient[p] = max(q0, low)
            for j in range(k):
                row[j] += q0 * g0[j]
            p += 1


@kernel
def relative_squares(F: Array, positive: Array, negative: Array) -> float:
    """Σ over rows of ρ Σⱼ min(sⱼ, 1 − N/P)², with ρ = Σ F P and the shares s = F P / ρ; 0 where P or ρ is."""
    total = 0.0
    for r in range(F.shape[0]):
        whole = 0.0
        for j in range(F.shape[1]):
            whole += np.float64(F[r, j]) * np.float64(positive[r, j])
        if whole > 0.0:
            squares = 0.0
            for j in range(F.shape[1]):
                if positive[r, j] > 0:
                    share = np.divide(np.float64(F[r, j]) * np.float64(positive[r, j]), whole)
                    residual = min(share, 1.0 - np.divide(np.float64(negative[r, j]), np.float64(positive[r, j])))
                    squares += residual * residual
            total += whole * squares
    return total
