"""The targets: time to scikit-learn's answer, from the same start, beside the ratios that are asked for."""

from collections.abc import Iterator
from typing import Any

from benchmarks.measure import Line
from benchmarks.problems import PROBLEMS
from benchmarks.processes import Request, ask
from benchmarks.records import Record
from benchmarks.search import MOST
from benchmarks.tables import count, failure, geometric_mean, median_of, number, table

REQUIRED = {
    "orl": {"float64": 8, "float32": 14},
    "cbcl": {"float64": 8, "float32": 12},
    "fashion": {"float64": 20, "float32": 35},
    "news": {"float64": 18, "float32": 30},
    "dblp": {"float64": 8, "float32": 12},
    "jasper": {"float64": 6, "float32": 8},
    "pbmc": {"float64": 10, "float32": 18},
}
REQUIRED_MEAN = {"float64": 10, "float32": 18}
# The objectives to reach, as multiples of scikit-learn's.
NEAR, SAME = 1.001, 1.0


def measure_targets(problem: str, dtypes: list[str], seed: int) -> Iterator[dict[str, Any]]:
    """A record for each dtype; scikit-learn in float64 is run once, before them, for all."""

    def fit(program: str, dtype: str, max_iter: int | None = None, tol: float | None = None) -> Line:
        request: Request = {"program": program, "problem": problem, "dtype": dtype, "seed": seed}
        return ask("measure", {**request, "limits": [[max_iter, tol]], "budget": 600})[0]

    baseline = fit("scikit-learn cd", "float64")
    if "failure" in baseline:
        return
    objectives = [NEAR * baseline["objective"], SAME * baseline["objective"]]
    for dtype in dtypes:
        own = baseline if dtype == "float64" else fit("scikit-learn cd", dtype)
        found = ask("search", {"problem": problem, "dtype": dtype, "seed": seed, "objectives": objectives})
        near, same = [fit("partwise", dtype, line["max_iter"], 0.0) if line.get("max_iter") else line for line in found]
        default = fit("partwise", dtype)
        key = {"problem": problem, "dtype": dtype, "seed": seed}
        yield {**key, "baseline": baseline, "own": own, "near": near, "same": same, "default": default}


# -- the page ------------------------------------------------------------------------------------------------------

_REACH = [
    "data",
    "k",
    "dtype",
    "seeds",
    "scikit-learn s (its float32)",
    "partwise s to 1.001 ×",
    "iterations",
    "**ratio**",
    "asked for",
    "met",
    "partwise s to 1.0 ×",
    "iterations",
    "ratio",
]
_DEFAULTS = [
    "data",
    "dtype",
    "scikit-learn s",
    "partwise s",
    "ratio",
    "iterations, scikit-learn / partwise",
    "worst objective ratio",
    "extra memory MiB, scikit-learn / partwise",
]
_INTRODUCTION = """\
scikit-learn's `NMF` runs with its defaults in float64 from `init="custom"` to its own end (at most 200 iterations).
Then partwise's `NMF` runs from the same start: everything at its default, `tol=0` and the fewest `max_iter` whose
result reaches 1.001 × scikit-learn's objective, or that objective itself. The search for it is not timed. Times are of
whole `fit_transform` calls, each in a fresh process after a fit of 300 rows that loads libraries and kernels; short
calls are made three times and the median counts. Ratios are medians over the seeds of scikit-learn's float64 time /
partwise's time, of pairs from one run, for both dtypes. Objectives are measured in float64 on the returned pair."""


def targets_page(records: list[Record]) -> str:
    """Both tables, without the heading."""
    rows = _rows(records)
    return "\n\n".join(
        [
            _INTRODUCTION,
            "## Time to the same answer",
            table(_REACH, [_reach_row(*row) for row in rows] + _means(rows)),
            "## Defaults beside defaults",
            "Both with their default `tol` and `max_iter`. The objective ratio is the largest over the seeds of "
            "partwise's objective / scikit-learn's in float64 (below 1 partwise ends lower).",
            table(_DEFAULTS, [_default_row(*row) for row in rows]),
        ]
    )


