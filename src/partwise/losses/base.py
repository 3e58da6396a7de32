"""What a loss is: it turns a block of data and the factors into a subproblem."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias

from partwise._types import Array
from partwise.arrays.block import Block
from partwise.arrays.operand import Operand, Rows
from partwise.arrays.survey import Survey
from partwise.subproblems import Subproblem

Frame: TypeAlias = "Callable[[Block, Sequence[Array]], list[Any]]"
"""From a block and the rows of each fit to a subproblem of each, of the form that was asked for."""


class Loss(ABC):
    """D(X | WH), summed over the entries, with a scale that its docstring states."""

    name: ClassVar[str]
    beta: float
    """The β of the β-divergence that it is."""
    forms: ClassVar[frozenset[type[Subproblem]]]
    """The subproblems that it can state."""
    certificate: ClassVar[type[Subproblem]]
    """The additive one by which a pair is judged."""

    @abstractmethod
    def around(self, form: type[Subproblem], held: Sequence[Array], valued: bool = True) -> Frame:
        """Make once what depends on the held factors G (n × k) alone, one for each of several independent fits.

        The frame returned turns a block (b × n) and its rows F (b × k) of the other factor of each fit into the
        subproblem of each. All of them read the block once, and those of one fit do not depend on the others. Where the
        loss at F costs something it is left out unless ``valued``.
        """

    @abstractmethod
    def check(self, survey: Survey) -> None:
        """Refuse data outside the loss's domain with a :class:`DataError` that names the first bad entry."""

    @abstractmethod
    def between(self, operand: Operand, W: Rows, H: Array) -> float:
        """D(X | W Hᵀ) straight from the entries, in float64: no cancellation, one read."""

    @abstractmethod
    def scale(self, survey: Survey) -> float:
        """What a residual is divided by to be free of the data's scale."""

    @abstractmethod
    def magnitude(self, survey: Survey) -> float:
        """How large the sums are that the loss is made of: its rounding is relative to them."""
