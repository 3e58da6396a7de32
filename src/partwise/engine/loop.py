"""The one loop. It knows no NMF: a model steps, this counts, watches and stops."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

from partwise._types import Array
from partwise.engine.result import History, Result, Status
from partwise.engine.state import State
from partwise.engine.stopping import Stop


class Model(Protocol):
    """What the loop drives."""

    def step(self, states: Sequence[State]) -> list[State]:
        """One iteration of each state, all over one read of the data."""

    def certify(self, state: State) -> float:
        """The exact optimality of the state's pair, by one read of the data."""

    def revive(self, state: State) -> State | None:
        """A state of lower objective in which dead components live again, or None."""

    def finish(self, state: State) -> State:
        """The pair to return: settled, W solved, objective and optimality measured at exactly it."""

    def factors(self, state: State) -> tuple[Array, Array]:
        """W and H in memory."""


OnStep = Callable[[Sequence[State], float], bool]
"""Called after each iteration with the states of all starts and the seconds so far; true asks the fit to stop."""


@dataclass
class _Run:
    """One start on its way."""

    state: State
    history: History = field(default_factory=History)
    status: Status | None = None
    reason: str = ""
    certify_below: float = 0.0
    revivals: int = 0

    def end(self, status: Status, reason: str) -> None:
        self.status, self.reason = status, reason


Prepare = Callable[[Sequence[State]], list[State]]
"""Makes better starts, by something cheaper than iterations on all data."""


def run(
    model: Model,
    states: Sequence[State],
    stop: Stop,
    on_step: OnStep | None = None,
    *,
    prepare: Prepare | None = None,
    begun: float | None = None,
    finish: bool = True,
) -> list[Result]:
    """Step all states until each has stopped and return their results: finish the best, and put it first.

    Without ``finish`` the results are those of the last iterations, in the order of the states.

    ``begun`` (of ``perf_counter``) is when the clock started, if what came before is to count.

    After Ctrl-C all end with the status ``interrupted`` and nothing is finished; ``by_keyboard`` tells it from a
    callback's wish to stop.
    """
    begun = perf_counter() if begun is None else begun
    by_keyboard = False
    runs = [_Run(state, certify_below=stop.tol) for state in states]
    try:
        if prepare is not None:
            for one, state in zip(runs, prepare(states), strict=True):
                one.state = state
        while active := [one for one in runs if one.status is None]:
            for one, state in zip(active, model.step([one.state for one in active]), strict=True):
                one.state = state
                one.history.add(state, perf_counter() - begun)
                _judge(model, one, stop)
            if on_step is not None and on_step([one.state for one in runs], perf_counter() - begun):
                for one in (one for one in active if one.status is None):
                    one.end(Status.INTERRUPTED, f"A callback asked to stop after {one.state.n_iter} iterations.")
        if finish:
            runs.sort(key=lambda one: one.state.objective)
            runs[0].state = model.finish(runs[0].state)
            runs[0].history.add(runs[0].state, perf_counter() - begun)
    except KeyboardInterrupt:
        by_keyboard = True
        for one in runs:
            one.end(Status.INTERRUPTED, f"Interrupted after {one.state.n_iter} complete iterations.")
        runs.sort(key=lambda one: one.state.objective)
    return [_result(model, one, by_keyboard) for one in runs]


def _judge(model: Model, one: _Run, stop: Stop) -> None:
    """End a run that has converged or reached a limit; bring its dead components back before that."""
    converged = _converged(model, one, stop)
    limit = stop.limit(one.state.n_iter, one.history.seconds[-1])
    if (converged or one.state.dead) and limit is None and _revived(model, one):
        return
    if converged:
        one.end(Status.CONVERGED, converged)
    elif limit is not None:
        one.end(*limit)


def _converged(model: Model, one: _Run, stop: Stop) -> str | None:
    """The sentence why the run has converged, or None. The residual met on the way only triggers the exact one."""
    if one.state.optimality < one.certify_below:
        optimality = model.certify(one.state)
        if optimality < stop.tol:
            return stop.met(optimality)
        one.certify_below *= 0.5
    return stop.spent(one.state) or stop.flat(one.history)


def _revived(model: Model, one: _Run) -> bool:
    """Whether dead components were brought back; each start has as many attempts as it has components."""
    if not one.state.dead or one.revivals >= one.state.H.shape[1]:
        return False
    one.revivals += 1
    state = model.revive(one.state)
    if state is None:
        one.revivals = one.state.H.shape[1]
        return False
    one.state = state
    return True


def _result(model: Model, one: _Run, by_keyboard: bool) -> Result:
    assert one.status is not None
    W, H = model.factors(one.state)
    return Result(W, H, one.state.objective, one.history, one.state.n_iter, one.status, one.reason, by_keyboard)
