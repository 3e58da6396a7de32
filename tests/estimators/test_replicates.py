"""Every start of an estimator, each finished as a fit of its own."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from partwise import NMF, ParameterError, Replicate, Status, replicates
from partwise.engine.loop import run
from partwise.estimators import fitting
from tests.reference.matrices import counts, noisy
from tests.reference.nmf import objective, optimality

DATA = {
    "dense": noisy(90, 40, 5),
    "long": noisy(9000, 30, 4),
    "counts": counts(120, 50, 0.3).toarray().astype(float),
}


def singles(X: object, seed: int, count: int, **parameters: object) -> list[NMF]:
    """One fit after the other, from the same starts."""
    rng = np.random.RandomState(seed)
    return [NMF(random_state=rng, init="random", **parameters).fit(X) for _ in range(count)]


@pytest.mark.parametrize("solver", ["cd", "bpp"])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("name", DATA)
def test_each_ends_where_its_own_fit_does(name: str, container: type, solver: str) -> None:
    X = container(DATA[name])
    parameters = {"n_components": 5, "solver": solver, "max_iter": 1000}
    found = replicates(NMF(n_init=6, random_state=0, **parameters), X)
    alone = singles(X, 0, 6, **parameters)
    assert [one.objective for one in found] == pytest.approx([0.5 * a.reconstruction_err_**2 for a in alone], rel=1e-6)
    assert [one.status for one in found] == [Status.CONVERGED] * 6
    assert len({one.objective for one in found}) == 6


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_sparse_data_give_the_bits_of_separate_fits(dtype: type) -> None:
    X = sp.csr_array(DATA["counts"]).astype(dtype)
    found = replicates(NMF(5, n_init=4, random_state=0), X)
    for one, alone in zip(found, singles(X, 0, 4, n_components=5), strict=True):
        np.testing.assert_array_equal(one.H, alone.components_)
        assert one.n_iter == alone.n_iter_


def test_others_estimators_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"PCA is no partwise\.NMF"):
        replicates(PCA(), DATA["dense"])  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_each_is_finished(dtype: type) -> None:
    """W solved for H, scale and order settled, and the objective that of exactly this pair."""
    X = DATA["dense"].astype(dtype)
    for one in replicates(NMF(4, n_init=3, random_state=1, tol=1e-5, max_iter=2000), X):
        assert isinstance(one, Replicate)
        assert (one.W.shape, one.H.shape, one.W.dtype, one.H.dtype) == ((90, 4), (4, 40), dtype, dtype)
        W, H = one.W.astype(float), one.H.astype(float)
        assert one.objective == pytest.approx(objective(X.astype(float), W, H), rel=1e-4)
        assert optimality(X.astype(float), W, H)[0] < (1e-12 if dtype == np.float64 else 1e-6)
        np.testing.assert_allclose(H.sum(axis=1), 1, rtol=1e-5)
        assert (np.diff(W.sum(axis=0)) <= 1e-5 * W.sum()).all()


def test_the_estimator_stays_as_it_is() -> None:
    model = NMF(4, n_init=2, random_state=1)
    before = dict(vars(model))
    replicates(model, DATA["dense"])
    assert vars(model) == before
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


def test_the_best_of_them_is_the_fit() -> None:
    X = DATA["dense"]
    model = NMF(5, n_init=5, random_state=2, drop_losers=False, max_iter=1000)
    best = min(replicates(model, X), key=lambda one: one.objective)
    np.testing.assert_array_equal(best.H, model.fit(X).components_)


def test_penalties_count_in_the_objective() -> None:
    X = DATA["dense"]
    model = NMF(3, n_init=2, random_state=0, alpha_W=0.01, max_iter=1000)
    for one in replicates(model, X):
        penalty = 0.5 * 0.01 * (40 * np.sum(one.W**2) + 90 * np.sum(one.H**2))
        assert one.objective == pytest.approx(objective(X, one.W, one.H) + penalty, rel=1e-9)


def test_starts_that_reach_a_limit_say_so_without_a_warning() -> None:
    found = replicates(NMF(4, n_init=2, random_state=0, max_iter=3), DATA["dense"])
    assert [(one.n_iter, one.status) for one in found] == [(3, Status.MAX_ITER)] * 2


def test_all_features_are_kept_where_no_number_of_parts_is_given() -> None:
    assert replicates(NMF(n_init=1, random_state=0, max_iter=2), DATA["dense"])[0].H.shape == (40, 40)


@pytest.mark.parametrize("init", ["custom", "nndsvda"])
def test_one_start_is_not_several(init: str) -> None:
    with pytest.raises(ParameterError, match=r"init='(custom|nndsvda)'"):
        replicates(NMF(4, init=init, n_init=1 if init == "custom" else 3), DATA["dense"])


def test_ctrl_c_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(model: object, states: object, stop: object, on_step: object, **options: object) -> object:
        def ask(states: object, seconds: float) -> bool:
            raise KeyboardInterrupt

        return run(model, states, stop, ask, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(fitting, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        replicates(NMF(4, n_init=2, random_state=0), DATA["dense"])
