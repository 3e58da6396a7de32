"""The coarse stage on real data: ``python -m benchmarks.coarse [NAMES]`` writes docs/benchmarks/coarse.md.

Each matrix is fitted from the same starts without and with the coarse stage, all else at its default. What is compared
is counted: iterations until the objective is within 0.1 % of where the fit without the stage ends, and where both end.
"""

import json
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks.problems import REAL, Problem, start
from partwise import NMF
from partwise.arrays import as_operand
from partwise.engine import problem as engine
from partwise.losses import Frobenius
from partwise.models.bilinear import Bilinear
from partwise.models.coarse import FEWEST, Coarse, iterations_of
from partwise.models.window import window, work
from partwise.penalties import Elastic
from partwise.solvers import CoordinateDescent

SEEDS = range(5)
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "coarse.md"
RECORDS = Path(__file__).parent / "out" / "coarse.json"
HEAD = """| data | k | sample | share | iterations without | with | work | end, median | lowest | highest |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""
WITHIN = 1.001


_INDIAN = "indian_pines/indian_pines.npz"


def _exchanged(problem: Problem, title: str) -> Problem:
    return replace(problem, title=title, load=lambda file: problem.load(file).T)


MORE = {
    "indian": Problem("Indian Pines", 16, lambda file: np.load(file)["image"].reshape(-1, 200), _INDIAN),
    "moffett": Problem("Moffett Field", 3, lambda file: np.load(file)["Y"].T, "moffett/moffett.npz"),
    "aml": Problem("ALL-AML, genes × samples", 3, lambda file: np.load(file)["X"], "all_aml/all_aml.npz"),
    "coil": Problem("COIL-20", 20, lambda file: np.load(file)["X"], "coil20/coil20.npz"),
    "classic": Problem("Classic4 counts", 10, lambda file: sp.load_npz(file).tocsr(), "classic4/classic4.npz"),
    "newscounts": Problem("20 Newsgroups counts", 20, lambda file: sp.load_npz(file).tocsr(), REAL["news"].file),
    "genes": _exchanged(REAL["pbmc"], "PBMC 3k, genes × cells"),
    "pixels": _exchanged(REAL["orl"], "ORL faces, pixels × pictures"),
}
"""Other real matrices, and two of the benchmarks' with rows and columns exchanged."""


def sample(X: Any, k: int) -> dict[str, Any] | None:
    """Rows, columns, share and iterations of the sample; None where there is none."""
    problem = engine.Problem(as_operand(X), Frobenius(), Elastic(), Elastic())
    found = window(problem, k)
    if found is None:
        return None
    _, small = Coarse(Bilinear(problem, CoordinateDescent(), CoordinateDescent.plan, settles=False), found).problems()
    n_iter = iterations_of(small, problem, k)
    if n_iter < FEWEST:
        return None
    return {"shape": small.operand.shape, "share": work(small, k) / work(problem, k), "n_iter": n_iter}


def compare(X: Any, k: int, seed: int) -> tuple[int, int, float]:
    """Iterations to the target without and with the stage, and the ratio of the final objectives."""
    W, H = start(X, k, seed)
    without, with_ = (
        NMF(k, init="custom", coarse=choice).fit(X, W=W, H=H).history_["objective"] for choice in (False, "auto")
    )
    target = WITHIN * without[-1]
    return _reached(without, target), _reached(with_, target), with_[-1] / without[-1]


def _reached(objective: list[float], target: float) -> int:
    """The first iteration at or below the target; the last one where none is."""
    below = np.flatnonzero(np.asarray(objective) <= target)
    return int(below[0]) + 1 if len(below) else len(objective)


def measure(problem: Problem) -> dict[str, Any]:
    """All figures of one matrix."""
    X = problem.matrix("float64")
    found = sample(X, problem.k)
    pairs = [] if found is None else [compare(X, problem.k, seed) for seed in SEEDS]
    return {"title": problem.title, "k": problem.k, "shape": X.shape, "sample": found, "pairs": pairs}


def line(record: dict[str, Any]) -> str:
    """One line of the table."""
    found = record["sample"]
    title = f"{record['title']} {record['shape'][0]} × {record['shape'][1]}"
    if found is None:
        return f"| {title} | {record['k']} | none" + " |" * 8
    without, with_, ends = map(np.array, zip(*record["pairs"], strict=True))
    cells = [
        title,
        record["k"],
        f"{found['shape'][0]} × {found['shape'][1]}",
        f"{found['share']:.3f}",
        f"{np.median(without):g}",
        f"{np.median(with_):g}",
        f"{np.median(with_) + found['share'] * found['n_iter']:.1f}",
        *(f"{value:.4f}" for value in (np.median(ends), ends.min(), ends.max())),
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def write(records: dict[str, Any]) -> None:
    """Put the table of these records in the place of the one on the page."""
    before, _, after = PAGE.read_text(encoding="utf-8").partition(HEAD)
    table = "".join(f"{line(records[name])}\n" for name in REAL | MORE if name in records)
    rest = after[after.index("\nMeasured on") :]
    PAGE.write_text(before + HEAD + table + rest, encoding="utf-8")


def main(names: list[str]) -> None:
    """Measure the matrices of these names, or all, and write the table of all that were ever measured."""
    warnings.simplefilter("ignore")
    records = json.loads(RECORDS.read_text(encoding="utf-8")) if RECORDS.exists() else {}
    for name, problem in (REAL | MORE).items():
        if names and name not in names:
            continue
        if problem.missing():
            print(problem.missing())
            continue
        records[name] = measure(problem)
        print(line(records[name]), flush=True)
        RECORDS.parent.mkdir(exist_ok=True)
        RECORDS.write_text(json.dumps(records), encoding="utf-8")
    write(records)


if __name__ == "__main__":
    main(sys.argv[1:])
