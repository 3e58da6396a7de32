"""The kernels that are timed base against head: ``python -m benchmarks.cases`` times the case named on each line.

The partwise is the one that PYTHONPATH names, so a case may use only what both have: one that the base cannot run is
reported with the reason.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.limit import plain_step, seconds
from benchmarks.measure import sentence
from benchmarks.problems import low_rank, poisson_parts, start

Task = Callable[[], Any]
K, ROWS = 40, 8192


def _hals(sparse: bool, dtype: str) -> Task:
    """A half-step of five sweeps from its subproblem, by either kernel."""
    from partwise.solvers import SOLVERS, Plan
    from partwise.subproblems import NormalEquations

    X = low_rank(ROWS, 200, 10).astype(dtype)
    W, H = start(X, K, 0)
    held = np.ascontiguousarray(H.T)
    subproblem = NormalEquations(X @ held, (held.T @ held).astype(np.float64), 0.0)
    solver, plan = SOLVERS["cd"](), Plan(sweeps=5, gain=0.0, sparse=sparse)
    return lambda: solver.update(subproblem, W, plan)


def _csr(dtype: str) -> Task:
    from partwise.kernels.sparse import csr_times

    X = poisson_parts(20_000, 2000, 10, 50).astype(dtype)
    B = np.random.default_rng(0).random((2000, K)).astype(dtype)
    out = np.empty((X.shape[0], K), dtype)
    return lambda: csr_times(X.data, X.indices, X.indptr, B, 0, X.shape[0], out)


def _dense_times(dtype: str) -> Task:
    from partwise.arrays.block import DenseBlock

    block = DenseBlock(low_rank(4000, 1000, 10).astype(dtype))
    B = np.random.default_rng(0).random((1000, K)).astype(dtype)
    return lambda: block.times(B)


def _step(X: Any) -> Task:
    return plain_step(X, *start(X, K, 0))


MAKERS: dict[str, Callable[[str], Task]] = {
    "hals_lanes": lambda dtype: _hals(False, dtype),
    "hals_rows": lambda dtype: _hals(True, dtype),
    "csr_times": _csr,
    "dense product": _dense_times,
    "iteration, dense": lambda dtype: _step(low_rank(10_000, 400, 10).astype(dtype)),
    "iteration, sparse": lambda dtype: _step(poisson_parts(20_000, 2000, 10, 50).astype(dtype)),
}
CASES = [f"{name} {dtype}" for name in MAKERS for dtype in ("float64", "float32")]


def main() -> None:
    """For each line a line: seconds of a call on two threads, or why there are none."""
    from partwise.kernels.threads import threads

    tasks: dict[str, Task] = {}
    for line in sys.stdin:
        case = line.strip()
        try:
            if case not in tasks:
                name, _, dtype = case.rpartition(" ")
                tasks[case] = MAKERS[name](dtype)
                tasks[case]()  # compiles
            with threads(2):
                print(seconds(tasks[case]), flush=True)
        except Exception as error:
            print(sentence(error), flush=True)


if __name__ == "__main__":
    main()
