"""How fits end, and what can be seen of them on the way."""

import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from partwise import NMF, Status
from partwise.models.bilinear import Bilinear
from tests.reference.matrices import counts, low_rank, noisy
from tests.reference.nmf import objective

X = noisy(80, 30, 4)


def test_it_converges_by_its_tolerance() -> None:
    model = NMF(4, random_state=0, tol=1e-3, max_iter=1000).fit(X)
    assert model.status_ is Status.CONVERGED
    assert model.status_ == "converged"
    assert model.n_iter_ < 1000
    tighter = NMF(4, random_state=0, tol=1e-6, max_iter=5000).fit(X)
    assert tighter.n_iter_ > model.n_iter_
    assert tighter.reconstruction_err_ <= model.reconstruction_err_
    assert tighter.history_["optimality"][-1] < model.history_["optimality"][-1]


@pytest.mark.parametrize("max_iter", [1, 7])
def test_max_iter(max_iter: int) -> None:
    model = NMF(4, random_state=0, tol=0, max_iter=max_iter).fit(X)
    assert (model.n_iter_, model.status_) == (max_iter, "max_iter")
    assert model.history_["iteration"].tolist() == [*range(1, max_iter + 1), max_iter]
    assert f"max_iter={max_iter}" in model.stop_reason_


def test_max_time() -> None:
    large = np.random.default_rng(0).random((1500, 300))  # far from converged by then
    model = NMF(20, random_state=0, tol=0, max_iter=10**9, max_time=0.2).fit(large)
    assert model.status_ is Status.MAX_TIME
    before_the_last, last = model.history_["seconds"][[-3, -2]]
    assert before_the_last < 0.2 <= last
    assert last < 5


def interrupted_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the given step, when W has been solved and H has not."""
    original, count = Bilinear._settle, iter(range(1, 10**6))

    def settle(self: Bilinear, *arguments: Any) -> Any:
        if next(count) == step:
            raise KeyboardInterrupt
        return original(self, *arguments)

    monkeypatch.setattr(Bilinear, "_settle", settle)


@pytest.mark.parametrize("method", ["fit", "fit_transform"])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("step", [1, 6])
def test_ctrl_c_leaves_a_fitted_model(
    step: int, container: Callable[..., Any], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted_at(step, monkeypatch)
    model = NMF(4, random_state=0, tol=0)
    with pytest.raises(KeyboardInterrupt):
        getattr(model, method)(container(X))
    monkeypatch.undo()
    assert (model.status_, model.n_iter_) == ("interrupted", step - 1)
    assert "last complete iteration" in model.status_.sentence
    assert len(model.history_["objective"]) == step - 1
    assert np.isfinite(model.reconstruction_err_)
    if step > 1:
        assert model.history_["objective"][-1] == pytest.approx(0.5 * model.reconstruction_err_**2)
        whole = NMF(4, random_state=0, tol=0, max_iter=step - 1).fit(container(X))
        np.testing.assert_array_equal(model.history_["objective"], whole.history_["objective"][:-1])
    W = model.transform(X)
    assert objective(X, W, model.components_) <= 0.5 * model.reconstruction_err_**2 * (1 + 1e-9)
    assert model.fit(X).status_ == "max_iter"  # and it can be fitted again


def test_ctrl_c_in_a_callback() -> None:
    class Interrupt:
        def setup(self, estimator: Any, context: Any) -> None: ...
        def teardown(self, estimator: Any, context: Any) -> None: ...
        def on_fit_task_begin(self, estimator: Any, context: Any) -> None: ...
        def on_fit_task_end(self, estimator: Any, context: Any) -> None:
            if context.task_name == "iteration" and context.task_id == 2:
                raise KeyboardInterrupt

    model = NMF(4, random_state=0, tol=0).set_callbacks(Interrupt())
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert (model.status_, model.n_iter_) == ("interrupted", 3)


SIGNAL = """
import os, signal, sys, threading, time, warnings
import numpy as np
from partwise import NMF
X = np.random.default_rng(0).random((3000, 400))
NMF(10, random_state=0, tol=0, max_iter=2).fit(X)  # compiled
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
model = NMF(10, random_state=0, tol=0, max_iter=10**9, n_threads=2)
try:
    model.fit(X)
except KeyboardInterrupt:
    print(model.status_, model.n_iter_ > 0, model.transform(X).shape, threading.active_count())
