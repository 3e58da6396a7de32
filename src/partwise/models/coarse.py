"""A start from a sample: the same fit on some of the rows and columns first (Gillis & Glineur 2012, multilevel).

An iteration on the sample costs its share of one on everything and finds nearly the same parts; the iterations on
everything begin there. Which lines the sample takes, :mod:`partwise.models.window` says. How long it is iterated
follows from its share of the work of an iteration, counted in operations: all of it costs at most as much as BUDGET
iterations on everything, and saves ten to twenty of them.

With penalties it has to be asked for: their optima lie apart, and on faces that of the sample led to a worse one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from partwise.arrays.sample import sample_rows
from partwise.engine.loop import run
from partwise.engine.problem import Problem
from partwise.engine.result import Result
from partwise.engine.state import State
from partwise.engine.stopping import Stop
from partwise.models.bilinear import Bilinear
from partwise.models.window import Lines, Window, work

# Iterations of the sample: as many as cost BUDGET on everything, MOST where it is small. A sample so large that this
# leaves under FEWEST is not worth its copy.
BUDGET, MOST, FEWEST = 5.0, 40, 10
# The sample's optimum is not that of the whole; a looser one stopped on the plateaus of spectra and of counts.
TOL = 1e-5
# A start that fits X this well (its optimality) is left as it is. One that does fits the sample to what the sampling
# errs, up to 0.14 on texts, where random starts are at 0.5 and more: only below DOUBTFUL is a read of X worth asking.
GOOD, DOUBTFUL = 0.01, 0.3


@dataclass(frozen=True)
class Coarse:
    """Turns the states of starts into better ones by the fit of a sample.

    Parameters
    ----------
    model : Bilinear
        The model of everything.
    window : Window
        The rows and columns of the sample.
    begun : float
        When the clock of the fit started, in seconds of ``perf_counter``.
    max_time : float or None
        Seconds from then on after which no further iteration of the sample begins.
    """

    model: Bilinear
    window: Window
    begun: float
    max_time: float | None = None

    def __call__(self, states: Sequence[State]) -> list[State]:
        band, small = self.problems()
        iterations = iterations_of(small, self.model.problem, states[0].H.shape[1])
        if iterations < FEWEST:
            return list(states)
        model = replace(self.model, problem=small)
        starts = [self._restricted(model, state) for state in states]
        poor = [i for i, start in enumerate(starts) if not self._good(states[i], model.certify(start))]
        stop = Stop(TOL, iterations, self.max_time)
        better = list(states)
        results = run(model, [starts[i] for i in poor], stop, begun=self.begun, finish="none")
        for i, result in zip(poor, results, strict=True):
            better[i] = self._extended(replace(self.model, problem=band), result)
        return better

    def _good(self, state: State, on_sample: float) -> bool:
        return on_sample < DOUBTFUL and self.model.certify(state) < GOOD

    def problems(self) -> tuple[Problem, Problem]:
        """The problem of the sample's rows, all columns, and that of the sample."""
        rows, columns = self.window.rows, self.window.columns
        band = self.model.problem if rows is None else _of_rows(self.model.problem, rows)
        return band, band if columns is None else _transposed(_of_rows(_transposed(band), columns))

    def _restricted(self, model: Bilinear, state: State) -> State:
        W, H = self.model.factors(state)
        rows, columns = self.window.rows, self.window.columns
        return model.start(W if rows is None else rows.of(W), H if columns is None else columns.of(H))

    def _extended(self, band: Bilinear, result: Result) -> State:
        """H of all columns by one half-step on the sample's rows; W's other rows are the first half-step's on X."""
        if result.by_keyboard:
            raise KeyboardInterrupt
        rows, columns = self.window.rows, self.window.columns
        m, n = self.model.problem.operand.shape
        H = result.H if columns is None else band.respond(result.W, columns.among(result.H, n))
        return self.model.start(result.W if rows is None else rows.among(result.W, m), H)


def iterations_of(small: Problem, whole: Problem, k: int) -> int:
    """Iterations of the sample, by its share of the work of one."""
    return int(min(MOST, BUDGET * work(whole, k) / work(small, k)))


def _of_rows(problem: Problem, rows: Lines) -> Problem:
    """The problem of some rows; H's penalty falls with the loss that it stands beside."""
    operand = sample_rows(problem.operand, rows.index)
    return replace(problem, operand=operand, penalty_H=problem.penalty_H.scaled(rows.share))


def _transposed(problem: Problem) -> Problem:
    """The problem of Xᵀ ≈ H Wᵀ."""
    assert problem.operand.T is not None
    return Problem(problem.operand.T, problem.loss, problem.penalty_H, problem.penalty_W)
