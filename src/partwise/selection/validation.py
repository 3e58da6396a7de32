"""What both kinds of cross-validation share: fits that are held back, their errors, and the rule that reads them."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from sklearn.base import clone

from partwise._types import Array, Float64
from partwise.arrays.speckle import Speckle
from partwise.estimators import NMF, divergence
from partwise.selection._fits import quiet_fit
from partwise.selection.question import Question

# The share of a prediction that a fit of one part makes: a zero where something is found would cost infinitely.
MIXED = 1e-3
# See `restrained`.
_RESTRAINT = 0.01
# Entries that are looked at together.
_PIECE = 1 << 22
# Places of seeds.
FITS, ONE = 2, 3


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


def fit_fold(question: Question, k: int, fold: int, start: tuple[Array, Array] | None = None) -> tuple[Array, Array]:
    """W and H of the fit of a fold, from the estimator's start or a given one."""
    if start is None:
        return quiet_fit(question.estimator(k, FITS, fold, k), question.X, **question.counting)
    estimator = question.estimator(k, FITS, fold, k, init="custom", n_init=1)
    return quiet_fit(estimator, question.X, W=start[0], H=start[1], **question.counting)


def one_part(question: Question) -> tuple[Array, Array]:
    """W and H of a fit of one part, without penalties."""
    estimator = question.estimator(1, ONE, alpha_W=0.0, alpha_H=0.0, n_init=1, init="random")
    return quiet_fit(estimator, question.X, **question.counting)


def mixed(fitted: tuple[Array, Array], whole: tuple[Array, Array], beta: float) -> tuple[Array, Array]:
    """Factors of (1 − s) W H + s w h, where w and h are lifted: a line may have nothing left but zeros.

    For β < 1 the loss of too small a prediction grows by a power of it, and the share s is ten times as large.
    """
    share = MIXED if beta == 1 else 10 * MIXED
    (W, H), (w, h) = fitted, whole
    w, h = w + MIXED * w.mean(), h + MIXED * h.mean()
    return np.hstack([(1 - share) * W, share * w]), np.vstack([H, h])


def loss(question: Question, W: Array, H: Array) -> float:
    """What the entries of a question lose."""
    return divergence(
        question.X,
        W,
        H,
        beta_loss=question.prototype.beta_loss,
        implicit_zeros=question.prototype.implicit_zeros,
        **question.counting,
    )


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
