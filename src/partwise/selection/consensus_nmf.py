"""The parts on which many replicates agree, as an estimator."""

import warnings
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import silhouette_samples
from sklearn.neighbors import NearestNeighbors

from partwise._errors import DataError, ParameterError
from partwise._types import Array, Float64
from partwise.estimators import NMF
from partwise.estimators.given import Given
from partwise.selection._checks import checked_prototype
from partwise.selection._fits import quiet_fit
from partwise.selection._folder import drawn_seed
from partwise.selection.matching import unit_rows
from partwise.selection.question import Question
from partwise.selection.replicates import replicate


class ConsensusNMF(NMF):
    """The parts on which many replicates agree (the recipe of cNMF [1]_), with all that :class:`partwise.NMF` has.

    The parts of all replicates are pooled at length 1. Those that have few others near them are dropped, as accidents
    of a start; the rest is clustered, and the median of each cluster is a part. W is then solved for these parts, H
    for that W, and W once more: convex problems, so the result no longer depends on a start.

    Parameters
    ----------
    n_components : int, "auto" or None, default="auto"
        As for :class:`partwise.NMF`.
    n_replicates : int, default=50
        Random starts, at least 2.
    density_threshold : float, default=0.5
        Largest mean distance, between 0 and √2, of a pooled part from its nearest others; above it is dropped. 2 keeps
        all. 0.5 is cNMF's; look at ``local_density_`` for a gap.
    neighborhood : float, default=0.3
        How many others are the nearest: this share of the replicates.
    n_jobs : int or None, default=None
        As for :func:`replicate`.
    init, solver, beta_loss, tol, max_iter, random_state, alpha_W, alpha_H, l1_ratio, verbose, shuffle, max_time, \
n_threads, coarse, implicit_zeros
        As for :class:`partwise.NMF`; of each replicate. ``init`` has to be a random one, and penalties the same for all
        parts.

    Attributes
    ----------
    local_density_ : ndarray of shape (n_replicates · k,), float64
        Mean distance of each pooled part from its nearest others; replicate by replicate.
    kept_ : ndarray of bool, shape (n_replicates · k,)
        Which of them were clustered.
    silhouettes_ : ndarray of shape (k,), float64
        Mean silhouette of the members of each part's cluster; NaN for one part.
    components_, shares_, status_ and so on
        As for :class:`partwise.NMF`; ``n_iter_``, ``history_`` and ``status_`` are those of the last solution for W.

    Raises
    ------
    ParameterError, DataError
        As for :class:`partwise.NMF`; also if fewer pooled parts are kept than parts are wanted.

    References
    ----------
    .. [1] Kotliar, D. et al. (2019). Identifying gene expression programs of cell-type identity and cellular activity
       with single-cell RNA-Seq. eLife 8, e43803.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise.selection import ConsensusNMF
    >>> rng = np.random.default_rng(0)
    >>> X = rng.random((30, 3)) ** 4 @ rng.random((3, 12)) ** 4
    >>> model = ConsensusNMF(3, n_replicates=5, random_state=0, max_iter=2000).fit(X)
    >>> model.components_.shape, bool(model.silhouettes_.min() > 0.9)
    ((3, 12), True)
    """

    # Of the last solution for W, which no start decides.
    n_init: int = 1
    drop_losers: bool = False

    def __init__(
        self,
        n_components: Any = "auto",
        *,
        n_replicates: int = 50,
        density_threshold: float = 0.5,
        neighborhood: float = 0.3,
        n_jobs: int | None = None,
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
        n_threads: int | None = None,
        coarse: Any = "auto",
        implicit_zeros: str = "observed",
    ) -> None:
        self.n_components = n_components
        self.n_replicates = n_replicates
        self.density_threshold = density_threshold
        self.neighborhood = neighborhood
        self.n_jobs = n_jobs
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
        self.n_threads = n_threads
        self.coarse = coarse
        self.implicit_zeros = implicit_zeros

    def _learn(self, X: Any, y: Any, mask: Any, weights: Any, given: Given) -> Array:
        if any(value is not None for value in vars(given).values()):
            raise ParameterError(
                "ConsensusNMF takes no W, no H and nothing fixed: its parts are what replicates agree on. Use NMF for "
                "that."
            )
        if any(np.ndim(alpha) for alpha in (self.alpha_W, self.alpha_H)):
            raise ParameterError(
                "ConsensusNMF takes no penalty for each part: parts of replicates that agree have no positions before "
                "they are clustered. Give alpha_W and alpha_H as one number each, or use NMF."
            )
        _check_fraction("density_threshold", self.density_threshold, 2.0)
        _check_fraction("neighborhood", self.neighborhood, 1.0)
        question = Question.of(checked_prototype(self), X, mask, weights, drawn_seed(self.random_state))
        k = question.shape[1] if self.n_components in ("auto", None) else self.n_components
        found = replicate(
            X, k, self.n_replicates, estimator=question.prototype, n_jobs=self.n_jobs, random_state=question.seed,
            **question.counting,
        )  # fmt: skip
        agreed = self._agreed(found.H, question.seed)
        return super()._learn(X, y, mask, weights, Given(H=refined(question, agreed), fixed_components=np.arange(k)))

    def _agreed(self, H: Array, seed: int) -> Array:
        """The medians of the clusters of pooled parts, shape (k, n_features)."""
        R, k, n = H.shape
        pooled = unit_rows(H.reshape(R * k, n))
        self.local_density_ = local_density(pooled, max(1, round(self.neighborhood * R)))
        self.kept_ = self.local_density_ <= self.density_threshold
        if self.kept_.sum() < k:
            raise DataError(
                f"density_threshold={self.density_threshold} keeps {self.kept_.sum()} of {R * k} parts of the "
                f"replicates, fewer than the {k} that are wanted: replicates do not agree on so many. Take fewer "
                "parts, or a higher threshold."
            )
        kept = pooled[self.kept_]
        labels = _clustered(kept, k, seed)
        self.silhouettes_ = _silhouettes(kept, labels, k)
        medians = [np.median(kept[labels == c], axis=0) if (labels == c).any() else np.zeros(n) for c in range(k)]
        return np.asarray(medians, H.dtype)


