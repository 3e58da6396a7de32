"""The loss in which errors are told, and its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from partwise.engine.compose import loss_named

_FORMULAS = {0.0: "x/y − log(x/y) − 1", 1.0: "x log(x/y) − x + y", 2.0: "½ (x − y)²"}
_NAMES = {0.0: "Itakura–Saito divergence", 1.0: "Kullback–Leibler divergence", 2.0: "squared error"}


@dataclass(frozen=True)
class Measure:
    """How errors are told: relative to the data for the Frobenius loss, else as divergence per observed entry.

    Parameters
    ----------
    beta : float
        The β of the loss.
    """

    beta: float

    @classmethod
    def of(cls, model: Any) -> Measure:
        """In the loss that the model was fitted with."""
        return cls(float(loss_named(model.beta_loss).beta))

    @property
    def relative(self) -> bool:
        """Whether an error is a share."""
        return self.beta == 2

    @property
    def name(self) -> str:
        """What an error is called."""
        return "relative error" if self.relative else "divergence per entry"

    @property
    def formula(self) -> str:
        """What an entry x loses to its model y."""
        return _FORMULAS.get(self.beta, "(x^β + (β − 1) y^β − β x y^(β−1)) / (β (β − 1))")

    @property
    def loss(self) -> str:
        """What the loss is called."""
        return _NAMES.get(self.beta, f"β-divergence (β = {self.beta:g})")
