"""The convex half: rows of W for a held H."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import nnls

from partwise import NMF
from partwise.engine.compose import loss_named
from partwise.engine.problem import Problem
from partwise.losses import Frobenius
from partwise.models.rows import Near, rows_solver, transform
from partwise.penalties import Elastic
from tests.contracts.storages import CASES, stored
from tests.reference.beta import gradient_parts
from tests.reference.matrices import noisy
from tests.reference.nmf import solve_by_supports


def problem(X: np.ndarray, case: tuple[str, str] = ("memory", "C"), penalty: Elastic | None = None) -> Problem:
    return Problem(stored(X, *case), Frobenius(), penalty or Elastic(), Elastic())


@pytest.mark.parametrize("case", CASES, ids="-".join)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-9), (np.float32, 1e-5)])
def test_each_row_is_solved_exactly(case: tuple[str, str], dtype: type, rtol: float) -> None:
    X, H = noisy(80, 20, 6).astype(dtype), noisy(20, 6, 6, seed=1).astype(dtype)
    W = transform(problem(X, case), H)
    assert W.dtype == dtype
    expected = [nnls(H.astype(float), x.astype(float))[0] for x in X]
    np.testing.assert_allclose(W, expected, rtol=rtol, atol=rtol)


def test_with_penalties(rng: np.random.Generator) -> None:
    X, H = noisy(30, 12, 4), rng.random((12, 4))
    W = transform(problem(X, penalty=Elastic(0.5, 0.8)), H)
    expected = [solve_by_supports(H.T @ x - 0.5, H.T @ H + 0.8 * np.eye(4)) for x in X]
    np.testing.assert_allclose(W, expected, atol=1e-10)


def test_an_ill_conditioned_h_keeps_float32_digits(rng: np.random.Generator) -> None:
    """Parts that differ by a hundredth: a float32 Gram would leave three digits."""
    H = (rng.random((200, 1)) + 0.01 * rng.random((200, 3))).astype(np.float32)
    W = rng.random((40, 3)).astype(np.float32) + 0.5
    X = (W.astype(float) @ H.T.astype(float)).astype(np.float32)
    found = transform(problem(X), H)
    expected = np.array([nnls(H.astype(float), x.astype(float))[0] for x in X])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_part_without_features_gets_no_coefficients(rng: np.random.Generator) -> None:
    H = rng.random((9, 4))
    H[:, 2] = 0
    W = transform(problem(rng.random((20, 9))), H)
    assert not W[:, 2].any()
    assert W[:, [0, 1, 3]].any(axis=0).all()


@pytest.mark.parametrize("beta", [-1.0, 0.0, 0.5, 1.5, 2.5])
@pytest.mark.parametrize("penalty", [Elastic(), Elastic(0.5, 0.8)])
def test_rows_of_other_losses_end_where_no_coefficient_wants_to_move(
    beta: float, penalty: Elastic, rng: np.random.Generator
) -> None:
    """A coefficient has no gradient, or it is zero and has a rising one."""
    H = rng.gamma(0.3, 1, (40, 5)) + 0.01
    X = rng.gamma(2, rng.gamma(0.3, 1, (30, 5)) @ H.T / 2) + 1e-3
    W = transform(Problem(stored(X, "memory", "C"), loss_named(beta), penalty, Elastic()), H)
    negative, positive = gradient_parts(X, W, H, beta)
    linear, ridge = penalty.quadratic(W)
    wanted = 1 - negative / (positive + linear + ridge * W)
    shares = W / np.maximum(W.max(axis=1, keepdims=True), np.finfo(float).tiny)
    assert wanted.min() > -1e-5
    assert (shares * wanted).max() < 1e-5


@pytest.mark.parametrize("beta", [1.5, 2.5])
def test_steps_from_rows_that_are_near_end_where_others_do_and_zeros_that_should_grow_do(
    beta: float, rng: np.random.Generator
) -> None:
    H = rng.gamma(0.5, 1, (40, 5)) + 0.01
    X = rng.poisson(rng.gamma(1, 1, (30, 5)) @ H.T).astype(float)
    posed = Problem(stored(X, "memory", "C"), loss_named(beta), Elastic(), Elastic())
    W = transform(posed, H)
    near = np.where(rng.random(W.shape) < 0.3, 0, W)
    (block,) = posed.operand.blocks
    found = rows_solver(posed, H)(block, Near(near, 500))[0]
    assert ((near == 0) & (W > 1e-3)).any()
    np.testing.assert_allclose(found, W, atol=1e-4 * W.max())
    once = rows_solver(posed, H)(block, Near(near, 1))[0]
    assert abs(once - W).max() > 100 * abs(found - W).max()


@pytest.mark.parametrize("beta", [0.5, 1.5, 2.5, 4.0])
def test_a_row_of_zeros_where_the_model_is_zero_leaves_them(beta: float, rng: np.random.Generator) -> None:
    """Blocks: each part alone explains some columns, so that without it nothing says that it should grow."""
    H = np.kron(np.eye(3), np.ones((4, 1))) * rng.uniform(1, 2, (12, 1))
    W = rng.uniform(1, 3, (6, 3))
    posed = Problem(stored(W @ H.T, "memory", "C"), loss_named(beta), Elastic(), Elastic())
    near = W.copy()
    near[0] = near[1, 1] = near[2, :2] = 0
    (block,) = posed.operand.blocks
    np.testing.assert_allclose(rows_solver(posed, H)(block, Near(near, 500))[0], W, rtol=1e-4)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("beta", [0.0, 0.5, 1.5, 3.0])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_weighted_rows_by_steps_are_the_same_alone_and_together(
    beta: float, kind: Callable[[np.ndarray], Any], rng: np.random.Generator
) -> None:
    """Rows that stop leave the others a block of their own, which has to keep their weights."""
    H = rng.gamma(0.5, 1, (20, 3)) + 0.01
    X = rng.poisson(rng.gamma(1, 1, (16, 3)) @ H.T) + 0.1
    V = rng.integers(0, 3, X.shape) * rng.uniform(1, 2, (16, 1))
    model = NMF(3, beta_loss=beta, alpha_W=0.01, max_iter=5, random_state=0).fit(kind(X), weights=V)
    together = model.transform(kind(X), weights=V)
    alone = np.vstack([model.transform(kind(X[i : i + 1]), weights=V[i : i + 1]) for i in range(len(X))])
    np.testing.assert_allclose(together, alone, rtol=1e-6, atol=1e-9)
