"""Exact half-steps by block principal pivoting (Kim & Park 2011)."""

import numpy as np

from partwise._types import Array, Float64
from partwise.kernels.bpp import bpp_rows
from partwise.kernels.threads import over
from partwise.solvers.base import Plan, Solver, Work
from partwise.solvers.cd import CoordinateDescent
from partwise.subproblems import NormalEquations

_ROWS = 256


class BlockPivoting(Solver):
    """Each row solved exactly in float64, from the support of F.

    The exchanges end for every Gram of full rank; a row that they leave unsolved (a singular Gram can make
    them circle) is lowered by coordinate descent instead.
    """

    name = "bpp"
    form = NormalEquations
    scopes = frozenset({"entry"})
    monotone = True

    def update(self, subproblem: NormalEquations, F: Array, plan: Plan) -> tuple[Array, Work]:
        new = np.array(F, order="C")
        cross = subproblem.penalised_cross
        gram = subproblem.penalised_gram
        unsolved = np.zeros(len(new), np.bool_)
        pivots = 50 + 5 * len(gram)

        def solve(start: int) -> Float64:
            work = np.zeros(5)
            part = slice(start, start + _ROWS)
            bpp_rows(cross[part], gram, new[part], pivots, unsolved[part], work)
            return work

        totals = sum(over(solve, range(0, len(new), _ROWS)), np.zeros(5))
        if unsolved.any():
            rest = NormalEquations(cross[unsolved], gram, 0.0)
            new[unsolved], _ = CoordinateDescent().update(rest, new[unsolved], Plan(sweeps=1000, gain=1e-12))
        return new, Work.of(totals, len(new))

    def next_plan(self, plan: Plan, work: Work, F: Array) -> Plan:
        """Exact steps need no plan."""
        return plan
