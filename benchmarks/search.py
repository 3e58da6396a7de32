"""The fewest iterations that reach an objective: ``python -m benchmarks.search REQUEST`` prints a line for each.

Nothing here is timed. A fit with ``tol=0`` and so many iterations gives the same bits each time, so what is found once
holds for the timing. The objective falls with the iterations, but for what solving W at the end gains, so bisection
finds a count at which the fit reaches the objective and the fit with one iteration less does not.
"""

import json
import sys
from functools import cache
from typing import Any

from benchmarks.measure import Line
from benchmarks.objective import objective
from benchmarks.problems import PROBLEMS, start
from benchmarks.programs import PROGRAMS, Task, quietly

MOST = 320


def search(problem: str, dtype: str, seed: int, objectives: list[float]) -> list[Line]:
    """For each objective the fewest iterations of partwise, None if MOST are too few, and the objective there."""
    exact = PROBLEMS[problem].matrix()
    X = exact.astype(dtype)
    W, H = start(X, PROBLEMS[problem].k, seed)

    @cache
    def reached(max_iter: int) -> float:
        fitted = quietly(PROGRAMS["partwise"], Task(X, W, H, seed, max_iter, 0.0))
        return objective(exact, *fitted[:2])

    return [_fewest(reached, wanted) for wanted in objectives]


def _fewest(reached: Any, wanted: float) -> Line:
    low, high = 0, 10
    while reached(high) > wanted:
        if high == MOST:
            return {"max_iter": None, "objective": reached(high)}
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) <= wanted else (middle, high)
    return {"max_iter": high, "objective": reached(high)}


if __name__ == "__main__":
    for line in search(**json.loads(sys.argv[1])):
        print(json.dumps(line))
