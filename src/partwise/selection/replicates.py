"""The same fit from many starts: which parts come back, and how surely."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from os import PathLike
from typing import Any

import numpy as np
from sklearn.base import clone

from partwise._errors import ParameterError
from partwise._types import Array, Float64
from partwise.estimators import NMF, replicates
from partwise.selection._checks import checked_prototype
from partwise.selection._folder import Folder, drawn_seed, fingerprint, seed_of
from partwise.selection._tasks import Arrays, Task, run_tasks
from partwise.selection.consensus import Consensus, consensus, memberships, silhouettes
from partwise.selection.matching import match, unit_rows

# Starts that are fitted together: enough to share the reads of the data, few enough that little is lost by a stop.
BATCH = 10


@dataclass(frozen=True)
class Replicates:
    """What many starts of one number of parts led to, the parts in the order of the best one's.

    Parameters
    ----------
    W : ndarray of shape (n_replicates, n_samples, k)
    H : ndarray of shape (n_replicates, k, n_features)
        The factors; part j of each is the partner of part j of the best (:func:`match`).
    objective : ndarray of shape (n_replicates,), float64
        Penalties included.
    n_iter : ndarray of shape (n_replicates,), int
        Iterations.
    converged : ndarray of shape (n_replicates,), bool
        Whether the fit met its tolerance; the others met a limit.
    similarity : ndarray of shape (n_replicates, k), float64
        Cosine of each part with its partner in the best.
    """

    W: Array
    H: Array
    objective: Float64
    n_iter: Array
    converged: Array
    similarity: Float64

    @classmethod
    def of(cls, W: Array, H: Array, objective: Float64, n_iter: Array, converged: Array) -> "Replicates":
        """Match what the starts led to."""
        best = H[np.argmin(objective)]
        pairs = [match(best, each) for each in H]
        return cls(
            np.stack([each[:, order] for each, (order, _) in zip(W, pairs, strict=True)]),
            np.stack([each[order] for each, (order, _) in zip(H, pairs, strict=True)]),
            objective,
            n_iter,
            converged,
            np.stack([cosine for _, cosine in pairs]),
        )

    @property
    def best(self) -> int:
        """The replicate of the lowest objective."""
        return int(np.argmin(self.objective))

    @cached_property
    def typical(self) -> int:
        """The replicate whose parts are nearest to the mean of all, by the sum of their cosines."""
        return int(np.argmax(np.einsum("rkn,kn->r", unit_rows(self.H), unit_rows(self._means))))

    @cached_property
    def stability(self) -> Float64:
        """Shape (k,): the mean cosine of two replicates' versions of each part; 1 is always the same part."""
        R, units = len(self.H), unit_rows(self.H)
        own = np.einsum("rkn,rkn->k", units, units)
        every_pair = R**2 * np.einsum("kn,kn->k", self._means, self._means)
        return np.asarray(np.clip((every_pair - own) / (R * (R - 1)), 0.0, 1.0))

    @cached_property
    def silhouettes(self) -> Float64:
        """Shape (k,): the mean silhouette of each part's versions among those of all parts (:func:`silhouettes`)."""
        return silhouettes(self.H)

    @cached_property
    def consensus(self) -> Consensus:
        """How often two samples have the same dominant part (:func:`consensus`)."""
        return consensus(memberships(self.W))

    @cached_property
    def _means(self) -> Float64:
        """Shape (k, n): of the parts at length 1."""
        return np.asarray(unit_rows(self.H).mean(axis=0))


