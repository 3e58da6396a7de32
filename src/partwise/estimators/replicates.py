"""The factors of every start, to compare them with each other."""

from dataclasses import dataclass
from typing import Any

from sklearn.base import clone

from partwise._errors import ParameterError
from partwise._types import Array
from partwise.engine.result import Result, Status
from partwise.estimators.data import checked_input
from partwise.estimators.fitting import each_fit, problem_of
from partwise.estimators.nmf import NMF
from partwise.estimators.observe import log_step, visible
from partwise.estimators.parameters import checked
from partwise.kernels.threads import threads


@dataclass(frozen=True)
class Replicate:
    """What one start led to.

    Parameters
    ----------
    W : ndarray of shape (n_samples, n_components)
    H : ndarray of shape (n_components, n_features)
        Scaled and ordered as ``NMF.components_`` is.
    objective : float
        Of this pair, penalties included: without them ½ ‖X − WH‖².
    n_iter : int
        Iterations done.
    status : Status
        How the fit ended.
    """

    W: Array
    H: Array
    objective: float
    n_iter: int
    status: Status


def replicates(estimator: NMF, X: Any, *, mask: Any = None, weights: Any = None) -> list[Replicate]:
    """Fit X from each of the ``n_init`` starts of an estimator, and keep them all.

    They differ in nothing but their starts, so what they agree on is what the data say. All starts share each read of
    the data, which is faster than one fit after the other. None is dropped: each ends where its own fit would.

    Parameters
    ----------
    estimator : NMF
        What to fit, and from how many starts; it stays as it is. ``max_time`` is the time of all starts together.
    X : {array-like, sparse matrix, frame, Dataset} of shape (n_samples, n_features)
        Non-negative data, as for ``NMF.fit``.
    mask, weights : default=None
        As for ``NMF.fit``.

    Returns
    -------
    list of Replicate
        One for each start, in the order in which they were drawn from ``random_state``.

    Raises
    ------
    ParameterError, DataError
        As for :class:`NMF`; also for ``init="custom"``, which has one start only.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise import NMF, replicates
    >>> X = np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 1.2], [4.0, 1.0], [5.0, 0.8], [6.0, 1.0]])
    >>> found = replicates(NMF(2, n_init=3, random_state=0, max_iter=2000), X)
    >>> [one.H.shape for one in found]
    [(2, 2), (2, 2), (2, 2)]
    """
    if not isinstance(estimator, NMF):
        kind = type(estimator).__name__
        raise ParameterError(f"{kind} is no partwise.NMF, whose starts replicates are: give one of those.")
    parameters = checked(estimator)
    if parameters.custom:
        raise ParameterError(
            "init='custom' is one start, and replicates are fits from several: use init='random', or NMF.fit for one."
        )
    with visible(parameters.verbose), threads(parameters.n_threads):
        operand = checked_input(clone(estimator), X, reset=True, mask=mask, weights=weights).operand
        k = operand.shape[1] if parameters.n_components == "auto" else parameters.n_components
        results = each_fit(problem_of(operand, parameters), parameters, k, _log)
    if any(result.by_keyboard for result in results):
        raise KeyboardInterrupt
    return [_replicate(result) for result in results]


def _log(states: Any, seconds: float) -> bool:
    log_step(states, seconds)
    return False


def _replicate(result: Result) -> Replicate:
    return Replicate(result.W, result.H.T.copy(), result.objective, result.n_iter, result.status)
