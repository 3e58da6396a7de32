"""Which rows the page carries: few, chosen the same way every time, and stated."""

from __future__ import annotations

from dataclasses import dataclass

from partwise.report._study import Rows

LIMIT, EACH = 60, 3


@dataclass(frozen=True)
class Sample:
    """A row and why it was chosen."""

    row: int
    group: str


def choose(rows: Rows, limit: int = LIMIT) -> list[Sample]:
    """At most ``limit`` rows: one typical of each part, then the best, the middle and the worst fitted.

    Parts come in the model's order; where the data have no more than ``limit`` rows, all of them follow. A row appears
    once, in its first group. The extremes keep their places when there are more parts than places. Of rows that are
    all zero there is none to choose.
    """
    if not rows.by_error.size:
        return []
    extremes = _extremes(rows)
    leaders = [rows.example(part) for part in range(rows.W.shape[1])]
    typical = [Sample(row, "Typical of a part") for row in leaders if row is not None]
    everyone = [Sample(row, "Others") for row in range(len(rows.W))] if len(rows.W) <= limit else []
    first: dict[int, Sample] = {}
    for sample in typical[: limit - len(extremes)] + extremes + everyone:
        first.setdefault(sample.row, sample)
    return list(first.values())


def _extremes(rows: Rows) -> list[Sample]:
    known = rows.by_error
    middle = max(0, (len(known) - EACH) // 2)
    groups = {
        "Best fitted": known[:EACH],
        "Middle": known[middle : middle + EACH],
        "Worst fitted": known[::-1][:EACH],
    }
    return [Sample(int(row), group) for group, chosen in groups.items() for row in chosen]


def sentence(rows: Rows, samples: list[Sample], noun: str) -> str:
    """How the rows were chosen."""
    m = len(rows.W)
    if len(samples) == m:
        return f"All {m} {noun}s are here." if m > 1 else f"The one {noun} is here."
    return (
        f"{len(samples)} of {m} {noun}s are here: for each part the {noun} that owes it the largest share, "
        f"and {EACH} each of the best, the middle and the worst fitted."
    )
