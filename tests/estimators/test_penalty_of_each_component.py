"""Each component may have a penalty of its own, whatever the loss, the solver and the data."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

import partwise
from partwise import NMF, ParameterError, non_negative_factorization, replicates
from tests.reference.beta import beta_divergence
from tests.reference.matrices import counts
from tests.support import FROBENIUS_SOLVERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

M, N, K = 60, 40, 4
ALPHA_W, ALPHA_H = np.array([1e-3, 0.0, 5e-3, 2e-3]), np.array([2e-3, 0.0, 1e-3, 1e-2])
RATIO = 0.4

PAIRS: list[tuple[str, Any]] = [
    *((solver, "frobenius") for solver in FROBENIUS_SOLVERS),
    ("cd", "kullback-leibler"),
    ("mu", "kullback-leibler"),
    ("mu", "itakura-saito"),
    ("mu", 0.5),
    ("mu", 1.5),
    ("mu", 3),
]
BETAS: dict[Any, float] = {"frobenius": 2.0, "kullback-leibler": 1.0, "itakura-saito": 0.0}
each_pair = pytest.mark.parametrize(("solver", "beta_loss"), PAIRS)
each_container = pytest.mark.parametrize("container", [np.asarray, sp.csr_array])


def data(beta_loss: Any) -> np.ndarray:
    beta = BETAS.get(beta_loss, beta_loss)
    x = counts(M, N, 0.3).toarray()
    return np.asarray(x + 0.1 if beta <= 1 and beta_loss != "kullback-leibler" else x)


def model(solver: str, beta_loss: Any, **options: Any) -> NMF:
    given = {"alpha_W": ALPHA_W, "alpha_H": ALPHA_H, "l1_ratio": RATIO, "max_iter": 100, "tol": 0} | options
    return NMF(K, solver=solver, beta_loss=beta_loss, init="random", random_state=0, **given)


def penalty(F: np.ndarray, alpha: np.ndarray, size: int) -> float:
    """Component by component; F is tall."""
    return sum(
        float(a * size * (RATIO * f.sum() + 0.5 * (1 - RATIO) * (f**2).sum())) for a, f in zip(alpha, F.T, strict=True)
    )


def objective(X: np.ndarray, V: np.ndarray, W: np.ndarray, H: np.ndarray, beta: float) -> float:
    """In plain NumPy, for components with these penalties."""
    Y = W @ H
    seen = V > 0
    if beta == 2:
        loss = 0.5 * float((V * (X - Y) ** 2)[seen].sum())
    else:
        loss = sum(
            v * beta_divergence(np.array([x]), np.array([y]), beta)
            for v, x, y in zip(V[seen], X[seen], Y[seen], strict=True)
        )
    return loss + penalty(W, ALPHA_W, N) + penalty(H.T, ALPHA_H, M)


def gradient_parts(
    X: np.ndarray, F: np.ndarray, G: np.ndarray, beta: float, alpha: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Both parts of the gradient in F, negative and positive; X is zero where a line of it is wholly zero."""
    Y = np.maximum(F @ G.T, 1e-300)
    return (X * Y ** (beta - 2)) @ G, Y ** (beta - 1) @ G + alpha * size * (RATIO + (1 - RATIO) * F)


@each_pair
@each_container
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("masked", [False, True])
def test_equal_penalties_give_the_bits_of_one_number(
    solver: str, beta_loss: Any, container: Any, dtype: Any, masked: bool
) -> None:
    X = container(data(beta_loss).astype(dtype))
    mask = np.random.default_rng(0).random((M, N)) < 0.9 if masked else None
    one = model(solver, beta_loss, alpha_W=1e-3, alpha_H=2e-3, max_iter=30)
    each = model(solver, beta_loss, alpha_W=np.full(K, 1e-3), alpha_H=[2e-3] * K, max_iter=30)
    W, V = one.fit_transform(X, mask=mask), each.fit_transform(X, mask=mask)
    order = np.argsort(-V.sum(axis=0, dtype=float) * each.components_.sum(axis=1, dtype=float), kind="stable")
    np.testing.assert_array_equal(W, V[:, order])
    np.testing.assert_array_equal(one.components_, each.components_[order])
    np.testing.assert_array_equal(one.history_["objective"][:-1], each.history_["objective"][:-1])
    assert each.components_.dtype == dtype


