"""A start from a sample: the same fit on some of the rows first, the multilevel idea of Gillis & Glineur (2012).

Rows of X are many witnesses of the same parts, so a sample of them finds nearly the same H at its share of the cost of
an iteration; the iterations on everything begin there. The longer side of X is the one that is sampled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from partwise._types import Array
from partwise.arrays.sample import sample_rows
from partwise.engine.loop import run
from partwise.engine.problem import Problem
from partwise.engine.state import State
from partwise.engine.stopping import Stop
from partwise.models.bilinear import Bilinear

# A sample holds four times the shorter side, so that it determines the held factor, and thirty rows for each part. It
# pays where it is at most an eighth of the longer side: its thirty iterations then cost as much as four on everything
# at the most, and save ten to twenty; nor is the copy that it takes large. Below twenty million operations an iteration
# takes a millisecond, and what is saved is lost in the overhead.
BREADTH, ROWS_OF_A_PART, LARGEST_SHARE, SMALLEST_WORK = 4, 30, 0.125, 2e7
# The sample is not worth solving to the end: its optimum is not that of the whole.
STOP = Stop(tol=1e-3, max_iter=30)
# A start that fits the sample this well (its optimality) is left as it is.
GOOD = 0.01


def sample_size(problem: Problem, k: int) -> int | None:
    """Rows of a sample that pays, by shape, k and the share of zeros; None where none does."""
    shorter, longer = sorted(problem.operand.shape)
    size = max(BREADTH * shorter, ROWS_OF_A_PART * k)
    work = 4.0 * k * problem.survey.nonzeros
    return size if size <= LARGEST_SHARE * longer and work >= SMALLEST_WORK else None


@dataclass(frozen=True)
class Coarse:
    """Turns the states of starts into better ones by the fit of a sample.

    Parameters
    ----------
    model : Bilinear
        The model of everything.
    size : int
        Rows (or columns, where they are more) of the sample.
    max_time : float or None
        Seconds that it may take.
    """

    model: Bilinear
    size: int
    max_time: float | None = None

    def __call__(self, states: Sequence[State]) -> list[State]:
        m, n = self.model.problem.operand.shape
        pairs = [self.model.factors(state) for state in states]
        if m >= n:
            return [self.model.start(W, H) for W, H in self._by_rows(self.model, pairs)]
        swapped = self._by_rows(self.model.transposed(), [(H, W) for W, H in pairs])
        return [self.model.start(W, self.model.respond(W, H)) for H, W in swapped]

    def _by_rows(self, model: Bilinear, pairs: list[tuple[Array, Array]]) -> list[tuple[Array, Array]]:
        """The pairs (long, short) with the short factor from the sample, and the long one where the sample has it."""
        index = _sample(model.problem.operand.shape[0], self.size)
        small = replace(model, problem=_of_sample(model.problem, index))
        starts = [small.start(long[index], short) for long, short in pairs]
        poor = [i for i, state in enumerate(starts) if small.certify(state) > GOOD]
        results = run(small, [starts[i] for i in poor], replace(STOP, max_time=self.max_time), finish="none")
        better = list(pairs)
        for i, result in zip(poor, results, strict=True):
            if result.by_keyboard:
                raise KeyboardInterrupt
            long = np.zeros_like(pairs[i][0])
            long[index] = result.W
            better[i] = long, result.H
        return better


def _sample(m: int, size: int) -> Array:
    """``size`` of m rows, always the same ones: a fit from a given start is to give the same bits each time."""
    return np.sort(np.random.default_rng(0).choice(m, size, replace=False))


def _of_sample(problem: Problem, index: Array) -> Problem:
    """The problem of some rows; H's penalty falls with the loss that it stands beside."""
    share = len(index) / problem.operand.shape[0]
    return replace(problem, operand=sample_rows(problem.operand, index), penalty_H=problem.penalty_H.scaled(share))
