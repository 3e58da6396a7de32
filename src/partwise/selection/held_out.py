"""The error on entries that a fit has not seen: too few parts miss structure, too many fit noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from numbers import Real

import numpy as np
from sklearn.base import clone

from partwise._errors import DataError, ParameterError
from partwise._types import Array, Float64
from partwise.arrays.speckle import Speckle
from partwise.estimators import NMF, divergence
from partwise.selection._checks import is_sparse
from partwise.selection._fits import quiet_fit
from partwise.selection._folder import seed_of
from partwise.selection._tasks import Arrays, Task
from partwise.selection.question import Question

# The share of a prediction that a fit of one part makes: a zero where something is found would cost infinitely.
MIXED = 1e-3
# Of sparse data whose zeros are observed a fold holds out at most this many times what they store: for a fit, an entry
# that is held out is as dear as one that is stored.
_STORED = 2.0
# See `restrained`.
_RESTRAINT = 0.01
# Entries that are looked at together.
_PIECE = 1 << 22
# Places of seeds.
_SPECKLES, _FITS, _ONE, _GROWN, _GROUPS = range(1, 6)


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


def restrained(question: Question) -> Question:
    """The same with a slight L2 penalty, where it has no penalty.

    What is left of few rows may hardly bound a part that lives on them where they are held out, and it may predict
    anything there; one such entry can cost more than all others. The weight λ of ½ λ (‖W‖² + ‖H‖²) is
    0.01^β ‖X‖^(β − 1), which makes the fit of t X that of X. For the Frobenius loss it takes a ten-thousandth of ‖X‖
    from each singular value.
    """
    prototype = question.prototype
    if np.any(prototype.alpha_W) or (not isinstance(prototype.alpha_H, str) and np.any(prototype.alpha_H)):
        return question
    m, n = question.shape
    weight = _RESTRAINT**question.beta * question.norm ** (question.beta - 1)
    restrained: NMF = clone(prototype).set_params(alpha_W=weight / n, alpha_H=weight / m, l1_ratio=0.0)
    return replace(question, prototype=restrained)


def _speckle(question: Question, share: float, fold: int) -> Speckle:
    return Speckle(share, fold, seed_of(question.seed, _SPECKLES))


def _usual_share(question: Question, folds: int) -> float:
    X = question.X
    if not is_sparse(X) or question.zeros_missing:
        return 1.0 / folds
    m, n = question.shape
    return min(1.0 / folds, _STORED * int(X.nnz) / (m * n))


@dataclass(frozen=True)
class Tally:
    """The weight of what is observed: of each row, of each column, and of all."""

    rows: Float64
    columns: Float64

    @property
    def weight(self) -> float:
        """Of all."""
        return float(self.rows.sum())


def tally(question: Question, speckle: Speckle | None) -> Tally:
    """What a speckle leaves of the data, or what there is without one."""
    m, n = question.shape
    if question.zeros_missing:
        return _tally_stored(question, speckle)
    rows, columns = np.zeros(m), np.zeros(n)
    step = max(1, _PIECE // n)
    for a, b in pairwise([*range(0, m, step), m]):
        weight = question.weights_of(a, b)
        if speckle is not None:
            weight *= speckle.rows(a, b, n)
        rows[a:b] = weight.sum(axis=1)
        columns += weight.sum(axis=0)
    return Tally(rows, columns)


def _tally_stored(question: Question, speckle: Speckle | None) -> Tally:
    m, n = question.shape
    i, j, weight = question.stored_weights
    if speckle is not None:
        weight = weight * speckle.at(i, j)
    return Tally(*(np.bincount(at, weight, size).astype(np.float64) for at, size in ((i, m), (j, n))))


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
    whole = _one_part(seen) if question.beta <= 1 else None
    errors: list[float] = []
    fitted: tuple[Array, Array] | None = None
    for k in ranks:
        start = None if fitted is None or not plan.warm else _grown(*fitted, k, seed_of(question.seed, _GROWN, fold, k))
        fitted = _fit(seen, k, fold, start)
        errors.append(_loss(hidden, *(fitted if whole is None else _mixed(fitted, whole))) / plan.weights[fold])
    return {"error": np.array(errors)}


def _fit(question: Question, k: int, fold: int, start: tuple[Array, Array] | None = None) -> tuple[Array, Array]:
    if start is None:
        return quiet_fit(question.estimator(k, _FITS, fold, k), question.X, **question.counting)
    estimator = question.estimator(k, _FITS, fold, k, init="custom", n_init=1)
    return quiet_fit(estimator, question.X, W=start[0], H=start[1], **question.counting)


def _one_part(question: Question) -> tuple[Array, Array]:
    estimator = question.estimator(1, _ONE, alpha_W=0.0, alpha_H=0.0, n_init=1, init="random")
    return quiet_fit(estimator, question.X, **question.counting)


def _grown(W: Array, H: Array, k: int, seed: int) -> tuple[Array, Array]:
    """Factors with random parts added, each as strong as a tenth of the mean part."""
    rng, more = np.random.default_rng(seed), k - W.shape[1]
    new_W, new_H = rng.random((len(W), more)) * W.mean() * 0.2, rng.random((more, H.shape[1])) * H.mean() * 2
    return np.hstack([W, new_W.astype(W.dtype)]), np.vstack([H, new_H.astype(H.dtype)])


def _mixed(fitted: tuple[Array, Array], whole: tuple[Array, Array]) -> tuple[Array, Array]:
    """Factors of (1 − MIXED) W H + MIXED w h, where w and h are lifted: a line may have nothing left but zeros."""
    (W, H), (w, h) = fitted, whole
    w, h = w + MIXED * w.mean(), h + MIXED * h.mean()
    return np.hstack([(1 - MIXED) * W, MIXED * w]), np.vstack([H, h])


def _loss(question: Question, W: Array, H: Array) -> float:
    """What the entries of a question lose."""
    return divergence(
        question.X,
        W,
        H,
        beta_loss=question.prototype.beta_loss,
        implicit_zeros=question.prototype.implicit_zeros,
        **question.counting,
    )


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
    W, H = _predicted(beside, below, *_fit(kept, k, pair))
    if question.beta <= 1:
        W, H = _mixed((W, H), _predicted(beside, below, *_one_part(kept)))
    return {"error": np.array([_loss(plan.held(pair), W, H) / plan.weights[pair]])}


def _predicted(beside: Question, below: Question, W: Array, H: Array) -> tuple[Array, Array]:
    """W of the rows that were held out, from their other columns, and H of the columns, from their other rows."""
    turned = below.transposed()
    return _solved(beside, H), _solved(turned, W.T).T


def _solved(question: Question, H: Array) -> Array:
    """The W that is best for this H."""
    k = len(H)
    estimator = question.estimator(k, _FITS, n_init=1, init="random")
    H = np.ascontiguousarray(H)
    return quiet_fit(estimator, question.X, H=H, fixed_components=np.arange(k), **question.counting)[0]


def one_standard_error(errors: Float64) -> tuple[int, int, Float64]:
    """The smallest number of parts that is not surely worse than the best (Breiman et al. 1984, section 3.4.3).

    Folds are the same for all numbers of parts, so it is the difference from the best one whose standard error over
    the folds counts; how hard a fold is cancels.

    Parameters
    ----------
    errors : ndarray of shape (n_ranks, n_folds)
        Held-out errors, ranks ascending.

    Returns
    -------
    chosen, best : int
        Places in the ranks.
    spread : ndarray of shape (n_ranks,), float64
        Standard errors of the differences from the best one; 0 there.

    References
    ----------
    Breiman, L., Friedman, J. H., Olshen, R. A. & Stone, C. J. (1984). Classification and Regression Trees. Wadsworth.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise.selection import one_standard_error
    >>> one_standard_error(np.array([[3.0, 3.2], [1.1, 1.3], [1.0, 1.3]]))[:2]
    (1, 2)
    """
    means = errors.mean(axis=1)
    best = int(np.argmin(means))
    differences = errors - errors[best]
    spread = differences.std(axis=1, ddof=1) / np.sqrt(errors.shape[1])
    chosen = int(np.flatnonzero(differences.mean(axis=1) <= spread)[0])
    return chosen, best, spread
