"""Fits in a process of their own: ``python -m benchmarks.measure REQUEST`` prints a line of JSON for each.

The request is JSON too: program, problem, dtype, seed, ``limits`` (a list of [max_iter, tol], null for the program's
own default) and ``budget``, the seconds after which no further fit begins.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.objective import objective
from benchmarks.problems import PROBLEMS, start
from benchmarks.programs import PROGRAMS, Factors, Program, Task, quietly

# Short fits are timed several times and the median is taken.
SHORT, REPEATS = 0.5, 3
# Programs for dense data get sparse problems of at most this size as dense arrays.
DENSE_MIB = 1024
# Rows of the fit that loads libraries and kernels beforehand.
FEW = 300
_TASKS = Path("/proc/self/task")

Line = dict[str, Any]


def measure(
    program: str, problem: str, dtype: str, seed: int, limits: list[tuple[int | None, float | None]], budget: float
) -> Iterator[Line]:
    """A line for each of the limits, in ascending order of their cost, until the budget is spent."""
    chosen = PROGRAMS[program]
    exact = PROBLEMS[problem].matrix()
    X = given(chosen, exact, dtype)
    if isinstance(X, str):
        yield {"failure": X}
        return
    few, k = X[:FEW], min(PROBLEMS[problem].k, 4)
    quietly(chosen, Task(few, *start(few, k, 0), max_iter=max(5, chosen.least)))
    task = Task(X, *start(X, PROBLEMS[problem].k, seed), seed)
    begun, last = perf_counter(), 0.0
    for max_iter, tol in limits:
        if perf_counter() - begun + last > budget:
            return
        line = _timed(chosen, replace(task, max_iter=max_iter, tol=tol), exact)
        last = line["seconds"]
        yield {"max_iter": max_iter, "tol": tol, **line}


def given(program: Program, X: Any, dtype: str) -> Any:
    """The matrix as the program takes it, or the sentence why it cannot."""
    X = X.astype(dtype if program.float64 else "float32")
    if isinstance(X, np.ndarray) or program.sparse:
        return X
    mib = X.dtype.itemsize * X.shape[0] * X.shape[1] / 2**20
    if mib > DENSE_MIB:
        return f"It takes dense arrays only, and this matrix would need {mib / 1024:.1f} GiB."
    return X.toarray()


def _timed(program: Program, task: Task, exact: Any) -> Line:
    """Seconds, objective, iterations, memory (MiB beyond data, start and libraries) and share of waiting of a fit."""
    before, waited = _peak_mib(reset=True), _waiting()
    seconds, (W, H, n_iter) = _once(program, task)
    extra = _peak_mib() - before
    times = [seconds]
    if seconds < SHORT:
        times += [_once(program, task)[0] for _ in range(REPEATS - 1)]
    waited = _waiting() - waited
    return {
        "seconds": median(times),
        "objective": objective(exact, W, H),
        "n_iter": n_iter,
        "extra_mib": extra,
        "waited": waited / sum(times),
    }


def _once(program: Program, task: Task) -> tuple[float, Factors]:
    # Some programs write into the start that they are given.
    task = replace(task, W=task.W.copy(), H=task.H.copy())
    begun = perf_counter()
    factors = quietly(program, task)
    return perf_counter() - begun, factors


def _peak_mib(reset: bool = False) -> float:
    """The peak of the memory held, in MiB; ``reset`` forgets the peaks so far."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def _waiting() -> float:
    """Seconds that the threads which live now were ready and had no processor: what other work took from them."""
    return sum(int(path.read_text(encoding="ascii").split()[1]) for path in _TASKS.glob("*/schedstat")) / 1e9


def sentence(error: Exception) -> str:
    """Why a program failed, in a line."""
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed."
    first = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {first[:120]}"


def main() -> None:
    """Answer the request; a failure is a line as well."""
    try:
        for line in measure(**json.loads(sys.argv[1])):
            print(json.dumps(line), flush=True)
    except Exception as error:
        print(json.dumps({"failure": sentence(error)}), flush=True)


if __name__ == "__main__":
    main()
