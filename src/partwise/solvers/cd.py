"""HALS: cyclic coordinate descent on the normal equations (Cichocki & Phan 2009)."""

import numpy as np

from partwise._types import Array, Float64
from partwise.kernels.hals import LANES, hals_lanes, hals_rows
from partwise.kernels.threads import over
from partwise.solvers.base import Plan, Solver, Work
from partwise.subproblems import NormalEquations

# Work of one kernel call: some lanes' worth of rows, so that threads share evenly and calls stay cheap.
_ROWS = 4 * LANES


class CoordinateDescent(Solver):
    """Several sweeps over the coordinates of each row while they still gain (Gillis & Glineur 2012)."""

    name = "cd"
    form = NormalEquations
    scopes = frozenset({"entry"})
    monotone = True

    def update(self, subproblem: NormalEquations, F: Array, plan: Plan) -> tuple[Array, Work]:
        new = np.array(F, order="C")
        cross = subproblem.penalised_cross
        gram = subproblem.penalised_gram.astype(F.dtype)
        sweep = hals_rows if plan.sparse else hals_lanes

        def lower(start: int) -> Float64:
            work = np.zeros(4)
            part = slice(start, start + _ROWS)
            sweep(cross[part], gram, new[part], plan.sweeps, plan.gain, work)
            return work

        totals = sum(over(lower, range(0, len(new), _ROWS)), np.zeros(4))
        return new, Work.of(totals, len(new))

    def next_plan(self, plan: Plan, work: Work, k: int) -> Plan:
        """Skip zeros where few coordinates moved.

        Measured on 20 to 49 components, the row kernel costs as much as the lanes when a quarter moves; less for few
        components, whose rows are too short to vectorise.
        """
        share = work.moved / max(1.0, work.sweeps * k)
        return Plan(plan.sweeps, plan.gain, sparse=share < min(0.2, k / 200))
