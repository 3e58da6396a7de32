"""The gallery: each part as a picture, as bars with names, or as a strip."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from partwise.plot import _measures as measures
from partwise.plot import _style
from partwise.plot._parts import picture_values
from partwise.report import _words as words
from partwise.report._payload import BINS, picture_factor
from partwise.report._pictures import grey_png, shrink, strip_png
from partwise.report._study import Study

Context: TypeAlias = dict[str, Any]

CARDS = 240
BARS = 10


def part_cards(study: Study) -> list[Context]:
    """What the template needs of each part, of the first 240."""
    show = {"image": _picture_card, "names": _bar_card, "values": _strip_card}[study.look]
    return [
        {
            "part": part,
            "label": study.labels[part],
            "share": words.percent(float(study.shares[part])),
            "sparseness": _sparseness(float(study.sparseness[part])),
            **show(study, part),
        }
        for part in range(min(len(study.H), CARDS))
    ]


def _sparseness(score: float) -> str:
    return "–" if np.isnan(score) else f"{score:.2f}"


def gallery_columns(k: int) -> int:
    """Between 6 and 9 pictures a line, whichever leaves the fewest gaps in the last; the more of equals."""
    return min(range(9, 5, -1), key=lambda columns: -k % columns)


def _picture_card(study: Study, part: int) -> Context:
    shape = study.layout.shape or ()
    small = shrink(study.H[part], shape, picture_factor(study, 0))[0]
    return {"picture": grey_png(picture_values(small, small.shape)), "width": small.shape[1], "height": small.shape[0]}


def _bar_card(study: Study, part: int) -> Context:
    weights, names = study.H[part], study.column_names or ()
    top = measures.strongest(weights, BARS)
    bars = [
        {"name": names[j], "width": float(weights[j] / weights[top[0]]), "value": words.weight(float(weights[j]))}
        for j in top
    ]
    return {"bars": bars, "own": _own_columns(study, part) if study.layout.kind == "table" else []}


def _own_columns(study: Study, part: int) -> list[tuple[str, str]]:
    """The columns that owe the largest shares to this part."""
    shares, names = study.column_shares[part], study.column_names or ()
    return [(names[j], words.percent(float(shares[j]))) for j in measures.strongest(shares, 3)]


def _strip_card(study: Study, part: int) -> Context:
    values = measures.bin_rows(study.H[part], BINS)
    peaks = [f"{column}" for column in measures.strongest(study.H[part], 3)]
    return {"strip": {theme.name: strip_png(values, theme) for theme in (_style.LIGHT, _style.DARK)}, "peaks": peaks}
