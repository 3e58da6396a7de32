"""From a model and its data to the HTML page."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

from partwise.plot import _convergence, _style
from partwise.report import _facts as facts
from partwise.report import _words as words
from partwise.report._cards import Context, gallery_columns, part_cards
from partwise.report._evidence import row_context
from partwise.report._figures import Drawing, drawing
from partwise.report._study import Study
from partwise.report._template import write_page

SECTIONS = {
    "data": "Data",
    "fit": "Fit",
    "parts": "Parts",
    "samples": "Samples",
    "clusters": "Clusters",
    "provenance": "Provenance",
}


def write_report(
    model: Any,
    path: str | Path,
    data: Any = None,
    *,
    mask: Any = None,
    weights: Any = None,
    command: str | None = None,
    title: str | None = None,
) -> Path:
    """Write one self-contained HTML page that shows what the model found.

    The page says what was factorised, how well, what the parts are, how a sample is made of them (with sliders that
    remix it), which clusters the coefficients imply, and how to repeat it. It loads nothing from anywhere; a Content
    Security Policy forbids it to. Of large data it carries at most 60 rows and about 3 MB of values, and says which.

    Parameters
    ----------
    model : NMF
        A fitted model.
    path : str or Path
        The file to write. An old one is replaced only when the new one is complete.
    data : Dataset, array, sparse matrix, frame of shape (n_samples, n_features) or None, default=None
        The rows to show; their coefficients are ``model.transform(data)``. None leaves out what needs them, since a
        model keeps no data. Where the model remembers other data (one fitted by the command does), the page says so.
    mask, weights : default=None
        As for ``NMF.fit``, of the shape of the data; errors count what is observed, as much as it weighs.
    command : str or None, default=None
        The command that made the model, printed under Provenance; None prints the one that the model remembers, or
        the Python lines that repeat the fit.
    title : str or None, default=None
        Heading of the page; None names the number of parts and the source.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    DataError
        If the data have other columns than the model.
    FileError
        If the file cannot be written.
    MissingExtraError
        If matplotlib or Jinja2 is not installed.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from partwise import NMF
    >>> from partwise.report import write_report
    >>> X = np.random.default_rng(0).random((20, 12))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(NMF(3, random_state=0).fit(X), f"{folder}/report.html", X).name
    'report.html'
    """
    return write_page(path, "report.html.j2", _context(Study.of(model, data, mask, weights), command, title))


def _context(study: Study, command: str | None, title: str | None) -> Context:
    return {
        "title": title or _title(study),
        "noun": facts.row_noun(study.layout),
        "look": study.look,
        "sections": SECTIONS,
        "fit": _fit(study),
        "measure": study.measure,
        "convergence": _convergence_drawings(study.model),
        "parts": part_cards(study),
        "gallery_columns": gallery_columns(len(study.H)),
        "k": len(study.H),
        "n": study.H.shape[1],
        "parameters": facts.parameters(study.model),
        "versions": list(study.model.versions_.items()),
        "date": facts.today(),
        "command": facts.repeat_command(study, command),
        "facts": facts.data_facts(study),
        "rows": None if study.rows is None else row_context(study, study.rows),
    }


def _title(study: Study) -> str:
    what = words.plural(len(study.H), "part")
    name = Path(study.source).name or study.source
    return f"{what} of {name}" if name else what


def _fit(study: Study) -> Context:
    model = study.model
    empty = model.relative_error_ == 0 and not model.shares_.any()  # exact without parts: the data are zero
    error = math.nan if empty else float(model.relative_error_)
    lost = float(model.reconstruction_err_) ** 2 / (1.0 if study.measure.relative else 2.0)
    return {
        "empty": empty,
        "error": words.percent(error),
        "explained": words.percent(1 - error**2),
        "lost": words.weight(lost) if lost < 1e4 else words.count(round(lost)),
        "each": words.weight(_each(study, lost)),
        "weighted": study.weighted,
        "missing": bool(getattr(model, "n_missing_", 0)),
        "iterations": words.count(int(model.n_iter_)),
        "seconds": words.seconds(float(model.history_["seconds"][-1])),
        "status": model.status_.value,
        "sentence": model.status_.sentence,
        "reason": model.stop_reason_,
    }


def _each(study: Study, lost: float) -> float:
    """What an observed entry lost on average in the fit; for divergences with weights, what one weight did."""
    if study.measure.relative or not study.weighted:
        return lost / study.observed if study.observed else math.nan
    known = study.rows is not None and not study.shows_other_rows
    return study.rows.residuals.rows.error if known and study.rows else math.nan


def _convergence_drawings(model: Any) -> list[Drawing]:
    labels = {
        "objective": "Line chart: the objective, as a share of its first value, against seconds.",
        "optimality": "Line chart: the optimality residual, with the tolerance, against seconds.",
    }
    return [
        drawing(partial(_draw_convergence, model, measure), f"convergence-{measure}", label)
        for measure, label in labels.items()
    ]


def _draw_convergence(model: Any, measure: Any, theme: _style.Theme) -> Any:
    return _convergence.convergence(model, measure=measure, theme=theme.name)
