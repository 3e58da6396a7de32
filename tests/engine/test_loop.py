"""The loop on a model that is no factorization: it counts, watches and stops."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from partwise.engine.dropping import FIRST
from partwise.engine.loop import run
from partwise.engine.result import Result, Status
from partwise.engine.state import State
from partwise.engine.stopping import WINDOW, Stop
from partwise.solvers import Plan

ONE = np.ones((1, 1))


class Halving:
    """Halves the objective's distance to a floor in each step; the true optimality is twice the one met on the way."""

    def __init__(self, floor: float = 0.0, dead_at: int = -1, interrupt_at: int = -1, can_revive: bool = False) -> None:
        self.floor, self.dead_at, self.interrupt_at, self.can_revive = floor, dead_at, interrupt_at, can_revive
        self.steps = self.certified = self.revived = self.finished = 0

    def start(self, objective: float = 1.0) -> State:
        return State(ONE, ONE, ONE, ONE, ONE, Plan(), Plan(), objective=objective)

    def step(self, states: Sequence[State]) -> list[State]:
        self.steps += 1
        if self.steps == self.interrupt_at:
            raise KeyboardInterrupt
        return [self._halved(state) for state in states]

    def _halved(self, state: State) -> State:
        objective = self.floor + (state.objective - self.floor) / 2
        dead = (0,) if state.n_iter + 1 == self.dead_at else state.dead
        return replace(
            state, objective=objective, optimality=objective - self.floor, n_iter=state.n_iter + 1, dead=dead
        )

    def certify(self, state: State) -> float:
        self.certified += 1
        return 2 * state.optimality

    def revive(self, state: State) -> State | None:
        self.revived += 1
        return replace(state, dead=()) if self.can_revive else None

    def finish(self, state: State, converged: bool) -> State:
        self.finished += 1
        return replace(state, objective=state.objective * 0.99)

    def factors(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        return ONE, ONE


def one(model: Halving, on_step=None, **rules) -> Result:
    return run(model, [model.start()], Stop(**{"tol": 0.0, "max_iter": 1000, **rules}), on_step)[0]


def test_max_iter_is_the_number_of_steps() -> None:
    model = Halving(floor=1e-3)
    result = one(model, max_iter=7)
    assert (model.steps, result.n_iter, result.status) == (7, 7, Status.MAX_ITER)
    assert "max_iter=7" in result.reason


@pytest.mark.parametrize("seconds", [0.0, 1e-9])
def test_after_max_time_no_further_step_begins(seconds: float) -> None:
    model = Halving()
    result = one(model, max_time=seconds)
    assert (model.steps, result.status) == (1, Status.MAX_TIME)


def test_convergence_is_certified() -> None:
    """Met on the way 2⁻ⁿ, in truth 2¹⁻ⁿ: below 1e-3 from step 11 on, and asked for at steps 10 and 11 only."""
    model = Halving()
    result = one(model, tol=1e-3)
    assert (result.n_iter, model.certified, result.status) == (11, 2, Status.CONVERGED)
    assert "9.8e-04 < tol = 0.001" in result.reason


def test_a_flat_objective_converges_where_the_factors_are_near() -> None:
    result = one(Halving(floor=1.0), tol=1e-9)
    assert result.status == Status.CONVERGED

    class Far(Halving):
        def _halved(self, state: State) -> State:
            return replace(super()._halved(state), optimality=0.5)

    assert one(Far(floor=1.0), tol=1e-3, max_iter=100).status == Status.MAX_ITER


def test_the_rule_of_the_flat_objective_needs_its_window() -> None:
    class Flat(Halving):
        def _halved(self, state: State) -> State:
            return replace(state, objective=1.0, optimality=2e-3, n_iter=state.n_iter + 1)

    assert one(Flat(), tol=1e-3).n_iter == WINDOW + 1


def test_without_a_tolerance_nothing_converges() -> None:
    model = Halving(floor=1.0)
    assert one(model, tol=0.0, max_iter=200).status == Status.MAX_ITER
    assert model.certified == 0


def test_the_history_has_every_iteration_and_the_end() -> None:
    result = one(Halving(), max_iter=5)
    history = result.history.arrays()
    assert history["iteration"].tolist() == [1, 2, 3, 4, 5, 5]
    assert history["objective"].tolist() == [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.03125 * 0.99]
    assert (np.diff(history["seconds"]) >= 0).all()
    assert {len(course) for course in history.values()} == {6}
    assert result.objective == history["objective"][-1]


def test_ctrl_c_keeps_the_last_complete_iteration_and_finishes_nothing() -> None:
    model = Halving(interrupt_at=4)
    result = one(model)
    assert (result.status, result.n_iter, result.by_keyboard, model.finished) == (Status.INTERRUPTED, 3, True, 0)
    assert result.objective == 0.125
    assert result.reason == "Interrupted after 3 complete iterations."


def test_ctrl_c_in_the_callback_too() -> None:
    def interrupt(states: Sequence[State], seconds: float) -> bool:
        raise KeyboardInterrupt

    result = one(Halving(), interrupt)
    assert (result.status, result.n_iter, result.by_keyboard) == (Status.INTERRUPTED, 1, True)


def test_a_callback_may_ask_to_stop_and_the_pair_is_finished() -> None:
    model = Halving()
    result = one(model, lambda states, seconds: states[0].n_iter == 3)
    assert (result.status, result.n_iter, result.by_keyboard) == (Status.INTERRUPTED, 3, False)
    assert (model.finished, result.objective) == (1, 0.125 * 0.99)
    assert "callback" in result.reason


def test_the_best_start_comes_first_and_is_the_only_one_finished() -> None:
    model = Halving()
    states = [model.start(objective) for objective in (4.0, 1.0, 2.0)]
    results = run(model, states, Stop(tol=0.0, max_iter=3))
    assert [result.objective for result in results] == [0.125 * 0.99, 0.25, 0.5]
    assert model.finished == 1


def test_all_starts_may_be_finished_and_keep_their_order() -> None:
    model = Halving()
    states = [model.start(objective) for objective in (4.0, 1.0, 2.0)]
    results = run(model, states, Stop(tol=0.0, max_iter=1), finish="all")
    assert [result.objective for result in results] == [2 * 0.99, 0.5 * 0.99, 0.99]
    assert [len(result.history.objective) for result in results] == [2, 2, 2]
    unfinished = run(model, states, Stop(tol=0.0, max_iter=1), finish="none")
    assert [result.objective for result in unfinished] == [2, 0.5, 1]
    assert model.finished == 3


class Floors(Halving):
    """Each start has a floor of its own, kept where the lowest objective would be."""

    def _halved(self, state: State) -> State:
        self.floor = state.lowest
        return super()._halved(state)

    def starts(self, *floors: float) -> list[State]:
        return [replace(self.start(floor + 1), lowest=floor) for floor in floors]


def test_losers_are_dropped_and_the_best_is_finished() -> None:
    model = Floors()
    results = run(model, model.starts(1.5, 1.0, 3.0), Stop(tol=0.0, max_iter=50), drop=True)
    assert [result.status for result in results] == [Status.MAX_ITER, Status.DROPPED, Status.DROPPED]
    assert [result.objective for result in results] == pytest.approx([0.99, 1.5, 3.0], abs=0.05)
    assert [result.n_iter for result in results] == [50, FIRST, FIRST]
    assert results[2].reason == "After 8 iterations its objective was 3.00391, and that of another start 1.00391."
    assert model.finished == 1


def test_without_dropping_each_runs_to_its_own_end() -> None:
    model = Floors()
    results = run(model, model.starts(1.5, 1.0, 3.0), Stop(tol=0.0, max_iter=50))
    assert {(result.n_iter, result.status) for result in results} == {(50, Status.MAX_ITER)}


def test_starts_that_have_ended_compete_and_are_not_dropped() -> None:
    model = Floors()
    good, poor, late = model.starts(1.0, 3.0, 1.0)
    near = replace(poor, objective=3.0 + 1e-9)
    results = run(model, [near, good, late], Stop(tol=1e-6, max_iter=50), drop=True)
    assert [result.status for result in results] == [Status.CONVERGED] * 3
    results = run(model, [replace(good, objective=1.0 + 1e-9), poor], Stop(tol=1e-6, max_iter=50), drop=True)
    assert [(result.n_iter, result.status) for result in results] == [(1, Status.CONVERGED), (FIRST, Status.DROPPED)]


def test_ctrl_c_leaves_dropped_what_was_dropped() -> None:
    model = Floors(interrupt_at=FIRST + 2)
    results = run(model, model.starts(3.0, 1.0), Stop(tol=0.0, max_iter=50), drop=True)
    assert [result.status for result in results] == [Status.INTERRUPTED, Status.DROPPED]
    assert all(result.by_keyboard for result in results)


def test_starts_stop_one_by_one() -> None:
    model = Halving()
    seen = []
    states = [model.start(objective) for objective in (1.0, 1e-3)]
    results = run(model, states, Stop(tol=1e-2, max_iter=50), lambda states, seconds: bool(seen.append(len(states))))
    assert {result.n_iter for result in results} == {1, 8}
    assert set(seen) == {2}  # the callback always sees all


def test_a_dead_component_is_revived_before_the_end() -> None:
    model = Halving(dead_at=4, can_revive=True)
    result = one(model, tol=1e-3)
    assert (model.revived, result.status) == (1, Status.CONVERGED)


def test_a_start_that_was_just_revived_is_judged_by_what_it_has_now() -> None:
    """The first start is far behind until its dead component lives again, at the iteration that would drop it."""

    class Reviving(Floors):
        def _halved(self, state: State) -> State:
            halved = super()._halved(state)
            return replace(halved, dead=(0,)) if halved.n_iter == FIRST and state.lowest > 1 else halved

        def revive(self, state: State) -> State | None:
            return replace(state, objective=1.0, lowest=0.5, dead=())

    model = Reviving()
    results = run(model, model.starts(3.0, 1.0), Stop(tol=0.0, max_iter=2 * FIRST), drop=True)
    assert [result.status for result in results] == [Status.MAX_ITER, Status.DROPPED]
    assert results[0].objective == pytest.approx(0.5, abs=0.05)


def test_a_hopeless_revival_is_tried_once() -> None:
    model = Halving(dead_at=2)
    one(model, tol=1e-3)
    assert model.revived == 1


@pytest.mark.parametrize("status", Status)
def test_a_status_is_a_string_with_a_sentence(status: Status) -> None:
    assert status == status.value
    assert isinstance(status, str)
    assert status.sentence[0].isupper()
    assert status.sentence.endswith(".")
