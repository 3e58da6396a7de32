"""The Frobenius loss."""

from collections.abc import Sequence

import numpy as np

from partwise._errors import DataError
from partwise._types import Array
from partwise.arrays.block import Block
from partwise.arrays.operand import Operand, Rows
from partwise.arrays.survey import Survey
from partwise.losses.base import Frame, Loss
from partwise.losses.wide import Wide
from partwise.subproblems import NormalEquations, Subproblem, gram_of


class Frobenius(Loss):
    """½ ‖X − WH‖², scikit-learn's scale: the reported reconstruction error is the square root of twice it."""

    name = "frobenius"
    forms = frozenset({NormalEquations})
    certificate = NormalEquations

    def around(self, form: type[Subproblem], held: Sequence[Array]) -> Frame:
        grams = [gram_of(G) for G in held]
        wide = Wide(held)

        def frame(block: Block, F: Sequence[Array]) -> list[NormalEquations]:
            return [
                NormalEquations(cross, gram, 0.5 * block.sumsq)
                for cross, gram in zip(wide.products(block), grams, strict=True)
            ]

        return frame

    def check(self, survey: Survey) -> None:
        if survey.negative is not None:
            i, j = survey.negative
            raise DataError(
                f"Negative values in data: the first is in row {i}, column {j} (counted from 0). A non-negative "
                "factorization needs entries ≥ 0: clip, shift or drop what is below zero."
            )

    def between(self, operand: Operand, W: Rows, H: Array) -> float:
        def visit(block: Block, rows: Rows) -> tuple[Rows, float]:
            assert isinstance(rows, np.ndarray)
            return None, float(block.residual_squares(rows, H).sum())

        return 0.5 * operand.sweep(visit, W)[1]

    def scale(self, survey: Survey) -> float:
        return survey.norm

    def magnitude(self, survey: Survey) -> float:
        return 0.5 * survey.sumsq
