"""The one loop. It knows no NMF: a model steps, this counts, watches and stops."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal, Protocol

from partwise._types import Array
from partwise.engine.dropping import losers
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

    def finish(self, state: State, converged: bool) -> State:
        """The pair to return: settled, W solved, objective and optimality measured at exactly it.

        Where the fit has not ``converged``, W need be no nearer to its best than H is.
        """

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


Finish = Literal["best", "all", "none"]

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
    drop: bool = False,
    finish: Finish = "best",
) -> list[Result]:
    """Step all states until each has stopped and return their results.

    ``drop`` gives up starts that lose against the others, see :mod:`partwise.engine.dropping`.

    ``finish`` says which results are finished: the best one, which then comes first, or all or none of them, in the
    order of the states.

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
            if drop:
                _drop(runs)
            if on_step is not None and on_step([one.state for one in runs], perf_counter() - begun):
                for one in (one for one in active if one.status is None):
                    one.end(Status.INTERRUPTED, f"A callback asked to stop after {one.state.n_iter} iterations.")
        for one in _to_finish(runs, finish):
            one.state = model.finish(one.state, one.status is Status.CONVERGED)
            one.history.add(one.state, perf_counter() - begun)
    except KeyboardInterrupt:
        by_keyboard = True
        for one in (one for one in runs if one.status is not Status.DROPPED):
            one.end(Status.INTERRUPTED, f"Interrupted after {one.state.n_iter} complete iterations.")
    return [_result(model, one, by_keyboard) for one in (sorted(runs, key=_rank) if finish == "best" else runs)]


def _rank(one: _Run) -> tuple[bool, float]:
    """The lowest objective first; one that was dropped never before one that was not."""
    return one.status is Status.DROPPED, one.state.objective


def _to_finish(runs: list[_Run], finish: Finish) -> list[_Run]:
    if finish == "best":
        return [min(runs, key=_rank)]
    return runs if finish == "all" else []


def _drop(runs: list[_Run]) -> None:
    """Give up those that still run among the losers; starts that have ended compete."""
    rivals = [one for one in runs if one.status is not Status.DROPPED]
    best = min(one.state.objective for one in rivals)
    # A start whose component was just revived is below what its history ends with.
    courses = [[*one.history.objective[:-1], one.state.objective] for one in rivals]
    for i in losers(courses):
        if rivals[i].status is None:
            found = f"After {rivals[i].state.n_iter} iterations its objective was {rivals[i].state.objective:.6g}"
            rivals[i].end(Status.DROPPED, f"{found}, and that of another start {best:.6g}.")


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
