"""Solvers: one half-step each."""

from partwise.solvers.base import Plan, Solver, Work
from partwise.solvers.bpp import BlockPivoting
from partwise.solvers.cd import CoordinateDescent
from partwise.solvers.kl_cd import NewtonDescent
from partwise.solvers.mu import MultiplicativeUpdates

SOLVERS: dict[str, type[Solver]] = {
    "cd": CoordinateDescent,
    "bpp": BlockPivoting,
    "kl_cd": NewtonDescent,
    "mu": MultiplicativeUpdates,
}
"""The solvers; ``solver`` takes their ``name``, which those of different forms may share."""

__all__ = [
    "SOLVERS",
    "BlockPivoting",
    "CoordinateDescent",
    "MultiplicativeUpdates",
    "NewtonDescent",
    "Plan",
    "Solver",
    "Work",
]
