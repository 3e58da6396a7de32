"""What was factorised, and by what."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse

from partwise.io.dataset import Dataset, Layout
from partwise.plot import _measures as measures
from partwise.report import _words as words

Facts: TypeAlias = list[tuple[str, str]]

PACKAGES = ("partwise", "numpy", "scipy", "scikit-learn", "numba")


def row_noun(layout: Layout) -> str:
    """What a row is called."""
    return {"image": "picture", "text": "document", "table": "row"}[layout.kind]


def column_noun(layout: Layout) -> str:
    """What a column is called."""
    return {"image": "pixel value", "text": "term", "table": "column"}[layout.kind]


def data_facts(dataset: Dataset) -> Facts:
    """Source, shape, storage, sparsity and range of the data."""
    m, n = dataset.shape
    low, high, nonzeros = _survey(dataset.X)
    facts = [
        ("Source", dataset.source or "a matrix in memory"),
        ("Shape", f"{words.plural(m, row_noun(dataset.layout))} × {words.plural(n, column_noun(dataset.layout))}"),
        ("Storage", _storage(dataset.X)),
        ("Zeros", f"{words.percent(1 - nonzeros / (m * n))} of the entries ({words.plural(nonzeros, 'other')})"),
        ("Range", f"{words.number(low)} to {words.number(high)}"),
    ]
    return facts + _picture_fact(dataset.layout)


def model_facts(layout: Layout, n: int, names: tuple[str, ...] | None) -> Facts:
    """What the model alone remembers of the data."""
    known = "known" if names is not None else "not known"
    facts = [("Columns", words.plural(n, column_noun(layout))), ("Column names", known)]
    return facts + _picture_fact(layout)


def _picture_fact(layout: Layout) -> Facts:
    if layout.shape is None:
        return []
    height, width, *colours = layout.shape
    return [("Pictures", f"{width} × {height} pixels, {'colour' if colours else 'grey'}")]


def _survey(X: Any) -> tuple[float, float, int]:
    """Smallest and largest entry and the number of non-zeros, block by block."""
    if sparse.issparse(X):
        stored, absent = X.data, X.nnz < X.shape[0] * X.shape[1]
        ends = [stored.min(initial=np.inf), stored.max(initial=-np.inf)] + [0.0] * absent
        return float(min(ends)), float(max(ends)), int(np.count_nonzero(stored))
    blocks = [X[rows] for rows in measures.row_blocks(*X.shape)]
    low, high = min(block.min() for block in blocks), max(block.max() for block in blocks)
    return float(low), float(high), sum(int(np.count_nonzero(block)) for block in blocks)


def _storage(X: Any) -> str:
    if not sparse.issparse(X):
        return f"dense, {X.dtype}, {words.size(X.nbytes)}"
    octets = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    return f"sparse rows (CSR), {X.dtype}, {words.size(octets)}"


def parameters(model: Any) -> Facts:
    """The model's parameters as Python writes them."""
    return [(name, repr(value)) for name, value in model.get_params(deep=False).items()]


def versions() -> Facts:
    """Versions at work while the report is written."""
    return [*((package, _version(package)) for package in PACKAGES), ("python", platform.python_version())]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed as a package"


def today() -> str:
    """Date and time (UTC)."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def repeat_command(model: Any, source: str, command: str | None) -> str:
    """``command`` itself, or the Python lines that repeat the fit."""
    if command is not None:
        return command
    data = f"partwise.io.read({source!r})" if source else "X"
    return f"import partwise\n\nmodel = partwise.{model!r}.fit({data})"
