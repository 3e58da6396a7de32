"""Replicates over numbers of parts, beside the same fits by scikit-learn in a loop over two processes.

``python -m benchmarks.ranks`` writes ``docs/benchmarks/ranks.md``.

scikit-learn fits every start by itself, with joblib on two processes of one thread; partwise fits tens of them
together, with two threads. Both from random starts, at their defaults. For each number of parts the two are timed one
right after the other.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

import numpy as np
import scipy.sparse as sp
from joblib import Parallel, delayed
from sklearn.decomposition import NMF as TheirNMF

from benchmarks.problems import data_folder
from benchmarks.restarts import setting
from benchmarks.tables import number, table
from partwise import NMF
from partwise.engine.state import State
from partwise.selection import Replicates, replicate

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "ranks.md"
HEAD = [
    "k",
    "scikit-learn",
    "partwise",
    "ratio",
    "to their median",
    "ratio",
    "to their best",
    "ratio",
    "median",
    "best",
]
# How near counts as theirs: what convergence to tol = 1e-4 leaves open.
_NEAR = 1e-4


@dataclass(frozen=True)
class Search:
    """A matrix, the numbers of parts, how many starts of each, and the estimators."""

    title: str
    load: Callable[[], Any]
    ranks: Sequence[int]
    starts: int
    ours: Callable[[], NMF]
    theirs: Callable[[int, int], TheirNMF]


def leukaemia() -> np.ndarray:
    """38 samples × 5 000 genes."""
    return np.ascontiguousarray(np.load(data_folder() / "all_aml" / "all_aml.npz")["X"].T, float)


def cells(genes: int = 2000) -> sp.csr_matrix:
    """2 700 cells × the genes that vary most, of counts to 10 000 a cell, log(1 + x)."""
    counts = sp.load_npz(data_folder() / "pbmc3k" / "pbmc3k_counts.npz").T.tocsr().astype(float)
    scaled = sp.csr_matrix(sp.diags_array(1e4 / counts.sum(axis=1).A1) @ counts)
    scaled.data = np.log1p(scaled.data)
    mean = scaled.mean(axis=0).A1
    variance = scaled.multiply(scaled).mean(axis=0).A1 - mean**2
    return sp.csr_matrix(scaled[:, np.sort(np.argsort(-variance)[:genes])])


SEARCHES = {
    "leukaemia": Search(
        "ALL-AML leukaemia (38 × 5 000, dense), Kullback–Leibler",
        leukaemia,
        range(2, 13),
        30,
        lambda: NMF(beta_loss="kullback-leibler"),
        lambda k, seed: TheirNMF(
            k, init="random", solver="mu", beta_loss="kullback-leibler", tol=1e-4, max_iter=200, random_state=seed
        ),
    ),
    "cells": Search(
        "PBMC 3k (2 700 × 2 000 genes, sparse), Frobenius",
        cells,
        range(5, 16),
        20,
        NMF,
        lambda k, seed: TheirNMF(k, init="random", tol=1e-4, max_iter=200, random_state=seed),
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", nargs="+", choices=SEARCHES, default=list(SEARCHES))
    parser.add_argument("--ranks", nargs="+", type=int, help="instead of all; the page stays as it is")
    options = parser.parse_args(arguments)
    if not data_folder().is_dir():
        sys.exit(f"There is no data in {data_folder()}: set PARTWISE_DATA to the folder of real data.")
    if any(name.startswith("OPENBLAS_") for name in os.environ):
        sys.exit("OPENBLAS_… variables pin the kernels of BLAS: unset them.")
    os.environ["PYTHONWARNINGS"] = "ignore"  # in the processes of joblib
    warnings.simplefilter("ignore")
    sections = [section(SEARCHES[name], options.ranks or SEARCHES[name].ranks) for name in options.searches]
    if options.ranks is None and options.searches == list(SEARCHES):
        PAGE.write_text(page(sections), encoding="utf-8")
        print(f"Written: {PAGE}")


@dataclass(frozen=True)
class Pair:
    """What both took and reached for one number of parts."""

    k: int
    theirs: float
    ours: float
    median: float
    best: float
    their_objectives: np.ndarray
    our_objectives: np.ndarray


def measure(search: Search, X: Any, k: int) -> Pair:
    """Theirs, then ours, right after each other."""
    begun = perf_counter()
    # No memory maps: scikit-learn cannot fit a sparse matrix that is one (it is read-only).
    run = Parallel(n_jobs=2, max_nbytes=None)
    theirs = np.array(run(delayed(_fitted)(search.theirs(k, seed), X) for seed in range(search.starts)))
    seconds = perf_counter() - begun
    begun = perf_counter()
    with courses() as found:
        ours: Replicates = replicate(X, k, search.starts, estimator=search.ours(), random_state=0)
    whole = perf_counter() - begun
    reached = [time_to(float(of(theirs)) * (1 + _NEAR), found, of) for of in (np.median, np.min)]
    return Pair(k, seconds, whole, *reached, theirs, ours.objective)


def _fitted(model: TheirNMF, X: Any) -> float:
    return 0.5 * float(model.fit(X).reconstruction_err_) ** 2


Course = list[tuple[float, list[float]]]
"""Seconds and the objectives of a batch of starts, iteration by iteration."""


@contextmanager
def courses() -> Iterator[list[Course]]:
    """What each batch of starts reaches on its way."""
    found: list[Course] = []

    def watch(states: Sequence[State], seconds: float) -> bool:
        if max(state.n_iter for state in states) <= 1:
            found.append([])
        found[-1].append((seconds, [state.objective for state in states]))
        return False

    with patch("partwise.estimators.replicates._log", watch):
        yield found


def time_to(target: float, found: list[Course], of: Callable[[Any], Any] = np.median) -> float:
    """Seconds of all batches to the iteration at which the median of all starts is at the target; NaN without one.

    Or ``of`` something else than their median.
    """
    for i in range(max(map(len, found))):
        here = [course[min(i, len(course) - 1)] for course in found]
        if of([value for _, values in here for value in values]) <= target:
            return sum(seconds for seconds, _ in here)
    return np.nan


def section(search: Search, ranks: Sequence[int]) -> str:
    """A table, each row printed as it comes, and the sums."""
    X = search.load()
    Parallel(n_jobs=2, max_nbytes=None)(delayed(_fitted)(search.theirs(2, seed), X[:30, :30]) for seed in range(2))
    replicate(X[:30], 2, 2, estimator=search.ours().set_params(max_iter=3), random_state=0)
    pairs = []
    for k in ranks:
        pairs.append(measure(search, X, k))
        print(*_row(pairs[-1]), sep=" | ", flush=True)
    total = ["**all**", *_times(*(_total(pairs, name) for name in ("theirs", "ours", "median", "best")))]
    print(*total, sep=" | ", flush=True)
    return f"""\
