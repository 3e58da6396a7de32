"""Several starts in one fit beside as many fits.

``python -m benchmarks.restarts`` writes ``docs/benchmarks/restarts.md``.

Three questions: whether each start ends where its own fit does, how near the best of all the best one is when losers
are dropped, and what that saves.
"""

import argparse
import os
import platform
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from unittest.mock import patch

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from benchmarks.problems import PROBLEMS, data_folder
from benchmarks.tables import table
from partwise import NMF, replicates
from partwise.engine.state import State
from partwise.models.bilinear import Bilinear

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks" / "restarts.md"
THREADS = 2
Row = list[str]

SIZES = {"aml": 3, "jasper": 4, "cbcl": 20, "orl": 20, "news": 10, "dblp": 20, "pbmc": 20}
"""Data set → number of parts."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--seeds", type=int, default=10, help="Groups of starts for the quality of the best.")
    parser.add_argument("--starts", type=int, default=10, help="Starts in a group.")
    options = parser.parse_args(arguments)
    if not data_folder().is_dir():
        sys.exit(f"There is no data in {data_folder()}: set PARTWISE_DATA to the folder of real data.")
    if any(name.startswith("OPENBLAS_") for name in os.environ):
        sys.exit("OPENBLAS_… variables pin the kernels of BLAS: unset them.")
    warnings.simplefilter("ignore", ConvergenceWarning)
    race = table(RACE, list(shown(race_rows())))
    same = table(SAME, list(shown(row for problem in options.problems for row in same_rows(problem))))
    best = table(BEST, list(shown(best_row(problem, options.starts, options.seeds) for problem in options.problems)))
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(race, same, best, options), encoding="utf-8")
    print(f"Written to {PAGE}")


def matrix(problem: str, dtype: str = "float64") -> Any:
    """The data, samples in rows."""
    if problem == "aml":
        return np.load(data_folder() / "all_aml" / "all_aml.npz")["X"].astype(dtype)
    return PROBLEMS[problem].matrix(dtype)


def model(k: int, **parameters: Any) -> NMF:
    """The default estimator on two threads."""
    return NMF(k, init="random", n_threads=THREADS, **parameters)


def objective(fitted: NMF) -> float:
    """½ ‖X − WH‖² of a fit."""
    return 0.5 * fitted.reconstruction_err_**2


# --- what it saves ----------------------------------------------------------------------------------------------------

RACE = ["20 Newsgroups, k = 10, 20 starts", "seconds", "ratio", "objective", "above the best of the fits"]


def race_rows() -> Iterator[Row]:
    """20 fits one after another, then the same number of starts in one fit."""
    X = matrix("news")
    for n_init in (1, 2):  # kernels are read from their cache
        model(4, max_iter=10, n_init=n_init).fit(X[:300])
    alone, fits = timed(lambda: [model(10, random_state=seed).fit(X) for seed in range(20)])
    lowest = min(map(objective, fits))
    yield ["20 fits, one after another", f"{alone:.1f}", "1", f"{lowest:.1f}", ""]
    for drop, name in ((True, "`n_init=20`"), (False, "`n_init=20, drop_losers=False`")):
        seconds, fitted = timed(lambda drop=drop: model(10, n_init=20, drop_losers=drop, random_state=0).fit(X))  # type: ignore[misc]
        above = objective(fitted) / lowest - 1
        yield [name, f"{seconds:.1f}", f"**{alone / seconds:.1f}**", f"{objective(fitted):.1f}", f"{above:.3%}"]


def timed(task: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and the result."""
    begun = perf_counter()
    result = task()
    return perf_counter() - begun, result


# --- each start as its own fit ----------------------------------------------------------------------------------------

SAME = ["data", "k", "dtype", "starts", "of the same bits", "largest difference"]


