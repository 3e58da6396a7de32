"""Cases in which an answer is easily wrong, not unique, or held on to for too long."""

import gc
import os
import threading
import weakref
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_digits

from partwise import NMF, DataError, non_negative_factorization
from partwise.arrays import as_operand
from partwise.estimators.fitting import problem_of
from partwise.estimators.parameters import checked
from partwise.models.bilinear import Bilinear
from partwise.solvers import Plan

pytestmark = pytest.mark.filterwarnings("ignore:n_components:UserWarning", "ignore:Maximum number of iterations")


def cases() -> dict[str, tuple[Any, int]]:
    rng = np.random.RandomState(0)
    low = rng.rand(60, 3) @ rng.rand(3, 40)
    return {
        "all features of the digits": (load_digits().data[:300], 64),
        "more parts than columns": (rng.rand(40, 6), 12),
        "many more": (rng.rand(50, 20), 30),
        "more parts than the rank": (low, 8),
        "the same in float32": (low.astype(np.float32), 8),
    }


@pytest.mark.parametrize("name", list(cases()))
def test_dependent_parts_leave_one_answer(name: str) -> None:
    """Where parts are combinations of each other many W are equally good, and rounding must not choose among them."""
    X, k = cases()[name]
    model = NMF(k, random_state=0, max_iter=30)
    W = model.fit_transform(X)
    size = np.abs(W).max(axis=1, keepdims=True)
    tolerance = 1e-4 if X.dtype == np.float32 else 1e-6
    assert (np.abs(model.transform(X) - W) / size).max() < tolerance
    alone = np.vstack([model.transform(X[i : i + 1]) for i in range(30)])
    assert (np.abs(alone - W[:30]) / size[:30]).max() < tolerance
    sparse = model.transform(sp.csr_array(X))
    assert (np.abs(sparse - W) / size).max() < tolerance
    assert (np.diff(model.shares_) <= 1e-12).all()


@pytest.mark.parametrize("solver", ["cd", "bpp"])
def test_a_penalty_takes_what_nothing_else_holds_to_zero(solver: str) -> None:
    X = np.random.RandomState(0).rand(30, 20)
    with pytest.warns(UserWarning, match="zero everywhere"):
        model = NMF(3, solver=solver, alpha_W=1, l1_ratio=1, init="random", random_state=0).fit(X)
    assert model.components_.sum() == 0
    assert model.history_["objective"][-1] == pytest.approx(0.5 * (X**2).sum())


@pytest.mark.parametrize(("dtype", "factor"), [(np.float32, 1e-30), (np.float64, 1e-161)])
def test_values_whose_squares_vanish_are_refused(dtype: Any, factor: float) -> None:
    X = (np.random.RandomState(0).rand(30, 20) * factor).astype(dtype)
    with pytest.raises(DataError, match="Multiply the data by a constant"):
        NMF(3, init="random", random_state=0).fit(X)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_a_start_that_overflows_is_an_error_and_no_convergence() -> None:
    rng = np.random.RandomState(0)
    H = rng.rand(3, 20)
    H[1] *= 1e-160
    with pytest.raises(DataError, match="scales too far apart"):
        NMF(3, init="custom").fit(rng.rand(30, 20), W=rng.rand(30, 3), H=H)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_near_an_exact_fit_the_objective_falls_to_the_precision(dtype: Any) -> None:
    rng = np.random.RandomState(0)
    X = (rng.rand(60, 8) @ rng.rand(8, 50)).astype(dtype)
    model = NMF(8, init="random", random_state=0, tol=0, max_iter=2000).fit(X)
    rounding = (X.astype(np.float64) ** 2).sum() * np.finfo(dtype).eps ** 2
    assert (np.diff(model.history_["objective"]) <= 4 * rounding).all()
    assert model.relative_error_ < 100 * np.finfo(dtype).eps
    assert model.n_iter_ < 2000
    assert "no longer falls" in model.stop_reason_


