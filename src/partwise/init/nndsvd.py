"""Non-negative double singular value decomposition (Boutsidis & Gallopoulos 2008)."""

import numpy as np

from partwise._types import Array
from partwise.arrays.block import Block
from partwise.arrays.operand import Operand, Rows

# Halko, Martinsson & Tropp 2011: some more directions than asked for, and power iterations for slow spectra.
_OVERSAMPLES, _POWER = 10, 4


def nndsvd(operand: Operand, mean: float, k: int, rng: np.random.RandomState) -> tuple[Array, Array]:
    """The larger of the positive and negative halves of each singular pair; zeros stay."""
    U, s, V = leading_svd(operand, k)
    W = np.zeros((U.shape[0], k))
    H = np.zeros((V.shape[0], k))
    # X ≥ 0: its first pair has one sign (Perron–Frobenius).
    W[:, 0], H[:, 0] = np.sqrt(s[0]) * np.abs(U[:, 0]), np.sqrt(s[0]) * np.abs(V[:, 0])
    for j in range(1, k):
        W[:, j], H[:, j] = _half(U[:, j], V[:, j], s[j])
    tiny = 1e-6  # of the largest entry, as rounding of the decomposition
    W[tiny * W.max(initial=0) > W] = 0
    H[tiny * H.max(initial=0) > H] = 0
    dtype = operand.dtype
    return W.astype(dtype), H.astype(dtype)


def nndsvda(operand: Operand, mean: float, k: int, rng: np.random.RandomState) -> tuple[Array, Array]:
    """NNDSVD with the mean of X in place of zeros, so that every coordinate starts alive."""
    W, H = nndsvd(operand, mean, k, rng)
    W[W == 0] = H[H == 0] = mean
    return W, H


def nndsvdar(operand: Operand, mean: float, k: int, rng: np.random.RandomState) -> tuple[Array, Array]:
    """NNDSVD with small random values, up to about a hundredth of the mean of X, in place of zeros."""
    W, H = nndsvd(operand, mean, k, rng)
    for F in (W, H):
        zero = F == 0
        F[zero] = np.abs(mean * rng.standard_normal(size=int(zero.sum())) / 100)
    return W, H


def _half(u: Array, v: Array, s: float) -> tuple[Array, Array]:
    halves = [(np.maximum(sign * u, 0), np.maximum(sign * v, 0)) for sign in (1, -1)]
    products = [np.linalg.norm(a) * np.linalg.norm(b) for a, b in halves]
    best = int(products[1] > products[0])
    (a, b), product = halves[best], products[best]
    if product == 0:
        return np.zeros_like(u), np.zeros_like(v)
    scale = np.sqrt(s * product)
    return scale * a / np.linalg.norm(a), scale * b / np.linalg.norm(b)


def leading_svd(operand: Operand, k: int) -> tuple[Array, Array, Array]:
    """The k leading singular triplets, U (m × k), s (k,), V (n × k), by reads of the data in float64.

    The random directions are always the same ones: a start that is called deterministic is to be so.
    """
    m, n = operand.shape
    size = min(k + _OVERSAMPLES, m, n)
    V = np.random.RandomState(0).standard_normal(size=(n, size))
    for _ in range(_POWER):
        V = np.linalg.qr(_transposed_times(operand, np.linalg.qr(_times(operand, V))[0]))[0]
    Q = np.linalg.qr(_times(operand, V))[0]
    right, s, left = np.linalg.svd(_transposed_times(operand, Q), full_matrices=False)
    return Q @ left.T[:, :k], s[:k], right[:, :k]


def _times(operand: Operand, B: Array) -> Array:
    def visit(block: Block, rows: Rows) -> tuple[Rows, int]:
        return block.times(B), 0

    product = operand.gather(operand.sweep(visit, None)[0])
    assert isinstance(product, np.ndarray)
    return product


def _transposed_times(operand: Operand, A: Array) -> Array:
    def visit(block: Block, rows: Rows) -> tuple[Rows, Array]:
        assert isinstance(rows, np.ndarray)
        return None, block.T.times(rows)

    return operand.sweep(visit, operand.place(A))[1]
