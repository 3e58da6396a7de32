"""The pictures: objective against time, and growth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from benchmarks.curves import best_objectives
from benchmarks.growth import TITLES, axes, exponent, points
from benchmarks.problems import PROBLEMS
from benchmarks.programs import PROGRAMS
from benchmarks.records import Record

# Okabe and Ito's colours, which people with any colour vision tell apart, and a marker each for those who print.
_COLOURS = ["#000000", "#D55E00", "#0072B2", "#56B4E9", "#999999", "#CC79A7", "#E69F00", "#009E73", "#7A5195"]
_MARKERS = ["", "o", "s", "^", "x", "D", "v", "P", "*"]
# What cannot be seen on a logarithmic axis: the best point itself.
_LEAST = 1e-5
# What is farther above is of no interest.
_MOST = 3.0


def draw_curves(problem: str, records: Sequence[Record], path: Path) -> None:
    """How far each program is above the best objective, against the seconds of the whole call."""
    best = best_objectives(records)
    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    axis = figure.subplots()
    for record in sorted(records, key=lambda record: list(PROGRAMS).index(record["program"])):
        if record["points"] and record["program"] != "null":
            _draw_curve(axis, record, best[record["seed"]])
    axis.set(xscale="log", yscale="log", xlabel="seconds of the whole call (2 threads)")
    axis.set(ylabel="objective above the best", title=f"{PROBLEMS[problem].title}, k = {PROBLEMS[problem].k}")
    axis.set_ylim(_LEAST * 0.8, _MOST)
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    for excess in (0.05, 0.01, 0.001):
        axis.axhline(excess, color="#bbbbbb", linewidth=0.8, zorder=0)
        axis.annotate(f"{1 + excess:g} ×", (1, excess), xycoords=("axes fraction", "data"), xytext=(3, -3),
                      textcoords="offset points", fontsize=8, color="#666666")  # fmt: skip
    figure.legend(loc="outside right upper", frameon=False, fontsize=9)
    _save(figure, path)


def _draw_curve(axis: Any, record: Record, best: float) -> None:
    place = list(PROGRAMS).index(record["program"])
    seconds = [point["seconds"] for point in record["points"]]
    excess = [max(point["objective"] / best - 1, _LEAST) for point in record["points"]]
    label = record["program"] + (" float32" if record["dtype"] == "float32" else "")
    style = {"color": _COLOURS[place], "marker": _MARKERS[place], "linestyle": _line(record["dtype"])}
    axis.plot(seconds, excess, markersize=4, linewidth=2.2 if record["program"] == "partwise" else 1.2,
              label=label if record["seed"] == 0 else None, **style)  # fmt: skip


def _line(dtype: str) -> str:
    return "--" if dtype == "float32" else "-"


def draw_growth(records: list[Record], path: Path) -> None:
    """Seconds per iteration against size, with the fitted exponent."""
    figure = Figure(figsize=(7, 4.4), layout="constrained")
    axis = figure.subplots()
    for place, name in enumerate(axes(records), start=1):
        label = f"{TITLES[name]}: exponent {exponent(records, name):.2f}"
        axis.plot(*points(records, name), color=_COLOURS[place], marker=_MARKERS[place], label=label)
    axis.set(xscale="log", yscale="log", xlabel="rows, or stored entries", ylabel="seconds per iteration")
    axis.grid(True, color="#dddddd", linewidth=0.6)
    figure.legend(loc="outside upper left", frameon=False)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