def same_rows(problem: str, starts: int = 3) -> Iterator[Row]:
    """The relative difference of the objectives of ``replicates`` and of fits from the same starts."""
    k = SIZES[problem]
    for dtype in ("float64", "float32"):
        X = matrix(problem, dtype)
        rng = np.random.RandomState(0)
        alone = [model(k, random_state=rng).fit(X) for _ in range(starts)]
        together = replicates(model(k, n_init=starts, random_state=0), X)
        bits = sum(np.array_equal(one.H, fit.components_) for one, fit in zip(together, alone, strict=True))
        apart = [abs(one.objective / objective(fit) - 1) for one, fit in zip(together, alone, strict=True)]
        yield [title(problem), str(k), dtype, str(starts), str(bits), f"{max(apart):.0e}"]


# --- the best of several ----------------------------------------------------------------------------------------------

BEST = ["data", "k", "median above the best", "largest", "spread of the starts", "iterations done"]


def best_row(problem: str, starts: int, seeds: int) -> Row:
    """How far the best with dropping is above the best of all, over groups of starts."""
    k, X = SIZES[problem], matrix(problem)
    above, spread, share = [], [], []
    for seed in range(seeds):
        several = model(k, n_init=starts, random_state=seed)
        all_steps, every = steps(X, lambda several=several: replicates(several, X))  # type: ignore[misc]
        some_steps, kept = steps(X, lambda several=several: several.fit(X))  # type: ignore[misc]
        ends = [one.objective for one in every]
        above.append(objective(kept) / min(ends) - 1)
        spread.append(max(ends) / min(ends) - 1)
        share.append(some_steps / all_steps)
    numbers = f"{median(above):.3%}", f"{max(above):.3%}", f"{median(spread):.2%}", f"{median(share):.0%}"
    return [title(problem), str(k), *numbers]


def steps(X: Any, task: Callable[[], Any]) -> tuple[int, Any]:
    """Iterations on all of X, counted for each start, and the result."""
    done = 0
    original = Bilinear.step

    def step(self: Bilinear, states: Sequence[State]) -> list[State]:
        nonlocal done
        done += len(states) if self.problem.operand.shape == X.shape else 0
        return original(self, states)

    with patch.object(Bilinear, "step", step):
        result = task()
    return done, result


def title(problem: str) -> str:
    """How a table calls the data."""
    return "ALL-AML leukaemia" if problem == "aml" else PROBLEMS[problem].title


# --- the page ---------------------------------------------------------------------------------------------------------


def shown(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows, each printed as it comes."""
    for row in rows:
        print(*row, sep=" | ", flush=True)
        yield row


def page(race: str, same: str, best: str, options: argparse.Namespace) -> str:
    """The tables with all that a reader needs to judge them."""
    n = options.starts
    return f"""# Several starts in one fit

{setting()} Everything at its default but `init="random"`.

`n_init=R` takes R starts through the same reads of the data: the held factors stand side by side, and one product
serves them all. Starts that lose are given up on the way (`drop_losers`).

## What it saves

In one run, in one process; the fits have the seeds 0 to 19, the starts of one fit are other ones. Other work may have
run beside, so the ratios count, not the seconds.

{race}

## Each start ends where its own fit does

`partwise.replicates`, which drops none, beside fits from the same starts: how many gave the same bits of H, and the
largest relative difference of the objectives. Sparse products are partwise's own and sum in the same order for any
number of starts, so the bits are the same. Dense ones are those of BLAS, which may take another order for a wide
product of small matrices than for a narrow one; what rounding starts, the iterations carry on. In float32 that can be
seen where the fit is close: on Jasper Ridge, float32 and float64 fits from one start end as far apart.

{same}

## The best with losers dropped, and the best of all

{options.seeds} groups of {n} starts, float64: how far the objective that `n_init={n}` returns is above the lowest of
all, how far the highest is above the lowest, and the iterations that were done on all of the data (those of all starts
added up), as a share of those without dropping.

{best}
"""


def setting(module: str = "restarts") -> str:
    """Command, date, commit, machine and versions, as a sentence."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "scikit-learn", "numba"))
    machine = f"{commit.stdout.strip()}, {platform.machine()}, {THREADS} threads, Python {platform.python_version()}"
    return f"`python -m benchmarks.{module}`, {datetime.now(UTC):%Y-%m-%d}, commit {machine}, {versions}."


if __name__ == "__main__":
    main()
