"""How many parts: one search, several criteria side by side."""

import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from partwise._errors import ParameterError
from partwise._optional import require
from partwise._types import Array
from partwise.estimators import NMF
from partwise.selection._checks import checked_prototype, checked_ranks, checked_weights_of_parts
from partwise.selection._fits import quiet_fit
from partwise.selection._folder import Folder, drawn_seed, fingerprint
from partwise.selection._tasks import Arrays, run_tasks
from partwise.selection.criteria import CRITERIA, Criterion, Plan, Verdict
from partwise.selection.question import Question
from partwise.selection.recommendation import Recommendation, recommend
from partwise.selection.replicates import ReplicateTasks


class RankSearch(MetaEstimatorMixin, BaseEstimator):
    """Fit numbers of parts and judge them by several criteria, which may disagree, and then are shown to.

    Parameters
    ----------
    estimator : NMF, ConsensusNMF or None, default=None
        What to fit: loss, penalties, tolerance and so on; it stays as it is. None is ``NMF()``. Of a ConsensusNMF the
        search fits single NMFs, and ``best_estimator_`` is one of its kind.
    ranks : iterable of int
        Numbers of parts, ascending, such as ``range(1, 13)``. Begin at 1 to let the answer be that there is no
        structure beyond one profile.
    criteria : sequence of str, default=("held_out", "stability", "consensus", "elbow")
        By what to judge. The first one decides on ``best_rank_``, or, where it supports none, the next that does.

        - "held_out": the error on entries that the fit has not seen (speckled cross-validation [1]_), and of the ranks
          that are within one standard error of the best the smallest.
        - "bi_cross_validation": the same for blocks of rows and columns [2]_.
        - "stability": whether replicates find the same parts: silhouettes of the matched parts.
        - "consensus": whether they cluster the samples in the same way [3]_.
        - "elbow": whether a further part lowers the error by more than in permuted data [4]_.
        - "bic": Schwarz's criterion for Poisson counts; for the Kullback–Leibler loss only.
        - "relevance": how many of the most parts stay where superfluous ones may fade [5]_.
    n_replicates : int, default=20
        Random starts for each rank, at least 2; for the criteria that compare them.
    folds : int, default=5
        Of "held_out".
    held_out_share : float or None, default=None
        Of the entries that a fold holds out. None is 1 / folds, but of sparse data whose zeros are observed no more
        than twice as many entries as they store, since each costs what a stored one does.
    warm_start : bool, default=False
        Whether in each fold the fit of a rank starts from that of the rank before, with random parts added. That is
        faster, and makes a poor local minimum last.
    block_folds : (int, int), default=(3, 3)
        Groups of rows and of columns of "bi_cross_validation".
    n_jobs : int or None, default=None
        Fits that run at the same time, by joblib; None is one after the other, each with all threads, unless a
        ``joblib.parallel_config`` says more. The answer does not depend on it.
    random_state : int, RandomState instance or None, default=None
        None takes the estimator's. The same seed gives the same bits.
    folder : path-like or None, default=None
        Keeps each fit as it ends: a search that was stopped goes on where it was, and further ranks, folds or
        replicates compute only what is new.
    progress : bool, default=False
        Whether to show a bar on the standard error; needs ``partwise[cli]``.

    Attributes
    ----------
    best_rank_ : int
        The number of parts that the first criterion supports. See ``recommendation_`` for how surely.
    best_estimator_ : NMF or ConsensusNMF
        Fitted with it, to all data: for an NMF from the best of the replicates where there are some.
    recommendation_ : Recommendation
        ``sentences``, the criteria that ``agree`` and that ``differ``, and whether it is ``confident``.
    verdicts_ : dict of str to Verdict
        What each criterion supports, what it read, and what it assumes.
    results_ : dict of ndarray
        A value for each rank: "rank", the figures of each criterion, those of each fold ("held_out_fold0" …) and of
        each replicate ("replicate0_objective", "replicate0_n_iter", "replicate0_converged" …).
    replicates_ : dict of int to Replicates
        For each rank all factors, matched; empty where no criterion needs them.
    seed_ : int
        What all draws come from; as ``random_state`` it repeats the search.
    n_features_in_ : int
        Number of features seen by ``fit``.
    feature_names_in_ : ndarray of str
        Their names, where X has names.

    Raises
    ------
    ParameterError, DataError
        At ``fit``, for what cannot be.

    References
    ----------
    .. [1] Wold, S. (1978). Cross-validatory estimation of the number of components in factor and principal components
       models. Technometrics 20, 397-405.
    .. [2] Owen, A. B. & Perry, P. O. (2009). Bi-cross-validation of the SVD and the nonnegative matrix factorization.
       Annals of Applied Statistics 3, 564-594.
    .. [3] Brunet, J.-P., Tamayo, P., Golub, T. R. & Mesirov, J. P. (2004). Metagenes and molecular pattern discovery
       using matrix factorization. PNAS 101, 4164-4169.
    .. [4] Frigyesi, A. & Höglund, M. (2008). Non-negative matrix factorization for the analysis of complex gene
       expression data. Cancer Informatics 6, 275-292.
    .. [5] Tan, V. Y. F. & Févotte, C. (2013). Automatic relevance determination in nonnegative matrix factorization
       with the β-divergence. IEEE Transactions on Pattern Analysis and Machine Intelligence 35, 1592-1605.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise import NMF
    >>> from partwise.selection import RankSearch
    >>> rng = np.random.default_rng(0)
    >>> X = rng.poisson(100 * rng.random((60, 3)) ** 4 @ rng.random((3, 40)) ** 4)
    >>> loss = NMF(beta_loss="kullback-leibler")
    >>> search = RankSearch(loss, ranks=range(1, 6), criteria=("held_out",), random_state=0).fit(X)
    >>> search.best_rank_
    3
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        ranks: Any,
        criteria: Sequence[str] = ("held_out", "stability", "consensus", "elbow"),
        n_replicates: int = 20,
        folds: int = 5,
        held_out_share: float | None = None,
        warm_start: bool = False,
        block_folds: tuple[int, int] = (3, 3),
        n_jobs: int | None = None,
        random_state: Any = None,
        folder: str | PathLike[str] | None = None,
        progress: bool = False,
    ) -> None:
        self.estimator = estimator
        self.ranks = ranks
        self.criteria = criteria
        self.n_replicates = n_replicates
        self.folds = folds
        self.held_out_share = held_out_share
        self.warm_start = warm_start
        self.block_folds = block_folds
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.folder = folder
        self.progress = progress

    def fit(self, X: Any, y: Any = None, *, mask: Any = None, weights: Any = None) -> Self:
        """Search.

        Parameters
        ----------
        X : {array-like, sparse matrix, frame, Dataset} of shape (n_samples, n_features)
            Non-negative data, as for ``NMF.fit``.
        y : ignored
        mask, weights : default=None
            As for ``NMF.fit``.

        Returns
        -------
        self : RankSearch
        """
        prototype = checked_prototype(self.estimator)
        classes = _checked_criteria(self.criteria)
        folder, seed = self._opened(prototype, X, mask, weights)
        question = Question.of(prototype, X, mask, weights, seed)
        ranks = checked_ranks(self.ranks, question.shape)
        checked_weights_of_parts(prototype, ranks)
        plan = Plan(ranks, self.folds, self.held_out_share, self.warm_start, self.block_folds)
        criteria = [each(question, plan) for each in classes]
        replicated = any(criterion.replicated for criterion in criteria)
        of_replicates = ReplicateTasks(prototype, question.X, question.mask, question.weights, self.n_replicates)
        tasks = [task for k in ranks for task in of_replicates.tasks(k, seed)] if replicated else []
        tasks += [task for criterion in criteria for task in criterion.tasks()]
        done = run_tasks(tasks, folder=folder, n_jobs=self.n_jobs, progress=self.progress)
        self.seed_ = seed
        self.replicates_ = {k: of_replicates.gather(k, done) for k in ranks} if replicated else {}
        self._judge(criteria, ranks, done)
        self._refit(question, X, mask, weights)
        return self

    def to_frame(self) -> Any:
        """``results_`` as a pandas DataFrame, a row for each rank; needs ``partwise[io]``."""
        check_is_fitted(self, "results_")
        pandas = require("pandas", "io", "A table of the results")
        return pandas.DataFrame(self.results_).set_index("rank")

    def _opened(self, prototype: NMF, X: Any, mask: Any, weights: Any) -> tuple[Folder | None, int]:
        """The folder, where there is one, and the seed."""
        random_state = prototype.random_state if self.random_state is None else self.random_state
        if self.folder is None:
            return None, drawn_seed(random_state)
        asked = None if random_state is None else drawn_seed(random_state)
        folder = Folder(self.folder, fingerprint(X, mask, weights), prototype.get_params(), asked)
        return folder, folder.seed

    def _judge(self, criteria: Sequence[Criterion], ranks: tuple[int, ...], done: Mapping[str, Arrays]) -> None:
        self.results_: dict[str, Array] = {"rank": np.array(ranks)}
        self.verdicts_: dict[str, Verdict] = {}
        for criterion in criteria:
            figures = criterion.figures(done, self.replicates_)
            self.results_ |= figures
            self.verdicts_[criterion.name] = criterion.verdict(figures, done)
        for name in ("objective", "n_iter", "converged") if self.replicates_ else ():
            table = np.array([getattr(self.replicates_[k], name) for k in ranks])
            self.results_ |= {f"replicate{r}_{name}": column for r, column in enumerate(table.T)}
        self.recommendation_: Recommendation = recommend(self.verdicts_, ranks)
        self.best_rank_ = self.recommendation_.rank
        self._warn()

    def _warn(self) -> None:
        ends = np.concatenate([each.converged for each in self.replicates_.values()] or [np.ones(1, bool)])
        if not ends.all():
            limit = "max_iter" if getattr(self.estimator, "max_time", None) is None else "max_iter or max_time"
            warnings.warn(
                f"{(~ends).sum()} of {ends.size} replicates met {limit} before they converged. Increase it to make "
                "them comparable.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _refit(self, question: Question, X: Any, mask: Any, weights: Any) -> None:
        k = self.best_rank_
        best: NMF = clone(self.estimator) if self.estimator is not None else NMF()
        best.set_params(n_components=k)
        start = {}
        if type(best) is NMF and k in self.replicates_:
            found = self.replicates_[k]
            best.set_params(init="custom", n_init=1)
            start = {"W": found.W[found.best], "H": found.H[found.best]}
        elif best.random_state is None:
            best.set_params(random_state=question.seed)
        quiet_fit(best, X, mask=mask, weights=weights, **start)
        if start:  # it can be fitted to other data too, and they have no such start
            best.set_params(init=question.prototype.init, n_init=question.prototype.n_init)
        self.best_estimator_ = best
        self.n_features_in_ = best.n_features_in_
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_


def _checked_criteria(criteria: Any) -> list[type[Criterion]]:
    if isinstance(criteria, str) or not isinstance(criteria, Sequence) or not criteria:
        raise ParameterError(f"criteria={criteria!r} cannot be: give names, such as ('held_out', 'stability').")
    for name in criteria:
        if not isinstance(name, str) or name not in CRITERIA:
            raise ParameterError(f"{name!r} is no criterion of partwise. There are: {', '.join(CRITERIA)}.")
    return [CRITERIA[name] for name in dict.fromkeys(criteria)]
