"""What is asked for, checked: errors are raised before anything is fitted."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone

from partwise._errors import ParameterError
from partwise.estimators import NMF


def is_sparse(values: Any) -> bool:
    """Whether this is a sparse matrix or array of SciPy."""
    return bool(sp.issparse(values))


def checked_prototype(estimator: Any, *, given_start: bool = False) -> NMF:
    """A copy of the estimator whose parameters the fits take; ``NMF()`` where there is none.

    Raises
    ------
    ParameterError
        If it is no NMF, or one with a start of the user's where each fit needs another (not ``given_start``).
    """
    if estimator is None:
        return NMF()
    if not isinstance(estimator, NMF):
        kind = type(estimator).__name__
        raise ParameterError(
            f"{kind} is no estimator of partwise: give a partwise.NMF with the parameters of the fits."
        )
    if isinstance(estimator.init, str) and estimator.init == "custom" and not given_start:
        raise ParameterError("init='custom' is one start, and replicates need several: use init='random' or None.")
    if type(estimator) is NMF:
        copy: NMF = clone(estimator)
        return copy
    return NMF(**{name: getattr(estimator, name) for name in NMF().get_params()})


def checked_ranks(ranks: Any, shape: tuple[int, int]) -> tuple[int, ...]:
    """Numbers of parts, ascending, each once, from 1 to the smaller side of the matrix.

    Raises
    ------
    ParameterError
        If there are none, or one is no such number, or they are not in order.
    """
    if isinstance(ranks, str) or not isinstance(ranks, Iterable):
        raise ParameterError(f"ranks={ranks!r} cannot be: give numbers of parts, such as range(2, 13).")
    found = list(ranks)
    if not found:
        raise ParameterError(f"ranks={ranks!r} is empty: give numbers of parts, such as range(2, 13).")
    for k in found:
        if not isinstance(k, int | np.integer) or isinstance(k, bool) or k < 1:
            raise ParameterError(f"ranks={ranks!r} cannot be: {k!r} is no number of parts; give integers ≥ 1.")
    if any(a >= b for a, b in pairwise(found)):
        raise ParameterError(f"ranks={found} are not in order: give each number once, the smaller ones first.")
    if found[-1] > min(shape):
        raise ParameterError(
            f"ranks up to {found[-1]} cannot be for a matrix of shape {shape}: more than {min(shape)} parts are not "
            f"determined by it; end at {min(shape)} or before."
        )
    return tuple(int(k) for k in found)


def checked_weights_of_parts(prototype: NMF, ranks: tuple[int, ...]) -> None:
    """Refuse penalties of each part where there are several numbers of parts.

    Raises
    ------
    ParameterError
        If ``alpha_W`` or ``alpha_H`` has weights for another number of parts than one of the ranks.
    """
    for name in ("alpha_W", "alpha_H"):
        alpha = getattr(prototype, name)
        if np.ndim(alpha) == 1 and any(len(alpha) != k for k in ranks):
            raise ParameterError(
                f"{name} has {len(alpha)} weights, one for each part, which cannot fit ranks={list(ranks)}: give one "
                "number for all parts."
            )
