"""β-divergences: Itakura–Saito (β = 0), Kullback–Leibler (β = 1) and all others but Frobenius (β = 2)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from partwise._errors import DataError
from partwise._types import Array
from partwise.arrays.block import Block
from partwise.arrays.operand import Operand, Rows
from partwise.arrays.survey import Survey
from partwise.losses.base import Frame, Loss
from partwise.losses.frobenius import Frobenius
from partwise.subproblems import GradientParts, Subproblem


@dataclass(frozen=True)
class BetaDivergence(Loss):
    """Σ (x^β + (β − 1) y^β − β x y^(β−1)) / (β (β − 1)) with y = WH, scikit-learn's scale.

    It is Σ x/y − log(x/y) − 1 for β = 0 and Σ x log(x/y) − x + y for β = 1; β = 2 is :class:`Frobenius`.

    Parameters
    ----------
    beta : float
        The smaller it is, the more small entries count; 0 alone is indifferent to their scale.
    """

    name = "beta"
    forms = frozenset({GradientParts})
    certificate = GradientParts

    beta: float

    def around(self, form: type[Subproblem], held: Sequence[Array]) -> Frame:
        falling, rising = min(0.0, self.beta - 2.0), max(0.0, self.beta - 1.0)

        def frame(block: Block, F: Sequence[Array]) -> list[GradientParts]:
            return [
                GradientParts(*block.divergence(f, G, self.beta), falling, rising) for f, G in zip(F, held, strict=True)
            ]

        return frame

    def check(self, survey: Survey) -> None:
        Frobenius().check(survey)
        if self.beta <= 0 and survey.zero is not None:
            i, j = survey.zero
            raise DataError(
                "When beta_loss <= 0 and X contains zeros, the solver may diverge. Please add small values to X, or "
                f"use a positive beta_loss. {survey.size - survey.nonzeros} of the {survey.size} entries are zero, the "
                f"first in row {i}, column {j} (counted from 0). Make the data dense and add a floor that is small "
                "beside them, for instance X + X[X > 0].min() * 1e-3."
            )

    def between(self, operand: Operand, W: Rows, H: Array) -> float:
        H = H.astype(np.float64, copy=False)

        def visit(block: Block, rows: Rows) -> tuple[Rows, float]:
            assert isinstance(rows, np.ndarray)
            return None, block.divergence(rows.astype(np.float64, copy=False), H, self.beta)[2]

        return operand.sweep(visit, W)[1]

    def scale(self, survey: Survey) -> float:
        """√Σ x^β, exact for β = 0 and 1 and elsewhere the bound that Hölder's inequality gives."""
        return float(np.sqrt(self._power_sum(survey)))

    def magnitude(self, survey: Survey) -> float:
        return self._power_sum(survey)

    def _power_sum(self, survey: Survey) -> float:
        if survey.nonzeros == 0:
            return 0.0
        if self.beta <= 1:
            return float(survey.nonzeros ** (1.0 - self.beta) * survey.total**self.beta)
        return float(survey.total ** (2.0 - self.beta) * survey.sumsq ** (self.beta - 1.0))


@dataclass(frozen=True)
class ItakuraSaito(BetaDivergence):
    """Σ x/y − log(x/y) − 1 with y = WH, scikit-learn's scale: small entries count as much as large ones."""

    name = "itakura-saito"

    beta: float = field(default=0.0, init=False)
