"""β-divergences: from Itakura–Saito (β = 0) over Kullback–Leibler (1) to Frobenius (2), and beyond."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from partwise._errors import DataError
from partwise._types import Array
from partwise.arrays.block import Block
from partwise.arrays.operand import Operand, Rows
from partwise.arrays.survey import Survey
from partwise.kernels.sums import half_form
from partwise.losses.base import Frame, Loss
from partwise.losses.frobenius import Frobenius
from partwise.subproblems import GradientParts, Subproblem, gram_of, in_ranges


@dataclass(frozen=True)
class BetaDivergence(Loss):
    """Σ (x^β + (β − 1) y^β − β x y^(β−1)) / (β (β − 1)) with y = WH, scikit-learn's scale.

    It is Σ x/y − log(x/y) − 1 for β = 0, Σ x log(x/y) − x + y for β = 1 and ½‖X − WH‖² for β = 2.

    Parameters
    ----------
    beta : float, default=0
        The smaller it is, the more small entries count; 0 alone is indifferent to their scale.
    """

    name = "beta"
    forms = frozenset({GradientParts})
    certificate = GradientParts

    beta: float = 0.0

    def around(self, form: type[Subproblem], held: Sequence[Array]) -> Frame:
        grams = [gram_of(G).astype(G.dtype) if self.beta == 2 else None for G in held]

        def frame(block: Block, F: Sequence[Array]) -> list[GradientParts]:
            return [self._parts(block, *each) for each in zip(F, held, grams, strict=True)]

        return frame

    def _parts(self, block: Block, F: Array, G: Array, gram: Array | None) -> GradientParts:
        parts = block.divergence(F, G, self.beta) if gram is None else _quadratic(block, F, G, gram)
        return GradientParts(*parts, falling=min(0.0, self.beta - 2.0), rising=max(0.0, self.beta - 1.0))

    def check(self, survey: Survey) -> None:
        Frobenius().check(survey)
        if self.beta <= 0 and survey.zero is not None:
            i, j = survey.zero
            raise DataError(
                f"With β = {self.beta:g} (Itakura–Saito is 0) the loss is infinite where an entry is zero, and "
                f"{survey.size - survey.nonzeros} of the {survey.size} entries are: the first is in row {i}, column "
                f"{j} (counted from 0). Make the data dense and add a floor that is small beside them, for instance "
                "X + X[X > 0].min() * 1e-3, or choose a beta_loss above zero."
            )

    def between(self, operand: Operand, W: Rows, H: Array) -> float:
        if self.beta == 2:
            return Frobenius().between(operand, W, H)
        H = H.astype(np.float64, copy=False)

        def visit(block: Block, rows: Rows) -> tuple[Rows, float]:
            assert isinstance(rows, np.ndarray)
            return None, block.divergence(rows.astype(np.float64, copy=False), H, self.beta)[2]

        return operand.sweep(visit, W)[1]

    def scale(self, survey: Survey) -> float:
        """√Σ x^β, exact for β = 0, 1 and 2 and between them the bound that Hölder's inequality gives."""
        return float(np.sqrt(self._power_sum(survey)))

    def magnitude(self, survey: Survey) -> float:
        return 0.5 * self._power_sum(survey) if self.beta == 2 else self._power_sum(survey)

    def _power_sum(self, survey: Survey) -> float:
        if survey.nonzeros == 0:
            return 0.0
        if self.beta <= 1:
            return float(survey.nonzeros ** (1.0 - self.beta) * survey.total**self.beta)
        return float(survey.total ** (2.0 - self.beta) * survey.sumsq ** (self.beta - 1.0))


def _quadratic(block: Block, F: Array, G: Array, gram: Array) -> tuple[Array, Array, float]:
    """The parts for β = 2, whose positive part needs the Gram of G alone."""
    negative = block.times(G)
    positive = np.empty_like(negative)

    def multiply(start: int, stop: int) -> float:
        rows = slice(start, stop)
        np.matmul(F[rows], gram, out=positive[rows])
        return half_form(F[rows], positive[rows], negative[rows])

    return negative, positive, 0.5 * block.sumsq + sum(in_ranges(multiply, F))
