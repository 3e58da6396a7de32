"""The Frobenius loss where entries have weights."""

from collections.abc import Sequence

from partwise._types import Array
from partwise.arrays.block import Block
from partwise.arrays.weighted import WeightedBlock
from partwise.losses.base import Frame
from partwise.losses.frobenius import Frobenius
from partwise.subproblems import GradientParts, RowEquations, Subproblem


class WeightedFrobenius(Frobenius):
    """½ Σ v (x − y)² with y = WH, over the entries with a weight v > 0."""

    forms = frozenset({RowEquations, GradientParts})
    certificate = GradientParts

    def around(self, form: type[Subproblem], held: Sequence[Array], valued: bool = True) -> Frame:
        def frame(block: Block, F: Sequence[Array]) -> list[Subproblem]:
            assert isinstance(block, WeightedBlock)
            equations = [RowEquations(block, block.weighted_times(G), G) for G in held]
            if form is RowEquations:
                return list(equations)
            return [one.parts(f, valued) for one, f in zip(equations, F, strict=True)]

        return frame
