"""What the visits of blocks report; it adds up."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from partwise._types import Array
from partwise.arrays.operand import Report
from partwise.solvers.base import Work

R = TypeVar("R", bound=Report)


@dataclass(frozen=True)
class Share:
    """What the visit of a block reports for one state.

    Its share of H's subproblem at the new W where such shares add up, W's penalty, how its half-step went, and the
    largest entry of each component.
    """

    subproblem: Any
    penalty: float
    work: Work
    largest: Array

    def __add__(self, other: "Share") -> "Share":
        return Share(
            None if self.subproblem is None else self.subproblem + other.subproblem,
            self.penalty + other.penalty,
            self.work + other.work,
            np.maximum(self.largest, other.largest),
        )


@dataclass(frozen=True)
class Half:
    """What H's half-step led to: the solution, the factor at which the loss is known, the loss there, how it went."""

    solved: Array
    measured: Array
    loss: float
    work: Work


@dataclass(frozen=True)
class Course:
    """What the visit of some of H's rows reports for one state: the loss on them, and how the half-step went."""

    loss: float
    work: Work

    def __add__(self, other: "Course") -> "Course":
        return Course(self.loss + other.loss, self.work + other.work)


@dataclass(frozen=True)
class Each(Generic[R]):
    """The reports of several states."""

    each: tuple[R, ...]

    def __add__(self, other: "Each[R]") -> "Each[R]":
        return Each(tuple(a + b for a, b in zip(self.each, other.each, strict=True)))


@dataclass(frozen=True)
class Residuals:
    """Σ r² of W's side, H's subproblem at W, and the loss and W's penalty."""

    squares: float
    other: Any
    loss: float
    penalty: float

    def __add__(self, other: "Residuals") -> "Residuals":
        return Residuals(
            self.squares + other.squares,
            self.other + other.other,
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
