"""From a model and its data to the HTML page."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import asdict
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from partwise._optional import require
from partwise.io.atomic import atomic_write
from partwise.plot import _convergence, _errors, _memberships, _style
from partwise.plot import _measures as measures
from partwise.plot import _view as view
from partwise.plot._parts import picture_values
from partwise.report import _facts as facts
from partwise.report import _words as words
from partwise.report._figures import Drawing, drawing
from partwise.report._payload import BINS, payload, picture_factor, shown
from partwise.report._pictures import grey_png, shrink, strip_png
from partwise.report._samples import Sample, choose, sentence
from partwise.report._study import Rows, Study

CARDS = 240
BARS = 10

Context = dict[str, Any]


def write_report(
    model: Any, path: str | Path, data: Any = None, *, command: str | None = None, title: str | None = None
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
        model keeps no data.
    command : str or None, default=None
        The command that made the model, printed under Provenance; None prints the Python lines that repeat the fit.
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
    page = _render(_context(Study.of(model, data), command, title))
    with atomic_write(Path(path)) as beside:
        Path(beside).write_text(page, encoding="utf-8")
    return Path(path)


def _render(context: Context) -> str:
    jinja2 = require("jinja2", "report", "Writing a report")
    folder = files("partwise.report") / "templates"
    texts = {name: (folder / name).read_text(encoding="utf-8") for name in ("report.html.j2", "style.css", "report.js")}
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(texts),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    markup = require("markupsafe", "report", "Writing a report").Markup
    digest = base64.b64encode(hashlib.sha256(texts["report.js"].encode()).digest()).decode("ascii")
    page: str = environment.get_template("report.html.j2").render(
        context, css=markup(texts["style.css"]), script=markup(texts["report.js"]), script_hash=f"sha256-{digest}"
    )
    return page


def _context(study: Study, command: str | None, title: str | None) -> Context:
    rows, layout = study.rows, study.layout
    source = rows.dataset.source if rows else ""
    labels = _labels(study)
    context = {
        "title": title or _title(study, source),
        "noun": facts.row_noun(layout),
        "look": study.look,
        "themes": {theme.name: asdict(theme) for theme in (_style.LIGHT, _style.DARK)},
        "fit": _fit(study.model),
        "convergence": _convergence_drawings(study.model),
        "parts": _part_cards(study, labels),
        "k": len(study.H),
        "n": study.H.shape[1],
        "parameters": facts.parameters(study.model),
        "versions": facts.versions(),
        "date": facts.today(),
        "command": facts.repeat_command(study.model, source, command),
        "rows": None,
    }
    if rows is None:
        return {**context, "facts": facts.model_facts(layout, study.H.shape[1], study.column_names)}
    return {**context, "facts": facts.data_facts(rows.dataset), "rows": _row_context(study, rows, labels)}


def _title(study: Study, source: str) -> str:
    what = words.plural(len(study.H), "part")
    name = Path(source).name or source
    return f"{what} of {name}" if name else what


def _fit(model: Any) -> Context:
    error = float(model.relative_error_)
    return {
        "error": words.percent(error),
        "explained": words.percent(1 - error**2),
        "iterations": words.plural(int(model.n_iter_), "iteration"),
        "seconds": words.seconds(float(model.history_["seconds"][-1])),
        "status": model.status_.value,
        "sentence": model.status_.sentence,
    }


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


def _labels(study: Study) -> list[str]:
    """A few words for each part, where columns have names."""
    if study.look != "names" or study.column_names is None:
        return [""] * len(study.H)
    names = study.column_names
    return [", ".join(names[column] for column in measures.strongest(part, 3)) for part in study.H]


def _part_cards(study: Study, labels: list[str]) -> list[Context]:
    show = {"image": _picture_card, "names": _bar_card, "values": _strip_card}[study.look]
    return [
        {
            "part": part,
            "label": labels[part],
            "share": words.percent(float(study.shares[part])),
            "sparseness": words.number(round(float(study.sparseness[part]), 2), 2),
            **show(study, part),
        }
        for part in range(min(len(study.H), CARDS))
    ]


def _picture_card(study: Study, part: int) -> Context:
    shape = study.layout.shape or ()
    small = shrink(study.H[part], shape, picture_factor(study, 0))[0]
    return {"picture": grey_png(picture_values(small, small.shape)), "width": small.shape[1], "height": small.shape[0]}


def _bar_card(study: Study, part: int) -> Context:
    weights, names = study.H[part], study.column_names or ()
    top = measures.strongest(weights, BARS)
    bars = [
        {"name": names[column], "width": float(weights[column] / weights[top[0]]), "value": words.number(weights[column], 3)}
        for column in top
    ]
    own = measures.strongest(study.column_shares[part], 3) if study.layout.kind == "table" else []
    return {"bars": bars, "own": [(names[column], words.percent(study.column_shares[part, column])) for column in own]}


def _strip_card(study: Study, part: int) -> Context:
    values = measures.bin_rows(study.H[part], BINS)
    peaks = [f"{column}" for column in measures.strongest(study.H[part], 3)]
    return {"strip": {theme.name: strip_png(values, theme) for theme in (_style.LIGHT, _style.DARK)}, "peaks": peaks}


def _row_context(study: Study, rows: Rows, labels: list[str]) -> Context:
    samples = choose(rows)
    detail = shown(study, rows, samples)
    noun = facts.row_noun(study.layout)
    return {
        "source": rows.dataset.source,
        "error": words.percent(rows.residuals.relative),
        "row_drawing": _row_drawing(rows),
        "row_list": _row_list(rows, samples),
        "zero_rows": int(np.isnan(rows.residuals.by_row).sum()),
        "column_drawing": _column_drawing(study, rows),
        "column_list": _column_list(study, rows),
        "zero_columns": int(np.isnan(rows.residuals.by_column).sum()),
        "sample_sentence": sentence(rows, samples, noun),
        "detail": detail.note,
        "payload": payload(study, rows, samples, detail, labels),
        "clusters": _clusters(rows, labels, samples),
        "leaderless": int((rows.dominant < 0).sum()),
        "median_lead": words.percent(float(np.median(rows.mixture.max(axis=1)))),
        "even_split": words.percent(1 / len(study.H)),
        "memberships": drawing(
            partial(_memberships.draw_memberships, rows.mixture, None),
            "memberships",
            f"Heat map: share of each part in each {noun}, ordered by dominant part.",
        ),
    }


def _row_drawing(rows: Rows) -> Drawing:
    return drawing(
        partial(_errors.draw_row_errors, rows.residuals.by_row, None),
        "row-errors",
        "Histogram: relative errors of the rows, with their median.",
    )


def _column_drawing(study: Study, rows: Rows) -> Drawing:
    if study.layout.shape is not None:
        errors = np.sqrt(rows.residuals.column_errors / len(rows.W))
        draw = partial(_errors.draw_pixel_errors, errors, study.layout.shape, None)
        return drawing(draw, "column-errors", "Picture: root mean square error of each pixel.")
    draw = partial(_errors.draw_column_errors, rows.residuals.by_column, None)
    return drawing(draw, "column-errors", "Histogram: relative errors of the columns, with their median.")


def _row_list(rows: Rows, samples: list[Sample]) -> list[Context]:
    """Best, middle and worst rows, which the sample chooser offers too."""
    errors, places = rows.residuals.by_row, {sample.row: place for place, sample in enumerate(samples)}
    known = np.argsort(errors, kind="stable")[: int(np.isfinite(errors).sum())]
    chosen = zip(("best", "middle", "worst"), known[[0, (len(known) - 1) // 2, -1]], strict=True) if len(known) else ()
    return [
        {"which": which, "name": rows.name(int(row)), "error": words.percent(errors[row]), "sample": places.get(int(row))}
        for which, row in chosen
    ]


def _column_list(study: Study, rows: Rows) -> list[Context]:
    """The columns that lose most: largest share of the whole squared error."""
    if study.look == "image":
        return []
    lost, total = rows.residuals.column_errors, rows.residuals.column_errors.sum()
    relative = rows.residuals.by_column
    return [
        {
            "name": view.name_of(study.column_names, int(column), "column"),
            "error": words.percent(relative[column]),
            "lost": words.percent(lost[column] / total),
        }
        for column in measures.strongest(lost, 5)
    ]


def _clusters(rows: Rows, labels: list[str], samples: list[Sample]) -> list[Context]:
    sizes = np.bincount(rows.dominant[rows.dominant >= 0], minlength=len(labels))
    places = {sample.row: place for place, sample in enumerate(samples)}
    return [
        {
            "part": part,
            "label": labels[part],
            "size": words.count(int(size)),
            "share": words.percent(size / len(rows.dominant)),
            "width": float(size / max(sizes.max(), 1)),
            "typical": None if row is None else rows.name(row),
            "sample": None if row is None else places.get(row),
        }
        for part, size in enumerate(sizes)
        for row in [rows.typical(part)]
    ]
