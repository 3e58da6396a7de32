"""What the data show: errors by row and column, samples, clusters."""

from __future__ import annotations

from functools import partial

import numpy as np

from partwise.plot import _errors, _memberships
from partwise.plot import _measures as measures
from partwise.plot import _view as view
from partwise.plot._loss import Measure
from partwise.report import _facts as facts
from partwise.report import _words as words
from partwise.report._cards import Context
from partwise.report._figures import Drawing, drawing
from partwise.report._payload import most_rows, payload, shown
from partwise.report._samples import Sample, choose, sentence
from partwise.report._study import Rows, Study


def row_context(study: Study, rows: Rows) -> Context:
    """What the template needs of the data."""
    samples = choose(rows, most_rows(rows))
    noun = facts.row_noun(study.layout)
    return {
        **_desk(study, rows, samples, noun),
        "error": words.error(rows.residuals.rows.error, rows.measure),
        "gaps": bool(rows.view.block.survey.missing),
        "row_drawing": _row_drawing(rows),
        "row_list": _row_list(rows, samples),
        "zero_rows": int(rows.residuals.rows.empty.sum()),
        "unseen_rows": int(rows.residuals.rows.unseen.sum()),
        "column_drawing": _column_drawing(study, rows),
        "column_list": _column_list(study, rows),
        "zero_columns": int(rows.residuals.columns.empty.sum()),
        "unseen_columns": int(rows.residuals.columns.unseen.sum()),
        "clusters": _clusters(study, rows, samples),
        "leaderless": int((rows.dominant < 0).sum()),
        "followerless": len(study.H) - len(np.unique(rows.dominant[rows.dominant >= 0])),
        "median_lead": words.percent(float(np.median(rows.mixture.max(axis=1)))),
        "even_split": words.percent(1 / len(study.H)),
        "memberships": drawing(
            partial(_memberships.draw_memberships, rows.mixture, None),
            "memberships",
            f"Heat map: share of each part in each {noun}, ordered by dominant part.",
        ),
    }


def _desk(study: Study, rows: Rows, samples: list[Sample], noun: str) -> Context:
    """The rows to mix; ``payload`` is None where there are none."""
    if not samples:
        return {"payload": None}
    detail = shown(study, rows, samples)
    return {
        "sample_sentence": sentence(rows, samples, noun),
        "detail": detail.note,
        "payload": payload(study, rows, samples, detail),
    }


def _row_drawing(rows: Rows) -> Drawing:
    return drawing(
        partial(_errors.draw_row_errors, rows.residuals.rows.errors, rows.measure, None),
        "row-errors",
        f"Histogram: {_plural(rows.measure)} of the rows, with their median.",
    )


def _column_drawing(study: Study, rows: Rows) -> Drawing:
    columns, measure = rows.residuals.columns, rows.measure
    if study.layout.shape is not None:
        draw = partial(_errors.draw_pixel_errors, columns.means, study.layout.shape, measure, None)
        what = "root mean square error" if measure.relative else measure.name
        return drawing(draw, "column-errors", f"Picture: {what} of each pixel.")
    draw = partial(_errors.draw_column_errors, columns.errors, measure, None)
    return drawing(draw, "column-errors", f"Histogram: {_plural(measure)} of the columns, with their median.")


def _plural(measure: Measure) -> str:
    return "relative errors" if measure.relative else "divergences per entry"


def _row_list(rows: Rows, samples: list[Sample]) -> list[Context]:
    """Best, middle and worst rows, which the sample chooser offers too."""
    errors, places = rows.residuals.rows.errors, {sample.row: place for place, sample in enumerate(samples)}
    known = rows.by_error
    ranks = {0: "best", 1: "best", (len(known) - 1) // 2: "middle", len(known) - 2: "worst", len(known) - 1: "worst"}
    return [
        {
            "which": ranks[rank],
            "name": rows.view.row_name(int(row)),
            "error": words.error(float(errors[row]), rows.measure),
            "sample": places.get(int(row)),
        }
        for rank, row in enumerate(known)
        if rank in ranks
    ]


def _column_list(study: Study, rows: Rows) -> list[Context]:
    """The columns that lose most: largest share of the whole loss."""
    if study.look == "image":
        return []
    side = rows.residuals.columns
    lost, errors, total = side.lost, side.errors, side.lost.sum()
    return [
        {
            "name": view.name_of(study.column_names, int(column), "column"),
            "error": words.error(float(errors[column]), rows.measure),
            "lost": words.percent(float(lost[column] / total)),
        }
        for column in measures.strongest(lost, 5)
    ]


def _clusters(study: Study, rows: Rows, samples: list[Sample]) -> list[Context]:
    sizes = np.bincount(rows.dominant[rows.dominant >= 0], minlength=len(study.H))
    places = {sample.row: place for place, sample in enumerate(samples)}
    return [
        {
            "part": part,
            "label": study.labels[part],
            "size": words.count(int(size)),
            "share": words.proportion(int(size), len(rows.dominant)),
            "width": float(size / max(sizes.max(), 1)),
            "typical": None if row is None else rows.view.row_name(row),
            "sample": None if row is None else places.get(row),
        }
        for part, size in enumerate(sizes)
        if size
        for row in [rows.typical(part)]
    ]
