"""Which rows and columns of X a sample takes.

Where few lines (rows, or columns) hold half of the sum of squares, as frequent words and loud genes do, those few
decide the factors, and the sample is these. Elsewhere all lines are witnesses of the same parts, and it is random.
"""

from dataclasses import dataclass

import numpy as np

from partwise._types import Array, Float64
from partwise.arrays.sample import line_squares
from partwise.engine.problem import Problem

# The heaviest lines are taken where at most an eighth of all hold half of Σ x²: 9 % of the words of news, 0.1 % of the
# genes of PBMC, but a quarter at least of pixels, bands and pictures. They are never under ten for each part.
HELD, SKEWED, HEAVIEST_OF_A_PART = 0.5, 0.125, 10
# A random sample errs by about one part in its lines for each part: it holds a hundred for each part, and at least 500,
# where those are at most 0.3 of all. Where that leaves both sides whole, twelve for each part from the longer side do,
# if they are at most a quarter: few from both sides at once led spectra astray.
MANY, FEWEST, MANY_SHARE = 100, 500, 0.3
FEW, FEW_SHARE = 12, 0.25
# Below thirty million operations an iteration takes a millisecond, and what is saved is lost in the overhead.
SMALLEST_WORK = 3e7
# Inner sweeps of a row, on the mean.
SWEEPS = 6


@dataclass(frozen=True)
class Lines:
    """Some of the rows, or of the columns.

    Parameters
    ----------
    index : ndarray of int
        Their numbers, in ascending order.
    share : float
        Their share of Σ x².
    """

    index: Array
    share: float

    def of(self, F: Array) -> Array:
        """These rows of a factor."""
        return np.ascontiguousarray(F[self.index])

    def among(self, part: Array, count: int) -> Array:
        """A factor of ``count`` rows: zeros, and ``part`` in these rows."""
        whole = np.zeros((count, part.shape[1]), part.dtype)
        whole[self.index] = part
        return whole


@dataclass(frozen=True)
class Window:
    """The rows and the columns of a sample; None stands for all of them."""

    rows: Lines | None
    columns: Lines | None


def work(problem: Problem, k: int) -> float:
    """Operations of an iteration: two products with the entries that are not zero, and the sweeps of both sides."""
    return 4.0 * k * problem.survey.nonzeros + 2.0 * SWEEPS * k * k * sum(problem.operand.shape)


def window(problem: Problem, k: int) -> Window | None:
    """The sample that pays, by shape, k, zeros and how the squares are spread; None where none does."""
    if work(problem, k) < SMALLEST_WORK:
        return None
    squares = line_squares(problem.operand)
    rows, columns = (_heaviest(side, k) or _many(side, k) for side in squares)
    if rows is None and columns is None:
        return _of_longer(problem, squares, FEW * k) if FEW * k <= FEW_SHARE * max(problem.operand.shape) else None
    return Window(rows, columns) if rows is not None or problem.operand.T is not None else None


def any_window(problem: Problem) -> Window:
    """A quarter of the longer side, whether it pays or not."""
    return _of_longer(problem, line_squares(problem.operand), max(1, max(problem.operand.shape) // 4))


def _heaviest(squares: Float64, k: int) -> Lines | None:
    order = np.argsort(-squares, kind="stable")
    holders = 1 + int(np.searchsorted(np.cumsum(squares[order]), HELD * squares.sum()))
    size = max(holders, HEAVIEST_OF_A_PART * k)
    pays = holders <= SKEWED * len(squares) and size <= MANY_SHARE * len(squares)
    return _lines(squares, order[:size]) if pays else None


def _many(squares: Float64, k: int) -> Lines | None:
    size = max(MANY * k, FEWEST)
    return _random(squares, size) if size <= MANY_SHARE * len(squares) else None


def _of_longer(problem: Problem, squares: tuple[Float64, Float64], size: int) -> Window:
    """A random sample of the longer side; of the rows where columns are not at hand."""
    rows, columns = squares
    if len(rows) >= len(columns) or problem.operand.T is None:
        return Window(_random(rows, min(size, len(rows))), None)
    return Window(None, _random(columns, size))


def _random(squares: Float64, size: int) -> Lines:
    """Always the same ones: a fit from a given start is to give the same bits each time."""
    return _lines(squares, np.random.default_rng(0).choice(len(squares), size, replace=False))


def _lines(squares: Float64, index: Array) -> Lines:
    return Lines(np.sort(index), float(squares[index].sum() / (squares.sum() or 1.0)))
