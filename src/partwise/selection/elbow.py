"""Where more parts stop to explain more than they would of data without structure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp

from partwise._types import Array, Float64
from partwise.selection._checks import is_sparse
from partwise.selection._fits import quiet_fit
from partwise.selection._folder import seed_of
from partwise.selection._tasks import Arrays, Task
from partwise.selection.question import Question

# Starts of each fit of permuted data; losers are dropped.
_STARTS = 3
# By how much a fall must be larger than that of permuted data, which is a random number too.
_MARGIN = 1.1
# Places of seeds.
_ORDER, _FITS = 6, 7


def null_tasks(question: Question, ranks: Sequence[int]) -> list[Task]:
    """Fits of permuted data, one for each rank."""
    return [Task(f"permuted-k{k}", partial(_fit_permuted, question, k)) for k in ranks]


def null_objectives(ranks: Sequence[int], done: Mapping[str, Arrays]) -> Float64:
    """What they lose, shape (ranks,)."""
    return np.array([done[f"permuted-k{k}"]["objective"][0] for k in ranks])


def _fit_permuted(question: Question, k: int) -> Arrays:
    null = permuted(question)
    estimator = null.estimator(k, _FITS, k, init="random", n_init=_STARTS, drop_losers=True)
    quiet_fit(estimator, null.X, **null.counting)
    return {"objective": estimator.history_["objective"][-1:]}


def permuted(question: Question) -> Question:
    """The same data, the entries of each column in an order of its own: what columns have in common is gone.

    Missing entries and weights go with their entries.
    """
    seed = seed_of(question.seed, _ORDER)
    X, mask, weights = (
        _permuted(values, question.shape, seed) for values in (question.X, question.mask, question.weights)
    )
    return replace(question, X=X, mask=mask, weights=weights)


def _permuted(values: Any, shape: tuple[int, int], seed: int) -> Any:
    if values is None:
        return None
    m, n = shape
    orders = (np.random.default_rng([seed, j]).permutation(m) for j in range(n))
    if is_sparse(values):
        columns = sp.csc_array(values)
        rows = np.empty_like(columns.indices)
        for (a, b), order in zip(zip(columns.indptr, columns.indptr[1:], strict=False), orders, strict=True):
            rows[a:b] = order[columns.indices[a:b]]
        return sp.csr_array(sp.csc_array((columns.data, rows, columns.indptr), shape))
    values = np.broadcast_to(np.asarray(values).reshape(m, -1), shape)
    out: Array = np.empty(shape, values.dtype)
    for j, order in enumerate(orders):
        out[order, j] = values[:, j]
    return out


def last_real_fall(objectives: Float64, null: Float64, exact: float = 0.0) -> int:
    """The place of the last rank whose part lowers the error by more than a part of permuted data does.

    From the first rank on, as long as the error falls by a tenth more than that of permuted data does (Frigyesi &
    Höglund 2008). Falls are shares of what the rank before has left: parts of noise take a share that the shape of the
    matrix decides, however small the noise.

    Parameters
    ----------
    objectives, null : ndarray of shape (n_ranks,)
        Of the data and of permuted data, ranks ascending.
    exact : float, default=0.0
        What an exact fit leaves by rounding: no fall below it is one.

    References
    ----------
    Frigyesi, A. & Höglund, M. (2008). Non-negative matrix factorization for the analysis of complex gene expression
    data: identification of clinically relevant tumor subtypes. Cancer Informatics 6, 275-292.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise.selection import last_real_fall
    >>> last_real_fall(np.array([10.0, 4.0, 3.8]), np.array([10.0, 9.0, 8.0]))
    1
    """
    objectives = np.where(objectives > exact, objectives, 0.0)
    falls = _shares(objectives) > _MARGIN * _shares(null)
    return int(len(falls) if falls.all() else np.argmin(falls))


def _shares(objectives: Float64) -> Float64:
    """By which share of itself each value falls to the next."""
    before, after = objectives[:-1], objectives[1:]
    return np.divide(before - after, before, out=np.zeros_like(before), where=before > 0)