Row = tuple[str, str, list[Record]]


def _rows(records: list[Record]) -> list[Row]:
    """Problem, dtype and the records of all seeds, in the order of the issue."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record["problem"], record["dtype"]), []).append(record)
    order = {name: i for i, name in enumerate(PROBLEMS)}
    return [(*key, groups[key]) for key in sorted(groups, key=lambda key: (order[key[0]], key[1] == "float32"))]


def _reach_row(problem: str, dtype: str, records: list[Record]) -> list[str]:
    asked = REQUIRED.get(problem, {}).get(dtype)
    ratio = _ratio(records, "near")
    baseline = number(median_of(records, "baseline", "seconds"))
    own = number(median_of(records, "own", "seconds"))
    return [
        PROBLEMS[problem].title,
        str(PROBLEMS[problem].k),
        dtype,
        str(len(records)),
        f"{baseline} ({own})" if dtype == "float32" else baseline,
        *_time_cells(records, "near"),
        f"**{number(ratio)}**",
        "" if asked is None else f"≥ {asked}",
        "" if asked is None else _met(ratio, asked),
        *_time_cells(records, "same"),
        number(_ratio(records, "same")),
    ]


def _time_cells(records: list[Record], which: str) -> list[str]:
    missed = [record for record in records if "seconds" not in record[which]]
    if missed:
        return [failure(missed[0][which]) or _missed(missed, which, len(records)), "–"]
    return [number(median_of(records, which, "seconds")), count(median_of(records, which, "n_iter"))]


def _missed(missed: list[Record], which: str, seeds: int) -> str:
    nearest = max(record[which]["objective"] / record["baseline"]["objective"] for record in missed)
    return f"not on {len(missed)} of {seeds} seeds: {nearest:.5f} × after {MOST} iterations"


def _ratio(records: list[Record], which: str) -> float | None:
    """The median of the pairs; None where a seed did not get there."""
    return median_of([{which: {"ratio": _pair(record, which)}} for record in records], which, "ratio")


def _pair(record: Record, which: str) -> float | None:
    seconds = record[which].get("seconds")
    return None if seconds is None else float(record["baseline"]["seconds"] / seconds)


def _met(ratio: float | None, asked: float) -> str:
    return "yes" if ratio is not None and ratio >= asked else "no"


def _means(rows: list[Row]) -> list[list[str]]:
    """A line for each dtype, over the problems with a target: the mean of all of them, or of how many."""
    lines = []
    for dtype, asked in REQUIRED_MEAN.items():
        ratios = [_ratio(records, "near") for problem, kind, records in rows if kind == dtype and problem in REQUIRED]
        if not ratios or None in ratios:
            continue
        mean = geometric_mean([ratio for ratio in ratios if ratio])
        whole = "geometric mean" if len(ratios) == len(REQUIRED) else f"geometric mean of {len(ratios)}"
        cells = [whole, "", dtype, *[""] * 4, f"**{number(mean)}**", f"≥ {asked}", _met(mean, asked), "", "", ""]
        lines.append(cells)
    return lines


def _default_row(problem: str, dtype: str, records: list[Record]) -> list[str]:
    title = PROBLEMS[problem].title
    failed = [failure(record["default"]) for record in records if "failure" in record["default"]]
    if failed:
        return [title, dtype, "", failed[0], *[""] * 4]
    worst = max(record["default"]["objective"] / record["baseline"]["objective"] for record in records)

    def both(name: str) -> str:
        return " / ".join(count(median_of(records, part, name)) for part in ("baseline", "default"))

    return [
        title,
        dtype,
        number(median_of(records, "baseline", "seconds")),
        number(median_of(records, "default", "seconds")),
        f"**{number(_ratio(records, 'default'))}**",
        both("n_iter"),
        f"{worst:.5f}",
        both("extra_mib"),
    ]
