"""How far any two factors are from the data."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_array

from partwise._errors import ParameterError
from partwise._types import Float64
from partwise.arrays import Operand
from partwise.arrays.block import Block
from partwise.arrays.operand import Rows
from partwise.estimators.data import checked_input
from partwise.estimators.fitting import problem_of
from partwise.estimators.nmf import NMF
from partwise.estimators.parameters import checked
from partwise.kernels.threads import threads


def divergence(
    X: Any,
    W: Any,
    H: Any,
    *,
    beta_loss: Any = "frobenius",
    mask: Any = None,
    weights: Any = None,
    implicit_zeros: str = "observed",
    n_threads: int | None = None,
) -> float:
    """The loss D(X | WH) over the observed entries, for any two factors that are not negative.

    It has the scale of :class:`NMF`, which is scikit-learn's: ½ ‖X − WH‖² for the Frobenius loss. With the complement
    of the mask of a fit it is the error of prediction: what the fit has not seen of X.

    Parameters
    ----------
    X : {array-like, sparse matrix, frame, Dataset} of shape (n_samples, n_features)
        Non-negative data, as for ``NMF.fit``.
    W : array-like of shape (n_samples, n_components)
    H : array-like of shape (n_components, n_features)
        Finite numbers ≥ 0; both are taken in float64, whatever the dtype of X.
    beta_loss : {"frobenius", "kullback-leibler", "itakura-saito"} or float, default="frobenius"
        The loss, as for :class:`NMF`.
    mask, weights : default=None
        As for ``NMF.fit``: what is observed, also as a :class:`Speckle`, and how much it counts.
    implicit_zeros : {"observed", "missing"}, default="observed"
        What the entries of a sparse X are that it does not store, as for :class:`NMF`.
    n_threads : int or None, default=None
        Threads; None takes the processors of this process. The answer does not depend on it.

    Returns
    -------
    float
        Never below 0, and 0 where nothing is observed. Infinite where β ≤ 1 and an observed entry above zero has no
        model: (WH)ᵢⱼ = 0.

    Raises
    ------
    ParameterError
        (a ValueError) if W or H are negative or not finite, do not fit X and each other, or have products beyond the
        range of numbers; or for another parameter that cannot be.
    DataError
        (a ValueError) for data that have no such loss, as for :class:`NMF`.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise import divergence
    >>> X = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> divergence(X, [[1.0], [2.0]], [[1.0, 2.0]])
    0.5
    >>> divergence(X, [[1.0], [0.0]], [[1.0, 2.0]], beta_loss="kullback-leibler")
    inf
    """
    model = NMF(beta_loss=beta_loss, implicit_zeros=implicit_zeros, n_threads=n_threads)
    parameters = checked(model)
    with threads(parameters.n_threads):
        operand = checked_input(model, X, reset=True, mask=mask, weights=weights).operand
        problem = problem_of(operand, parameters)
        W, G = _checked_factors(W, H, operand.shape, problem.loss.beta)
        if problem.loss.beta <= 1 and not _reached(problem.operand, W, G):
            return np.inf
        return max(0.0, float(problem.loss.between(problem.operand, problem.operand.place(W), G)))


def _checked_factors(W: Any, H: Any, shape: tuple[int, int], beta: float) -> tuple[Float64, Float64]:
    """Both factors, tall."""
    W, H = _numbers(W, "W"), _numbers(H, "H")
    m, n = shape
    if W.shape != (m, H.shape[0]) or H.shape[1] != n:
        raise ParameterError(
            f"W of shape {W.shape} and H of shape {H.shape} are no factors of X of shape {shape}: give W of shape "
            f"({m}, k) and H of shape (k, {n}) with one k."
        )
    with np.errstate(over="ignore"):
        largest = float(W.max(axis=0) @ H.max(axis=1))
    if not largest <= np.finfo(np.float64).max ** (1 / max(beta, 2)) / (m * n):
        raise ParameterError(
            f"Entries of WH may reach {largest:g}, and sums of their powers leave the range of float64: multiply X and "
            "W by a constant first."
        )
    return W, np.ascontiguousarray(H.T)


def _numbers(F: Any, name: str) -> Float64:
    try:
        factor: Float64 = check_array(F, input_name=name, dtype=np.float64, order="C", ensure_all_finite=False)
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()[0].rstrip(".:")
        raise ParameterError(f"{name} is no dense matrix of numbers ({reason}): give an array of two axes.") from error
    bad = ~(np.isfinite(factor) & (factor >= 0))
    if bad.any():
        i, j = np.argwhere(bad)[0]
        raise ParameterError(
            f"{name} is {factor[i, j]:g} in row {i}, column {j} (counted from 0): give finite numbers ≥ 0."
        )
    return factor


def _reached(operand: Operand, W: Float64, G: Float64) -> bool:
    """Whether the model is above zero wherever an observed entry is."""

    def visit(block: Block, rows: Rows) -> tuple[Rows, int]:
        assert isinstance(rows, np.ndarray)
        return None, int(not block.reached(rows, G))

    return operand.sweep(visit, operand.place(W))[1] == 0
