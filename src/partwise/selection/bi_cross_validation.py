"""The error on blocks that a fit has not seen: some rows of some columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from partwise._errors import DataError, ParameterError
from partwise._types import Array, Float64
from partwise.selection._fits import quiet_fit
from partwise.selection._folder import seed_of
from partwise.selection._tasks import Arrays, Task
from partwise.selection.question import Question
from partwise.selection.validation import FITS, fit_fold, loss, mixed, one_part, restrained, tally

# Place of its seeds.
_GROUPS = 5


@dataclass(frozen=True)
class BiCrossValidation:
    """Bi-cross-validation: each fold holds out some rows of some columns (Owen & Perry 2009).

    The rows and the columns are dealt into groups. For each pair of them, what lies outside of both is factorised; the
    coefficients of the rows are solved for from their other columns, and the parts in the columns from the other rows;
    their product predicts the entries of the pair.

    Parameters
    ----------
    question : Question
    row_folds, column_folds : int
        Groups of rows and of columns.
    weights : tuple of float
        Of what each pair of groups holds out.
    """

    question: Question
    row_folds: int
    column_folds: int
    weights: tuple[float, ...] = ()

    @classmethod
    def of(cls, question: Question, folds: tuple[int, int], ranks: Sequence[int]) -> "BiCrossValidation":
        """With so many groups of rows and of columns.

        Raises
        ------
        ParameterError
            If there are fewer than two of them, or more than rows or columns, or a rank above what they leave.
        DataError
            If fewer than two pairs of groups hold out anything that is observed.
        """
        if not isinstance(folds, Sequence) or len(folds) != 2:
            raise ParameterError(
                f"block_folds={folds!r} cannot be: give groups of rows and of columns, such as (3, 3)."
            )
        for what, count, size in zip(("rows", "columns"), folds, question.shape, strict=True):
            if not isinstance(count, int | np.integer) or isinstance(count, bool) or not 2 <= count <= size:
                raise ParameterError(f"{count!r} groups of {size} {what} cannot be: give an integer from 2 to {size}.")
        plan = cls(restrained(question), *folds)
        smallest = min(min(len(inside) for inside, _ in side) for side in plan._sides)
        if ranks[-1] > smallest:
            raise ParameterError(
                f"{ranks[-1]} parts cannot be with {folds[0]} × {folds[1]} groups, outside of which only {smallest} "
                "rows or columns remain: end at that, or take more groups."
            )
        plan = replace(plan, weights=tuple(tally(plan.held(pair), None).weight for pair in range(folds[0] * folds[1])))
        if len(plan.pairs) < 2:
            raise DataError(
                f"Of {folds[0]} × {folds[1]} groups of rows and columns {len(plan.pairs)} hold out anything that is "
                "observed, and errors of two at least are compared: take other groups."
            )
        return plan

    def tasks(self, ranks: Sequence[int]) -> list[Task]:
        """One for each pair of groups and rank."""
        return [Task(self._name(k, pair), partial(_pair_error, self, k, pair)) for k in ranks for pair in self.pairs]

    def gather(self, ranks: Sequence[int], done: Mapping[str, Arrays]) -> Float64:
        """Errors of shape (ranks, pairs of groups): the mean loss of an entry that was held out."""
        return np.array([[done[self._name(k, pair)]["error"][0] for pair in self.pairs] for k in ranks])

    @property
    def pairs(self) -> list[int]:
        """The blocks that are held out, one after the other: those in which something is observed."""
        return [pair for pair, weight in enumerate(self.weights) if weight > 0]

    def lines(self, pair: int) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """Of the rows and of the columns those that a pair leaves and those that it holds out."""
        rows, columns = self._sides
        return rows[pair // self.column_folds], columns[pair % self.column_folds]

    def held(self, pair: int) -> Question:
        """The block of a pair."""
        (_, rows), (_, columns) = self.lines(pair)
        return self.question.part(rows, columns)

    def _name(self, k: int, pair: int) -> str:
        return f"bi-cross-validation-k{k}-pair{pair}-of-{self.row_folds}x{self.column_folds}"

    @property
    def _sides(self) -> tuple[list[tuple[Array, Array]], list[tuple[Array, Array]]]:
        """For rows and for columns, what is outside of each group and what is in it."""
        rng = np.random.default_rng(seed_of(self.question.seed, _GROUPS))
        m, n = self.question.shape
        return _groups(m, self.row_folds, rng), _groups(n, self.column_folds, rng)


def _groups(size: int, folds: int, rng: np.random.Generator) -> list[tuple[Array, Array]]:
    group = rng.permutation(size) % folds
    return [(np.flatnonzero(group != fold), np.flatnonzero(group == fold)) for fold in range(folds)]


def _pair_error(plan: BiCrossValidation, k: int, pair: int) -> Arrays:
    (rows_left, rows_held), (columns_left, columns_held) = plan.lines(pair)
    question = plan.question
    kept = question.part(rows_left, columns_left)
    beside, below = question.part(rows_held, columns_left), question.part(rows_left, columns_held)
    W, H = _predicted(beside, below, *fit_fold(kept, k, pair))
    if question.beta <= 1:
        W, H = mixed((W, H), _predicted(beside, below, *one_part(kept)), question.beta)
    return {"error": np.array([loss(plan.held(pair), W, H) / plan.weights[pair]])}


def _predicted(beside: Question, below: Question, W: Array, H: Array) -> tuple[Array, Array]:
    """W of the rows that were held out, from their other columns, and H of the columns, from their other rows."""
    turned = below.transposed()
    return _solved(beside, H), _solved(turned, W.T).T


def _solved(question: Question, H: Array) -> Array:
    """The W that is best for this H."""
    k = len(H)
    estimator = question.estimator(k, FITS, n_init=1, init="random")
    H = np.ascontiguousarray(H)
    return quiet_fit(estimator, question.X, H=H, fixed_components=np.arange(k), **question.counting)[0]
