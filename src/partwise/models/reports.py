"""What the visits of blocks report; it adds up."""

from dataclasses import dataclass

from partwise._types import Array
from partwise.solvers.base import Work
from partwise.subproblems import NormalEquations


@dataclass(frozen=True)
class Share:
    """What the visit of a block reports for one state: H's subproblem at the new W, and how W's half-step went."""

    normal: NormalEquations
    penalty: float
    work: Work

    def __add__(self, other: "Share") -> "Share":
        return Share(self.normal + other.normal, self.penalty + other.penalty, self.work + other.work)


@dataclass(frozen=True)
class Shares:
    """The shares of several states."""

    each: tuple[Share, ...]

    def __add__(self, other: "Shares") -> "Shares":
        return Shares(tuple(a + b for a, b in zip(self.each, other.each, strict=True)))


@dataclass(frozen=True)
class Residuals:
    """Σ r² of W's side, H's subproblem at W, and W's loss and penalty."""

    squares: float
    normal: NormalEquations
    loss: float
    penalty: float

    def __add__(self, other: "Residuals") -> "Residuals":
        return Residuals(
            self.squares + other.squares,
            self.normal + other.normal,
            self.loss + other.loss,
            self.penalty + other.penalty,
        )


@dataclass(frozen=True)
class Worst:
    """The largest residual of some rows; of equal ones the first."""

    square: float
    row: int
    lack: Array

    def __add__(self, other: "Worst") -> "Worst":
        return other if other.square > self.square else self
