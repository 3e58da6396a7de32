"""Objective against time of every program: whole calls with more and more iterations, from the same start."""

from collections.abc import Sequence
from statistics import median

from benchmarks.problems import PROBLEMS, SPARSE
from benchmarks.processes import Request, ask
from benchmarks.programs import PROGRAMS
from benchmarks.records import Record
from benchmarks.tables import count, failure, number, table

ITERATIONS = (1, 2, 4, 7, 12, 20, 35, 60, 100, 200, 400)
# Multiples of the best objective that any of the programs found from that start.
TARGETS = (1.05, 1.01, 1.001, 1.0)
# What counts as equal.
ROUNDING = 1e-6


def measure_curve(program: str, problem: str, dtype: str, seed: int, budget: float) -> Record:
    """The points of one program within about ``budget`` seconds."""
    request: Request = {"program": program, "problem": problem, "dtype": dtype, "seed": seed}
    limits = [[n, 0.0] for n in ITERATIONS if n >= PROGRAMS[program].least]
    if program == "partwise":
        ask(
            "measure", {**request, "limits": [[50, 0.0]], "budget": budget}
        )  # compiles what is not in Numba's cache yet
    lines = ask("measure", {**request, "limits": limits, "budget": budget}, timeout=4 * budget + 60)
    failed = [line["failure"] for line in lines if "failure" in line]
    points = [line for line in lines if "failure" not in line]
    return {**request, "budget": budget, "points": points, **({"failure": failed[0]} if failed else {})}


# -- the page ------------------------------------------------------------------------------------------------------

_INTRODUCTION = """\
Each program runs from the same start with `tol=0` and 1, 2, 4, 7, 12 … 400 iterations, each a whole call, until its
seconds for the problem are spent. A cell is the time of the first of these calls whose objective is at most the
stated multiple of the best that any program found from that start (1 × to a millionth); a dash: none was. Times are
medians over the seeds. Memory is the peak beyond data, start and libraries of the largest call."""
_NOTES = {
    "same_start": "its own random start: it takes none",
    "float64": "computes in float32",
    "sparse": "takes dense arrays only, and got one",
}


def curves_page(records: Sequence[Record], pictures: dict[str, str]) -> str:
    """A table for each problem, with its picture."""
    parts = [_INTRODUCTION]
    for problem in (name for name in PROBLEMS if any(record["problem"] == name for record in records)):
        mine = [record for record in records if record["problem"] == problem]
        parts.append(f"## {PROBLEMS[problem].title}, k = {PROBLEMS[problem].k}")
        parts.append(table(_HEAD, _rows(mine)))
        if problem in pictures:
            parts.append(f"![Objective against time on {PROBLEMS[problem].title}]({pictures[problem]})")
    return "\n\n".join(parts)


_HEAD = [
    "program",
    "dtype",
    *(f"s to {target:g} ×" for target in TARGETS),
    "iterations",
    "objective / best",
    "MiB",
    "note",
]


def _rows(records: Sequence[Record]) -> list[list[str]]:
    best = best_objectives(records)
    keys = sorted({(record["program"], record["dtype"]) for record in records}, key=lambda key: _order(*key))
    return [_row(*key, [r for r in records if (r["program"], r["dtype"]) == key], best) for key in keys]


def _order(program: str, dtype: str) -> tuple[int, bool]:
    return list(PROGRAMS).index(program), dtype == "float32"


def best_objectives(records: Sequence[Record]) -> dict[int, float]:
    """The lowest objective of any program, by seed."""
    seeds = {record["seed"] for record in records}
    points = [(record["seed"], point["objective"]) for record in records for point in record["points"]]
    return {seed: min(objective for other, objective in points if other == seed) for seed in seeds if points}


def _row(program: str, dtype: str, records: Sequence[Record], best: dict[int, float]) -> list[str]:
    ends = [record["points"][-1] for record in records if record["points"]]
    if not ends:
        return [program, dtype, *["–"] * (len(TARGETS) + 3), failure(records[0])]
    finals = [min(p["objective"] for p in r["points"]) / best[r["seed"]] for r in records if r["points"]]
    return [
        program,
        dtype,
        *(number(_time_to(records, target, best)) for target in TARGETS),
        count(median(end["max_iter"] for end in ends)),
        f"{median(finals):.4f}",
        count(max(end["extra_mib"] for end in ends)),
        _note(program, dtype, records),
    ]


def _time_to(records: Sequence[Record], target: float, best: dict[int, float]) -> float | None:
    """The median over the seeds; None where one of them never got there."""
    times: list[float] = []
    for record in records:
        wanted = (target + ROUNDING) * best[record["seed"]]
        enough = [point["seconds"] for point in record["points"] if point["objective"] <= wanted]
        if not enough:
            return None
        times.append(min(enough))
    return median(times)


def _note(program: str, dtype: str, records: Sequence[Record]) -> str:
    """What a reader must know to judge the line."""
    chosen, problem = PROGRAMS[program], records[0]["problem"]
    said = [
        "" if chosen.same_start else _NOTES["same_start"],
        _NOTES["float64"] if dtype == "float64" and not chosen.float64 else "",
        _NOTES["sparse"] if problem in SPARSE and not chosen.sparse else "",
        next((failure(record) for record in records if failure(record)), ""),
    ]
    return "; ".join(filter(None, said))