def replicate(
    X: Any,
    k: int,
    n: int = 50,
    *,
    estimator: NMF | None = None,
    mask: Any = None,
    weights: Any = None,
    n_jobs: int | None = None,
    random_state: Any = None,
    folder: str | PathLike[str] | None = None,
    progress: bool = False,
) -> Replicates:
    """Fit X from n random starts, each to its own end, and match the parts.

    Ten starts at a time share each read of the data; none is given up on the way.

    Parameters
    ----------
    X : {array-like, sparse matrix, frame, Dataset} of shape (n_samples, n_features)
        Non-negative data, as for ``NMF.fit``.
    k : int
        Number of parts.
    n : int, default=50
        Replicates, at least 2.
    estimator : NMF or None, default=None
        Its loss, solver, tolerance and so on; its numbers of parts and of starts do not matter. None is ``NMF()``.
    mask, weights : default=None
        As for ``NMF.fit``.
    n_jobs : int or None, default=None
        Tens of starts that run at the same time, by joblib; None is one after the other, each with all threads, unless
        a ``joblib.parallel_config`` (a Dask cluster's, say) says more. The answer does not depend on it.
    random_state : int, RandomState instance or None, default=None
        None takes the estimator's. The same seed gives the same bits.
    folder : path-like or None, default=None
        Keeps each ten as they end. A call with the same data, parameters and seed computes what is not there only;
        with ``random_state=None`` it goes on with the seed of the folder.
    progress : bool, default=False
        Whether to show a bar on the standard error; needs ``partwise[cli]``.

    Returns
    -------
    Replicates

    Raises
    ------
    ParameterError
        For a parameter that cannot be, or a folder with results of other ones.
    DataError
        For data that cannot be factorised, or a folder with results of other data.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise.selection import replicate
    >>> X = np.random.default_rng(0).random((30, 3)) @ np.random.default_rng(1).random((3, 12))
    >>> found = replicate(X, 3, n=5, random_state=0)
    >>> found.H.shape, found.stability.shape
    ((5, 3, 12), (3,))
    """
    prototype = checked_prototype(estimator)
    tasks_of = ReplicateTasks(prototype, X, mask, weights, n)
    seed = prototype.random_state if random_state is None else random_state
    if folder is None:
        kept, number = None, drawn_seed(seed)
    else:
        asked = None if seed is None else drawn_seed(seed)
        kept = Folder(folder, fingerprint(X, mask, weights), prototype.get_params(), asked)
        number = kept.seed
    done = run_tasks(tasks_of.tasks(k, number), folder=kept, n_jobs=n_jobs, progress=progress)
    return tasks_of.gather(k, done)


@dataclass(frozen=True)
class ReplicateTasks:
    """The pieces of work of n replicates, ten starts each, and what becomes of them."""

    prototype: NMF
    X: Any
    mask: Any
    weights: Any
    n: int

    def __post_init__(self) -> None:
        if not isinstance(self.n, int | np.integer) or isinstance(self.n, bool) or self.n < 2:
            raise ParameterError(
                f"{self.n} replicates cannot be compared with each other: give an integer ≥ 2, such as 30."
            )

    def tasks(self, k: int, seed: int) -> list[Task]:
        """Those of k parts."""
        return [
            Task(
                name,
                partial(_fit_batch, self._estimator(k, size, seed_of(seed, k, b)), self.X, self.mask, self.weights),
            )
            for b, (name, size) in enumerate(self._batches(k))
        ]

    def gather(self, k: int, done: Mapping[str, Arrays]) -> Replicates:
        """The replicates of k parts."""
        parts = [done[name] for name, _ in self._batches(k)]
        joined = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        return Replicates.of(**joined)

    def _batches(self, k: int) -> Sequence[tuple[str, int]]:
        sizes = [min(BATCH, self.n - begun) for begun in range(0, self.n, BATCH)]
        return [(f"replicates-k{k}-{b}-of-{size}", size) for b, size in enumerate(sizes)]

    def _estimator(self, k: int, starts: int, seed: int) -> NMF:
        init = "random" if starts == 1 and self.prototype.init is None else self.prototype.init
        estimator: NMF = clone(self.prototype)
        estimator.set_params(n_components=k, n_init=starts, init=init, random_state=seed)
        return estimator


def _fit_batch(estimator: NMF, X: Any, mask: Any, weights: Any) -> Arrays:
    found = replicates(estimator, X, mask=mask, weights=weights)
    return {
        "W": np.stack([one.W for one in found]),
        "H": np.stack([one.H for one in found]),
        "objective": np.array([one.objective for one in found], np.float64),
        "n_iter": np.array([one.n_iter for one in found]),
        "converged": np.array([one.status == "converged" for one in found]),
    }
