"""Matrices whose factorization is known, and random ones."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def laurberg(alpha: float) -> tuple[Matrix, Matrix, Matrix]:
    """X = W H of rank 3 with H = Wᵀ, whose factorization is unique up to scale and order for alpha = 0.1 and 0.3.

    Laurberg, Christensen, Plumbley, Hansen & Jensen (2008), Theorems on positive data: on the uniqueness of NMF,
    doi:10.1155/2008/764206, example 3: each part is 1 on two coordinates, alpha on two and 0 on two.
    """
    H = np.array([[alpha, 1, 1, alpha, 0, 0], [1, alpha, 0, 0, alpha, 1], [0, 0, alpha, 1, 1, alpha]])
    return H.T @ H, H.T.copy(), H


def low_rank(m: int, n: int, k: int, seed: int = 0, zeros: float = 0.3) -> tuple[Matrix, Matrix, Matrix]:
    """X = W H exactly, with some zeros in both factors."""
    rng = np.random.default_rng(seed)
    W = rng.random((m, k)) * (rng.random((m, k)) >= zeros)
    H = rng.random((k, n)) * (rng.random((k, n)) >= zeros)
    return W @ H, W, H


def noisy(m: int, n: int, k: int, seed: int = 0, noise: float = 0.1) -> Matrix:
    """A matrix near rank k, every entry positive."""
    rng = np.random.default_rng(seed)
    return low_rank(m, n, k, seed)[0] + noise * rng.random((m, n))


def counts(m: int, n: int, density: float = 0.1, seed: int = 0) -> sp.csr_array:
    """A sparse matrix of positive values."""
    rng = np.random.default_rng(seed)
    return sp.csr_array(sp.random(m, n, density, random_state=rng, data_rvs=lambda size: 1 + rng.integers(0, 5, size)))
