"""What was factorised, and by what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

from partwise.io.dataset import Layout
from partwise.plot._view import View
from partwise.report import _words as words

Facts: TypeAlias = list[tuple[str, str]]


def row_noun(layout: Layout) -> str:
    """What a row is called."""
    return {"image": "picture", "text": "document", "table": "row"}[layout.kind]


def column_noun(layout: Layout) -> str:
    """What a column is called."""
    return {"image": "pixel value", "text": "term", "table": "column"}[layout.kind]


def data_facts(view: View) -> Facts:
    """Source, shape, storage, sparsity and range of the data."""
    dataset, block = view.dataset, view.block
    (m, n), survey = block.shape, block.survey
    low, high = float(block.x.min()), survey.largest
    facts = [
        ("Source", dataset.source or "a matrix in memory"),
        ("Shape", f"{words.plural(m, row_noun(dataset.layout))} × {words.plural(n, column_noun(dataset.layout))}"),
        ("Storage", _storage(dataset.X)),
        ("Zeros", f"{words.percent(survey.zeros)} of the entries ({words.plural(survey.nonzeros, 'other')})"),
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


def _storage(X: Any) -> str:
    """The container and dtype as they were given, and the bytes of the values."""
    if hasattr(X, "nnz"):
        return f"sparse ({X.format.upper()}), {X.dtype}, {words.plural(X.nnz, 'stored value')}"
    return f"dense, {X.dtype}, {words.size(X.nbytes)}"


def parameters(model: Any) -> Facts:
    """The model's parameters as Python writes them."""
    titles = {"random_state": "seed (random_state)"}
    return [(titles.get(name, name), repr(value)) for name, value in model.get_params(deep=False).items()]


def today() -> str:
    """Date and time (UTC)."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def repeat_command(model: Any, source: str, command: str | None) -> str:
    """``command`` itself, or the Python lines that repeat the fit."""
    if command is not None:
        return command
    data = f"partwise.io.read({source!r})" if source else "X"
    return f"import partwise\n\nmodel = partwise.{model!r}.fit({data})"
