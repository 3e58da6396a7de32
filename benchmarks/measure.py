"""One fit in a process of its own: ``python -m benchmarks.measure PROGRAM PROBLEM DTYPE SEED`` prints JSON."""

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.problems import PROBLEMS, start
from benchmarks.programs import PROGRAMS


def objective(X: Any, W: Any, H: Any) -> float:
    """½ ‖X − WH‖² in float64, by rows, never m × n."""
    total = 0.0
    for a in range(0, X.shape[0], 1024):
        part = X[a : a + 1024]
        dense = part if isinstance(part, np.ndarray) else part.toarray()
        total += float(np.sum((dense - W[a : a + 1024].astype(np.float64) @ H.astype(np.float64)) ** 2))
    return 0.5 * total


def resident_mib(reset: bool = False) -> float:
    """The peak of the memory held, in MiB; ``reset`` forgets the peaks so far (loading takes more than the data)."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def measure(program: str, problem: str, dtype: str, seed: int) -> dict[str, float]:
    """Seconds, objective, iterations and memory (MiB beyond data, start and libraries) of one fit."""
    fit, k = PROGRAMS[program], PROBLEMS[problem].k
    X = PROBLEMS[problem].matrix(dtype)
    # Libraries loaded and kernels read from their cache, by a fit of a few rows of the same kind.
    fit(X[:300], min(k, 4), *start(X[:300], min(k, 4), 0))
    W, H = start(X, k, seed)
    before = resident_mib(reset=True)
    begun = perf_counter()
    W, H, n_iter = fit(X, k, W, H)
    seconds = perf_counter() - begun
    peak = resident_mib()
    return {
        "seconds": seconds,
        "objective": objective(X, W, H),
        "n_iter": n_iter,
        "extra_mib": peak - before,
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))))
