"""The programs that are compared: each fits X from a given start and gives W, H and its iterations back."""

import warnings
from collections.abc import Callable
from typing import Any

Fit = Callable[[Any, int, Any, Any], tuple[Any, Any, int]]


def scikit_learn(X: Any, k: int, W: Any, H: Any) -> tuple[Any, Any, int]:
    """scikit-learn's NMF with its defaults, 200 iterations at most."""
    from sklearn.decomposition import NMF

    return _fitted(NMF(k, init="custom", max_iter=200), X, W, H)


def partwise(X: Any, k: int, W: Any, H: Any) -> tuple[Any, Any, int]:
    """Partwise's NMF with its defaults."""
    from partwise import NMF

    return _fitted(NMF(k, init="custom"), X, W, H)


def _fitted(model: Any, X: Any, W: Any, H: Any) -> tuple[Any, Any, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        W = model.fit_transform(X, W=W, H=H)
    return W, model.components_, model.n_iter_


PROGRAMS: dict[str, Fit] = {"scikit-learn": scikit_learn, "partwise": partwise}
