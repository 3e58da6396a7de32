"""β-divergences and multiplicative updates, slowly: each function is one formula, in float64 and plain NumPy.

F is the factor being updated and G the one held, both tall: X ≈ F Gᵀ.
"""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

BETAS = (-1.0, 0.0, 0.5, 1.0, 1.3, 1.5, 2.0, 3.0)


def beta_divergence(X: Matrix, Y: Matrix, beta: float) -> float:
    """Σ d_β(x | y), the limits for β = 0 and β = 1 included (Févotte & Idier 2011, equation 2)."""
    if beta == 0:
        return float(np.sum(X / Y - np.log(X / Y) - 1))
    if beta == 1:
        positive = X > 0
        return float(np.sum(X[positive] * np.log(X[positive] / Y[positive])) + np.sum(Y - X))
    Y = np.maximum(Y, np.finfo(float).tiny)  # the limit where x and y are zero
    return float(np.sum((X**beta + (beta - 1) * Y**beta - beta * X * Y ** (beta - 1)) / (beta * (beta - 1))))


def gradient_parts(X: Matrix, F: Matrix, G: Matrix, beta: float) -> tuple[Matrix, Matrix]:
    """(X ∘ Y^(β−2)) G and Y^(β−1) G: the gradient in F is the second less the first."""
    Y = F @ G.T
    return (X * Y ** (beta - 2)) @ G, Y ** (beta - 1) @ G


def multiplicative_step(X: Matrix, F: Matrix, G: Matrix, beta: float, linear: float = 0.0) -> Matrix:
    """F ∘ (negative / (positive + linear))^γ(β), γ as in Févotte & Idier 2011, equation 4.6."""
    negative, positive = gradient_parts(X, F, G, beta)
    gamma = 1 / (2 - beta) if beta < 1 else 1 / (beta - 1) if beta > 2 else 1.0
    return np.asarray(F * (negative / (positive + linear)) ** gamma)


def shares_residual(F: Matrix, negative: Matrix, positive: Matrix) -> float:
    """√Σ ρ min(s, 1 − N/P)², row by row, with ρ = Σ F P and s = F P / ρ."""
    total = 0.0
    for f, n, p in zip(F, negative, positive, strict=True):
        rho = float(f @ p)
        for j in range(len(f)):
            if rho > 0 and p[j] > 0:
                total += rho * min(f[j] * p[j] / rho, 1 - n[j] / p[j]) ** 2
    return float(np.sqrt(total))


def positive_data(rng: np.random.Generator, shape: tuple[int, int], beta: float) -> Matrix:
    """Random data, half of them zero where the divergence allows it."""
    X = rng.random(shape) + 0.01
    return X if beta <= 0 else X * (rng.random(shape) < 0.5)
