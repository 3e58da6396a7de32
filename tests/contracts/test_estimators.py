"""What every estimator promises, on every estimator that is registered: scikit-learn's house rules, and our own."""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.decomposition import NMF as TheirNMF
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_info

from partwise import NMF, load, save
from partwise.estimators.persistence import ESTIMATORS
from partwise.selection import ConsensusNMF
from partwise.solvers import SOLVERS
from tests.reference.matrices import noisy
from tests.support import ROOT

CASES: dict[str, list[Any]] = {
    "NMF": [
        NMF(max_iter=500),
        NMF(2, solver="bpp", init="random", random_state=0, max_iter=500),
        NMF(2, solver="mu", beta_loss=1.5, tol=1e-2, max_iter=500),
        NMF(2, beta_loss="kullback-leibler", tol=1e-2, max_iter=500),
        NMF(2, implicit_zeros="missing", max_iter=500),
        NMF(2, alpha_W=1e-3, l1_ratio=0.5, n_init=2, random_state=0, shuffle=True, max_iter=500),
    ],
    "ConsensusNMF": [
        ConsensusNMF(2, n_replicates=3, density_threshold=2, random_state=0, max_iter=500),
    ],
}
"""Estimators by name. One registered without a case fails the contract."""

ALL = [estimator for cases in CASES.values() for estimator in cases]
each_estimator = pytest.mark.parametrize("estimator", ALL, ids=str)

# The checks fit to random data, some with more parts than the matrix has dimensions; they do not look at our warnings.
unwarned = pytest.mark.filterwarnings("ignore:::sklearn", "ignore::UserWarning")


@pytest.fixture
def X() -> np.ndarray:
    return noisy(60, 12, 3)


def test_every_estimator_and_every_solver_is_tested() -> None:
    assert set(CASES) == set(ESTIMATORS)
    assert all(
        {(type(case).__name__, type(case).__module__) for case in cases} == {(name, ESTIMATORS[name])}
        for name, cases in CASES.items()
    )
    assert {solver.name for solver in SOLVERS.values()} <= {"cd"} | {
        estimator.solver for estimator in ALL
    }  # "auto" is cd


@unwarned
@parametrize_with_checks(ALL)
def test_the_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


IN_FULL = """
from sklearn.utils.estimator_checks import check_estimator
from partwise import NMF
results = check_estimator(NMF(max_iter=500), on_skip=None, on_fail="raise")
print(len(results), {result["status"] for result in results})
"""


def test_no_check_is_skipped_where_scipy_knows_the_array_api() -> None:
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    command = [sys.executable, "-W", "ignore", "-c", IN_FULL]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    count, status = result.stdout.split(maxsplit=1)
    assert int(count) > 40
    assert status.strip() == "{'passed'}"


def test_the_constructor_is_that_of_scikit_learn_and_more() -> None:
    ours, theirs = NMF().get_params(), TheirNMF().get_params()
    assert set(ours) - set(theirs) == {"max_time", "n_init", "drop_losers", "n_threads", "coarse", "implicit_zeros"}
    assert set(theirs) <= set(ours)
    differing = {name for name in theirs if ours[name] != theirs[name]}
    assert differing == {"solver"}
    assert ours["solver"] == "auto"


@each_estimator
def test_pickled_it_transforms_to_the_same_bits(estimator: Any, X: np.ndarray) -> None:
    model = clone(estimator).fit(X)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    assert again.get_params() == model.get_params()
    assert again.status_ is model.status_


@each_estimator
def test_a_clone_is_not_fitted_and_fits_to_the_same_bits(estimator: Any, X: np.ndarray) -> None:
    model = clone(estimator).set_params(random_state=3).fit(X)
    copy = clone(model)
    assert not hasattr(copy, "components_")
    np.testing.assert_array_equal(copy.fit(X).components_, model.components_)


@each_estimator
def test_constructor_parameters_stay_as_they_are(estimator: Any, X: np.ndarray) -> None:
    random_state = np.random.RandomState(0)
    model = clone(estimator).set_params(random_state=random_state)
    before = dict(model.get_params())
    model.fit(X)
    after = model.get_params()
    assert all(after[name] is before[name] for name in before)


