"""What a penalty is: a term of the objective on one factor."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal, Self

import numpy as np

from partwise._types import Array, PerComponent


class Penalty(ABC):
    """r(F), one for W and one for H.

    ``scope`` says what it couples: single entries, the row of a factor, or the whole factor.
    """

    name: ClassVar[str]
    scope: ClassVar[Literal["entry", "row", "matrix"]]
    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)

    @property
    @abstractmethod
    def active(self) -> bool:
        """Whether it is anything but zero; scale cannot move freely between the factors where one is active."""

    @abstractmethod
    def value(self, F: Array) -> float:
        """r(F), in float64."""

    @abstractmethod
    def quadratic(self, F: Array) -> tuple[PerComponent, PerComponent]:
        """(linear, ridge) of linear · Σ F + ½ ridge · Σ F²: the penalty itself, or a majoriser that touches it at F.

        Each is one number, or one for each component, whose sums it weighs.
        """

    @abstractmethod
    def scaled(self, factor: float) -> Self:
        """``factor`` times this penalty, for a problem whose loss is that part of the whole one."""

    def project(self, F: Array) -> Array:
        """F moved into the bounds."""
        return np.clip(F, *self.bounds)
