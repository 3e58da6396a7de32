"""The convex half of the problem: rows of W for a given H, each to its own optimum."""

import numpy as np

from partwise._types import Array
from partwise.arrays.block import Block
from partwise.arrays.operand import Rows
from partwise.engine.problem import Problem
from partwise.solvers.base import Plan
from partwise.solvers.bpp import BlockPivoting
from partwise.subproblems import NormalEquations


def solve_rows(subproblem: NormalEquations) -> Array:
    """Each row exactly, from a fixed start: its answer depends on that row and the Gram alone.

    The start is the support of the unconstrained solution, where block pivoting would be after its first exchange,
    which is the dearest one: all components, and the same for all rows.
    """
    gram = subproblem.penalised_gram
    free = subproblem.penalised_cross @ np.linalg.pinv(gram, hermitian=True)
    start = np.where(np.diag(gram) > 0, np.maximum(free, 0), 0)
    return BlockPivoting().update(subproblem, start, Plan())[0]


def transform(problem: Problem, H: Array) -> Array:
    """The W (m × k) that minimises the objective for a held H (n × k), in the dtype of the data.

    The products are taken in float64 also for float32 data, so that an ill-conditioned H does not cost digits.
    """
    operand = problem.operand
    frame = problem.loss.around(H.astype(np.float64))

    def visit(block: Block, rows: Rows) -> tuple[Rows, int]:
        empty = np.zeros((block.shape[0], H.shape[1]))
        subproblem = frame(block, empty).plus(*problem.penalty_W.quadratic(empty))
        return solve_rows(subproblem).astype(operand.dtype, copy=False), 0

    W = operand.gather(operand.sweep(visit, None)[0])
    assert isinstance(W, np.ndarray)
    return W
