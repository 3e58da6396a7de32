"""From what a user passes to an operand and starts, checked, and nothing of it changed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_array, validate_data

from partwise._errors import DataError, DtypeError, ParameterError, PartwiseError
from partwise._types import Array
from partwise.arrays import Operand, as_operand
from partwise.arrays.memory import MemoryOperand
from partwise.arrays.observed import filled, hide, observed
from partwise.arrays.rows import RowBlocks
from partwise.arrays.speckle import Speckle
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


def checked_input(estimator: Any, X: Any, *, reset: bool, mask: Any = None, weights: Any = None) -> Input:
    """X as an operand; at ``reset`` the estimator learns the number and the names of its features from it.

    Raises
    ------
    DataError
        If X is not a numeric matrix with at least one row and column, or has other features than at the fit, or if the
        mask or the weights are not of its shape.
    """
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        missing = np.array(np.ma.getmaskarray(X))
        if mask is not None:
            hide(checked_mask(mask, X.shape), missing)
        mask, X = ~missing, X.filled(0)
    if isinstance(X, Dataset):
        values = _floating(_sentence(DataError, check_array, X.X, estimator=estimator, input_name="X", **_CHECKS))
        _names(estimator, values.shape[1], X.column_names, reset)
        return Input(_operand(estimator, values, mask, weights), X.layout, X.recipe, X.source)
    if isinstance(X, MemoryOperand | RowBlocks):
        if mask is not None or weights is not None or estimator.implicit_zeros == "missing":
            raise DataError(
                "A mask, weights or implicit_zeros='missing' for blocks of rows cannot be: give X as one matrix."
            )
        _names(estimator, X.shape[1], None, reset)
        return Input(X)
    values = _floating(_sentence(DataError, validate_data, estimator, X, reset=reset, **_CHECKS))
    return Input(_operand(estimator, values, mask, weights))


def _operand(estimator: Any, values: Any, mask: Any, weights: Any) -> Operand:
    missing = estimator.implicit_zeros == "missing" and sp.issparse(values)
    if mask is None and weights is None and not missing:
        return as_operand(values)
    return observed(
        values,
        None if mask is None else checked_mask(mask, values.shape),
        None if weights is None else checked_weights(weights, values.shape, values.dtype),
        absent_missing=missing,
    )


def _plain(values: Any, name: str) -> Any:
    """An ndarray, or a CSR array; what a masked array masks is 0 or False."""
    sparse: bool = sp.issparse(values)
    if isinstance(values, np.ma.MaskedArray):
        values = values.filled(0)
    try:
        return sp.csr_array(values) if sparse else np.asarray(values)
    except ValueError as error:
        raise DataError(f"{name} cannot be read as a matrix: {error}") from error


def checked_mask(mask: Any, shape: tuple[int, int]) -> Any:
    """A mask, dense or in CSR form, True where an entry is observed; a speckle fits every shape.

    Raises
    ------
    DataError
        If it is not boolean or not of this shape.
    """
    if isinstance(mask, Speckle):
        return mask
    mask = _plain(mask, "mask")
    if mask.shape != shape:
        raise DataError(f"mask has shape {mask.shape} and X {shape}: give True or False for each entry of X.")
    if mask.dtype != bool:
        raise DataError(
            f"mask is {mask.dtype}, not boolean: give True where an entry is observed and False where it is missing."
        )
    return mask


def checked_weights(weights: Any, shape: tuple[int, int], dtype: np.dtype[Any]) -> Any:
    """Weights of entries, dense or in CSR form, or of rows, in this dtype.

    Raises
    ------
    DataError
        If one is negative or not finite, or if their shape is another one.
    """
    sparse: bool = sp.issparse(weights)
    weights = _plain(weights, "weights")
    if weights.shape != shape and weights.shape in ((shape[0], 1), shape[:1]):
        weights, sparse = np.ravel(filled(weights)), False
    if weights.shape not in (shape, shape[:1]):
        raise DataError(
            f"weights have shape {weights.shape} and X {shape}: give one for each entry, {shape}, or for each row, "
            f"{shape[:1]}."
        )
    if weights.dtype.kind not in "fiub":
        raise DataError(f"weights are {weights.dtype}, not numbers: give numbers ≥ 0.")
    with np.errstate(over="ignore"):
        weights = weights.astype(dtype, copy=False)
    values: Array = weights.data if sparse else weights
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        raise DataError(
            f"weights contain negative numbers, NaN or infinity (in {dtype}), the first in {_place(weights, bad)} "
            "(counted from 0): give 0 for what is missing, and no less."
        )
    return weights


def _place(weights: Any, bad: Array) -> str:
    """Where the first bad weight is, of those that are there."""
    if isinstance(weights, np.ndarray):
        place = np.argwhere(bad)[0].tolist()
    else:
        p = int(np.flatnonzero(bad)[0])
        place = [int(np.searchsorted(weights.indptr, p, side="right")) - 1, int(weights.indices[p])]
    return f"row {place[0]}" + (f", column {place[1]}" if len(place) > 1 else "")


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


def checked_fixed(fixed: Any, shape: tuple[int, int], name: str) -> Array | None:
    """Which entries of a factor are held: a boolean array of its shape, or None where none is.

    Raises
    ------
    ParameterError
        If it is not boolean or not of this shape.
    """
    if fixed is None:
        return None
    fixed = np.asarray(fixed)
    if fixed.shape != shape or fixed.dtype != bool:
        raise ParameterError(
            f"{name} is {fixed.dtype} of shape {fixed.shape}: give a boolean array of shape {shape}, True for the "
            f"entries of {name[-1]} that are to be held."
        )
    return fixed if fixed.any() else None


def fixed_rows(components: Any, k: int) -> Array:
    """Which of the k components are held.

    Raises
    ------
    ParameterError
        If ``components`` are not whole numbers from 0 to k − 1.
    """
    index = np.asarray(components)
    if index.ndim != 1 or (index.size and (index.dtype.kind not in "iu" or index.min() < 0 or index.max() >= k)):
        raise ParameterError(
            f"fixed_components={components!r} cannot be: give the numbers of components to hold, from 0 to {k - 1}."
        )
    fixed = np.zeros(k, bool)
    fixed[index.astype(int)] = True
    return fixed


def held_values(F: Any, fixed: Array, dtype: np.dtype[Any], name: str) -> Array:
    """A factor (m × k) or (k × n) of which the fixed entries are given; the others may hold anything, even NaN.

    Raises
    ------
    ParameterError
        If it is missing or of another shape, or a fixed entry negative or not finite.
    DtypeError
        If its dtype is not that of the data: a cast would change what is to be held.
    """
    if F is None:
        raise ParameterError(f"{name} is missing: give it to fit, with the values of the entries that are to be held.")
    factor: Array = np.asarray(_sentence(ParameterError, check_array, F, input_name=name, ensure_all_finite=False))
    if factor.dtype.kind in "iub":
        factor = factor.astype(dtype)
    _check_form(factor, fixed.shape, dtype, name)
    values = factor[fixed]
    if not np.isfinite(values).all() or (values < 0).any():
        raise ParameterError(f"A fixed entry of {name} is negative, NaN or infinite: give finite numbers ≥ 0.")
    return np.where(fixed, factor, dtype.type(0))


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
    _check_form(factor, shape, dtype, name)
    if not np.isfinite(factor).all():
        raise ParameterError(f"{name} contains NaN or infinity: a start has to be finite.")
    if factor.min() < 0:
        i, j = np.argwhere(factor < 0)[0]
        raise ParameterError(f"Negative values in data passed to NMF (input {name}): the first is at ({i}, {j}).")
    if factor.max() == 0 and not zero_allowed:
        raise ParameterError(f"Array passed to NMF (input {name}) is full of zeros: no step can leave that start.")
    return factor


def _check_form(factor: Array, shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> None:
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