@pytest.mark.parametrize("noise", [0.2, 0.1, 0.05, 0.02])
def test_in_float32_the_history_of_a_good_fit_never_visibly_rises(noise: float) -> None:
    """The objective that comes free from the normal equations has lost most of its digits there."""
    rng = np.random.default_rng(0)
    X = rng.gamma(0.5, size=(300, 5)) @ rng.gamma(0.5, size=(5, 200))
    X = (X + noise * X.mean() * rng.random(X.shape)).astype(np.float32)
    objective = NMF(5, init="random", random_state=0, tol=0, max_iter=100).fit(X).history_["objective"]
    assert (np.diff(objective) <= 1e-4 * objective[1:]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_near_an_exact_fit_what_is_returned_is_what_transform_gives(dtype: Any, scale: float) -> None:
    rng = np.random.RandomState(0)
    X = (rng.rand(60, 4) @ rng.rand(4, 50) * scale).astype(dtype)
    model = NMF(4, init="random", random_state=0, tol=0, max_iter=2000)
    W = model.fit_transform(X)
    assert np.abs(model.transform(X) - W).max() <= 100 * np.finfo(dtype).eps * W.max()


@pytest.mark.parametrize("loss", ["itakura-saito", -1, 0.5, 1.5])
def test_what_is_reported_is_measured_at_the_returned_pair(loss: Any) -> None:
    """Also where the last solve of W ended above where it was, and is not taken."""
    X = np.random.RandomState(0).rand(40, 30) + 0.01
    model = NMF(5, beta_loss=loss, init="random", random_state=0, max_iter=30, tol=0)
    W = model.fit_transform(X)
    parameters = checked(model)
    problem = problem_of(as_operand(X), parameters)
    pair = Bilinear(problem, parameters.solver, Plan(), settles=False)
    H = model.components_.T
    assert model.history_["objective"][-1] == pytest.approx(problem.objective(W, H), rel=1e-12)
    assert model.history_["optimality"][-1] == pytest.approx(pair.certify(pair.start(W, H)), rel=1e-6)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_in_float32_a_heavy_column_does_not_hide_the_others_where_it_is_missing(container: Any) -> None:
    rng = np.random.default_rng(0)
    X = rng.gamma(0.5, size=(300, 4)) @ rng.gamma(0.5, size=(4, 40)) + 0.3 * rng.random((300, 40))
    X[:, 0] *= 1e4
    mask = rng.random(X.shape) < 0.9
    mask[:100, 0] = False
    model = NMF(4, init="random", random_state=0, max_iter=300, tol=0)
    W = model.fit_transform(container(X), mask=mask)
    # From its end: from the start rounding alone can lead to another minimum.
    again = NMF(4, init="custom", max_iter=300, tol=0)
    start = {"W": W.astype(np.float32), "H": model.components_.astype(np.float32)}
    single = again.fit_transform(container(X.astype(np.float32)), mask=mask, **start)
    ends = [np.sum((X - W @ H)[mask] ** 2) for W, H in ((W, model.components_), (single, again.components_))]
    assert ends[1] <= 1.01 * ends[0]


def test_a_held_part_of_tiny_scale_keeps_its_coefficients() -> None:
    W, _, _ = non_negative_factorization(
        np.array([[1.0, 1.0], [2.0, 3.0]]), H=np.array([[1.0, 0.0], [0.0, 1e-14]]), n_components=2, update_H=False
    )
    np.testing.assert_allclose(W, [[1, 1e14], [2, 3e14]], rtol=1e-12)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, sp.csc_array])
def test_the_data_are_let_go_when_the_fit_ends(container: Any) -> None:
    X = container(np.random.RandomState(0).rand(60, 20))
    values = X if isinstance(X, np.ndarray) else X.data
    gone = weakref.ref(values)
    gc.disable()  # no collector of cycles may be needed
    try:
        model = NMF(3, init="random", random_state=0, max_iter=5).fit(X)
        del X, values
        assert gone() is None
        assert model.components_.shape == (3, 20)
    finally:
        gc.enable()


@pytest.mark.parametrize("init", ["nndsvd", "nndsvda", "spa"])
def test_a_start_called_deterministic_is_so_on_a_flat_spectrum(init: str) -> None:
    X = np.random.RandomState(0).rand(200, 150)
    one, two = (NMF(20, init=init, random_state=seed, max_iter=3).fit(X) for seed in (1, 2))
    np.testing.assert_array_equal(one.components_, two.components_)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="There is no fork on this system.")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of fork in a process with threads
def test_children_forked_beside_fits_are_not_stuck() -> None:
    """A lock that another thread holds at the fork is never released in the child."""
    X = np.random.RandomState(0).rand(400, 300)
    stop = threading.Event()

    def fit_on() -> None:
        while not stop.is_set():
            NMF(2, init="random", random_state=0, max_iter=1, n_threads=2).fit(X)

    threads = [threading.Thread(target=fit_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            child = os.fork()
            if child == 0:
                NMF(2, init="random", random_state=0, max_iter=2).fit(X)
                os._exit(0)
            waited = threading.Timer(60, os.kill, (child, 9))
            waited.start()
            _, status = os.waitpid(child, 0)
            waited.cancel()
            assert status == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
