"""From what a user passes to an operand and starts, checked, and nothing of it changed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from partwise._errors import DataError, DtypeError, ParameterError, PartwiseError
from partwise._types import Array
from partwise.arrays import Operand, as_operand
from partwise.arrays.memory import MemoryOperand
from partwise.arrays.rows import RowBlocks
from partwise.io.dataset import Dataset, Layout

_CHECKS: dict[str, Any] = {
    "accept_sparse": ["csr", "csc"],
    "dtype": [np.float64, np.float32],
    # The survey finds what is not finite, and says where.
    "ensure_all_finite": False,
}


@dataclass(frozen=True)
class Input:
    """The data of a fit, what a row of them looks like, and how they were read."""

    operand: Operand
    layout: Layout = field(default_factory=Layout)
    recipe: dict[str, Any] = field(default_factory=dict)
    source: str = ""


def checked_input(estimator: Any, X: Any, *, reset: bool) -> Input:
    """X as an operand; at ``reset`` the estimator learns the number and the names of its features from it.

    Raises
    ------
    DataError
        If X is not a numeric matrix with at least one row and column, or has other features than at the fit.
    """
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise DataError("X is a masked array with masked entries, which cannot be left out yet: fill them in first.")
    if isinstance(X, Dataset):
        values = _floating(_sentence(DataError, check_array, X.X, estimator=estimator, input_name="X", **_CHECKS))
        _names(estimator, values.shape[1], X.column_names, reset)
        return Input(as_operand(values), X.layout, X.recipe, X.source)
    if isinstance(X, MemoryOperand | RowBlocks):
        _names(estimator, X.shape[1], None, reset)
        return Input(X)
    return Input(as_operand(_floating(_sentence(DataError, validate_data, estimator, X, reset=reset, **_CHECKS))))


def _floating(values: Any) -> Any:
    """In float64 where scikit-learn left another dtype, as it does for pandas frames of sparse columns."""
    return values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)


def _sentence(kind: type[PartwiseError], check: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """``check``, its ValueError in one line of text: scikit-learn prints the array between its sentences."""
    try:
        return check(*arguments, **options)
    except PartwiseError:
        raise
    except ValueError as error:
        lines = [line for line in str(error).splitlines() if line[:1].isalpha() and not line.startswith("array=")]
        raise kind(" ".join(lines) or str(error)) from error


def _names(estimator: Any, n: int, names: tuple[str, ...] | None, reset: bool) -> None:
    """What ``validate_data`` does with a frame's names, for data that carry them differently."""
    if reset:
        estimator.n_features_in_ = n
        vars(estimator).pop("feature_names_in_", None)
        if names is not None:
            estimator.feature_names_in_ = np.array(names, dtype=object)
        return
    if n != estimator.n_features_in_:
        raise DataError(
            f"X has {n} features, but {type(estimator).__name__} is expecting {estimator.n_features_in_} features "
            "as input: pass the columns that it was fitted on."
        )
    known = getattr(estimator, "feature_names_in_", None)
    if names is None or known is None or tuple(known) == names:
        return
    j = next(j for j, (a, b) in enumerate(zip(known, names, strict=True)) if a != b)
    raise DataError(
        f"The feature names should match those that were passed during fit: column {j} is {names[j]!r} and was "
        f"{known[j]!r}. Pass the same columns in the same order."
    )


def components_of(H: Any, n_features: int) -> int:
    """What ``n_components="auto"`` means beside a custom H: its rows; without one, all features."""
    return n_features if H is None or np.ndim(H) != 2 else int(np.shape(H)[0])


def checked_factor(
    F: Any, shape: tuple[int, int], dtype: np.dtype[Any], name: str, *, zero_allowed: bool = False
) -> Array:
    """A custom W (m × k) or H (k × n), checked; never a view that the fit could write to.

    Raises
    ------
    ParameterError
        If it is missing, of another shape, negative, not finite, or zero everywhere where that is not allowed.
    DtypeError
        If its dtype is not that of the data, as in scikit-learn: a silent cast would hide a mistake.
    """
    if F is None:
        raise ParameterError(f"{name} is missing: init='custom' needs both W and H.")
    factor: Array = np.asarray(_sentence(ParameterError, check_array, F, input_name=name, ensure_all_finite=False))
    for which, expected, got in zip(("first", "second"), shape, factor.shape, strict=True):
        if got != expected:
            raise ParameterError(
                f"Array with wrong {which} dimension passed to NMF (input {name}). Expected {expected}, but got {got}: "
                f"give one of shape {shape}."
            )
    if factor.dtype != dtype:
        raise DtypeError(
            f"H and W should have the same dtype as X. {name} is {factor.dtype} and X is {dtype}: cast it with "
            f"{name}.astype('{dtype}')."
        )
    if not np.isfinite(factor).all():
        raise ParameterError(f"{name} contains NaN or infinity: a start has to be finite.")
    if factor.min() < 0:
        i, j = np.argwhere(factor < 0)[0]
        raise ParameterError(f"Negative values in data passed to NMF (input {name}): the first is at ({i}, {j}).")
    if factor.max() == 0 and not zero_allowed:
        raise ParameterError(f"Array passed to NMF (input {name}) is full of zeros: no step can leave that start.")
    return factor
