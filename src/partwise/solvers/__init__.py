"""Solvers: one half-step each."""

from partwise.solvers.base import Plan, Solver, Work
from partwise.solvers.bpp import BlockPivoting, RowPivoting
from partwise.solvers.cd import CoordinateDescent, RowDescent
from partwise.solvers.kl_cd import NewtonDescent
from partwise.solvers.mu import MultiplicativeUpdates

SOLVERS: dict[str, type[Solver]] = {
    "cd": CoordinateDescent,
    "bpp": BlockPivoting,
    "row_cd": RowDescent,
    "row_bpp": RowPivoting,
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
    "RowDescent",
    "RowPivoting",
    "Solver",
    "Work",
]
