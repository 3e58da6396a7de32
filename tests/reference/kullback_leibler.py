"""Coordinate descent for the Kullback–Leibler divergence, slowly: formulas of one row, in float64 and plain NumPy."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

Matrix = NDArray[np.float64]


def divergence(X: Matrix, F: Matrix, G: Matrix, linear: float = 0.0, ridge: float = 0.0) -> Matrix:
    """Σ_c x log(x/y) − x + y + linear Σ f + ½ ridge Σ f² of each row, with y = f Gᵀ and 0 log 0 = 0."""
    X, F, G = (np.asarray(part, np.float64) for part in (X, F, G))
    Y = F @ G.T
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms = np.where(X > 0, X * np.log(X / Y), 0.0)
    return np.asarray((logarithms - X + Y).sum(axis=1) + linear * F.sum(axis=1) + 0.5 * ridge * (F**2).sum(axis=1))


def gradient(X: Matrix, F: Matrix, G: Matrix, linear: float = 0.0, ridge: float = 0.0) -> Matrix:
    """(1 − X/Y) G + linear + ridge F, with 0/0 = 0."""
    X, F, G = (np.asarray(part, np.float64) for part in (X, F, G))
    Y = F @ G.T
    quotient = np.divide(X, Y, out=np.zeros_like(X), where=X > 0)
    return np.asarray((1 - quotient) @ G + linear + ridge * F)


def descent(X: Matrix, F: Matrix, G: Matrix, linear: float = 0.0, ridge: float = 0.0, sweeps: int = 200) -> Matrix:
    """Each coordinate in turn to the minimum along it, the root of an increasing slope."""
    F = F.copy()
    for x, f in zip(X, F, strict=True):
        for j in [*range(F.shape[1])] * sweeps:
            if G[:, j].any():
                f[j] = _minimiser(x, f, G, j, linear, ridge)
    return F


def _minimiser(x: Matrix, f: Matrix, G: Matrix, j: int, linear: float, ridge: float) -> float:
    def slope(t: float) -> float:
        moved = f.copy()
        moved[j] = t
        return float(gradient(x[None], moved[None], G, linear, ridge)[0, j])

    # Where all of x is explained by this component alone, it is at most that.
    most = float(x.sum() / G[:, j].sum())
    least = 1e-12 * most
    if most == 0 or slope(least) >= 0:
        return 0.0
    return float(brentq(slope, least, 2 * most, xtol=1e-15, rtol=1e-14))
