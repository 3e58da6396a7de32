"""A model and its data seen the same way whatever container the data came in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array, check_is_fitted

from partwise._errors import DataError, ParameterError
from partwise.arrays.block import CSRBlock, DenseBlock
from partwise.arrays.canonical import canonical
from partwise.arrays.observed import observed
from partwise.arrays.weighted import WeightedCSRBlock, WeightedDenseBlock
from partwise.estimators.data import checked_mask, checked_weights
from partwise.io.dataset import Dataset, Layout

Floats: TypeAlias = NDArray[np.float64]

Look: TypeAlias = Literal["image", "names", "values"]


def components(model: Any) -> Any:
    """(k, n) H of a fitted model; NotFittedError where it is not fitted."""
    check_is_fitted(model, "components_")
    return np.asarray(model.components_)


def part_shares(model: Any) -> Floats:
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


@dataclass(frozen=True)
class View:
    """Data beside a model: names and layout completed, and all values as one block of the arrays room."""

    dataset: Dataset
    block: DenseBlock | CSRBlock
    mask: Any = None
    weights: Any = None

    @classmethod
    def of(cls, model: Any, data: Any, mask: Any = None, weights: Any = None) -> View:
        """Look at ``data``, a Dataset, a matrix or a frame; a plain table looks like what the model was fitted on.

        Raises
        ------
        DataError
            If the data have another number of columns than the model, or are not a matrix of numbers, or if ``mask``
            or ``weights`` do not fit them.
        """
        dataset = labelled(model, data)
        block = whole_block(dataset.X, mask, weights, absent_missing=model.implicit_zeros == "missing")
        return cls(dataset, block, mask, weights)

    @property
    def names(self) -> tuple[str, ...] | None:
        """Names of the columns."""
        return self.dataset.column_names

    def coefficients(self, model: Any) -> Floats:
        """W of all rows, (m, k)."""
        return np.asarray(model.transform(self.dataset, mask=self.mask, weights=self.weights), dtype=np.float64)

    def coefficients_of(self, model: Any, row: int) -> Floats:
        """W of one row, (1, k)."""
        v = self.weights_of([row])
        if not v.any():
            return np.zeros((1, len(components(model))))
        x, seen = Dataset(self.rows([row]), column_names=self.names), v > 0
        weights = None if (v[seen] == 1).all() else np.where(seen, v, 1.0)
        return np.asarray(model.transform(x, mask=seen, weights=weights), dtype=np.float64)

    def rows(self, index: Any) -> Floats:
        """Some rows, dense, NaN where an entry is missing: (len(index), n)."""
        values = self.block.rows(np.asarray(index, dtype=np.intp)).astype(np.float64)
        return np.where(self.weights_of(index) > 0, values, np.nan)

    def weights_of(self, index: Any) -> Floats:
        """The weights of some rows, 1 where there are none and 0 where an entry is missing: (len(index), n)."""
        v = np.asarray(self.block.weights_of(np.asarray(index, dtype=np.intp)), dtype=np.float64)
        return np.broadcast_to(v, (len(index), self.block.shape[1]))

    @property
    def extremes(self) -> tuple[float, float]:
        """The least and the largest observed value."""
        survey, values = self.block.survey, self.block.stored[0]
        least = values.min(where=values > 0, initial=survey.largest) if survey.nonzeros == survey.size else 0.0
        return float(least), survey.largest

    @property
    def weighted(self) -> bool:
        """Whether entries or rows count differently, beyond being missing or not."""
        return self.weights is not None

    def row_name(self, row: int) -> str:
        """Name of a row, or for example "row 7"."""
        return name_of(self.dataset.row_names, row, "row")

    def row_index(self, row: int | str) -> int:
        """Position of a row given by number (negative from the end) or by name; ParameterError where there is none."""
        m, names = self.dataset.shape[0], self.dataset.row_names or ()
        if isinstance(row, str):
            if row not in names:
                raise ParameterError(f"There is no row named {row!r}: give one of the row names, or its number.")
            return names.index(row)
        if not -m <= row < m:
            raise ParameterError(f"There is no row {row}: the data have {m} rows, numbered from 0.")
        return row % m


def whole_block(
    X: Any, mask: Any = None, weights: Any = None, *, absent_missing: bool = False
) -> DenseBlock | CSRBlock:
    """All of X as one block of float32 or float64, what is missing or weighted of it as ``NMF.fit`` takes it."""
    x = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_all_finite=False)
    dense = isinstance(x, np.ndarray)
    holes = np.isnan(x.min(initial=0)) if dense else absent_missing
    if mask is None and weights is None and not holes:
        x = canonical(x)
        return DenseBlock(x) if isinstance(x, np.ndarray) else CSRBlock(x)
    operand = observed(
        x,
        None if mask is None else checked_mask(mask, x.shape),
        None if weights is None else checked_weights(weights, x.shape, x.dtype),
        absent_missing=absent_missing and not dense,
    )
    if isinstance(operand.x, np.ndarray):
        return DenseBlock(operand.x) if operand.weights is None else WeightedDenseBlock(operand.x, operand.weights)
    assert operand.weights is not None
    return WeightedCSRBlock(operand.x, operand.weights)


def labelled(model: Any, data: Any) -> Dataset:
    """``data`` as a Dataset, with the names and the layout that only the model knows.

    Raises
    ------
    DataError
        If the data have another number of columns than the model.
    """
    dataset = data if isinstance(data, Dataset) else _dataset(data)
    n = components(model).shape[1]
    if dataset.shape[1] != n:
        raise DataError(
            f"The data have {dataset.shape[1]} columns, but the model was fitted on {n}: give the same columns."
        )
    names = dataset.column_names or column_names(model)
    layout = model.layout_ if dataset.layout == Layout() else dataset.layout  # rows of numbers may be anything
    return replace(dataset, column_names=names, layout=layout)


def _dataset(data: Any) -> Dataset:
    """A matrix or a frame as a Dataset; a frame whose columns are all sparse stays so."""
    if not (hasattr(data, "columns") and hasattr(data, "to_numpy")):
        return Dataset(data if hasattr(data, "tocsr") else _matrix(data))
    return Dataset(_values(data), row_names=_index_names(data), column_names=tuple(map(str, data.columns)))


def _values(frame: Any) -> Any:
    if hasattr(frame, "sparse"):
        return frame.sparse.to_coo()
    # What pandas' own types miss is no number to NumPy; what polars misses is NaN.
    return check_array(frame, dtype="numeric", ensure_all_finite=False) if hasattr(frame, "iloc") else frame.to_numpy()


def _matrix(data: Any) -> Any:
    if isinstance(data, np.ma.MaskedArray):
        floating: Any = data.astype(np.result_type(data.dtype, np.float32))
        data = floating.filled(np.nan)
    X = np.asarray(data)
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
