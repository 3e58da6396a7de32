"""A model and its data seen the same way whatever container the data came in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from partwise._errors import DataError, ParameterError
from partwise.io.dataset import Dataset, Layout

Look: TypeAlias = Literal["image", "names", "values"]


def components(model: Any) -> Any:
    """(k, n) H of a fitted model; NotFittedError where it is not fitted."""
    check_is_fitted(model, "components_")
    return np.asarray(model.components_)


def part_shares(model: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(k,) share of each part of the sum of WH."""
    return np.asarray(model.shares_, dtype=np.float64)


def layout_of(model: Any, image_shape: tuple[int, ...] | None = None) -> Layout:
    """What a row looks like: pictures of ``image_shape`` where it is given, else what the model was fitted on."""
    if image_shape is None:
        layout: Layout = model.layout_
        return layout
    size, n = int(np.prod(image_shape)), components(model).shape[1]
    if size != n or len(image_shape) not in (2, 3) or image_shape[2:] not in ((), (3,)):
        raise ParameterError(
            f"image_shape={image_shape} does not lay out {n} columns as pictures: "
            f"give (height, width) or (height, width, 3) with a product of {n}."
        )
    return Layout("image", tuple(image_shape))


def column_names(model: Any) -> tuple[str, ...] | None:
    """Names of the columns that the model was fitted on, or None."""
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else tuple(str(name) for name in names)


def look(layout: Layout, names: tuple[str, ...] | None) -> Look:
    """How a row is shown: a picture, bars with names, or bare values."""
    if layout.kind == "image" and layout.shape is not None:
        return "image"
    return "values" if names is None else "names"


def as_dataset(model: Any, data: Any) -> Dataset:
    """``data`` with names and layout, completed by what the model knows; X is a dense array or CSR.

    Raises
    ------
    DataError
        If the data have another number of columns than the model, or are not a matrix.
    """
    dataset = data if isinstance(data, Dataset) else _labelled(data)
    n = components(model).shape[1]
    if dataset.shape[1] != n:
        raise DataError(
            f"The data have {dataset.shape[1]} columns, but the model was fitted on {n}: give data with the same columns."
        )
    names = dataset.column_names or column_names(model)
    layout = dataset.layout if isinstance(data, Dataset) else model.layout_
    return replace(dataset, X=_canonical(dataset.X), column_names=names, layout=layout)


def _canonical(X: Any) -> Any:
    """A dense array as it is, or CSR without duplicates; the user's object stays as it was."""
    if not sparse.issparse(X):
        return np.asarray(X)
    csr = sparse.csr_array(X)
    if not csr.has_canonical_format:
        csr = csr.copy()
        csr.sum_duplicates()
    return csr


def _labelled(data: Any) -> Dataset:
    if not (hasattr(data, "columns") and hasattr(data, "to_numpy")):
        return Dataset(_matrix(data))
    values = data.sparse.to_coo() if hasattr(data, "sparse") else data.to_numpy()
    return Dataset(values, row_names=_index_names(data), column_names=tuple(map(str, data.columns)))


def _matrix(data: Any) -> Any:
    X = data if sparse.issparse(data) else np.asarray(data)
    if X.ndim != 2:
        raise DataError(f"The data have {X.ndim} dimensions, but a matrix has 2: give one sample a row.")
    return X


def _index_names(frame: Any) -> tuple[str, ...] | None:
    index = getattr(frame, "index", None)
    if index is None or type(index).__name__ == "RangeIndex":
        return None
    return tuple(map(str, index))


def name_of(names: tuple[str, ...] | None, position: int, what: str) -> str:
    """The name at ``position``, or for example ``"row 7"`` (counted from 0, as in Python)."""
    return f"{what} {position}" if names is None else names[position]


def row_values(X: Any, row: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """One row of X, dense, float64."""
    values = X[[row]].toarray()[0] if sparse.issparse(X) else X[row]
    return np.asarray(values, dtype=np.float64)


def row_index(dataset: Dataset, row: int | str) -> int:
    """Position of a row given by number (negative from the end) or by name; ParameterError where there is none."""
    m = dataset.shape[0]
    if isinstance(row, str):
        if row not in (dataset.row_names or ()):
            raise ParameterError(f"There is no row named {row!r}: give one of the row names, or its number.")
        return (dataset.row_names or ()).index(row)
    if not -m <= row < m:
        raise ParameterError(f"There is no row {row}: the data have {m} rows, numbered from 0.")
    return row % m
