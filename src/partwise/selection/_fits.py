"""Fits by the public estimator, for their factors."""

import warnings
from contextlib import ExitStack
from threading import Lock
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from partwise._types import Array
from partwise.estimators import NMF


class _Quiet:
    """A context without the warnings of fits.

    Filters belong to the whole process: of fits in several threads the first to begin changes them, and the last to end
    takes that back.
    """

    def __init__(self) -> None:
        self._lock, self._inside, self._filters = Lock(), 0, ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._filters.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore", ConvergenceWarning)
                warnings.simplefilter("ignore", UserWarning)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._filters.close()


_quiet = _Quiet()


def quiet_fit(estimator: NMF, X: Any, **given: Any) -> tuple[Array, Array]:
    """W and H. That a fit met its limit is told once for all, and dead parts are what some of the fits look for."""
    with _quiet:
        W = estimator.fit_transform(X, **given)
    return np.asarray(W), estimator.components_
