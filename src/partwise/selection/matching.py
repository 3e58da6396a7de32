"""Which part of one factorization is which of another: the assignment with the largest sum of cosines."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from partwise._types import Array, Float64


def unit_rows(H: Array) -> Float64:
    """The rows of H, shape (..., k, n), at length 1, in float64; zero rows stay zero."""
    H = H.astype(np.float64)
    H /= H.max(axis=-1, keepdims=True, initial=np.finfo(np.float64).tiny)  # squares neither overflow nor vanish
    lengths = np.sqrt(np.einsum("...j,...j->...", H, H))[..., None]
    units: Float64 = np.divide(H, lengths, out=np.zeros_like(H), where=lengths > 0)
    return units


def cosines(A: Array, B: Array) -> Float64:
    """Cosines of the rows of A (k × n) with those of B (l × n), shape (k, l)."""
    return unit_rows(A) @ unit_rows(B).T


def match(A: Array, B: Array) -> tuple[Array, Float64]:
    """Match parts one to one, by the Hungarian method, so that the sum of their cosines is largest.

    Parameters
    ----------
    A, B : ndarray of shape (k, n_features)
        Parts in rows, non-negative; their scales do not matter. B may have more rows than A.

    Returns
    -------
    order : ndarray of int, shape (k,)
        ``B[order]`` are the partners of the rows of A.
    cosine : ndarray of shape (k,), float64
        Of each pair; 0 where one of them is zero.

    References
    ----------
    Kuhn, H. W. (1955). The Hungarian method for the assignment problem. Naval Research Logistics Quarterly 2, 83-97.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise.selection import match
    >>> order, cosine = match(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[0.1, 1.0], [3.0, 0.0]]))
    >>> order.tolist(), cosine.round(3).tolist()
    ([1, 0], [1.0, 0.995])
    """
    table = cosines(A, B)
    rows, order = linear_sum_assignment(table, maximize=True)
    return order, table[rows, order]
