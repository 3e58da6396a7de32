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
from partwise.kernels.sparse import csr_times
from partwise.kernels.threads import even_bounds
from partwise.kernels.tiles import blank_stored, log_sum, quotients, weigh, weigh_stored
from partwise.kernels.weighted import stored_model

# Entries of a tile, three of which are in a second-level cache of 1 MiB in float64, and the most rows of one: BLAS
# packs G for each.
TILE, TILE_ROWS = 1 << 15, 256

# Stored entries that are weighed, and others of which NumPy takes a power, at a time: what lies between stays in the
# cache too.
_PIECE = 1 << 14

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

    For β = 1 ``positive`` has been made already. The divergence costs up to two thirds of the rest; where it is
    not ``valued`` it is NaN.
    """
    across = not x.flags.c_contiguous and x.strides[0] < x.strides[1]
    total, low = 0.0, least(beta, F.dtype)
    for rows, columns in _tiles(*x.shape):
        f, g = F[rows], G[columns]
        # In tiles of the order of x both are read along memory.
        tile = np.ascontiguousarray(x[rows, columns].T if across else x[rows, columns])
        y = g @ f.T if across else f @ g.T
        slope = np.ones_like(y) if beta == 0 else _slope(y, beta, low)
        v = None
        if weights is not None:
            v = _spread(weights(rows, columns), y, across)
            slope *= v
        sums = weigh(tile, y, slope, F.dtype.type(low), beta, valued)
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
        quotients(x, indices, bounds, F, G, F.dtype.type(low), quotient, negative)
        if not valued:
            return np.nan
        everywhere = F.sum(axis=0, dtype=np.float64) @ positive
        return _divergence(float(x.sum(dtype=np.float64)), everywhere, log_sum(x, quotient), beta)
    seen, weighed, everywhere = bounds[:-1].copy(), 0.0, 0.0
    for rows, columns in _tiles(len(F), len(G)):
        g = G[columns]
        y = F[rows] @ g.T
        slope = _slope(y, beta, low)
        stored = x, indices, seen[rows], bounds[1:][rows]
        weighed += weigh_stored(*stored, columns.start, y, slope, g, F.dtype.type(low), quotient, negative[rows])
        share = slope @ g
        everywhere += float(np.einsum("ij,ij->", F[rows], share, dtype=np.float64))  # Σ y^β, as y is linear in F
        positive[rows] += share
    if not valued:
        return np.nan
    logs = log_sum(np.ones_like(x), quotient) if beta == 0 else 0.0
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
    weighed, everywhere, logs = 0.0, 0.0, 0.0
    for piece in (slice(*pair) for pair in pairwise(even_bounds(len(x), _PIECE))):
        sums = weigh(x[None, piece], y[None, piece], slope[None, piece], F.dtype.type(low), beta, valued)
        weighed, everywhere, logs = weighed + sums[0], everywhere + sums[1], logs + sums[2]
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
        blank_stored(indices, seen[rows], bounds[1:][rows], columns.start, slope)
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
    for a, b in pairwise(even_bounds(rows, max(TILE_ROWS, TILE // columns))):
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
