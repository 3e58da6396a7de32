"""Markdown tables, and the numbers in them."""

from collections.abc import Sequence
from math import exp, log
from statistics import median
from typing import Any

Nested = dict[str, Any]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows))


def number(value: float | None) -> str:
    """Three digits that count, a dash for None."""
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def count(value: float | None) -> str:
    """A whole number, a dash for None."""
    return "–" if value is None else f"{value:.0f}"


def median_of(records: Sequence[Nested], part: str, name: str) -> float | None:
    """The median of a figure of all records; None where one of them lacks it."""
    values = [record[part].get(name) for record in records]
    return None if not values or None in values else float(median(value for value in values if value is not None))


def geometric_mean(values: Sequence[float]) -> float:
    """Of positive numbers."""
    return exp(sum(map(log, values)) / len(values))


def failure(line: Nested) -> str:
    """The reason why there is no figure, fit for a cell; empty where there is none."""
    return str(line.get("failure", "")).replace("|", "/")
