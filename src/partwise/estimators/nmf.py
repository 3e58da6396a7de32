"""The estimator."""

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.callback import CallbackContext, CallbackSupportMixin, with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, check_is_fitted

from partwise._errors import DataError
from partwise._types import Array
from partwise._versions import versions
from partwise.arrays.sample import line_counts
from partwise.engine.problem import Problem
from partwise.engine.result import Result, Status
from partwise.engine.state import State
from partwise.estimators.data import Input, checked_input
from partwise.estimators.fitting import best_fit, problem_of
from partwise.estimators.given import Given
from partwise.estimators.observe import log_step, visible
from partwise.estimators.parameters import Parameters, checked
from partwise.kernels.threads import threads
from partwise.losses import Frobenius
from partwise.models.rows import transform


class NMF(CallbackSupportMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Non-negative matrix factorization, X ≈ W H with W ≥ 0 and H ≥ 0.

    Takes the place of :class:`sklearn.decomposition.NMF`: the same names, the same objective,

    .. math::

        \tfrac12 \|X - WH\|_F^2
        + \alpha_W\, r\, n\, \|W\|_1 + \alpha_H\, r\, m\, \|H\|_1
        + \tfrac12 \alpha_W (1-r)\, n\, \|W\|_F^2 + \tfrac12 \alpha_H (1-r)\, m\, \|H\|_F^2

    for X of shape (m, n) and r = ``l1_ratio``.

    Parameters
    ----------
    n_components : int, "auto" or None, default="auto"
        Number of parts k. "auto" takes it from a custom H, and otherwise, as None does, keeps all features.
    init : {"random", "nndsvd", "nndsvda", "nndsvdar", "spa", "custom"} or None, default=None
        Where the factors start. None is "nndsvda" (good and repeatable), or "random" where n_components exceeds
        min(m, n) or n_init exceeds 1. "random" draws the same start as scikit-learn from the same seed; "spa" takes
        the most extreme rows of X as the first parts (good where pure samples exist); "custom" takes the W and H
        that are passed to ``fit``.
    solver : {"auto", "cd", "bpp", "mu"}, default="auto"
        The half-step. "cd" is coordinate descent: HALS for the Frobenius loss, Newton steps [4]_ for Kullback–Leibler.
        "bpp" solves each half-step of the Frobenius loss exactly by block principal pivoting, which takes fewer and
        dearer iterations. "mu" are multiplicative updates [5]_, which serve every loss. "auto" is "cd" where there is
        one, and "mu" elsewhere.
    beta_loss : {"frobenius", "kullback-leibler", "itakura-saito"} or float, default="frobenius"
        The loss, or the β of the β-divergence that it is (2, 1 and 0 are those with a name): "kullback-leibler" for
        counts, "itakura-saito" for power spectra, whose small entries count as much as large ones. With β ≤ 0 no entry
        may be zero.
    tol : float, default=1e-4
        The fit has converged when the optimality of both factors is below ``tol``, or when it is below 10 ``tol``
        and the objective fell by less than ``tol`` of itself an iteration, over ten iterations. The optimality is
        √(Σ r²) / ‖X‖ with r = min(F·‖g‖, ∇/‖g‖) for the entries of each factor: it does not change when X is
        scaled or when scale moves between W and H. 0 runs to ``max_iter``, or until steps change nothing any more.
    max_iter : int, default=200
        Most iterations; each reads the data once.
    random_state : int, RandomState instance or None, default=None
        For the start and for ``shuffle``. The same seed gives the same bits whatever the number of threads.
    alpha_W, alpha_H : float or array-like of shape (n_components,), default=0.0 and "same"
        Weights of the penalties; "same" gives H that of W. A penalty on one factor alone invites scale to move to
        the other, and warns. An array has a weight for each component, αⱼ in place of α in the sums over its column
        of W or its row of H; components keep their positions then, for the weights belong to these.
    l1_ratio : float, default=0.0
        Share of the L1 penalty, between 0 (L2 only) and 1 (L1 only).
    verbose : int, default=0
        Above 0, progress is written through :mod:`logging` (logger "partwise"), to the standard error where nothing
        else is configured.
    shuffle : bool, default=False
        Permute the order in which the components of the start are visited.
    max_time : float or None, default=None
        Seconds after which no further iteration begins.
    n_init : int, default=1
        Random starts to fit, all over one read of the data in each iteration; the best one is kept. ``n_iter_``,
        ``history_`` and ``status_`` are its own. See :func:`replicates` for all of them.
    drop_losers : bool, default=True
        Whether, after 8 iterations or more, starts are given up that would not end at least 0.1 % below the best one
        so far, were they to gain again what they gained over the latter half of their iterations. If not, each runs
        to its own end.
    n_threads : int or None, default=None
        Threads of the fit. None takes the processors of this process, shared under joblib. The answer does not
        depend on it.
    coarse : bool or "auto", default="auto"
        Whether to fit a sample of the rows, the columns or both first, and to begin there. "auto" does where X is
        large enough for that to pay: the few heaviest lines where they hold half of the sum of squares, as frequent
        words do, and otherwise some hundred random ones for each part; not with penalties, whose optima
        lie apart. The objective and ``n_iter_`` are those of all of X, ``history_`` and ``max_time`` count the time,
        and callbacks hear of the iterations on all of X. A start that already fits is left as it is.
        Nor is there one with missing entries or weights.
    implicit_zeros : {"observed", "missing"}, default="observed"
        What the entries of a sparse X are that it does not store: zeros, as for counts, or missing, as for ratings.
        Zeros that it stores are observed in either case.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        H. After a start of our own without penalties or fixed entries its rows sum to 1 (zero rows and an interrupted
        fit aside), and W carries the units of the data.
    n_components_ : int
        Number of parts.
    shares_ : ndarray of shape (n_components,), float64
        Share of each part in the sum of WH. Parts are ordered by it, except after a custom start
        or with fixed entries or a penalty for each component.
    reconstruction_err_ : float
        ‖X − WH‖ (the square root of twice the loss) at exactly the returned pair, penalties left out.
    relative_error_ : float
        ‖X − WH‖ / ‖X‖ (Frobenius norms, whatever the loss); 0 for all-zero data.
    n_iter_ : int
        Iterations done.
    history_ : dict of ndarray
        "iteration", "seconds", "objective" and "optimality" after each iteration; the last entries belong to the
        returned pair.
    status_ : Status
        "converged", "max_iter", "max_time" or "interrupted": a string with a ``sentence``.
    stop_reason_ : str
        The rule that ended the fit, with its figures.
    dead_components_ : ndarray of int
        Parts that are zero everywhere.
    n_missing_ : int
        Entries of X that were missing, those without weight among them.
    versions_ : dict of str
        The versions of partwise, of what it computes with, and of Python, at the fit.
    origin_ : dict
        "source" (of a :class:`partwise.io.Dataset`, else empty) and "n_samples" of the data.
    n_features_in_ : int
        Number of features seen by ``fit``.
    feature_names_in_ : ndarray of str
        Their names, where X has names.
    layout_ : partwise.io.Layout
        What a row looks like, where X is a :class:`partwise.io.Dataset`.
    recipe_ : dict
        How that data set was read: ``partwise.read(new, **model.recipe_)`` reads other data into the same columns.

    Raises
    ------
    ParameterError
        (a ValueError) at ``fit``, for a parameter that cannot be.
    DataError
        (a ValueError) for data that cannot be factorised; the first bad entry is named.

    Notes
    -----
    Coordinate descent is HALS [1]_ with several inner sweeps [2]_ and extrapolation with restart [3]_.

    References
    ----------
    .. [1] Cichocki, A. & Phan, A.-H. (2009). Fast local algorithms for large scale nonnegative matrix and tensor
       factorizations. IEICE Transactions E92-A, 708-721.
    .. [2] Gillis, N. & Glineur, F. (2012). Accelerated multiplicative updates and hierarchical ALS algorithms for
       nonnegative matrix factorization. Neural Computation 24, 1085-1105.
    .. [3] Ang, A. M. S. & Gillis, N. (2019). Accelerating nonnegative matrix factorization algorithms using
       extrapolation. Neural Computation 31, 417-439.
    .. [4] Hsieh, C.-J. & Dhillon, I. S. (2011). Fast coordinate descent methods with variable selection for
       non-negative matrix factorization. KDD 2011, 1064-1072.
    .. [5] Févotte, C. & Idier, J. (2011). Algorithms for nonnegative matrix factorization with the β-divergence.
       Neural Computation 23, 2421-2456.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise import NMF
    >>> X = np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 1.2], [4.0, 1.0], [5.0, 0.8], [6.0, 1.0]])
    >>> model = NMF(n_components=2, init="random", random_state=0, max_iter=2000)
    >>> W = model.fit_transform(X)
    >>> W.shape, model.components_.shape
    ((6, 2), (2, 2))
    >>> str(model.status_)
    'converged'
    """

    def __init__(
        self,
        n_components: Any = "auto",
        *,
        init: Any = None,
        solver: str = "auto",
        beta_loss: Any = "frobenius",
        tol: float = 1e-4,
        max_iter: int = 200,
        random_state: Any = None,
        alpha_W: Any = 0.0,
        alpha_H: Any = "same",
        l1_ratio: float = 0.0,
        verbose: int = 0,
        shuffle: bool = False,
        max_time: float | None = None,
        n_init: int = 1,
        drop_losers: bool = True,
        n_threads: int | None = None,
        coarse: Any = "auto",
        implicit_zeros: str = "observed",
    ) -> None:
        self.n_components = n_components
        self.init = init
        self.solver = solver
        self.beta_loss = beta_loss
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.alpha_W = alpha_W
        self.alpha_H = alpha_H
        self.l1_ratio = l1_ratio
        self.verbose = verbose
        self.shuffle = shuffle
        self.max_time = max_time
        self.n_init = n_init
        self.drop_losers = drop_losers
        self.n_threads = n_threads
        self.coarse = coarse
        self.implicit_zeros = implicit_zeros

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        W: Any = None,
        H: Any = None,
        mask: Any = None,
        weights: Any = None,
        fixed_components: Any = None,
        fixed_W: Any = None,
        fixed_H: Any = None,
    ) -> Self:
        """Learn the parts of X.

        Parameters
        ----------
        X : {array-like, sparse matrix, frame, Dataset} of shape (n_samples, n_features)
            Non-negative data; float32 stays float32, other numbers become float64. NaN in dense data is a missing
            entry, as is what a masked array masks.
        y : ignored
        W, H : array-like of shape (n_samples, n_components) and (n_components, n_features), default=None
            The start, with ``init="custom"``, and the values of what is fixed; of the dtype of X.
        mask : bool {array-like, sparse matrix} of shape (n_samples, n_features), or Speckle, default=None
            True where an entry is observed; what X holds elsewhere does not matter. A :class:`Speckle` holds out
            entries at random, without being stored.
        weights : {array-like, sparse matrix} of shape (n_samples, n_features) or array-like (n_samples,), default=None
            How much the loss of each entry, or of each row, counts; 0 is a missing entry. 1/σ² for entries with a
            standard error σ and the Frobenius loss.
        fixed_components : array-like of int, default=None
            Numbers of components that are known: their rows of H stay exactly as they are given. Components are not
            scaled and not ordered then.
        fixed_W, fixed_H : bool array-like of the shapes of W and H, default=None
            True for entries that stay as they are given. Without ``init="custom"`` the other entries of W and H do not
            matter, and may be NaN.

        Returns
        -------
        self : NMF
        """
        self._learn(X, y, mask, weights, Given(W, H, fixed_components, fixed_W, fixed_H))
        return self

    @with_callbacks
    def fit_transform(
        self,
        X: Any,
        y: Any = None,
        *,
        W: Any = None,
        H: Any = None,
        mask: Any = None,
        weights: Any = None,
        fixed_components: Any = None,
        fixed_W: Any = None,
        fixed_H: Any = None,
    ) -> Array:
        """Learn the parts of X and return W, shape (n_samples, n_components); parameters as for ``fit``.

        W is solved to its optimum for the final H, so it is what ``transform`` gives for the same X.
        """
        return self._learn(X, y, mask, weights, Given(W, H, fixed_components, fixed_W, fixed_H))

    def _learn(self, X: Any, y: Any, mask: Any, weights: Any, given: Given) -> Array:
        parameters = checked(self)
        metadata = {name: value for name, value in (("mask", mask), ("weights", weights)) if value is not None}
        with visible(parameters.verbose), threads(parameters.n_threads):
            data = checked_input(self, X, reset=True, mask=mask, weights=weights)
            problem = problem_of(data.operand, parameters)
            result = self._fit(problem, parameters, {"X": X, "y": y, "metadata": metadata or None}, given)
            self._remember(problem, result, data)
        if result.by_keyboard:
            raise KeyboardInterrupt
        self._warn(problem, parameters, result)
        return result.W

    def transform(self, X: Any, *, mask: Any = None, weights: Any = None) -> Array:
        """The W, shape (n_samples, n_components), that minimises the objective for the learnt parts.

        Each row is solved by itself: exactly for the Frobenius loss, to small steps for others. So its coefficients do
        not depend on the rows beside it. A row of which nothing is observed has none: they are zero. For β < 1 a row
        can have several minima, of which one is found; at β = −1 it can be much higher than where a fit would end.

        Parameters
        ----------
        X : {array-like, sparse matrix, frame, Dataset} of shape (n_samples, n_features)
        mask, weights : default=None
            As for ``fit``, of the shape of this X.
        """
        check_is_fitted(self)
        parameters = checked(self)
        parameters.check_weights(self.n_components_)
        with threads(parameters.n_threads):
            data = checked_input(self, X, reset=False, mask=mask, weights=weights)
            return transform(problem_of(data.operand, parameters), np.ascontiguousarray(self.components_.T))

    def inverse_transform(self, X: Any) -> Array:
        """The data that coefficients stand for, W H of shape (n_samples, n_features), missing entries filled in.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_components)
            Coefficients, as ``transform`` returns them.
        """
        check_is_fitted(self)
        W = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32])
        if W.shape[1] != self.n_components_:
            raise DataError(
                f"W has {W.shape[1]} columns and the model {self.n_components_} parts: give a coefficient for each."
            )
        return np.asarray(W @ self.components_)

    def score(self, X: Any, y: Any = None, *, mask: Any = None, weights: Any = None) -> float:
        """Minus the mean loss per observed entry of X against its transform; larger is better, 0 is exact.

        Parameters
        ----------
        X : {array-like, sparse matrix, frame, Dataset} of shape (n_samples, n_features)
        y : ignored
        mask, weights : default=None
            As for ``fit``, of the shape of this X; the mean is weighted too.
        """
        check_is_fitted(self)
        parameters = checked(self)
        parameters.check_weights(self.n_components_)
        H = np.ascontiguousarray(self.components_.T)
        with threads(parameters.n_threads):
            data = checked_input(self, X, reset=False, mask=mask, weights=weights)
            problem = problem_of(data.operand, parameters)
            problem.check_seen()
            W = transform(problem, H)
            return -problem.loss.between(problem.operand, problem.operand.place(W), H) / problem.survey.whole

    def top_features(self, n: int = 10) -> list[list[tuple[str, float]]]:
        """Names and weights of the n heaviest features of each part, heaviest first; zero weights are left out.

        Features without names are called ``x0``, ``x1`` …, as scikit-learn does.
        """
        check_is_fitted(self)
        names = getattr(self, "feature_names_in_", None)
        tops = []
        for part in self.components_:
            order = np.argsort(-part, kind="stable")[:n]
            tops.append([(f"x{j}" if names is None else str(names[j]), float(part[j])) for j in order if part[j] > 0])
        return tops

    @property
    def _n_features_out(self) -> int:
        return int(self.components_.shape[0])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    # -- inside a fit ----------------------------------------------------------------------------------------------

    def _fit(self, problem: Problem, parameters: Parameters, data: dict[str, Any], given: Given) -> Result:
        m, n = problem.operand.shape
        self.n_components_ = k = given.components(parameters, n)
        custom = given.start(parameters, (m, n, k), problem.operand.dtype)
        held = given.held((m, n, k), problem.operand.dtype)
        root = self._init_callback_context(max_subtasks=parameters.max_iter)
        root.call_on_fit_task_begin(estimator=self, **data)

        def on_step(states: Sequence[State], seconds: float) -> bool:
            log_step(states, seconds)
            return self._tell(root, states, data)

        result = best_fit(problem, parameters, custom, held, k, on_step)
        root.call_on_fit_task_end(estimator=self, **data, reconstruction_attributes={"components_": result.H.T})
        return result

    def _tell(self, root: CallbackContext, states: Sequence[State], data: dict[str, Any]) -> bool:
        """One iteration for the callbacks; whether one of them asks to stop."""
        best = min(states, key=lambda state: state.objective)
        task = root.subcontext(task_name="iteration")
        task.call_on_fit_task_begin(estimator=self, **data)
        return bool(
            task.call_on_fit_task_end(
                estimator=self, **data, reconstruction_attributes=lambda: {"components_": np.array(best.H.T)}
            )
        )

    def _remember(self, problem: Problem, result: Result, data: Input) -> None:
        W, H = result.W, result.H
        placed = problem.operand.place(W)
        objective = result.objective if np.isfinite(result.objective) else problem.objective(placed, H)
        loss = objective - problem.penalty_W.value(W) - problem.penalty_H.value(H)
        amounts = W.sum(axis=0, dtype=np.float64) * H.sum(axis=0, dtype=np.float64)
        self.components_ = np.ascontiguousarray(H.T)
        self.shares_ = amounts / (amounts.sum() or 1.0)
        self.reconstruction_err_ = float(np.sqrt(2.0 * max(loss, 0.0)))
        squared = loss if problem.loss.beta == 2 else Frobenius().between(problem.operand, placed, H)
        self.relative_error_ = float(np.sqrt(2.0 * max(squared, 0.0))) / (problem.survey.norm or 1.0)
        self.n_iter_ = result.n_iter
        self.history_ = result.history.arrays()
        self.status_ = result.status
        self.stop_reason_ = result.reason
        self.n_missing_ = problem.survey.missing
        self.dead_components_ = np.flatnonzero(amounts == 0)
        self.versions_ = dict(versions())
        self.layout_ = data.layout
        self.recipe_ = data.recipe
        self.origin_: dict[str, Any] = {"source": data.source, "n_samples": len(W)}

    def _warn(self, problem: Problem, parameters: Parameters, result: Result) -> None:
        """Say what a user should know of this fit, one sentence each."""
        m, n = problem.operand.shape
        k = self.n_components_
        if problem.survey.sumsq == 0:
            warnings.warn("All entries of X are zero: so are all parts and coefficients.", UserWarning, stacklevel=3)
            return
        if k > min(m, n):
            warnings.warn(
                f"n_components={k} exceeds min(n_samples, n_features) = {min(m, n)}: more parts than the matrix has "
                "dimensions are not determined by it.",
                UserWarning,
                stacklevel=3,
            )
        if np.any(np.not_equal(np.greater(parameters.alpha_W, 0), np.greater(parameters.alpha_H, 0))):
            of_some = " for some components" if parameters.each_weighted else ""
            warnings.warn(
                f"Only one of alpha_W and alpha_H is above 0{of_some}: scale can escape to the other factor, which "
                "makes the penalty meaningless. Give both, or alpha_H='same'.",
                UserWarning,
                stacklevel=3,
            )
        if problem.survey.missing:
            self._warn_unseen(problem)
        if parameters.init == "nndsvd" and parameters.solver.floor > 0:
            warnings.warn(
                "The multiplicative update ('mu') solver cannot update zeros present in the initialization, and so "
                "leads to poorer results when used jointly with init='nndsvd'. You may try init='nndsvda' or "
                "init='nndsvdar' instead.",
                UserWarning,
                stacklevel=3,
            )
        if len(self.dead_components_):
            warnings.warn(
                f"{len(self.dead_components_)} of {k} parts are zero everywhere (dead_components_): the data or the "
                "penalty leave nothing for them. Fewer components give the same error.",
                UserWarning,
                stacklevel=3,
            )
        if parameters.tol > 0 and result.status in (Status.MAX_ITER, Status.MAX_TIME):
            warnings.warn(_not_converged(result), ConvergenceWarning, stacklevel=3)

    def _warn_unseen(self, problem: Problem) -> None:
        m, n = problem.operand.shape
        rows, columns = (int((side == 0).sum()) for side in line_counts(problem.operand))
        if rows or columns:
            warnings.warn(
                f"{rows} of {m} rows and {columns} of {n} columns of X have no observed entry: what W and H say of "
                "them is zero, not learnt.",
                UserWarning,
                stacklevel=4,
            )


def _not_converged(result: Result) -> str:
    """What the warning of a fit that met a limit says; for ``max_iter`` in scikit-learn's words."""
    if result.status is Status.MAX_ITER:
        return f"Maximum number of iterations {result.n_iter} reached. Increase it to improve convergence."
    return f"{result.status.sentence} {result.reason}"
