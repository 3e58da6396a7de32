"""The subproblem around one factor while the other is held: all that a solver ever sees of the data.

Both factors are tall here (rows × k): F is the one being updated, G the one held.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, Self, TypeVar

import numpy as np

from partwise._lazy import lazy
from partwise._types import Array, Float64, PerComponent
from partwise.arrays.block import Block
from partwise.arrays.weighted import WeightedBlock
from partwise.kernels.sums import column_largest, half_form, relative_squares, residual_squares
from partwise.kernels.threads import even_ranges, parallel

T = TypeVar("T")

# Entries of the Grams of some rows that a thread makes at a time.
_GRAMS = 1 << 20


class Subproblem(ABC):
    """A model of the loss around F."""

    name: ClassVar[str]
    """What an operand must serve."""
    additive: ClassVar[bool]
    """Whether subproblems of blocks of the held factor's rows add up to the whole one."""

    @abstractmethod
    def plus(self, linear: PerComponent, ridge: PerComponent) -> Self:
        """With the penalty ``linear`` Σ F + ½ ``ridge`` Σ F² joined, or such a penalty of each component."""

    @abstractmethod
    def hold(self, F: Array, free: Array) -> tuple[Self, Array]:
        """The same in the entries of F alone where ``free`` is true, and the factor to begin with.

        What a solver makes of the other entries does not matter, and they count nothing in its gains and in residuals.
        """

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
    linear, ridge : float or ndarray of shape (k,), float64
        A penalty's share: ``linear`` is taken off cross, ``ridge`` added to the diagonal of gram.
    """

    name = "normal"
    additive = True

    cross: Array
    gram: Float64
    constant: float
    linear: PerComponent = 0.0
    ridge: PerComponent = 0.0

    def __add__(self, other: "NormalEquations") -> "NormalEquations":
        return replace(
            self,
            cross=self.cross + other.cross,
            gram=self.gram + other.gram,
            constant=self.constant + other.constant,
        )

    def plus(self, linear: PerComponent, ridge: PerComponent) -> "NormalEquations":
        return replace(self, linear=self.linear + linear, ridge=self.ridge + ridge)

    def hold(self, F: Array, free: Array) -> tuple["NormalEquations", Array]:
        fixed = np.where(free, F.dtype.type(0), F)
        return replace(self, cross=_pushed(self.cross - fixed @ self.gram.astype(F.dtype), free)), F - fixed

    @property
    def penalised_cross(self) -> Array:
        """Cross − linear."""
        return self.cross - np.asarray(self.linear, self.cross.dtype) if np.any(self.linear) else self.cross

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
            return residual_squares(f, f @ gram - cross[start:stop], norms[None])

        return sum(in_ranges(part, F))


@dataclass(frozen=True)
class GradientParts(Subproblem):
    """Both parts of ∇ = positive − negative at one factor, and the loss there: what multiplicative steps need.

    When F moves to F ∘ r, the loss stays below a sum over entries that touches it at r = 1 and whose derivative in r
    has the sign of positive · r^rising − negative · r^falling: by Jensen's inequality for what is convex in it, and by
    tangents for the rest (Févotte & Idier 2011).

    Parameters
    ----------
    negative : ndarray of shape (rows, k)
        In the dtype of the factors, as is
    positive : ndarray of shape (rows, k) or (k,)
        the other part; one row where all are alike.
    value : float
        The loss at this factor.
    falling, rising : float
        The exponents, falling ≤ 0 ≤ rising.
    linear, ridge : float or ndarray of shape (k,), float64
        A penalty's share: ``linear`` + ``ridge`` F is added to the positive part.
    squares : ndarray of shape (rows, k) or None
        For the Frobenius loss Σ v g² of each held component over the entries of a row, which judge its residual.
    """

    name = "gradient"
    additive = True

    negative: Array
    positive: Array
    value: float
    falling: float
    rising: float
    linear: PerComponent = 0.0
    ridge: PerComponent = 0.0
    squares: Array | None = None

    def __add__(self, other: "GradientParts") -> "GradientParts":
        return replace(
            self,
            negative=self.negative + other.negative,
            positive=self.positive + other.positive,
            value=self.value + other.value,
            squares=None if self.squares is None or other.squares is None else self.squares + other.squares,
        )

    def plus(self, linear: PerComponent, ridge: PerComponent) -> "GradientParts":
        return replace(self, linear=self.linear + linear, ridge=self.ridge + ridge)

    def hold(self, F: Array, free: Array) -> tuple["GradientParts", Array]:
        balanced = self.penalised_positive(F, slice(None))
        return replace(self, negative=np.where(free, self.negative, balanced)), F

    @property
    def alive(self) -> Array:
        return np.asarray(np.atleast_2d(self.positive).max(axis=0, initial=0) > 0)

    @property
    def exponent(self) -> float:
        """The largest γ with which F (negative / positive)^γ passes the minimum of the upper bound nowhere."""
        return 1.0 / (max(self.rising, 1.0 if np.any(self.ridge) else 0.0) - self.falling)

    def penalised_positive(self, F: Array, rows: slice) -> Array:
        """Positive + linear + ridge F in these rows."""
        positive = np.broadcast_to(self.positive, F.shape)[rows] + np.asarray(self.linear, self.positive.dtype)
        if np.any(self.ridge):
            positive = positive + np.asarray(self.ridge, F.dtype) * F[rows]
        return np.asarray(positive, F.dtype)

    def measure(self, old: Array, new: Array) -> tuple[Array, float]:
        return old, self.value

    def residual(self, F: Array) -> float:
        """Σ ρ min(s, ∇/positive)², s the share of a component in its row's ρ = Σ F positive.

        By Euler's theorem ρ is Σ y^β of the row, so the sum has the unit of the loss, and stays as it is when scale
        moves between the factors. A row of F that is wholly zero has no scale and counts nothing. With ``squares`` the
        residual is that of the normal equations.
        """

        def part(start: int, stop: int) -> float:
            rows = slice(start, stop)
            positive, negative = self.penalised_positive(F, rows), self.negative[rows]
            if self.squares is None:
                return relative_squares(F[rows], positive, negative)
            return residual_squares(F[rows], positive - negative, np.sqrt(self.squares[rows]))

        return sum(in_ranges(part, F))


@dataclass(frozen=True)
class Entries(Subproblem):
    """The Kullback–Leibler divergence of a block from F Gᵀ, by its entries: what coordinate descent on them needs.

    Its natural residual is that of its :class:`GradientParts`.

    Parameters
    ----------
    block : Block
        Rows of the data, those of F.
    G : ndarray of shape (n, k)
        The held factor.
    linear, ridge : float or ndarray of shape (k,), float64
        A penalty's share.
    free : ndarray of shape (rows, k) or None
        Which entries of F may move; None is all.
    """

    name = "entries"
    additive = False

    block: Block
    G: Array
    linear: PerComponent = 0.0
    ridge: PerComponent = 0.0
    free: Array | None = None

    def plus(self, linear: PerComponent, ridge: PerComponent) -> "Entries":
        return replace(self, linear=self.linear + linear, ridge=self.ridge + ridge)

    def hold(self, F: Array, free: Array) -> tuple["Entries", Array]:
        return replace(self, free=free), F

    @property
    def sums(self) -> Float64:
        """Σ v g over the entries of each row (rows × k), or one row for all; −inf, which none has, where F is held."""
        sums = np.atleast_2d(self.block.weights_times(self.G))
        if self.free is not None:
            sums = np.where(self.free, sums, -np.inf)
        return np.ascontiguousarray(sums, np.float64)

    @property
    def alive(self) -> Array:
        return np.asarray(largest_of(self.G) > 0)

    def parts(self, F: Array) -> GradientParts:
        """The gradient at F, and the loss there."""
        negative, positive, value = self.block.divergence(F, self.G, 1.0)
        parts = GradientParts(negative, positive, value, -1.0, 0.0, self.linear, self.ridge)
        return parts if self.free is None else parts.hold(F, self.free)[0]

    def measure(self, old: Array, new: Array) -> tuple[Array, float]:
        return new, self.parts(new).value

    def residual(self, F: Array) -> float:
        return self.parts(F).residual(F)


@dataclass(frozen=True)
class RowEquations(Subproblem):
    """½ Σ v (x − f Gᵀ)² of each row of a weighted block: normal equations with a Gram for each row.

    The Grams are made for some rows at a time: all of them would take more memory than the data.

    Parameters
    ----------
    block : WeightedBlock
        Rows of the data, those of F.
    cross : ndarray of shape (rows, k)
        (V ∘ X) G.
    G : ndarray of shape (n, k)
        The held factor.
    linear, ridge : float or ndarray of shape (k,), float64
        A penalty's share.
    steeper : float
        What is added to the diagonal of each Gram, as a share of it: rows with few entries may not decide otherwise.
    """

    name = "entries"
    additive = False

    block: WeightedBlock
    cross: Array
    G: Array
    linear: PerComponent = 0.0
    ridge: PerComponent = 0.0
    steeper: float = 0.0

    def plus(self, linear: PerComponent, ridge: PerComponent) -> "RowEquations":
        return replace(self, linear=self.linear + linear, ridge=self.ridge + ridge)

    def hold(self, F: Array, free: Array) -> tuple["RowEquations", Array]:
        fixed = np.where(free, F.dtype.type(0), F)
        return replace(self, cross=_pushed(self.cross - self.block.model_times(fixed, self.G), free)), F - fixed

    @property
    def ranges(self) -> Sequence[int]:
        """Bounds of rows whose Grams are made together."""
        step = max(1, _GRAMS // self.G.shape[1] ** 2)
        pairs = pairwise(self.block.ranges)
        return [0, *(min(a, stop) for start, stop in pairs for a in range(start + step, stop + step, step))]

    @lazy
    def _grams(self) -> Callable[[int, int], Array]:
        return self.block.grams(self.G)

    def equations(self, start: int, stop: int) -> tuple[Array, Array]:
        """Cross (rows × k) and Grams (rows × k × k) of rows start … stop, penalties joined."""
        cross, grams = self.cross[start:stop] - np.asarray(self.linear, self.cross.dtype), self._grams(start, stop)
        diagonals = np.einsum("rjj->rj", grams)
        diagonals *= 1.0 + self.steeper
        diagonals += self.ridge
        return cross, grams

    @property
    def alive(self) -> Array:
        return np.asarray(largest_of(self.G) > 0)

    def parts(self, F: Array, valued: bool = True) -> GradientParts:
        """The gradient at F, the loss there unless it is not ``valued``, and what judges the gradient."""
        return GradientParts(
            self.cross,
            self.block.model_times(F, self.G),
            self.measure(F, F)[1] if valued else np.nan,
            falling=0.0,
            rising=1.0,
            linear=self.linear,
            ridge=self.ridge,
            squares=self.block.weights_times(np.square(self.G)),
        )

    def measure(self, old: Array, new: Array) -> tuple[Array, float]:
        return new, 0.5 * float(self.block.residual_squares(new, self.G).sum())

    def residual(self, F: Array) -> float:
        return self.parts(F).residual(F)


def _pushed(cross: Array, free: Array) -> Array:
    """A cross product that keeps at zero what is not free: there the gradient is positive for every F ≥ 0."""
    return np.where(free, cross, -np.abs(cross).max(axis=1, keepdims=True, initial=0))


def gram_of(G: Array) -> Float64:
    """GᵀG, made in float64: rounded to float32 its few numbers shifted the objective by more than all products did."""

    def part(start: int, stop: int) -> Float64:
        g = G[start:stop].astype(np.float64, copy=False)
        # Not by @, which keeps the GIL while it makes fewer than 500 entries: for k = 20 two threads were no faster.
        return np.asarray(np.dot(g.T, g))

    return sum(in_ranges(part, G), np.zeros((G.shape[1], G.shape[1])))


def largest_of(G: Array) -> Array:
    """The largest entry of each column of G, 0 where none is positive."""
    largest = np.zeros(G.shape[1], G.dtype)
    for part in in_ranges(lambda start, stop: _largest(G[start:stop]), G):
        np.maximum(largest, part, out=largest)
    return largest


def _largest(G: Array) -> Array:
    out = np.zeros(G.shape[1], G.dtype)
    column_largest(G, out)
    return out


def in_ranges(task: Callable[[int, int], T], F: Array) -> list[T]:
    """Results of ``task(start, stop)`` for ranges of the rows of F, cut for work like that of a product with a Gram."""
    bounds = even_ranges(len(F), 2 * F.shape[1] ** 2)
    return parallel(lambda pair: task(*pair), pairwise(bounds))
