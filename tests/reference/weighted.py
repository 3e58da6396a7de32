"""Factorization with missing entries and weights, slowly: loops over the entries with a weight, plain NumPy, float64.

F is the factor being updated and G the one held, both tall: X ≈ F Gᵀ. V has the weights; where it is 0 the entry is
missing, and X is never read there.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from tests.reference.beta import beta_divergence
from tests.reference.nmf import hals_sweep, solve_by_supports

Matrix = NDArray[np.float64]


def entries(X: Matrix, V: Matrix) -> Iterator[tuple[int, int, float, float]]:
    """Row, column, value and weight of each observed entry."""
    for i, j in np.argwhere(V > 0):
        yield int(i), int(j), float(X[i, j]), float(V[i, j])


def loss(X: Matrix, V: Matrix, F: Matrix, G: Matrix, beta: float) -> float:
    """Σ v d_β(x | y)."""
    total = 0.0
    for i, j, x, v in entries(X, V):
        total += v * beta_divergence(np.array([[x]]), np.array([[F[i] @ G[j]]]), beta)
    return total


def gradient_parts(X: Matrix, V: Matrix, F: Matrix, G: Matrix, beta: float) -> tuple[Matrix, Matrix]:
    """Σ v x y^(β−2) g and Σ v y^(β−1) g for each row: the gradient in F is the second less the first."""
    negative, positive = np.zeros(F.shape), np.zeros(F.shape)
    for i, j, x, v in entries(X, V):
        y = max(float(F[i] @ G[j]), 1e-300)
        if x > 0:
            negative[i] += v * x * y ** (beta - 2) * G[j]
        positive[i] += v * y ** (beta - 1) * G[j]
    return negative, positive


def multiplicative_step(X: Matrix, V: Matrix, F: Matrix, G: Matrix, beta: float) -> Matrix:
    """F ∘ (negative / positive)^γ(β); where both parts are zero F stays."""
    negative, positive = gradient_parts(X, V, F, G, beta)
    gamma = 1 / (2 - beta) if beta < 1 else 1 / (beta - 1) if beta > 2 else 1.0
    ratio = np.divide(negative, positive, out=np.ones_like(F), where=positive > 0)
    return np.asarray(F * ratio**gamma)


def row_equations(X: Matrix, V: Matrix, G: Matrix) -> tuple[Matrix, Matrix]:
    """Σ v x g (rows × k) and Σ v g gᵀ (rows × k × k)."""
    k = G.shape[1]
    cross, grams = np.zeros((len(V), k)), np.zeros((len(V), k, k))
    for i, j, x, v in entries(X, V):
        cross[i] += v * x * G[j]
        grams[i] += v * np.outer(G[j], G[j])
    return cross, grams


def hals_by_rows(X: Matrix, V: Matrix, F: Matrix, G: Matrix) -> Matrix:
    """One sweep of HALS, for each row with its own Gram."""
    cross, grams = row_equations(X, V, G)
    return np.vstack([hals_sweep(f[None], c[None], gram) for f, c, gram in zip(F, cross, grams, strict=True)])


def exact_rows(X: Matrix, V: Matrix, G: Matrix) -> Matrix:
    """The rows that minimise ½ Σ v (x − f gᵀ)² over f ≥ 0."""
    return np.array([solve_by_supports(c, gram) for c, gram in zip(*row_equations(X, V, G), strict=True)])


def alternation(
    half_step: Callable[[Matrix, Matrix, Matrix, Matrix], Matrix],
    X: Matrix,
    V: Matrix,
    W: Matrix,
    H: Matrix,
    count: int,
) -> tuple[Matrix, Matrix]:
    """So many plain iterations from W (m × k) and H (n × k); ``half_step`` takes the data, their weights, F and G."""
    for _ in range(count):
        W = half_step(X, V, W, H)
        H = half_step(X.T, V.T, H, W)
    return W, H


def natural_residual(X: Matrix, V: Matrix, F: Matrix, G: Matrix) -> float:
    """√Σ min(F ‖g‖, ∇/‖g‖)² for ½ Σ v (x − y)², ‖g‖² = Σ v g² over the entries of the row; 0 where that is."""
    cross, grams = row_equations(X, V, G)
    total = 0.0
    for f, c, gram in zip(F, cross, grams, strict=True):
        for j, square in enumerate(np.diag(gram)):
            if square > 0:
                slope = float(gram[j] @ f - c[j])
                total += min(f[j] * np.sqrt(square), slope / np.sqrt(square)) ** 2
    return float(np.sqrt(total))
