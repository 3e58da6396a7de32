"""HALS: cyclic coordinate descent on the normal equations (Cichocki & Phan 2009)."""

from itertools import pairwise

import numpy as np

from partwise._types import Array, Float64
from partwise.kernels.hals import hals_lanes, hals_rows
from partwise.kernels.threads import parallel
from partwise.kernels.weighted import hals_each
from partwise.solvers.base import Plan, Solver, Work
from partwise.subproblems import NormalEquations, RowEquations, in_ranges

# What the kernels cost in nanoseconds, measured on 10 to 50 components: a sweep of a row in the lanes
# LANE_SQUARE k² (float64) + LANE_LINE k; row by row, a coordinate that moves MOVE + MOVE_LINE k, and one that is looked
# at LOOK. Their ratios decide which kernel a half-step takes, so they are constants: a clock would change the bits.
LANE_SQUARE, LANE_LINE = 0.08, 0.5
MOVE, MOVE_LINE, LOOK = 8.0, 0.1, 1.0


class CoordinateDescent(Solver):
    """Several sweeps over the coordinates of each row while they still gain (Gillis & Glineur 2012)."""

    name = "cd"
    form = NormalEquations
    scopes = frozenset({"entry"})
    monotone = True
    # Nearly exact half-steps are what extrapolation wants, and the kernels make them cheap beside the products. Fewer
    # sweeps (10, or a gain of 0.03) took as long to the same objective, and left the spectra of Jasper Ridge half a per
    # cent above.
    plan = Plan(sweeps=20, gain=0.01)

    def update(self, subproblem: NormalEquations, F: Array, plan: Plan) -> tuple[Array, Work]:
        new = np.empty(F.shape, F.dtype)
        cross = subproblem.penalised_cross
        gram = subproblem.penalised_gram.astype(F.dtype)
        sweep = hals_rows if plan.sparse else hals_lanes

        def lower(start: int, stop: int) -> Float64:
            work = np.zeros(4)
            part = slice(start, stop)
            sweep(cross[part], gram, F[part], plan.sweeps, plan.gain, new[part], work)
            return work

        totals = sum(in_ranges(lower, F), np.zeros(4))
        return new, Work.of(totals, len(new))

    def next_plan(self, plan: Plan, work: Work, F: Array) -> Plan:
        """Go row by row where that is less work, by the counts of the last half-step and the costs of both kernels."""
        k = F.shape[1]
        by_lanes = work.sweeps * (LANE_SQUARE * F.itemsize / 8 * k * k + LANE_LINE * k)
        by_rows = work.moved * (MOVE + MOVE_LINE * k) + work.sweeps * k * LOOK
        return Plan(plan.sweeps, plan.gain, sparse=by_rows < by_lanes)


class RowDescent(Solver):
    """The same where each row has a Gram of its own."""

    name = "cd"
    form = RowEquations
    scopes = frozenset({"entry"})
    monotone = True
    plan = CoordinateDescent.plan

    def update(self, subproblem: RowEquations, F: Array, plan: Plan) -> tuple[Array, Work]:
        new = np.empty(F.shape, F.dtype)

        def lower(bounds: tuple[int, int]) -> Float64:
            work, part = np.zeros(4), slice(*bounds)
            cross, grams = subproblem.equations(*bounds)
            hals_each(cross, grams, np.ascontiguousarray(F[part]), plan.sweeps, plan.gain, new[part], work)
            return work

        totals = sum(parallel(lower, pairwise(subproblem.ranges)), np.zeros(4))
        return new, Work.of(totals, len(new))

    def next_plan(self, plan: Plan, work: Work, F: Array) -> Plan:
        """One kernel serves sparse and dense factors."""
        return plan
