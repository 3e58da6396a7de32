"""The error on entries that a fit has not seen: too few parts miss structure, too many fit noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Real

import numpy as np

from partwise._errors import DataError, ParameterError
from partwise._types import Array, Float64
from partwise.arrays.speckle import Speckle
from partwise.selection._checks import is_sparse
from partwise.selection._folder import seed_of
from partwise.selection._tasks import Arrays, Task
from partwise.selection.question import Question
from partwise.selection.validation import Tally, fit_fold, loss, mixed, one_part, restrained, tally

# Of sparse data whose zeros are observed a fold holds out at most this many times what they store: for a fit, an entry
# that is held out is as dear as one that is stored.
_STORED = 2.0
# Places of seeds.
_SPECKLES, _GROWN = 1, 4


@dataclass(frozen=True)
class Speckled:
    """Speckled cross-validation: each fold holds out single entries, at random (Wold 1978).

    Which ones a hash of the seed, the row and the column says (:class:`partwise.Speckle`), the same for all numbers of
    parts; no mask is kept.

    Parameters
    ----------
    question : Question
    folds : int
        Disjoint sets of entries; each is held out once.
    share : float
        Of the entries that a fold holds out.
    warm : bool
        Whether a fit starts from that of the rank before, with random parts added, and not from its own start.
    weights : tuple of float
        Of what each fold holds out.
    """

    question: Question
    folds: int
    share: float
    warm: bool
    weights: tuple[float, ...]

    @classmethod
    def of(cls, question: Question, folds: int, share: float | None = None, *, warm: bool = False) -> "Speckled":
        """With a share of 1/folds, or of less for sparse data with many zeros; see ``RankSearch``.

        Raises
        ------
        ParameterError
            If there are fewer than two folds, or they hold out more than there is.
        DataError
            If a fold leaves nothing of a row or a column, or holds out nothing.
        """
        if not isinstance(folds, int | np.integer) or isinstance(folds, bool) or folds < 2:
            raise ParameterError(f"folds={folds!r} cannot be: give an integer ≥ 2, such as 5.")
        if share is None:
            share = _usual_share(question, folds)
        if not isinstance(share, Real) or not 0 < share * folds <= 1 + 1e-12:
            raise ParameterError(
                f"{folds} folds that each hold out a share of {share!r} cannot be: give a share above 0 and at most "
                f"{1 / folds:.3g}."
            )
        question = restrained(question)
        everything = tally(question, None)
        left = [tally(question, _speckle(question, float(share), fold)) for fold in range(folds)]
        for fold, found in enumerate(left):
            _check_left(f"Fold {fold + 1} of {folds}", found, everything)
        weights = tuple(everything.weight - found.weight for found in left)
        if min(weights) == 0:
            raise DataError(
                f"Fold {weights.index(0) + 1} of {folds} holds out nothing that is observed: take fewer folds, or hold "
                "out a larger share."
            )
        return cls(question, int(folds), float(share), warm, weights)

    def speckle(self, fold: int) -> Speckle:
        """What a fold leaves for its fits."""
        return _speckle(self.question, self.share, fold)

    def tasks(self, ranks: Sequence[int]) -> list[Task]:
        """One for each fold and rank; with warm starts, one for each fold."""
        groups = [tuple(ranks)] if self.warm else [(k,) for k in ranks]
        return [
            Task(self._name(group, fold), partial(_fold_errors, self, group, fold))
            for group in groups
            for fold in range(self.folds)
        ]

    def gather(self, ranks: Sequence[int], done: Mapping[str, Arrays]) -> Float64:
        """Errors of shape (ranks, folds): the mean loss of an entry that was held out."""
        groups = [tuple(ranks)] if self.warm else [(k,) for k in ranks]
        columns = [
            np.concatenate([done[self._name(group, fold)]["error"] for group in groups]) for fold in range(self.folds)
        ]
        return np.stack(columns, axis=1)

    def _name(self, ranks: tuple[int, ...], fold: int) -> str:
        which = "-".join(map(str, ranks)) if len(ranks) < 20 else f"{ranks[0]}-to-{ranks[-1]}-{len(ranks)}"
        return f"held-out-k{which}-fold{fold}-of-{self.folds}-share{self.share:.6g}"


def _speckle(question: Question, share: float, fold: int) -> Speckle:
    return Speckle(share, fold, seed_of(question.seed, _SPECKLES))


def _usual_share(question: Question, folds: int) -> float:
    X = question.X
    if not is_sparse(X) or question.zeros_missing:
        return 1.0 / folds
    m, n = question.shape
    return min(1.0 / folds, _STORED * int(X.nnz) / (m * n))


def _check_left(fold: str, left: Tally, everything: Tally) -> None:
    sides = (("row", left.rows, everything.rows), ("column", left.columns, everything.columns))
    for what, after, before in sides:
        empty = np.flatnonzero((after == 0) & (before > 0))
        if len(empty):
            raise DataError(
                f"{fold} leaves nothing observed in {len(empty)} {what}s, the first of them {what} {empty[0]} (counted "
                f"from 0): leave out {what}s with so few entries, or hold out a smaller share."
            )


def _fold_errors(plan: Speckled, ranks: tuple[int, ...], fold: int) -> Arrays:
    """The errors of one fold, for one rank after the other."""
    question, speckle = plan.question, plan.speckle(fold)
    seen, hidden = question.only(speckle), question.only(speckle.complement)
    whole = one_part(seen) if question.beta <= 1 else None
    errors: list[float] = []
    fitted: tuple[Array, Array] | None = None
    for k in ranks:
        start = None if fitted is None or not plan.warm else _grown(*fitted, k, seed_of(question.seed, _GROWN, fold, k))
        fitted = fit_fold(seen, k, fold, start)
        errors.append(
            loss(hidden, *(fitted if whole is None else mixed(fitted, whole, question.beta))) / plan.weights[fold]
        )
    return {"error": np.array(errors)}


def _grown(W: Array, H: Array, k: int, seed: int) -> tuple[Array, Array]:
    """Factors with random parts added, each as strong as a tenth of the mean part."""
    rng, more = np.random.default_rng(seed), k - W.shape[1]
    new_W, new_H = rng.random((len(W), more)) * W.mean() * 0.2, rng.random((more, H.shape[1])) * H.mean() * 2
    return np.hstack([W, new_W.astype(W.dtype)]), np.vstack([H, new_H.astype(H.dtype)])
