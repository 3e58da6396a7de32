"""Exact half-steps by block principal pivoting (Kim & Park 2011)."""

from itertools import pairwise

import numpy as np

from partwise._types import Array, Float64
from partwise.kernels.bpp import bpp_rows
from partwise.kernels.threads import parallel
from partwise.kernels.weighted import bpp_each
from partwise.solvers.base import Plan, Solver, Work
from partwise.subproblems import NormalEquations, RowEquations, in_ranges


class BlockPivoting(Solver):
    """Each row solved exactly in float64, from the support of F.

    Block exchanges nearly always end after a few; a row that they leave unsolved (a Gram of nearly dependent
    components can make them circle) is solved by the classical active set.
    """

    name = "bpp"
    form = NormalEquations
    scopes = frozenset({"entry"})
    monotone = True

    def update(self, subproblem: NormalEquations, F: Array, plan: Plan) -> tuple[Array, Work]:
        new = np.array(F, order="C")
        cross = subproblem.penalised_cross
        gram = subproblem.penalised_gram
        # In units in which each held component has norm 1, signs and pivots can be judged by one measure.
        norms = np.sqrt(np.diag(gram))
        units = np.where(norms > 0, norms, 1.0)
        scaled = gram / units / units[:, None]
        pivots = 20 + len(gram)

        def solve(start: int, stop: int) -> Float64:
            work = np.zeros(4)
            part = slice(start, stop)
            f = new[part] * units
            bpp_rows(cross[part] / units, scaled, f, pivots, work)
            new[part] = f / units
            return work

        totals = sum(in_ranges(solve, F), np.zeros(4))
        return new, Work.of(totals, len(new))


class RowPivoting(Solver):
    """The same where each row has a Gram of its own."""

    name = "bpp"
    form = RowEquations
    scopes = frozenset({"entry"})
    monotone = True

    def update(self, subproblem: RowEquations, F: Array, plan: Plan) -> tuple[Array, Work]:
        new = np.array(F, order="C")
        pivots = 20 + F.shape[1]

        def solve(bounds: tuple[int, int]) -> Float64:
            work, part = np.zeros(4), slice(*bounds)
            cross, grams = (np.asarray(side, np.float64) for side in subproblem.equations(*bounds))
            f = new[part].astype(np.float64)
            bpp_each(cross, grams, f, pivots, work)
            new[part] = f
            return work

        totals = sum(parallel(solve, pairwise(subproblem.ranges)), np.zeros(4))
        return new, Work.of(totals, len(new))
