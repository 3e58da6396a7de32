"""The Kullback–Leibler loss."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from partwise._types import Array
from partwise.arrays.block import Block
from partwise.losses.base import Frame
from partwise.losses.beta import BetaDivergence
from partwise.subproblems import Entries, GradientParts, Subproblem


@dataclass(frozen=True)
class KullbackLeibler(BetaDivergence):
    """Σ x log(x/y) − x + y with y = WH, scikit-learn's scale.

    It is the negative log-likelihood of Poisson counts, but for terms of x alone. Zeros of X enter through the sums of
    the factors' columns only.
    """

    name = "kullback-leibler"
    forms = frozenset({GradientParts, Entries})

    beta: float = field(default=1.0, init=False)

    def around(self, form: type[Subproblem], held: Sequence[Array], valued: bool = True) -> Frame:
        if form is not Entries:
            return super().around(form, held, valued)

        def frame(block: Block, F: Sequence[Array]) -> list[Entries]:
            return [Entries(block, G) for G in held]

        return frame
