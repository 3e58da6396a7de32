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

    @classmethod
    def of(cls, model: Any, data: Any) -> View:
        """Look at ``data``, a Dataset, a matrix or a frame; a plain table looks like what the model was fitted on.

        Raises
        ------
        DataError
            If the data have another number of columns than the model, or are not a matrix of numbers.
        """
        dataset = data if isinstance(data, Dataset) else _labelled(data)
        n = components(model).shape[1]
        if dataset.shape[1] != n:
            raise DataError(
                f"The data have {dataset.shape[1]} columns, but the model was fitted on {n}: give the same columns."
            )
        names = dataset.column_names or column_names(model)
        layout = model.layout_ if dataset.layout == Layout() else dataset.layout  # rows of numbers may be anything
        return cls(replace(dataset, column_names=names, layout=layout), whole_block(dataset.X))

    @property
    def names(self) -> tuple[str, ...] | None:
        """Names of the columns."""
        return self.dataset.column_names

    def coefficients(self, model: Any) -> Floats:
        """W of all rows, (m, k)."""
        return np.asarray(model.transform(self.dataset), dtype=np.float64)

    def rows(self, index: Any) -> Floats:
        """Some rows, dense: (len(index), n)."""
        return self.block.rows(np.asarray(index, dtype=np.intp)).astype(np.float64)

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


def whole_block(X: Any) -> DenseBlock | CSRBlock:
    """All of X as one block of float32 or float64."""
    x = canonical(check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_all_finite=False))
    return DenseBlock(x) if isinstance(x, np.ndarray) else CSRBlock(x)


def _labelled(data: Any) -> Dataset:
    """A matrix or a frame as a Dataset; a frame whose columns are all sparse stays so."""
    if not (hasattr(data, "columns") and hasattr(data, "to_numpy")):
        return Dataset(data if hasattr(data, "tocsr") else _matrix(data))
    values = data.sparse.to_coo() if hasattr(data, "sparse") else data.to_numpy()
    return Dataset(values, row_names=_index_names(data), column_names=tuple(map(str, data.columns)))


def _matrix(data: Any) -> Any:
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
