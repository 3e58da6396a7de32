"""What was factorised, and by what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np

from partwise.io.dataset import Layout
from partwise.plot._view import View, layout_of
from partwise.report import _words as words
from partwise.report._study import Study

Facts: TypeAlias = list[tuple[str, str]]


def row_noun(layout: Layout) -> str:
    """What a row is called."""
    return {"image": "picture", "text": "document", "table": "row"}[layout.kind]


def column_noun(layout: Layout) -> str:
    """What a column is called."""
    return {"image": "pixel value", "text": "term", "table": "column"}[layout.kind]


def data_facts(study: Study) -> Facts:
    """What was factorised, as far as the model and the rows given tell, and which rows are shown where they differ."""
    if study.rows is None:
        names = "known" if study.column_names is not None else "not known"
        return [*_fit_facts(study), ("Column names", names), *_picture_fact(study.layout)]
    dataset, values = study.rows.view.dataset, _value_facts(study, study.rows.view)
    m, noun = dataset.shape[0], row_noun(study.layout)
    if study.shows_other_rows:
        shown = ("The rows shown here", f"{_named(dataset.source)}, {words.plural(m, noun)}")
        own = [(f"Their {name.lower()}", value) for name, value in values]
        return [*_fit_facts(study), *_picture_fact(study.layout), shown, *own]
    shape = ("Shape", _shape(study.layout, *dataset.shape))
    source = ("Source", _named(dataset.source))
    return [source, shape, *_recognised_fact(study), *values, *_picture_fact(study.layout)]


def _fit_facts(study: Study) -> Facts:
    """Source and shape of the data of the fit, of which a model made in Python knows the columns only."""
    layout, n, m = layout_of(study.model), study.H.shape[1], study.origin.get("n_samples")
    if m is None:
        return [("Columns", words.plural(n, column_noun(layout)))]
    missing = _missing_fact(int(getattr(study.model, "n_missing_", 0)), m * n)
    facts = [("Source", _named(study.source)), ("Shape", _shape(layout, m, n)), *_recognised_fact(study), *missing]
    return [*facts, *[("Weights", study.origin.get("weights", ""))] * ("weights" in study.origin)]


def _recognised_fact(study: Study) -> Facts:
    """What the reader took for names, where it had to look; in the words of the command line."""
    recognised = ", ".join(f"{what}: {how}" for what, how in study.origin.get("recognised", {}).items())
    return [("Recognised", recognised)] if recognised else []


def _named(source: str) -> str:
    return source or "a matrix in memory"


def _shape(layout: Layout, m: int, n: int) -> str:
    return f"{words.plural(m, row_noun(layout))} × {words.plural(n, column_noun(layout))}"


def _value_facts(study: Study, view: View) -> Facts:
    """Storage, what is missing, weights, sparsity and range of the rows given."""
    survey, (m, n) = view.block.survey, view.dataset.shape
    entries = "observed entries" if survey.missing else "entries"
    zeros = survey.size - survey.nonzeros
    low, high = view.extremes
    return [
        ("Storage", _storage(view.dataset.X)),
        *_missing_fact(survey.missing, m * n),
        *_weights_fact(study, view),
        ("Zeros", f"{words.percent(zeros / survey.size)} of the {entries} ({words.plural(survey.nonzeros, 'other')})"),
        ("Range", f"{words.number(low)} to {words.number(high)}"),
    ]


def _missing_fact(missing: int, size: int) -> Facts:
    if not missing:
        return []
    return [("Missing entries", f"{words.percent(missing / size)} ({words.count(missing)} of {words.count(size)})")]


def _weights_fact(study: Study, view: View) -> Facts:
    """Where the weights came from, what they belong to, and their range."""
    if not view.weighted:
        return []
    given = getattr(view.weights, "data", view.weights) if hasattr(view.weights, "nnz") else np.asarray(view.weights)
    source = "" if study.shows_other_rows else study.origin.get("weights", "")
    each = f"one for each {'entry' if np.shape(view.weights) == view.dataset.shape else row_noun(study.layout)}"
    span = f"{words.number(float(given.min()))} to {words.number(float(given.max()))}"
    return [("Weights", ", ".join([*[source] * bool(source), each, span]))]


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


def repeat_command(study: Study, command: str | None) -> str:
    """``command``, or the one that the model remembers, or the Python lines that repeat the fit."""
    known = command or study.origin.get("command")
    if known:
        return str(known)
    data = f"partwise.io.read({study.source!r})" if study.source else "X"
    seen = study.rows.view if study.rows else None
    more = [f"{name}={name}" for name in ("mask", "weights") if getattr(seen, name, None) is not None]
    return f"import partwise\n\nmodel = partwise.{study.model!r}.fit({', '.join([data, *more])})"
