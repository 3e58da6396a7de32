"""What the remix script reads: a bounded selection of rows and the parts, as plain JSON."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from partwise.plot import _measures as measures
from partwise.report import _words as words
from partwise.report._pictures import shrink
from partwise.report._samples import LIMIT, Sample
from partwise.report._study import Rows, Study

JSON: TypeAlias = dict[str, Any]

BUDGET = 3_000_000  # bytes before base64: the page stays below 6 MB with its pictures
ALL_COLUMNS = 60
BINS = 1024
TERMS = (30, 20, 12, 6, 3)


@dataclass(frozen=True)
class Shown:
    """The parts and the chosen rows, in the detail that the page can carry, and a sentence about that detail."""

    parts: measures.Floats
    samples: measures.Floats
    shape: tuple[int, ...] | None = None
    names: tuple[str, ...] | None = None
    tops: measures.Floats | None = None
    note: str = ""


def shown(study: Study, rows: Rows, samples: list[Sample]) -> Shown:
    """Choose the detail: all of it where it fits, else smaller pictures, fewer names, means of neighbours."""
    choose = {"image": _pictures, "names": _named, "values": _binned}[study.look]
    return choose(study, rows, [sample.row for sample in samples])


def most_rows(rows: Rows) -> int:
    """How many rows the page can carry where each needs a Gram of its own."""
    k, view = rows.W.shape[1], rows.view
    own = view.block.survey.missing or np.ndim(view.weights) == 2
    return min(LIMIT, max(12, BUDGET // (2 * k * (k + 1)))) if own else LIMIT


def picture_factor(study: Study, rows: int) -> int:
    """The smallest whole factor by which pictures must shrink to keep to the budget."""
    octets = (len(study.H) + rows) * study.H.shape[1]
    return max(1, int(np.ceil(np.sqrt(octets / BUDGET))))


def _pictures(study: Study, rows: Rows, chosen: list[int]) -> Shown:
    shape, factor = study.layout.shape or (), picture_factor(study, len(chosen))
    parts, samples = shrink(_known_parts(study, rows), shape, factor), shrink(rows.view.rows(chosen), shape, factor)
    note = f"Pictures are shown at 1/{factor} of their size." if factor > 1 else ""
    return Shown(_flat(parts), _flat(samples), shape=parts.shape[1:], note=note)


def _flat(pictures: measures.Floats) -> measures.Floats:
    return pictures.reshape(len(pictures), -1)


def _named(study: Study, rows: Rows, chosen: list[int]) -> Shown:
    names = study.column_names or ()
    if len(names) <= ALL_COLUMNS and study.layout.kind != "text":
        largest = rows.view.block.T.rows(np.arange(len(names))).max(axis=1)
        return Shown(_known_parts(study, rows), rows.view.rows(chosen), names=names, tops=largest)
    kept = _leading_columns(study, rows, chosen)
    samples = np.array([rows.view.rows([row])[0, kept] for row in chosen])
    note = _columns_note(len(kept), len(names))
    return Shown(_known_parts(study, rows)[:, kept], samples, names=tuple(names[j] for j in kept), note=note)


def _known_parts(study: Study, rows: Rows) -> measures.Floats:
    """H, NaN in the columns of which nothing was ever observed: that the parts are zero there says nothing."""
    unknown = rows.residuals.columns.unseen & ~study.H.any(axis=0)
    return np.where(unknown, np.nan, study.H)


def _columns_note(kept: int, n: int) -> str:
    if kept == n:
        return ""
    return (
        f"The bars choose among the {words.count(kept)} columns that lead a part, one of these rows, "
        f"or its reconstruction; errors count all {words.count(n)}."
    )


def _leading_columns(study: Study, rows: Rows, chosen: list[int]) -> measures.Ints:
    """Columns among the strongest of a part, a chosen row or its reconstruction, as many as the budget allows."""
    vectors = [*study.H, *(rows.view.rows([row])[0] for row in chosen), *(rows.W[chosen] @ study.H)]
    leading = np.array([_padded(measures.strongest(vector, TERMS[0]), TERMS[0]) for vector in vectors])
    limit = BUDGET // (4 * (len(study.H) + len(chosen)))
    choices = (np.unique(leading[:, :count]) for count in TERMS)
    kept = next((columns for columns in choices if len(columns) <= limit), np.unique(leading[:, 0]))
    return kept[kept >= 0]


def _padded(columns: measures.Ints, count: int) -> measures.Ints:
    return np.concatenate([columns, np.full(count - len(columns), -1)])


def _binned(study: Study, rows: Rows, chosen: list[int]) -> Shown:
    n = study.H.shape[1]
    parts, samples = (
        measures.bin_rows(values.T, BINS).T for values in (_known_parts(study, rows), rows.view.rows(chosen))
    )
    note = f"{words.count(n)} columns are shown as {BINS} means of neighbours." if n > BINS else ""
    return Shown(parts, samples, note=note)


def payload(study: Study, rows: Rows, samples: list[Sample], detail: Shown) -> JSON:
    """The JSON of the page.

    Errors of any mix are exact over all columns, shown or not: ‖x − wH‖² = ‖x‖² − 2 w·(H xᵀ) + w (H Hᵀ) wᵀ. A row with
    missing or weighted entries has these products over its own weights.
    """
    pictures = study.look == "image"
    top = max(_largest(detail.samples), 1e-300)
    return {
        "look": study.look,
        "shape": detail.shape,
        "names": detail.names,
        "tops": None if detail.tops is None else detail.tops.tolist(),
        "labels": study.labels,
        "parts": [_encoded(part, pictures, _largest(part)) for part in detail.parts],
        "columns": study.H.shape[1],
        "sums": study.H.sum(axis=1).tolist(),
        "gram": (study.H @ study.H.T).tolist(),
        "top": top,
        "samples": [
            _sample(rows, sample, _encoded(values, pictures, top), study.H)
            for sample, values in zip(samples, detail.samples, strict=True)
        ],
    }


def _largest(values: measures.Floats) -> float:
    return float(np.max(values, where=np.isfinite(values), initial=0.0))


def _sample(rows: Rows, sample: Sample, values: JSON, H: measures.Floats) -> JSON:
    x, v = np.nan_to_num(rows.view.rows([sample.row])[0]), rows.view.weights_of([sample.row])[0]
    v = v / v.max()
    alike = bool((v == 1).all())
    return {
        "row": sample.row,
        "name": rows.view.row_name(sample.row),
        "group": sample.group,
        "told": None if rows.measure.relative else _told(rows, sample.row),
        "weights": rows.W[sample.row].tolist(),
        "cross": (H @ (v * x)).tolist(),
        "size": float((v * x) @ x),
        "gram": None if alike else _base64(_triangle((H * v) @ H.T).astype("<f4")),
        "observed": None if (v > 0).all() else int((v > 0).sum()),
        "values": values,
    }


def _told(rows: Rows, row: int) -> str:
    return f"{words.error(float(rows.residuals.rows.errors[row]), rows.measure)} per entry"


def _triangle(gram: measures.Floats) -> measures.Floats:
    """The rows of a symmetric matrix up to its diagonal, one after the other."""
    return gram[np.tril_indices(len(gram))]


def _encoded(values: measures.Floats, eight_bits: bool, top: float) -> JSON:
    """Base64 of bytes from 0 to ``top``, or of float32; value = stored number × scale. The byte ``gap`` is NaN."""
    if not eight_bits:
        return {"scale": 1.0, "data": _base64(values.astype("<f4"))}
    missing = np.isnan(values)
    last = 254 if missing.any() else 255
    scale = (top or 1.0) / last
    levels = np.rint(np.clip(np.where(missing, 0.0, values) / scale, 0, last))
    gap = {"gap": 255} if missing.any() else {}
    return {"scale": scale, "data": _base64(np.where(missing, 255, levels).astype(np.uint8)), **gap}


def _base64(values: Any) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")
