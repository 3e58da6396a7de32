"""The reference against scikit-learn, SciPy and itself: it is what the other tests trust."""

import numpy as np
import pytest
from scipy.optimize import nnls
from sklearn.decomposition._nmf import _beta_divergence, _initialize_nmf

from tests.reference.matrices import laurberg, noisy
from tests.reference.nmf import hals_sweep, nndsvd, objective, optimality, solve_by_supports, successive_projection


def test_objective_is_that_of_scikit_learn(rng: np.random.Generator) -> None:
    X, W, H = rng.random((5, 4)), rng.random((5, 2)), rng.random((2, 4))
    assert objective(X, W, H) == pytest.approx(_beta_divergence(X, W, H, "frobenius"))
    penalties = 0.3 * 4 * (0.25 * W.sum() + 0.375 * (W**2).sum()) + 0.7 * 5 * (0.25 * H.sum() + 0.375 * (H**2).sum())
    assert objective(X, W, H, 0.3, 0.7, 0.25) == pytest.approx(objective(X, W, H) + penalties)


def test_trying_every_support_gives_what_scipy_finds(rng: np.random.Generator) -> None:
    for _ in range(30):
        A, b = rng.standard_normal((6, 4)), rng.standard_normal(6)
        np.testing.assert_allclose(solve_by_supports(A.T @ b, A.T @ A), nnls(A, b)[0], atol=1e-10)


def test_sweeps_end_at_the_exact_solution(rng: np.random.Generator) -> None:
    X, G = rng.random((7, 9)), rng.random((9, 3))
    F = np.zeros((7, 3))
    for _ in range(2000):
        F = hals_sweep(F, X @ G, G.T @ G)
    np.testing.assert_allclose(F, [nnls(G, x)[0] for x in X], atol=1e-9)
    assert optimality(X, F, G.T)[0] < 1e-12


def test_the_residual_sees_what_is_not_optimal() -> None:
    X, W, H = laurberg(0.3)
    assert optimality(X, W, H) == pytest.approx((0, 0), abs=1e-15)
    assert min(optimality(X, 1.1 * W, H)) > 0.05


def test_nndsvd_is_that_of_scikit_learn() -> None:
    X = noisy(12, 9, 4)
    W, H = nndsvd(X, 4)
    expected_W, expected_H = _initialize_nmf(X, 4, init="nndsvd", random_state=0)
    np.testing.assert_allclose(W, expected_W, atol=2e-6)
    np.testing.assert_allclose(H, expected_H, atol=2e-6)


def test_successive_projection_finds_pure_rows(rng: np.random.Generator) -> None:
    pure = np.eye(4, 10) + 0.1 * rng.random((4, 10))
    mixed = rng.dirichlet(np.ones(4), 30) @ pure
    assert sorted(successive_projection(np.vstack([mixed[:10], pure, mixed[10:]]), 4)) == [10, 11, 12, 13]