@each_pair
@each_container
@pytest.mark.parametrize("masked", [False, True])
def test_the_objective_is_that_of_numpy_and_never_rises(
    solver: str, beta_loss: Any, container: Any, masked: bool
) -> None:
    X, beta = data(beta_loss), BETAS.get(beta_loss, beta_loss)
    V = np.random.default_rng(0).random((M, N)) < 0.9 if masked else np.ones((M, N), bool)
    fitted = model(solver, beta_loss)
    W = fitted.fit_transform(container(X), mask=V if masked else None)
    history = fitted.history_["objective"]
    slack = 1e-13 * float((X**2).sum() + X.size)
    assert np.diff(history).max() <= slack
    assert history[-1] == pytest.approx(objective(X, V * 1.0, W, fitted.components_, beta), rel=1e-9)


@each_pair
def test_the_end_meets_the_conditions_of_optimality(solver: str, beta_loss: Any) -> None:
    """F ∘ ∇ = 0 and ∇ ≥ 0, relative to the positive part of the gradient; multiplicative updates only creep there."""
    X, beta = data(beta_loss), BETAS.get(beta_loss, beta_loss)
    fitted = model(solver, beta_loss, max_iter=4000, tol=1e-7)
    W = fitted.fit_transform(X)
    H = np.ascontiguousarray(fitted.components_.T)
    complementary, sign = (1e-3, 2e-2) if solver == "mu" and beta_loss in ("frobenius", 3) else (1e-5, 1e-3)
    for F, G, x, alpha, size in [(W, H, X, ALPHA_W, N), (H, W, X.T, ALPHA_H, M)]:
        negative, positive = gradient_parts(x, F, G, beta, alpha, size)
        assert np.abs(F * (positive - negative)).sum() < complementary * (F * positive).sum()
        assert (negative <= (1 + sign) * positive).all()


@each_pair
@each_container
def test_transform_gives_the_w_of_the_fit(solver: str, beta_loss: Any, container: Any) -> None:
    X, beta = container(data(beta_loss)), BETAS.get(beta_loss, beta_loss)
    fitted = model(solver, beta_loss, max_iter=300)
    W = fitted.fit_transform(X)
    again = fitted.transform(X)
    tolerance = {"frobenius": 1e-9, "kullback-leibler": 1e-5}.get(beta_loss, 1e-2)
    np.testing.assert_allclose(again, W, rtol=0, atol=tolerance * W.max())
    ones = np.ones((M, N))
    dense = X.toarray() if sp.issparse(X) else X
    ends = [objective(dense, ones, F, fitted.components_, beta) for F in (again, W)]
    assert ends[0] == pytest.approx(ends[1], rel=1e-6)


def test_components_keep_their_positions() -> None:
    """The same start with the penalties in another order of the components gives the same parts in that order."""
    X, order = data("frobenius"), np.array([2, 0, 3, 1])
    rng = np.random.default_rng(0)
    W, H = rng.random((M, K)), rng.random((K, N))
    options: dict[str, Any] = {"l1_ratio": RATIO, "tol": 0, "max_iter": 1, "solver": "bpp", "init": "custom"}
    one = NMF(K, alpha_W=ALPHA_W, alpha_H=ALPHA_H, **options).fit(X, W=W, H=H)
    other = NMF(K, alpha_W=ALPHA_W[order], alpha_H=ALPHA_H[order], **options).fit(X, W=W[:, order], H=H[order])
    np.testing.assert_allclose(other.components_, one.components_[order], rtol=1e-9, atol=1e-12)
    heavy = np.array([0, 0, 10.0, 0])
    with pytest.warns(UserWarning, match="zero everywhere"):
        fitted = NMF(K, alpha_W=heavy, l1_ratio=1, init="random", random_state=0, max_iter=300).fit(X)
    np.testing.assert_array_equal(fitted.dead_components_, [2])


