"""L1 and L2 penalties."""

from dataclasses import dataclass

import numpy as np

from partwise._types import Array
from partwise.penalties.base import Penalty


@dataclass(frozen=True)
class Elastic(Penalty):
    """l1 · Σ F + ½ · l2 · Σ F² over the entries of one factor, F ≥ 0.

    Parameters
    ----------
    l1, l2 : float ≥ 0, default=0
        Weights as they enter the objective; scikit-learn's ``alpha_W`` and ``l1_ratio`` are scaled by the caller.
    """

    scope = "entry"
    name = "elastic"

    l1: float = 0.0
    l2: float = 0.0

    @property
    def active(self) -> bool:
        return self.l1 > 0.0 or self.l2 > 0.0

    def value(self, F: Array) -> float:
        if not self.active:
            return 0.0
        total = float(np.sum(F, dtype=np.float64))
        return self.l1 * total + 0.5 * self.l2 * float(np.einsum("ij,ij->", F, F, dtype=np.float64))

    def scaled(self, factor: float) -> "Elastic":
        return Elastic(factor * self.l1, factor * self.l2)

    def quadratic(self, F: Array) -> tuple[float, float]:
        return self.l1, self.l2