@each_estimator
@pytest.mark.parametrize(("container", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_output_as_a_frame(estimator: Any, container: str, frame: type, X: np.ndarray) -> None:
    estimator = clone(estimator).set_params(random_state=0)
    model = clone(estimator).set_output(transform=container)
    fitted, transformed = model.fit_transform(X), model.transform(X)
    names = [f"{type(model).__name__.lower()}{j}" for j in range(model.n_components_)]
    for table in (fitted, transformed):
        assert isinstance(table, frame)
        assert list(table.columns) == names
    assert list(model.get_feature_names_out()) == names
    plain = clone(estimator).fit(X)
    np.testing.assert_array_equal(np.asarray(transformed), plain.transform(X))


@each_estimator
def test_in_a_pipeline_and_a_grid_search(estimator: Any) -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 30)
    X = rng.random((60, 8)) + np.outer(labels, np.arange(8)) / 4
    parts = clone(estimator).set_params(n_components=2)
    if isinstance(estimator, ConsensusNMF):
        parts.set_params(init="random")
    else:
        parts.set_params(n_init=1, init="nndsvda")
    pipeline = make_pipeline(MinMaxScaler(clip=True), parts, LogisticRegression())
    search = GridSearchCV(pipeline, {f"{type(estimator).__name__.lower()}__n_components": [1, 2, 3]}, cv=3)
    search.fit(X, labels)
    assert search.best_score_ > 0.85
    assert search.predict(X).shape == (60,)


@pytest.mark.parametrize("how", ["alone", "searched"])
def test_the_score_chooses_parameters(how: str, X: np.ndarray) -> None:
    model = NMF(3, max_iter=500, random_state=0)
    if how == "alone":
        model.fit(X)
        W = model.transform(X)
        assert model.score(X) == pytest.approx(-0.5 * np.mean((X - W @ model.components_) ** 2), rel=1e-9)
        return
    search = GridSearchCV(model, {"n_components": [1, 3]}, cv=3).fit(X)
    assert search.best_params_ == {"n_components": 3}


class Watch:
    """A callback that counts, looks at the model, and asks to stop after some iterations."""

    def __init__(self, stop_after: int = 10**9) -> None:
        self.stop_after = stop_after
        self.events: list[str] = []
        self.errors: list[float] = []

    def setup(self, estimator: Any, context: Any) -> None:
        self.events.append("setup")

    def teardown(self, estimator: Any, context: Any) -> None:
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator: Any, context: Any, *, X: Any) -> None:
        if context.parent is None:
            self.events.append("begin")

    def on_fit_task_end(self, estimator: Any, context: Any, *, X: Any, fitted_estimator: Any) -> bool:
        if context.parent is None:
            self.events.append("end")
            return False
        self.errors.append(-fitted_estimator.score(X))
        return len(self.errors) >= self.stop_after


def test_callbacks_see_every_iteration_of_a_model_that_is_ready(X: np.ndarray) -> None:
    watch = Watch()
    model = NMF(3, random_state=0, max_iter=500).set_callbacks(watch).fit(X)
    assert watch.events == ["setup", "begin", "end", "teardown"]
    assert len(watch.errors) == model.n_iter_
    assert watch.errors[-1] < watch.errors[0]
    assert watch.errors[-1] == pytest.approx(0.5 * model.reconstruction_err_**2 / X.size, rel=0.01)


@pytest.mark.parametrize("n_init", [1, 3])
def test_a_callback_can_stop_the_fit(n_init: int, X: np.ndarray) -> None:
    watch = Watch(stop_after=4)
    model = NMF(3, init="random", random_state=0, n_init=n_init).set_callbacks(watch)
    W = model.fit_transform(X)
    assert (model.n_iter_, model.status_) == (4, "interrupted")
    assert "callback" in model.stop_reason_
    np.testing.assert_allclose(W, model.transform(X), rtol=1e-9)


def test_callbacks_change_no_bit(X: np.ndarray) -> None:
    watched = NMF(3, random_state=0, max_iter=500).set_callbacks(Watch()).fit(X)
    np.testing.assert_array_equal(watched.components_, NMF(3, random_state=0, max_iter=500).fit(X).components_)


def test_the_progress_bar_shows_a_bar(X: np.ndarray, capsys: pytest.CaptureFixture[str]) -> None:
    NMF(3, random_state=0, tol=0, max_iter=40).set_callbacks(ProgressBar()).fit(X)
    shown = capsys.readouterr().out
    assert "NMF - fit" in shown
    assert "100%" in shown


def test_the_progress_bar_in_a_grid_search(X: np.ndarray, capsys: pytest.CaptureFixture[str]) -> None:
    search = GridSearchCV(NMF(random_state=0, max_iter=500), {"n_components": [2, 3]}, cv=2)
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X)
    assert "NMF - fit" in capsys.readouterr().out


def test_the_scoring_monitor_follows_the_fit(X: np.ndarray) -> None:
    monitor = ScoringMonitor(scoring={"score": lambda model, X, y: model.score(X)})
    y = np.zeros(len(X))  # the monitor scores nothing without one
    model = NMF(3, random_state=0, max_iter=500).set_callbacks(monitor).fit(X, y)
    scores = [
        entry["score"] for entry in monitor.get_logs().data if entry["task_name"] == "iteration" and "score" in entry
    ]
    assert len(scores) == model.n_iter_
    assert scores[-1] == pytest.approx(model.score(X), rel=0.01)
    assert scores[-1] > scores[0]


@each_estimator
def test_blas_has_its_threads_back_after_a_fit(estimator: Any, X: np.ndarray) -> None:
    before = threadpool_info()
    model = clone(estimator).fit(X)
    model.transform(X)
    with pytest.raises(ValueError, match="Negative"):
        model.fit(-X)
    assert threadpool_info() == before


@each_estimator
def test_saved_and_loaded_it_is_the_same(estimator: Any, X: np.ndarray, tmp_path: Path) -> None:
    model = clone(estimator).fit(X)
    save(model, tmp_path / "model.npz")
    again = load(tmp_path / "model.npz")
    assert type(again) is type(model)
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    assert set(vars(again)) >= {name for name in vars(model) if name.endswith("_") and not name.startswith("_")}
