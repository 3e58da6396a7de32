"""The problem: the data, the loss and the penalties. It owns the objective."""

from dataclasses import dataclass

import numpy as np

from partwise._errors import DataError
from partwise._lazy import lazy
from partwise._types import Array
from partwise.arrays.block import Block
from partwise.arrays.operand import Operand, Rows
from partwise.arrays.survey import Survey
from partwise.losses.base import Loss
from partwise.penalties.base import Penalty


@dataclass(frozen=True)
class Problem:
    """Minimise loss(X | W Hᵀ) + penalty_W(W) + penalty_H(H) over W, H ≥ 0, both tall (m × k and n × k)."""

    operand: Operand
    loss: Loss
    penalty_W: Penalty
    penalty_H: Penalty

    @lazy
    def survey(self) -> Survey:
        """The first read of the data."""

        def visit(block: Block, rows: Rows) -> tuple[Rows, Survey]:
            return None, block.survey

        return self.operand.sweep(visit, None)[1]

    @property
    def scale(self) -> float:
        """What residuals are divided by; 1 for all-zero data."""
        return self.loss.scale(self.survey) or 1.0

    @property
    def magnitude(self) -> float:
        """What the rounding of the loss is relative to."""
        return self.loss.magnitude(self.survey)

    @property
    def free_scale(self) -> bool:
        """Whether scale can move between the factors without changing the objective."""
        return not (self.penalty_W.active or self.penalty_H.active)

    def check(self) -> None:
        """Refuse data that cannot be factorised, in a sentence."""
        survey = self.survey
        if survey.not_finite is not None:
            i, j = survey.not_finite
            raise DataError(
                f"The data contain NaN or infinity: the first is in row {i}, column {j} (counted from 0). NaN is a "
                "missing entry in one dense matrix only, and infinity never is: sparse data leave missing entries out "
                "(implicit_zeros='missing'), or a mask names them."
            )
        self.loss.check(survey)
        limits, size = np.finfo(self.operand.dtype), max(self.operand.shape)
        low, high = size * np.sqrt(limits.tiny) / limits.eps, np.sqrt(limits.max) / size
        if survey.largest > 0 and not low <= survey.largest <= high:
            raise DataError(
                f"The largest entry is {survey.largest:g}; squares of such values leave the range of "
                f"{self.operand.dtype}. Multiply the data by a constant first: a factorization scales with them."
            )
        if survey.weight is not None and survey.sumsq > 0 and not low <= survey.norm <= high * size:
            raise DataError(
                f"With these weights the norm of the data is {survey.norm:g}, whose square leaves the range of "
                f"{self.operand.dtype}. Multiply the weights by a constant first: the parts do not depend on it."
            )

    def check_seen(self) -> None:
        """Refuse data of which nothing is observed: there is nothing to learn from them, and no mean."""
        if self.survey.size == 0:
            raise DataError("No entry of X is observed: all are missing, or have no weight. Give some that are.")

    def objective(self, W: Rows, H: Array) -> float:
        """Loss and penalties straight from the entries, by one read."""
        gathered = self.operand.gather(W)
        assert isinstance(gathered, np.ndarray)
        return self.loss.between(self.operand, W, H) + self.penalty_W.value(gathered) + self.penalty_H.value(H)
