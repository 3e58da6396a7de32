"""What a solver is: one half-step that lowers a subproblem."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from partwise._types import Array, Float64
from partwise.subproblems import Subproblem


@dataclass(frozen=True)
class Plan:
    """How a half-step is to be done, fixed before it starts.

    Parameters
    ----------
    sweeps : int
        Most inner sweeps of a row.
    gain : float
        A row stops when a sweep gains at most this share of what its first one did.
    sparse : bool
        Whether to go row by row, skipping coordinates that stay at zero, instead of across rows.
    bold : bool
        Whether a step may be longer than what surely lowers the loss: it is judged afterwards.
    """

    sweeps: int = 1
    gain: float = 0.0
    sparse: bool = False
    bold: bool = False


@dataclass(frozen=True)
class Work:
    """What a half-step did; that of blocks adds up.

    Parameters
    ----------
    first, last : float
        Σ over rows of the gain of the first and of the last sweep, in the units of Σ r² of the natural residual.
    sweeps, moved : float
        Sweeps of single rows, and coordinates that moved in them.
    rows : int
        Rows of the factor.
    """

    first: float = 0.0
    last: float = 0.0
    sweeps: float = 0.0
    moved: float = 0.0
    rows: int = 0

    @classmethod
    def of(cls, totals: Float64, rows: int) -> "Work":
        """From what a kernel adds up: first gain, last gain, sweeps, moves."""
        first, last, sweeps, moved = totals.tolist()
        return cls(first, last, sweeps, moved, rows)

    def __add__(self, other: "Work") -> "Work":
        return Work(
            self.first + other.first,
            self.last + other.last,
            self.sweeps + other.sweeps,
            self.moved + other.moved,
            self.rows + other.rows,
        )


class Solver(ABC):
    """One half-step. ``form`` is the subproblem that it eats, ``scopes`` the penalties that it can join."""

    name: ClassVar[str]
    form: ClassVar[type[Subproblem]]
    scopes: ClassVar[frozenset[str]]
    monotone: ClassVar[bool]
    plan: ClassVar[Plan] = Plan()
    """How the first half-steps of a fit are done."""
    floor: ClassVar[float] = 0.0
    """The least that extrapolation may leave of an entry: above 0 for updates that cannot leave 0."""

    @abstractmethod
    def update(self, subproblem: Any, F: Array, plan: Plan) -> tuple[Array, Work]:
        """A new factor, at which the subproblem (penalty joined) is not larger than at F unless ``plan.bold``.

        F stays as it is.
        """

    def base(self, new: Array, before: Array) -> Array:
        """Where a look-ahead beyond ``new`` starts from, given the solution before it."""
        return before

    def next_plan(self, plan: Plan, work: Work, F: Array) -> Plan:
        """The plan of the next half-step on factors like F, from counted operations only."""
        return plan
