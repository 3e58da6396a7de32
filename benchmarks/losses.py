"""The other losses beside scikit-learn's multiplicative updates.

``python -m benchmarks.losses`` writes ``docs/benchmarks/losses.md``.

scikit-learn runs a stated number of iterations from a start; partwise, from the same one, as many as it needs to end as
low. Both are whole calls in one process, timed one after the other on the same machine.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import scipy.io.wavfile
import scipy.signal
import scipy.sparse as sp
from sklearn.decomposition import NMF as ScikitLearnNMF

from benchmarks.problems import PROBLEMS, data_folder, start
from benchmarks.restarts import setting, shown, timed
from benchmarks.tables import number, table
from partwise import NMF
from partwise.arrays import as_operand
from partwise.engine.compose import loss_named

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "losses.md"
MOST = 600
# Times scikit-learn's seconds that partwise may look for its objective.
LONGEST = 4
THREADS = 2
HEAD = [
    "data",
    "loss",
    "k",
    "scikit-learn s",
    "its iterations",
    "dtype",
    "partwise s",
    "iterations",
    "**ratio**",
    "asked for",
    "time of an iteration, scikit-learn / partwise",
]


@dataclass(frozen=True)
class Case:
    """A matrix, a loss, the number of parts, the iterations of scikit-learn, and the ratio that is asked for.

    ``reach`` is the objective to end at where it is stated; else it is the one at which scikit-learn ends.
    """

    title: str
    load: Callable[[], Any]
    loss: Any
    k: int
    iterations: int
    asked: float
    reach: float | None = None


def piano() -> Any:
    """The power spectrogram of "Mary had a little lamb", with the floor that Itakura–Saito needs."""
    return floored(np.load(data_folder() / "piano_mary" / "piano_mary.npz")["X"])


def ragtime() -> Any:
    """The power spectrogram of a ragtime: windows of 1 024 samples, half overlapping."""
    rate, sound = scipy.io.wavfile.read(data_folder() / "audio_ragtime_piano" / "audio_ragtime_piano.wav")
    sound = sound.astype(float) if sound.ndim == 1 else sound.mean(axis=1)
    return floored(scipy.signal.stft(sound / np.abs(sound).max(), rate, nperseg=1024)[2])


def floored(spectrum: Any) -> Any:
    """|spectrum|² and a floor a billionth of its largest entry, of mean 1.

    scikit-learn raises what is below 1e-7 in a model to that: on smaller numbers its Itakura–Saito fits diverge.
    """
    power = np.abs(spectrum).astype(float) ** 2
    power += 1e-9 * power.max()
    return power / power.mean()


def counts() -> Any:
    """All words of 20 Newsgroups."""
    X = sp.csr_matrix(sp.load_npz(data_folder() / "newsgroups20" / "newsgroups20_counts.npz")).astype(float)
    return X[np.diff(X.indptr) > 0]


def matrix(problem: str) -> Callable[[], Any]:
    """A problem of the other benchmarks."""
    return lambda: PROBLEMS[problem].matrix()


CASES = {
    "pbmc": Case("PBMC 3k counts", matrix("pbmc"), "kullback-leibler", 20, 100, 45),
    "pbmc-20": Case("PBMC 3k counts, to 4 857 000", matrix("pbmc"), "kullback-leibler", 20, 20, 1, reach=4_857_000.0),
    "news": Case("20 Newsgroups counts", counts, "kullback-leibler", 20, 100, 30),
    "dblp": Case("DBLP counts", matrix("dblp"), "kullback-leibler", 20, 100, 15),
    "piano-is": Case("piano_mary", piano, "itakura-saito", 10, 200, 5),
    "piano-kl": Case("piano_mary", piano, "kullback-leibler", 10, 200, 5),
    "ragtime-is": Case("ragtime", ragtime, "itakura-saito", 20, 200, 5),
    "ragtime-kl": Case("ragtime", ragtime, "kullback-leibler", 20, 200, 5),
    "pbmc-1.5": Case("PBMC 3k counts", matrix("pbmc"), 1.5, 20, 10, 20),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    options = parser.parse_args(arguments)
    if not data_folder().is_dir():
        sys.exit(f"There is no data in {data_folder()}: set PARTWISE_DATA to the folder of real data.")
    if any(name.startswith("OPENBLAS_") for name in os.environ):
        sys.exit("OPENBLAS_… variables pin the kernels of BLAS: unset them.")
    warnings.simplefilter("ignore")
    rows = table(HEAD, list(shown(row for name in options.cases for row in case_rows(CASES[name]))))
    PAGE.write_text(page(rows), encoding="utf-8")
    print(f"Written to {PAGE}")


def case_rows(case: Case) -> Iterator[list[str]]:
    """scikit-learn in float64 once, then partwise in both dtypes."""
    X = case.load()
    W, H = start(X, case.k, 0)
    task = {"n_components": case.k, "init": "custom", "beta_loss": case.loss, "tol": 0}
    theirs = ScikitLearnNMF(solver="mu", max_iter=case.iterations, **task)
    seconds, fitted = timed(lambda: theirs.fit_transform(X, W=W.copy(), H=H.copy()))
    objective = case.reach or divergence(X, fitted, theirs.components_, case)
    for dtype in ("float64", "float32"):
        x, w, h = X.astype(dtype), W.astype(dtype), H.astype(dtype)
        ours = NMF(n_threads=THREADS, max_iter=MOST, max_time=LONGEST * seconds, **task)
        NMF(n_threads=THREADS, max_iter=3, **task).fit(x, W=w, H=h)  # kernels are loaded
        ours.fit(x, W=w, H=h)
        course = ours.history_["objective"][:-1]
        each = float(np.diff(ours.history_["seconds"][:-1]).mean())
        cells = [case.title, str(case.loss), str(case.k), number(seconds), str(case.iterations), dtype]
        times = f"{number(1e3 * seconds / case.iterations)} / {number(1e3 * each)} ms"
        if course.min() > objective:
            missed = f"{course.min() / objective:.4f} × after {len(course)}"
            yield [*cells, missed, "–", "–", f"≥ {case.asked}", times]
            continue
        needed = int(np.argmax(course <= objective)) + 1
        mine = median(timed(partial(again, task, needed, x, w, h))[0] for _ in range(3))
        yield [*cells, number(mine), str(needed), f"**{number(seconds / mine)}**", f"≥ {case.asked}", times]


def again(task: dict[str, Any], iterations: int, X: Any, W: Any, H: Any) -> Any:
    """The whole call with so many iterations."""
    return NMF(n_threads=THREADS, max_iter=iterations, **task).fit_transform(X, W=W, H=H)


def divergence(X: Any, W: Any, H: Any, case: Case) -> float:
    """The loss of a pair, by partwise's sums: scikit-learn's own figure is wrong for some containers."""
    operand = as_operand(X)
    return loss_named(case.loss).between(operand, W, np.ascontiguousarray(H.T))


def page(rows: str) -> str:
    """The table with what a reader needs to judge it."""
    return f"""# The other losses

{setting("losses")} One start, for which each ends in a minimum of its own.

scikit-learn's `NMF(solver="mu")` does the stated number of iterations in float64 (`tol=0`); partwise, everything at its
default but `tol=0`, does as many as it needs from the same start to end at the same objective or below it. Times are of
whole calls, partwise's the median of three. Other work may have run beside: the ratios count, not the seconds.

{rows}
"""


if __name__ == "__main__":
    main()
