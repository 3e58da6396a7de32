"""The function beside the estimator."""

import warnings
from typing import Any

import numpy as np

from partwise._errors import ParameterError
from partwise._types import Array
from partwise.estimators.data import checked_factor, checked_input, components_of
from partwise.estimators.fitting import problem_of
from partwise.estimators.nmf import NMF
from partwise.estimators.parameters import checked
from partwise.kernels.threads import threads
from partwise.models.rows import transform


def non_negative_factorization(
    X: Any,
    W: Any = None,
    H: Any = None,
    n_components: Any = "auto",
    *,
    init: Any = None,
    update_H: bool = True,
    solver: str = "auto",
    beta_loss: Any = "frobenius",
    tol: float = 1e-4,
    max_iter: int = 200,
    alpha_W: Any = 0.0,
    alpha_H: Any = "same",
    l1_ratio: float = 0.0,
    random_state: Any = None,
    verbose: int = 0,
    shuffle: bool = False,
) -> tuple[Array, Array, int]:
    """Factorise X ≈ W H, both non-negative; the function form of :class:`NMF`, with scikit-learn's parameters.

    Masks, weights, sparse data whose zeros are missing and fixed entries of the factors are the estimator's alone.

    Parameters
    ----------
    X : {array-like, sparse matrix, frame, Dataset} of shape (n_samples, n_features)
        Non-negative data; NaN in dense data is a missing entry.
    W : array-like of shape (n_samples, n_components), default=None
        Start of W, with ``init="custom"``. With ``update_H=False`` it is not needed, and warned about.
    H : array-like of shape (n_components, n_features), default=None
        Start of H, with ``init="custom"``; with ``update_H=False`` the H that is held.
    update_H : bool, default=True
        Whether H is learnt. If not, W is solved for the given H as :meth:`NMF.transform` does, whatever the solver.
    n_components, init, solver, beta_loss, tol, max_iter, alpha_W, alpha_H, l1_ratio, random_state, verbose, shuffle
        As for :class:`NMF`.

    Returns
    -------
    W : ndarray of shape (n_samples, n_components)
    H : ndarray of shape (n_components, n_features)
    n_iter : int
        Iterations done; 1 with ``update_H=False``.

    Raises
    ------
    ParameterError, DataError
        As for :class:`NMF`.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise import non_negative_factorization
    >>> X = np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 1.2], [4.0, 1.0], [5.0, 0.8], [6.0, 1.0]])
    >>> W, H, n_iter = non_negative_factorization(X, n_components=2, init="random", random_state=0, max_iter=2000)
    >>> bool(abs(X - W @ H).max() < 1e-2)
    True
    """
    model = NMF(
        n_components,
        init=init,
        solver=solver,
        beta_loss=beta_loss,
        tol=tol,
        max_iter=max_iter,
        alpha_W=alpha_W,
        alpha_H=alpha_H,
        l1_ratio=l1_ratio,
        random_state=random_state,
        verbose=verbose,
        shuffle=shuffle,
    )
    if not isinstance(update_H, bool | np.bool_):
        raise ParameterError(f"update_H={update_H!r} cannot be used: give True or False.")
    if not update_H:
        if W is not None:
            warnings.warn("When update_H=False, the provided initial W is not used.", RuntimeWarning, stacklevel=2)
        return _held(model, X, H)
    W = model.fit_transform(X, W=W, H=H)
    return np.asarray(W), model.components_, model.n_iter_


def _held(model: NMF, X: Any, H: Any) -> tuple[Array, Array, int]:
    parameters = checked(model)
    operand = checked_input(model, X, reset=True).operand
    k = parameters.n_components
    if k == "auto":
        k = components_of(H, operand.shape[1])
    parameters.check_weights(k)
    H = checked_factor(H, (k, operand.shape[1]), operand.dtype, "H", zero_allowed=True)
    with threads(parameters.n_threads):
        return transform(problem_of(operand, parameters), np.ascontiguousarray(H.T)), H, 1
