"""The subproblem around one factor while the other is held: all that a solver ever sees of the data.

Both factors are tall here (rows × k): F is the one being updated, G the one held.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, Self, TypeVar

import numpy as np

from partwise._types import Array, Float64
from partwise.kernels.sums import half_form, residual_squares
from partwise.kernels.threads import even_ranges, parallel

T = TypeVar("T")


class Subproblem(ABC):
    """A model of the loss around F."""

    name: ClassVar[str]
    """What an operand must serve."""
    additive: ClassVar[bool]
    """Whether subproblems of blocks of the held factor's rows add up to the whole one."""

    @abstractmethod
    def plus(self, linear: float, ridge: float) -> Self:
        """With the penalty ``linear`` Σ F + ½ ``ridge`` Σ F² joined."""

    @property
    @abstractmethod
    def alive(self) -> Array:
        """For each component whether the held factor has any of it."""

    @abstractmethod
    def measure(self, old: Array, new: Array) -> tuple[Array, float]:
        """The factor at which the loss is known, and the loss there (penalties not included)."""

    @abstractmethod
    def residual(self, F: Array) -> float:
        """Σ r² of the natural residual at F."""


@dataclass(frozen=True)
class NormalEquations(Subproblem):
    """½⟨F·gram, F⟩ − ⟨F, cross⟩ + constant: the Frobenius loss in F, exactly.

    Parameters
    ----------
    cross : ndarray of shape (rows, k)
        X G, in the dtype of the data.
    gram : ndarray of shape (k, k), float64
        GᵀG.
    constant : float
        ½‖X‖².
    linear, ridge : float
        A penalty's share: ``linear`` is taken off cross, ``ridge`` added to the diagonal of gram.
    """

    name = "normal"
    additive = True

    cross: Array
    gram: Float64
    constant: float
    linear: float = 0.0
    ridge: float = 0.0

    def __add__(self, other: "NormalEquations") -> "NormalEquations":
        return replace(
            self,
            cross=self.cross + other.cross,
            gram=self.gram + other.gram,
            constant=self.constant + other.constant,
        )

    def plus(self, linear: float, ridge: float) -> "NormalEquations":
        return replace(self, linear=self.linear + linear, ridge=self.ridge + ridge)

    @property
    def penalised_cross(self) -> Array:
        """Cross − linear."""
        return self.cross if self.linear == 0.0 else self.cross - self.cross.dtype.type(self.linear)

    @property
    def penalised_gram(self) -> Float64:
        """Gram + ridge · I."""
        return self.gram + self.ridge * np.eye(len(self.gram))

    @property
    def norms(self) -> Float64:
        """‖gⱼ‖ of the held components."""
        return np.sqrt(np.diag(self.gram))

    def measure(self, old: Array, new: Array) -> tuple[Array, float]:
        return new, self.value(new)

    def value(self, F: Array) -> float:
        """The loss at F, summed in float64; it cancels where the fit is nearly exact."""
        F = F.astype(self.cross.dtype, copy=False)
        gram = self.gram.astype(F.dtype, copy=False)

        def part(start: int, stop: int) -> float:
            f = F[start:stop]
            return half_form(f, f @ gram, self.cross[start:stop])

        return self.constant + sum(in_ranges(part, F))

    @property
    def alive(self) -> Array:
        return np.asarray(self.norms > 0)

    def residual(self, F: Array) -> float:
        F = F.astype(self.cross.dtype, copy=False)
        norms = self.norms
        gram = self.penalised_gram.astype(F.dtype, copy=False)
        cross = self.penalised_cross

        def part(start: int, stop: int) -> float:
            f = F[start:stop]
            return residual_squares(f, f @ gram - cross[start:stop], norms)

        return sum(in_ranges(part, F))


def gram_of(G: Array) -> Float64:
    """GᵀG in float64: products of some rows in the dtype of G, their sum in float64."""
    parts = in_ranges(lambda start, stop: G[start:stop].T @ G[start:stop], G)
    return sum(parts, np.zeros((G.shape[1], G.shape[1])))


def in_ranges(task: Callable[[int, int], T], F: Array) -> list[T]:
    """Results of ``task(start, stop)`` for ranges of the rows of F, cut for work like that of a product with a Gram."""
    bounds = even_ranges(len(F), 2 * F.shape[1] ** 2)
    return parallel(lambda pair: task(*pair), pairwise(bounds))
