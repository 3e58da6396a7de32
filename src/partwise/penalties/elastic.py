"""L1 and L2 penalties."""

from dataclasses import dataclass

import numpy as np

from partwise._types import Array, PerComponent
from partwise.penalties.base import Penalty


@dataclass(frozen=True)
class Elastic(Penalty):
    """l1 · Σ F + ½ · l2 · Σ F² over the entries of one factor, F ≥ 0; each component may have weights of its own.

    Parameters
    ----------
    l1, l2 : float or ndarray of shape (k,), float64, ≥ 0, default=0
        Weights as they enter the objective; scikit-learn's ``alpha_W`` and ``l1_ratio`` are scaled by the caller.
    """

    scope = "entry"
    name = "elastic"

    l1: PerComponent = 0.0
    l2: PerComponent = 0.0

    @property
    def active(self) -> bool:
        return bool(np.any(self.l1) or np.any(self.l2))

    def value(self, F: Array) -> float:
        if not self.active:
            return 0.0
        sums = np.sum(F, axis=0, dtype=np.float64)
        squares = np.einsum("ij,ij->j", F, F, dtype=np.float64)
        return float(np.sum(self.l1 * sums + 0.5 * self.l2 * squares))

    def scaled(self, factor: float) -> "Elastic":
        return Elastic(factor * self.l1, factor * self.l2)

    def quadratic(self, F: Array) -> tuple[PerComponent, PerComponent]:
        return self.l1, self.l2
