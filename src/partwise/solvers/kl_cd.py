"""Coordinate descent of Newton type for the Kullback–Leibler divergence (Hsieh & Dhillon 2011)."""

from itertools import pairwise

import numpy as np

from partwise._types import Array
from partwise.kernels.kullback_leibler import descent
from partwise.kernels.threads import parallel
from partwise.solvers.base import Plan, Solver, Work
from partwise.subproblems import Entries


class NewtonDescent(Solver):
    """Sweeps over the coordinates of each row while they still gain, on the entries that are not zero."""

    name = "cd"
    form = Entries
    scopes = frozenset({"entry"})
    monotone = True
    # One sweep, which is several over what is not zero: on counts (PBMC) more took longer to the same loss.
    plan = Plan(sweeps=1)

    def update(self, subproblem: Entries, F: Array, plan: Plan) -> tuple[Array, Work]:
        block, new = subproblem.block, np.empty(F.shape, F.dtype)
        penalty = subproblem.linear, subproblem.ridge
        lower = descent(block.weighted, subproblem.G, subproblem.sums, penalty, F, plan.sweeps, plan.gain, new)
        totals = sum(parallel(lower, pairwise(block.ranges)), np.zeros(4))
        return new, Work.of(totals, len(new))