"""


def test_a_real_signal_with_threads_at_work() -> None:
    result = subprocess.run([sys.executable, "-c", SIGNAL], capture_output=True, text=True, timeout=120, check=False)
    assert result.stdout == "interrupted True (3000, 10) 1\n", result.stderr


PROGRAM = """
import numpy as np
from partwise import NMF
NMF(2, random_state=0, tol=0, max_iter=3, verbose={verbose}).fit(np.arange(1.0, 13).reshape(4, 3))
NMF(2, random_state=0, tol=0, max_iter=3).fit(np.arange(1.0, 13).reshape(4, 3))
"""


@pytest.mark.parametrize(("verbose", "lines"), [("0", 0), ("False", 0), ("1", 3), ("True", 3)])
def test_verbose_is_seen_without_configuration_and_silent_otherwise(verbose: str, lines: int) -> None:
    command = [sys.executable, "-c", PROGRAM.format(verbose=verbose)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert result.stdout == ""
    assert result.stderr.count("partwise: iteration") == lines
    assert len(result.stderr.splitlines()) == lines


def test_verbose_goes_to_the_users_logging_and_leaves_it_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("partwise")
    before = logger.level, list(logger.handlers)
    NMF(4, random_state=0, tol=0, max_iter=5, verbose=1).fit(X)
    NMF(4, random_state=0, tol=0, max_iter=5).fit(X)
    messages = [record.getMessage() for record in caplog.records if record.name == "partwise"]
    assert len(messages) == 5
    assert messages[2].startswith("iteration 3, ")
    assert "objective" in messages[2]
    assert (logger.level, logger.handlers) == before


def test_a_history_is_a_set_of_equally_long_arrays() -> None:
    history = NMF(4, random_state=0, max_iter=1000).fit(X).history_
    assert list(history) == ["iteration", "seconds", "objective", "optimality"]
    assert {len(course) for course in history.values()} == {len(history["iteration"])}
    assert (np.diff(history["seconds"]) >= 0).all()
    assert all(np.isfinite(course).all() for course in history.values())


def dead_start(k: int, dead: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    W, H = rng.random((80, k)), rng.random((k, 30))
    W[:, dead] = 0
    H[dead] = 0
    return {"W": W, "H": H}


@pytest.mark.parametrize("solver", ["cd", "bpp"])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_a_dead_component_lives_again_where_that_lowers_the_objective(solver: str, container: Any) -> None:
    model = NMF(4, init="custom", solver=solver, max_iter=500)
    W = model.fit_transform(container(X), **dead_start(4, 1))
    assert model.dead_components_.tolist() == []
    assert model.components_[1].any()
    assert W[:, 1].any()
    assert (np.diff(model.history_["objective"]) <= 1e-12 * model.history_["objective"][0]).all()
    three = NMF(3, init="custom", solver=solver, max_iter=500)
    rest = {name: np.delete(part, 1, axis=name == "W") for name, part in dead_start(4, 1).items()}
    three.fit(X, **rest)
    assert model.reconstruction_err_ < 0.95 * three.reconstruction_err_


@pytest.mark.parametrize("solver", ["cd", "bpp"])
def test_a_component_that_nothing_is_left_for_is_reported(solver: str) -> None:
    exact, W, H = low_rank(80, 30, 3)
    start = {"W": np.insert(W, 1, 0, axis=1), "H": np.insert(H, 1, 0, axis=0)}
    model = NMF(4, init="custom", solver=solver, max_iter=500)
    with pytest.warns(UserWarning, match=r"1 of 4 parts are zero everywhere \(dead_components_\)"):
        model.fit(exact, **start)
    assert model.dead_components_.tolist() == [1]
    assert model.shares_[1] == 0


def test_a_penalty_that_leaves_nothing_reports_all_parts() -> None:
    with pytest.warns(UserWarning, match="3 of 3 parts are zero everywhere"):
        model = NMF(3, random_state=0, alpha_W=1e3, l1_ratio=1.0, max_iter=500).fit(X)
    assert model.dead_components_.tolist() == [0, 1, 2]
    assert model.relative_error_ == pytest.approx(1)


def test_a_start_without_a_partner_is_not_dead() -> None:
    """Zero in H alone: H's half-step brings it back by itself."""
    start = dead_start(4, 2)
    start["W"][:, 2] = 1
    model = NMF(4, init="custom", max_iter=500).fit(X, **start)
    assert model.dead_components_.tolist() == []


def test_sparse_data_too() -> None:
    model = NMF(6, random_state=0, max_iter=400).fit(counts(300, 200, 0.02).astype(float))
    assert model.status_ is Status.CONVERGED
