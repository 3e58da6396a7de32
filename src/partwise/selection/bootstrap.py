"""How sure the parts are: fits of data that could as well have come."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from os import PathLike
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_is_fitted

from partwise._errors import ParameterError
from partwise._optional import require
from partwise._types import Array, Float64
from partwise.estimators import NMF
from partwise.selection._checks import checked_prototype, is_sparse
from partwise.selection._fits import quiet_fit
from partwise.selection._folder import Folder, drawn_seed, fingerprint, seed_of
from partwise.selection._tasks import Arrays, Task, run_tasks
from partwise.selection.matching import match
from partwise.selection.question import Question

Kind = Literal["rows", "poisson"]

# Fits in one piece of work.
_BATCH = 10
# Entries of a model that are drawn together.
_PIECE = 1 << 22
_DRAW = 9


@dataclass(frozen=True)
class Bootstrap:
    """Parts and shares of a fitted model, and of fits of data drawn anew.

    Parameters
    ----------
    components : ndarray of shape (k, n_features)
        H of the model.
    shares : ndarray of shape (k,), float64
        Of its parts in the sum of WH.
    drawn_components : ndarray of shape (n, k, n_features)
        H of each further fit, matched to the model's; rows have the sum of the model's.
    drawn_shares : ndarray of shape (n, k), float64
    similarity : ndarray of shape (n, k), float64
        Cosine of each part with that of the model.
    feature_names : tuple of str
        ``x0``, ``x1`` … where the model has none.
    """

    components: Array
    shares: Float64
    drawn_components: Array
    drawn_shares: Float64
    similarity: Float64
    feature_names: tuple[str, ...]

    def interval(self, level: float = 0.95) -> tuple[Float64, Float64]:
        """Lower and upper bounds of the entries of H, each of shape (k, n_features): percentiles of the draws.

        Parameters
        ----------
        level : float, default=0.95
            Share of the draws between them.
        """
        return _between(self.drawn_components, level)

    def share_interval(self, level: float = 0.95) -> tuple[Float64, Float64]:
        """Lower and upper bounds of the shares, each of shape (k,)."""
        return _between(self.drawn_shares, level)

    def summary(self, level: float = 0.95, n_features: int = 5) -> Any:
        """A pandas DataFrame with a row for each part; needs ``partwise[io]``.

        Parameters
        ----------
        level : float, default=0.95
            Of the intervals.
        n_features : int, default=5
            How many of the heaviest features are named, each with its interval.

        Returns
        -------
        pandas.DataFrame
            "share", "share_low", "share_high"; "stability", the mean cosine with the part of the model, and
            "stability_low", its lower bound; "features".
        """
        pandas = require("pandas", "io", "A summary")
        low, high = self.share_interval(level)
        below = np.quantile(self.similarity, (1 - _checked_level(level)) / 2, axis=0)
        return pandas.DataFrame(
            {
                "share": self.shares,
                "share_low": low,
                "share_high": high,
                "stability": self.similarity.mean(axis=0),
                "stability_low": below,
                "features": self._features(level, n_features),
            },
            index=pandas.RangeIndex(len(self.shares), name="part"),
        )

    def _features(self, level: float, count: int) -> list[str]:
        low, high = self.interval(level)
        rows = []
        for part, a, b in zip(self.components, low, high, strict=True):
            order = np.argsort(-part, kind="stable")[:count]
            rows.append(", ".join(f"{self.feature_names[j]} ({a[j]:.3g} to {b[j]:.3g})" for j in order if part[j] > 0))
        return rows


def bootstrap(
    model: NMF,
    X: Any,
    n: int = 100,
    *,
    kind: Kind = "rows",
    mask: Any = None,
    weights: Any = None,
    n_jobs: int | None = None,
    random_state: Any = None,
    folder: str | PathLike[str] | None = None,
    progress: bool = False,
) -> Bootstrap:
    """Fit data drawn anew n times, each from the factors of the model, and match the parts.

    The intervals say how far the parts move with the data. Where other parts reproduce the same data as well, which no
    number of draws tells, the truth may lie outside of them.

    Parameters
    ----------
    model : NMF
        Fitted to X; its parameters are those of the fits.
    X : {array-like, sparse matrix, frame, Dataset} of shape (n_samples, n_features)
        What it was fitted to.
    n : int, default=100
        Draws, at least 2; 95 % intervals want a hundred or more.
    kind : {"rows", "poisson"}, default="rows"
        "rows" draws as many rows as there are, with replacement (Efron 1979): right where they are a sample of
        independent ones. "poisson" draws each entry from Poisson's law with the mean that the model gives it: for
        counts, also of few rows.
    mask, weights : default=None
        As for ``NMF.fit``, where the model was fitted with them.
    n_jobs, random_state, folder, progress
        As for :func:`replicate`.

    Returns
    -------
    Bootstrap

    Raises
    ------
    ParameterError, DataError
        For what cannot be.

    References
    ----------
    Efron, B. (1979). Bootstrap methods: another look at the jackknife. Annals of Statistics 7, 1-26.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise import NMF
    >>> from partwise.selection import bootstrap
    >>> rng = np.random.default_rng(0)
    >>> X = rng.poisson(20 * rng.random((60, 2)) @ rng.random((2, 8)))
    >>> model = NMF(2, beta_loss="kullback-leibler", random_state=0, max_iter=1000).fit(X)
    >>> found = bootstrap(model, X, n=10, random_state=0)
    >>> low, high = found.interval()
    >>> low.shape, bool((low <= high).all())
    ((2, 8), True)
    """
    prototype = checked_prototype(model, given_start=True)
    check_is_fitted(model)
    _check_draws(n, kind)
    folder_, seed = None, drawn_seed(prototype.random_state if random_state is None else random_state)
    if folder is not None:
        asked = None if random_state is None else seed
        folder_ = Folder(folder, fingerprint(X, mask, weights, model.components_), prototype.get_params(), asked)
        seed = folder_.seed
    question = Question.of(prototype, X, mask, weights, seed)
    if kind == "poisson" and not question.whole:
        raise ParameterError("kind='poisson' draws counts, and X holds others than whole numbers: use kind='rows'.")
    W, H = np.asarray(model.transform(X, mask=mask, weights=weights)), model.components_
    tasks = [
        Task(
            f"bootstrap-{kind}-{start}-of-{size}", partial(_fit_draws, question, W, H, kind, range(start, start + size))
        )
        for start in range(0, n, _BATCH)
        for size in [min(_BATCH, n - start)]
    ]
    done = run_tasks(tasks, folder=folder_, n_jobs=n_jobs, progress=progress)
    parts = [done[task.name] for task in tasks]
    joined = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    names = getattr(model, "feature_names_in_", None)
    return Bootstrap(
        components=H,
        shares=np.asarray(model.shares_),
        feature_names=tuple(f"x{j}" for j in range(H.shape[1])) if names is None else tuple(map(str, names)),
        **joined,
    )


def _check_draws(n: Any, kind: Any) -> None:
    if not isinstance(n, int | np.integer) or isinstance(n, bool) or n < 2:
        raise ParameterError(f"{n!r} draws tell no interval: give an integer ≥ 2, such as 100.")
    if kind not in ("rows", "poisson"):
        raise ParameterError(f"kind={kind!r} cannot be drawn: choose 'rows' or 'poisson'.")


def _fit_draws(question: Question, W: Array, H: Array, kind: Kind, draws: Sequence[int]) -> Arrays:
    found = [_fit_draw(question, W, H, kind, seed_of(question.seed, _DRAW, draw)) for draw in draws]
    return {name: np.stack([one[name] for one in found]) for name in found[0]}


def _fit_draw(question: Question, W: Array, H: Array, kind: Kind, seed: int) -> Arrays:
    rng, m = np.random.default_rng(seed), len(W)
    rows = np.sort(rng.integers(m, size=m)) if kind == "rows" else np.arange(m)
    drawn = question.of_rows(rows) if kind == "rows" else replace(question, X=_poisson_drawn(question, W, H, rng))
    estimator = drawn.estimator(len(H), _DRAW, init="custom", n_init=1)
    w, h = quiet_fit(estimator, drawn.X, W=_lifted(W[rows]), H=_lifted(H.T).T, **drawn.counting)
    order, cosine = match(H, h)
    w, h = w[:, order], h[order]
    sums = h.sum(axis=1, dtype=np.float64)
    scale = np.divide(H.sum(axis=1, dtype=np.float64), sums, out=np.zeros_like(sums), where=sums > 0)
    amounts = w.sum(axis=0, dtype=np.float64) * sums
    return {
        "drawn_components": (h * scale[:, None]).astype(H.dtype),
        "drawn_shares": amounts / (amounts.sum() or 1.0),
        "similarity": cosine,
    }


def _lifted(F: Array) -> Array:
    """A factor whose zeros are a thousandth of the mean of their column: multiplicative steps cannot leave a zero."""
    return np.where(F > 0, F, F.dtype.type(1e-3) * F.mean(axis=0))


def _poisson_drawn(question: Question, W: Array, H: Array, rng: np.random.Generator) -> Any:
    """Counts with the means of the model, dense or sparse as X is; what is missing of X stays so."""
    X, dtype = question.X, question.X.dtype
    if question.zeros_missing:
        i, j = sp.coo_array(X).coords
        means = np.concatenate(
            [np.einsum("ek,ek->e", W[i[a:b]], H[:, j[a:b]].T) for a, b in _pieces(len(i), W.shape[1])]
        )
        return sp.csr_array((rng.poisson(means).astype(dtype), (i, j)), X.shape)
    if is_sparse(X):
        return _sparse_counts(W, H, rng).astype(dtype)
    drawn = np.concatenate([rng.poisson(W[a:b] @ H) for a, b in _pieces(len(W), H.shape[1])]).astype(dtype)
    return np.where(np.isnan(X), X, drawn)


def _sparse_counts(W: Array, H: Array, rng: np.random.Generator) -> sp.csr_array:
    """A sum of Poisson counts is one: each part throws its own, and only what they hit is made."""
    total: sp.csr_array = sp.csr_array((len(W), H.shape[1]))
    for w, h in zip(W.T.astype(np.float64), H.astype(np.float64), strict=True):
        if amount := h.sum():
            counts = rng.poisson(w * amount)
            pieces = [_thrown(counts[a:b], h / amount, rng) for a, b in _pieces(len(w), len(h))]
            total = total + sp.csr_array(sp.vstack(pieces))
    return total


def _thrown(counts: Array, chances: Float64, rng: np.random.Generator) -> sp.csr_array:
    """So many counts in each row, dealt to the columns: one by one, or all at once where they are many."""
    shape = (len(counts), len(chances))
    if counts.sum() > shape[0] * shape[1]:
        return sp.csr_array(rng.multinomial(counts, chances).astype(np.float64))
    rows = np.repeat(np.arange(len(counts)), counts)
    columns = rng.choice(len(chances), size=len(rows), p=chances)
    return sp.csr_array((np.ones(len(rows)), (rows, columns)), shape)


def _pieces(size: int, each: int) -> list[tuple[int, int]]:
    return list(pairwise([*range(0, size, max(1, _PIECE // each)), size]))


def _between(draws: Array, level: float) -> tuple[Float64, Float64]:
    tail = (1 - _checked_level(level)) / 2
    low, high = np.quantile(draws, (tail, 1 - tail), axis=0)
    return low, high


def _checked_level(level: Any) -> float:
    if not isinstance(level, int | float) or not 0 < level < 1:
        raise ParameterError(f"level={level!r} cannot be: give a share between 0 and 1, such as 0.95.")
    return float(level)