def test_one_side_may_have_one_number() -> None:
    X, alpha = data("frobenius"), ALPHA_W + 1e-4
    one = model("cd", "frobenius", alpha_W=alpha, alpha_H=1e-3).fit(X)
    other = model("cd", "frobenius", alpha_W=alpha, alpha_H=np.full(K, 1e-3)).fit(X)
    same = model("cd", "frobenius", alpha_W=alpha, alpha_H="same").fit(X)
    spelt = model("cd", "frobenius", alpha_W=alpha, alpha_H=alpha).fit(X)
    np.testing.assert_array_equal(one.components_, other.components_)
    np.testing.assert_array_equal(same.components_, spelt.components_)


def test_replicates_the_function_and_a_coarse_start_take_them() -> None:
    X = data("frobenius")
    estimator = model("cd", "frobenius", n_init=2, drop_losers=False)
    found = replicates(estimator, X)
    best = min(found, key=lambda one: one.objective)
    np.testing.assert_array_equal(estimator.fit(X).components_, best.H)
    assert best.objective == pytest.approx(objective(X, np.ones((M, N)), best.W, best.H, 2.0), rel=1e-10)
    fitted = model("cd", "frobenius").fit(X)
    options: dict[str, Any] = {"alpha_W": ALPHA_W, "alpha_H": ALPHA_H, "l1_ratio": RATIO}
    W = non_negative_factorization(X, H=fitted.components_, n_components=K, update_H=False, **options)[0]
    np.testing.assert_array_equal(W, fitted.transform(X))
    coarse = model("cd", "frobenius", coarse=True)
    W = coarse.fit_transform(X)
    assert coarse.history_["objective"][-1] == pytest.approx(
        objective(X, np.ones((M, N)), W, coarse.components_, 2.0), rel=1e-10
    )


def test_saved_cloned_and_left_alone(tmp_path: Any) -> None:
    X, alpha = data("frobenius"), ALPHA_W.copy()
    fitted = model("cd", "frobenius", alpha_W=alpha, alpha_H=ALPHA_H.tolist()).fit(X)
    assert fitted.alpha_W is alpha
    np.testing.assert_array_equal(alpha, ALPHA_W)
    partwise.save(fitted, tmp_path / "model.npz")
    back = partwise.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(back.alpha_W, ALPHA_W)
    assert back.alpha_H == ALPHA_H.tolist()
    np.testing.assert_array_equal(back.transform(X), fitted.transform(X))
    np.testing.assert_array_equal(clone(fitted).fit(X).components_, fitted.components_)
    assert "alpha_W=array" in repr(fitted)


@pytest.mark.parametrize("name", ["alpha_W", "alpha_H"])
@pytest.mark.parametrize(
    "value",
    [np.ones(3), [1, 2], [], np.ones((K, 1)), [1, 2, 3, -1], [1, 2, 3, np.nan], [1, 2, 3, np.inf], ["a"] * K, [[1], 2]],
    ids=str,
)
def test_weights_that_cannot_be(name: str, value: Any) -> None:
    with pytest.raises(ParameterError, match=name):
        NMF(K, **{name: value}).fit(data("frobenius"))


def test_what_cannot_be_beside_them() -> None:
    X = data("frobenius")
    with pytest.raises(ParameterError, match="shuffle"):
        model("cd", "frobenius", shuffle=True).fit(X)
    fitted = model("cd", "frobenius").fit(X).set_params(alpha_H=np.ones(K + 1))
    for use in (fitted.transform, fitted.score):
        with pytest.raises(ParameterError, match=f"alpha_H has {K + 1} weights, and there are {K} components"):
            use(X)
    with pytest.raises(ParameterError, match="alpha_W has 4 weights, and there are 2"):
        non_negative_factorization(X, H=np.ones((2, N)), n_components=2, update_H=False, alpha_W=ALPHA_W)
    with pytest.raises(ParameterError, match="alpha_W has 4 weights"):
        NMF(alpha_W=ALPHA_W).fit(X)


@pytest.mark.parametrize("alpha_H", [0, [0, 1e-3, 0, 0], [1e-3, 0, 0, 0]])
def test_a_component_with_one_penalty_alone_warns(alpha_H: Any) -> None:
    with pytest.warns(UserWarning, match="above 0 for some components"):
        NMF(K, alpha_W=[1e-3, 1e-3, 0, 0], alpha_H=alpha_H, max_iter=5, tol=0).fit(data("frobenius"))
