"""Solvers: one half-step each."""

from partwise.solvers.base import Plan, Solver, Work
from partwise.solvers.bpp import BlockPivoting
from partwise.solvers.cd import CoordinateDescent

SOLVERS: dict[str, type[Solver]] = {solver.name: solver for solver in (CoordinateDescent, BlockPivoting)}
"""The solvers by the name that ``solver`` takes."""

__all__ = ["SOLVERS", "BlockPivoting", "CoordinateDescent", "Plan", "Solver", "Work"]
