"""Non-negative matrix factorization, slowly: each function is one formula, in float64 and plain NumPy.

Here the factors stand as in the formulas, X ≈ W H with W (m × k) and H (k × n).
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def objective(
    X: Matrix, W: Matrix, H: Matrix, alpha_W: float = 0.0, alpha_H: float = 0.0, l1_ratio: float = 0.0
) -> float:
    """½‖X − WH‖² + α_W n (r‖W‖₁ + ½(1 − r)‖W‖²) + α_H m (r‖H‖₁ + ½(1 − r)‖H‖²), as scikit-learn scales it."""
    X, W, H = (np.asarray(part, np.float64) for part in (X, W, H))
    m, n = X.shape
    loss = 0.5 * np.sum((X - W @ H) ** 2)
    penalty_W = alpha_W * n * (l1_ratio * np.abs(W).sum() + 0.5 * (1 - l1_ratio) * np.sum(W**2))
    penalty_H = alpha_H * m * (l1_ratio * np.abs(H).sum() + 0.5 * (1 - l1_ratio) * np.sum(H**2))
    return float(loss + penalty_W + penalty_H)


def hals_sweep(F: Matrix, cross: Matrix, gram: Matrix) -> Matrix:
    """One sweep of HALS: f_j ← max(0, f_j + (c_j − Σᵢ fᵢ g_ij) / g_jj), column after column."""
    F = F.copy()
    for j in range(F.shape[1]):
        if gram[j, j] > 0:
            F[:, j] = np.maximum(0.0, F[:, j] + (cross[:, j] - F @ gram[:, j]) / gram[j, j])
    return F


def quadratic(f: Matrix, c: Matrix, gram: Matrix) -> float:
    """½ f G fᵀ − f·c."""
    return float(0.5 * f @ gram @ f - f @ c)


def solve_by_supports(c: Matrix, gram: Matrix) -> Matrix:
    """The minimiser of ½ f G fᵀ − f·c over f ≥ 0, by trying every support: for few components only."""
    k = len(c)
    best = np.zeros(k)
    for size in range(1, k + 1):
        for support in map(list, combinations(range(k), size)):
            f = np.zeros(k)
            f[support] = np.linalg.lstsq(gram[np.ix_(support, support)], c[support], rcond=None)[0]
            if (f >= 0).all() and quadratic(f, c, gram) < quadratic(best, c, gram):
                best = f
    return best


def side_residual(F: Matrix, gradient: Matrix, norms: Matrix) -> float:
    """√Σ r² with r = min(F ‖g‖, ∇/‖g‖), and r = 0 where ‖g‖ = 0."""
    total = 0.0
    for j, norm in enumerate(norms):
        if norm > 0:
            total += float(np.sum(np.minimum(F[:, j] * norm, gradient[:, j] / norm) ** 2))
    return float(np.sqrt(total))


def optimality(
    X: Matrix, W: Matrix, H: Matrix, alpha_W: float = 0.0, alpha_H: float = 0.0, l1_ratio: float = 0.0
) -> tuple[float, float]:
    """The residuals of W's and of H's side, divided by ‖X‖."""
    X, W, H = (np.asarray(part, np.float64) for part in (X, W, H))
    m, n = X.shape
    gradient_W = (W @ H - X) @ H.T + alpha_W * n * (l1_ratio + (1 - l1_ratio) * W)
    gradient_H = W.T @ (W @ H - X) + alpha_H * m * (l1_ratio + (1 - l1_ratio) * H)
    side_W = side_residual(W, gradient_W, np.linalg.norm(H, axis=1))
    side_H = side_residual(H.T, gradient_H.T, np.linalg.norm(W, axis=0))
    scale = float(np.linalg.norm(X)) or 1.0
    return side_W / scale, side_H / scale


def nndsvd(X: Matrix, k: int) -> tuple[Matrix, Matrix]:
    """Boutsidis & Gallopoulos 2008, from the full decomposition: the larger halves of the leading pairs."""
    U, s, Vt = np.linalg.svd(X)
    W, H = np.zeros((len(X), k)), np.zeros((k, X.shape[1]))
    W[:, 0], H[0] = np.sqrt(s[0]) * abs(U[:, 0]), np.sqrt(s[0]) * abs(Vt[0])
    for j in range(1, k):
        halves = []
        for sign in (1, -1):
            u, v = np.maximum(sign * U[:, j], 0), np.maximum(sign * Vt[j], 0)
            halves.append((np.linalg.norm(u) * np.linalg.norm(v), u, v))
        product, u, v = max(halves, key=lambda half: half[0])
        W[:, j] = np.sqrt(s[j] * product) * u / np.linalg.norm(u)
        H[j] = np.sqrt(s[j] * product) * v / np.linalg.norm(v)
    return W, H


def successive_projection(X: Matrix, k: int) -> list[int]:
    """Araújo et al. 2001: the rows (scaled to sum to 1) that stick out most, each time off the span of the others."""
    rows = X / X.sum(axis=1, keepdims=True)
    rest = rows.copy()
    chosen = []
    for _ in range(k):
        i = int(np.argmax(np.sum(rest**2, axis=1)))
        chosen.append(i)
        direction = rest[i] / np.linalg.norm(rest[i])
        rest = rest - np.outer(rest @ direction, direction)
    return chosen