def _check_fraction(name: str, value: Any, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value <= most:
        raise ParameterError(f"{name}={value!r} cannot be: give a number above 0, at most {most:g}.")


def local_density(pooled: Float64, n_neighbors: int) -> Float64:
    """The mean Euclidean distance of each row from its nearest others.

    Parameters
    ----------
    pooled : ndarray of shape (p, n_features)
    n_neighbors : int
        How many; p − 1 at most count.

    Returns
    -------
    ndarray of shape (p,), float64
        Made in pieces: no table of all pairs is kept.
    """
    count = min(n_neighbors, len(pooled) - 1)
    found = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(pooled)
    distances: Float64 = found.kneighbors()[0]
    return np.asarray(distances.mean(axis=1))


def _clustered(pooled: Float64, k: int, seed: int) -> Array:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct parts than clusters: some stay empty
        labels: Array = KMeans(k, n_init=10, random_state=seed).fit_predict(pooled)
    return labels


def _silhouettes(pooled: Float64, labels: Array, k: int) -> Float64:
    """The mean over each cluster."""
    if not 1 < len(np.unique(labels)) < len(labels):
        return np.full(k, np.nan)
    each = silhouette_samples(pooled, labels)
    counts = np.bincount(labels, minlength=k)
    means: Float64 = np.divide(np.bincount(labels, each, k), counts, out=np.full(k, np.nan), where=counts > 0)
    return means


def refined(question: Question, H: Array) -> Array:
    """H solved for the W that is best for the given H; parts at sum 1, the largest first."""
    k = len(H)
    plain = {"init": "random", "n_init": 1}
    W, _ = quiet_fit(
        question.estimator(k, **plain), question.X, H=H, fixed_components=np.arange(k), **question.counting
    )
    fixed = np.ones(W.shape, bool)
    _, H = quiet_fit(question.estimator(k, **plain), question.X, W=W, fixed_W=fixed, **question.counting)
    amounts = H.sum(axis=1, dtype=np.float64)
    order = np.argsort(-amounts * W.sum(axis=0, dtype=np.float64), kind="stable")
    scaled: Array = np.divide(H, amounts[:, None], out=np.zeros_like(H), where=amounts[:, None] > 0)[order]
    return scaled
