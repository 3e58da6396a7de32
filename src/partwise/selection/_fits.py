"""Fits by the public estimator, for their factors."""

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from partwise._types import Array
from partwise.estimators import NMF


def quiet_fit(estimator: NMF, X: Any, **given: Any) -> tuple[Array, Array]:
    """W and H. That a fit met its limit is told once for all, and dead parts are what some of the fits look for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        W = estimator.fit_transform(X, **given)
    return np.asarray(W), estimator.components_
