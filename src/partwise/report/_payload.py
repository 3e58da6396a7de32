"""What the remix script reads: a bounded selection of rows and the parts, as plain JSON."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse

from partwise.plot import _measures as measures
from partwise.plot import _view as view
from partwise.report import _words as words
from partwise.report._pictures import shrink
from partwise.report._samples import Sample
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


def _dense_rows(X: Any, chosen: list[int], columns: Any = slice(None)) -> measures.Floats:
    return np.array([view.row_values(X, row)[columns] for row in chosen])


def picture_factor(study: Study, rows: int) -> int:
    """The smallest whole factor by which pictures must shrink to keep to the budget."""
    octets = (len(study.H) + rows) * study.H.shape[1]
    return max(1, int(np.ceil(np.sqrt(octets / BUDGET))))


def _pictures(study: Study, rows: Rows, chosen: list[int]) -> Shown:
    shape, factor = study.layout.shape or (), picture_factor(study, len(chosen))
    parts = shrink(study.H, shape, factor)
    samples = shrink(_dense_rows(rows.dataset.X, chosen), shape, factor)
    note = f"Pictures are shown at 1/{factor} of their size." if factor > 1 else ""
    return Shown(_flat(parts), _flat(samples), shape=parts.shape[1:], note=note)


def _flat(pictures: measures.Floats) -> measures.Floats:
    return pictures.reshape(len(pictures), -1)


def _named(study: Study, rows: Rows, chosen: list[int]) -> Shown:
    names, X = study.column_names or (), rows.dataset.X
    if len(names) <= ALL_COLUMNS and study.layout.kind != "text":
        largest = X.max(axis=0).toarray() if sparse.issparse(X) else X.max(axis=0)
        return Shown(study.H, _dense_rows(X, chosen), names=names, tops=np.asarray(largest, dtype=np.float64).ravel())
    kept = _leading_columns(study, rows, chosen)
    note = "" if len(kept) == len(names) else (
        f"The bars choose among the {words.count(len(kept))} columns that lead a part, one of these rows, "
        f"or its reconstruction; errors count all {words.count(len(names))}."
    )
    samples = _dense_rows(X, chosen, kept)
    return Shown(study.H[:, kept], samples, names=tuple(names[column] for column in kept), note=note)


def _leading_columns(study: Study, rows: Rows, chosen: list[int]) -> measures.Ints:
    """Columns among the strongest of a part, a chosen row or its reconstruction, as many as the budget allows."""
    vectors = [*study.H, *(view.row_values(rows.dataset.X, row) for row in chosen), *(rows.W[chosen] @ study.H)]
    per_column = 4 * (len(study.H) + len(chosen))
    for count in TERMS:
        kept = np.unique(np.concatenate([measures.strongest(vector, count) for vector in vectors]))
        if len(kept) * per_column <= BUDGET:
            break
    return kept[: BUDGET // per_column]


def _binned(study: Study, rows: Rows, chosen: list[int]) -> Shown:
    n = study.H.shape[1]
    parts, samples = (
        measures.bin_rows(values.T, BINS).T for values in (study.H, _dense_rows(rows.dataset.X, chosen))
    )
    note = f"{words.count(n)} columns are shown as {BINS} means of neighbours." if n > BINS else ""
    return Shown(parts, samples, note=note)


def payload(study: Study, rows: Rows, samples: list[Sample], detail: Shown, labels: list[str]) -> JSON:
    """The JSON of the page. Errors of any mix are exact over all columns: ‖x − wH‖² = ‖x‖² − 2 w·(H xᵀ) + w (H Hᵀ) wᵀ."""
    pictures = study.look == "image"
    top = max(float(detail.samples.max(initial=0.0)), 1e-300)
    return {
        "look": study.look,
        "shape": detail.shape,
        "names": detail.names,
        "tops": None if detail.tops is None else detail.tops.tolist(),
        "labels": labels,
        "parts": [_encoded(part, pictures, float(part.max(initial=0.0))) for part in detail.parts],
        "sums": study.H.sum(axis=1).tolist(),
        "gram": (study.H @ study.H.T).tolist(),
        "top": top,
        "samples": [
            _sample(rows, sample, _encoded(values, pictures, top), study.H)
            for sample, values in zip(samples, detail.samples, strict=True)
        ],
    }


def _sample(rows: Rows, sample: Sample, values: JSON, H: measures.Floats) -> JSON:
    x = view.row_values(rows.dataset.X, sample.row)
    return {
        "row": sample.row,
        "name": rows.name(sample.row),
        "group": sample.group,
        "weights": rows.W[sample.row].tolist(),
        "cross": (H @ x).tolist(),
        "size": float(x @ x),
        "values": values,
    }


def _encoded(values: measures.Floats, eight_bits: bool, top: float) -> JSON:
    """Base64 of bytes from 0 to ``top``, or of float32; value = stored number × scale."""
    if not eight_bits:
        return {"scale": 1.0, "data": _base64(values.astype("<f4"))}
    scale = (top or 1.0) / 255
    return {"scale": scale, "data": _base64(np.rint(np.clip(values / scale, 0, 255)).astype(np.uint8))}


def _base64(values: Any) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")
