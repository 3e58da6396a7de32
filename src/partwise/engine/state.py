"""What one step hands to the next."""

from dataclasses import dataclass, field, replace

import numpy as np

from partwise._types import Array
from partwise.arrays.operand import Rows
from partwise.engine.momentum import Momentum
from partwise.solvers.base import Plan


@dataclass(frozen=True)
class State:
    """All that the next step reads. Steps make a new one; the old one stays valid.

    Parameters
    ----------
    W : rows where the data live (m × k)
        With H the last accepted pair, whose objective is ``objective``.
    W_base : rows
        The solution before it was extrapolated to W; the next look-ahead starts from it.
    H, H_base, H_look : ndarray of shape (n, k)
        H, the solution that followed from it (H itself where the loss is known at solutions), and the look-ahead around
        which the next step holds it.
    momentum, plan_W, plan_H
        How the next step looks ahead and solves.
    objective : float
        Of (W, H), penalties included; inf before the first step.
    optimality : float
        The residual met on the way to (W, H), in the data's scale; see ``Bilinear.certify`` for the exact one.
    lowest : float
        The lowest objective so far, against which steps are accepted: rounding allowed for once cannot add up.
    n_iter, stalled : int
        Steps taken, and plain steps in a row that could lower neither the objective nor, noticeably, the optimality.
    dead : tuple of int
        Components that are zero in W or in H.
    free_W, free_H : rows and ndarray of bool, or None
        Which entries of the factors may move; None is all.
    """

    W: Rows
    W_base: Rows
    H: Array
    H_base: Array
    H_look: Array
    plan_W: Plan
    plan_H: Plan
    momentum: Momentum = field(default_factory=Momentum)
    objective: float = np.inf
    lowest: float = np.inf
    optimality: float = np.inf
    n_iter: int = 0
    stalled: int = 0
    dead: tuple[int, ...] = ()
    free_W: Rows = None
    free_H: Array | None = None

    @property
    def next_W(self) -> Plan:
        """The plan of W's next half-step: only a plain step has to be safe."""
        return replace(self.plan_W, bold=not self.momentum.plain)

    @property
    def next_H(self) -> Plan:
        """The same of H."""
        return replace(self.plan_H, bold=not self.momentum.plain)

    @property
    def held(self) -> bool:
        """Whether entries of the factors are held."""
        return self.free_W is not None or self.free_H is not None
