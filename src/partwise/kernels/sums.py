"""Sums over factors, in float64 whatever the factors are, and their largest entries."""

import numpy as np

from partwise._types import Array, Float64
from partwise.kernels._jit import kernel


@kernel
def half_form(F: Array, product: Array, cross: Array) -> float:
    """Σ F ∘ (½ product − cross): with product = F G the quadratic form ½⟨F G, F⟩ − ⟨F, cross⟩."""
    total = 0.0
    for r in range(F.shape[0]):
        for j in range(F.shape[1]):
            total += np.float64(F[r, j]) * (0.5 * np.float64(product[r, j]) - np.float64(cross[r, j]))
    return total


@kernel
def residual_squares(F: Array, gradient: Array, norms: Array) -> float:
    """Σ min(F ‖gⱼ‖, ∇/‖gⱼ‖)² entrywise, the squared natural residual of F ≥ 0 ⟂ ∇ ≥ 0; 0 where gⱼ = 0.

    ``norms`` has a row for each of F, or one for all.
    """
    total = 0.0
    for r in range(F.shape[0]):
        of = norms[min(r, len(norms) - 1)]
        for j in range(F.shape[1]):
            if of[j] > 0.0:
                norm = np.float64(of[j])
                residual = min(np.float64(F[r, j]) * norm, np.float64(gradient[r, j]) / norm)
                total += residual * residual
    return total


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


@kernel
def column_largest(F: Array, out: Array) -> None:
    """Raise ``out`` (k,) to the largest entry of each column of F: three times faster than NumPy on rows so short."""
    for r in range(F.shape[0]):
        for j in range(F.shape[1]):
            out[j] = max(out[j], F[r, j])


@kernel
def row_sums(values: Array, indptr: Array, out: Float64) -> None:
    """Write the sum of the values of each row of a CSR pattern to ``out``."""
    for r in range(len(out)):
        total = 0.0
        for p in range(indptr[r], indptr[r + 1]):
            total += np.float64(values[p])
        out[r] = total


@kernel
def row_squares(data: Array, indptr: Array, out: Float64) -> None:
    """Write Σ x² of each row of a CSR array to ``out``."""
    for r in range(len(out)):
        total = 0.0
        for p in range(indptr[r], indptr[r + 1]):
            total += np.float64(data[p]) * np.float64(data[p])
        out[r] = total
