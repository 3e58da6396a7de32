"""The Frobenius loss."""

from collections.abc import Sequence

import numpy as np

from partwise._errors import DataError
from partwise._types import Array
from partwise.arrays.block import Block
from partwise.arrays.operand import Operand, Rows
from partwise.arrays.survey import Survey
from partwise.kernels.sums import half_form
from partwise.losses.base import Frame, Loss
from partwise.losses.wide import Wide
from partwise.subproblems import GradientParts, NormalEquations, Subproblem, gram_of, in_ranges


class Frobenius(Loss):
    """½ ‖X − WH‖², scikit-learn's scale: the reported reconstruction error is the square root of twice it."""

    name = "frobenius"
    beta = 2.0
    forms = frozenset({NormalEquations, GradientParts})
    certificate = NormalEquations

    def around(self, form: type[Subproblem], held: Sequence[Array]) -> Frame:
        grams = [gram_of(G) for G in held]
        wide = Wide(held)

        def normal(block: Block, F: Sequence[Array]) -> list[Subproblem]:
            return [
                NormalEquations(cross, gram, 0.5 * block.sumsq)
                for cross, gram in zip(wide.products(block), grams, strict=True)
            ]

        def gradient(block: Block, F: Sequence[Array]) -> list[Subproblem]:
            return [
                _parts(cross, gram.astype(f.dtype), f, 0.5 * block.sumsq)
                for cross, gram, f in zip(wide.products(block), grams, F, strict=True)
            ]

        return normal if form is NormalEquations else gradient

    def check(self, survey: Survey) -> None:
        if survey.negative is not None:
            i, j = survey.negative
            raise DataError(
                f"Negative values in data passed to NMF: the first is in row {i}, column {j} (counted from 0). A "
                "non-negative factorization needs entries ≥ 0: clip, shift or drop what is below zero."
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


def _parts(cross: Array, gram: Array, F: Array, constant: float) -> GradientParts:
    """∇ = F·gram − cross, and the loss at F."""
    positive = np.empty_like(cross)

    def multiply(start: int, stop: int) -> float:
        rows = slice(start, stop)
        np.matmul(F[rows], gram, out=positive[rows])
        return half_form(F[rows], positive[rows], cross[rows])

    return GradientParts(cross, positive, constant + sum(in_ranges(multiply, F)), falling=0.0, rising=1.0)
