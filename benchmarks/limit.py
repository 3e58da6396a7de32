"""Time per plain iteration beside the two products that it must make: ``python -m benchmarks.limit REQUEST``."""

import json
import sys
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.measure import Line
from benchmarks.problems import PROBLEMS, start
from benchmarks.records import Record
from benchmarks.tables import number, table

# Dense data are held against NumPy's products on the same threads, sparse data against our own two.
ASKED = {"orl": 1.3, "fashion": 1.3, "news": 1.6, "dblp": 1.6, "pbmc": 1.6}
# Rounds of some iterations and some pairs of products, one after the other; the fastest of each count.
ROUNDS, SECONDS = 20, 0.1


def measure_limit(problem: str, dtype: str) -> Line:
    """Seconds of an iteration with one inner sweep and without extrapolation, and of its products."""
    from partwise.kernels.threads import threads

    X = PROBLEMS[problem].matrix(dtype)
    W, H = start(X, PROBLEMS[problem].k, 0)
    step = plain_step(X, W, H)
    products = _dense_products(X, W, H) if isinstance(X, np.ndarray) else _sparse_products(X, W, H)

    def one_round() -> tuple[float, float]:
        # A fit opens its threads once; NumPy's products have BLAS's own, which a fit holds back while it runs.
        with threads(2):
            iteration = seconds(step)
            if not isinstance(X, np.ndarray):
                return iteration, seconds(products)
        return iteration, seconds(products)

    rounds = [one_round() for _ in range(ROUNDS + 1)][1:]
    iteration, both = (min(side) for side in zip(*rounds, strict=True))
    return {"iteration": iteration, "products": both, "ratio": iteration / both}


def plain_step(X: Any, W: Any, H: Any) -> Any:
    """A function that takes one plain HALS iteration from wherever the last one ended."""
    from partwise.arrays import as_operand
    from partwise.engine.momentum import Momentum
    from partwise.engine.problem import Problem
    from partwise.losses import LOSSES
    from partwise.models.bilinear import Bilinear
    from partwise.penalties import Elastic
    from partwise.solvers import SOLVERS, Plan

    plan, none = Plan(sweeps=1, gain=0.0), Elastic(0.0, 0.0)
    problem = Problem(as_operand(X), LOSSES["frobenius"](), none, none)
    model = Bilinear(problem, SOLVERS["cd"](), plan, settles=False)
    state = model.start(np.array(W), np.array(H.T, order="C"))

    def step() -> None:
        nonlocal state
        state = replace(model.step([state])[0], momentum=Momentum())

    return step


def _dense_products(X: Any, W: Any, H: Any) -> Any:
    Ht = np.ascontiguousarray(H.T)
    return lambda: (X @ Ht, X.T @ W)


def _sparse_products(X: Any, W: Any, H: Any) -> Any:
    from partwise.arrays.block import CSRBlock

    Ht = np.ascontiguousarray(H.T)
    block = CSRBlock(X)
    return lambda: (block.times(Ht), block.T.times(W))


def seconds(task: Any) -> float:
    """Seconds of one call, from as many as fit a moment."""
    begun, calls = perf_counter(), 0
    while calls == 0 or perf_counter() - begun < SECONDS:
        task()
        calls += 1
    return (perf_counter() - begun) / calls


# -- the page ------------------------------------------------------------------------------------------------------

_INTRODUCTION = f"""\
A plain HALS iteration (one inner sweep, no extrapolation) as the fit takes it, beside nothing but the two products that
it must make, X H and Xᵀ W: dense ones by NumPy on the same two threads, sparse ones by partwise's own kernels. Both are
timed in turns in one process, {ROUNDS} rounds of a tenth of a second each; the fastest rounds are compared."""
_HEAD = ["data", "k", "dtype", "iteration ms", "products ms", "**ratio**", "at most", "met"]


def limit_page(records: list[Record]) -> str:
    """The table, without the heading."""
    return f"{_INTRODUCTION}\n\n{table(_HEAD, [_row(record) for record in records])}"


def _row(record: Record) -> list[str]:
    problem, asked = PROBLEMS[record["problem"]], ASKED.get(record["problem"])
    if "failure" in record:
        return [problem.title, str(problem.k), record["dtype"], record["failure"], *[""] * 4]
    return [
        problem.title,
        str(problem.k),
        record["dtype"],
        number(1000 * record["iteration"]),
        number(1000 * record["products"]),
        f"**{record['ratio']:.2f}**",
        "" if asked is None else f"{asked}",
        "" if asked is None else ("yes" if record["ratio"] <= asked else "no"),
    ]


if __name__ == "__main__":
    print(json.dumps(measure_limit(**json.loads(sys.argv[1]))))