## {search.title}

{search.starts} starts of each number of parts; seconds.

{table(HEAD, [*map(_row, pairs), [*total, "", ""]])}
"""


def _row(pair: Pair) -> list[str]:
    above = [f(pair.our_objectives) / f(pair.their_objectives) - 1 for f in (np.median, np.min)]
    return [
        str(pair.k),
        *_times(pair.theirs, pair.ours, pair.median, pair.best),
        *(f"{value:+.2%}" for value in above),
    ]


def _total(pairs: Sequence[Pair], name: str) -> float:
    """Of all ranks; where one was never as low, with the whole call that did not reach it."""
    times = [getattr(pair, name) for pair in pairs]
    return sum(pair.ours if np.isnan(seconds) else seconds for seconds, pair in zip(times, pairs, strict=True))


def _times(theirs: float, *ours: float) -> list[str]:
    return [number(theirs), *(cell for seconds in ours for cell in (_seconds(seconds), _ratio(theirs, seconds)))]


def _seconds(value: float) -> str:
    return number(None if np.isnan(value) else value)


def _ratio(theirs: float, ours: float) -> str:
    return f"**{theirs / ours:.1f}**" if np.isfinite(ours) else "–"


def page(sections: Sequence[str]) -> str:
    """All that a reader needs to judge the tables."""
    return f"""\
# Replicates over numbers of parts

{setting("ranks")}

`partwise.selection.replicate` beside the same fits by scikit-learn in a loop: every start by itself, by joblib on two
processes of one thread each, where partwise fits tens of starts together with two threads. Both from random starts and
at their defaults (tol = 1e-4, at most 200 iterations). For each number of parts the two are timed right after each
other, in one run.

"partwise" is a whole call, to the end of every start and with the parts matched. "To their median" is the time until
the median of its starts was within 1e-4 of the median objective that those of scikit-learn had ended with, or below it;
"to their best" the same of the best of the starts. A dash is for what was never reached; the sums then count the whole
call. The last columns say how far the median and the best objective of partwise are from theirs in the end: below zero
is better.

{"".join(sections)}"""


if __name__ == "__main__":
    main()
