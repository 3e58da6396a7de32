"""How a fit ended."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from partwise._types import Array
from partwise.engine.state import State


class Status(StrEnum):
    """Why a fit stopped. A member is a string (``status == "converged"``) and carries its sentence."""

    CONVERGED = "converged"
    MAX_ITER = "max_iter"
    MAX_TIME = "max_time"
    INTERRUPTED = "interrupted"
    DROPPED = "dropped"

    @property
    def sentence(self) -> str:
        """The status in words."""
        return _SENTENCES[self]


_SENTENCES = {
    Status.CONVERGED: "The fit converged.",
    Status.MAX_ITER: "The fit stopped at max_iter before it met the tolerance; more iterations would lower the error.",
    Status.MAX_TIME: "The fit stopped at max_time before it met the tolerance; more time would lower the error.",
    Status.INTERRUPTED: "The fit was interrupted; the factors are what it had reached by its last complete iteration.",
    Status.DROPPED: "This start was given up on the way: it promised no noticeably lower objective than another one.",
}


@dataclass
class History:
    """The course of a fit, a value for each iteration; the last one belongs to the returned pair."""

    iteration: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    objective: list[float] = field(default_factory=list)
    optimality: list[float] = field(default_factory=list)

    def add(self, state: State, seconds: float) -> None:
        """Append what ``state`` knows."""
        self.iteration.append(state.n_iter)
        self.seconds.append(seconds)
        self.objective.append(state.objective)
        self.optimality.append(state.optimality)

    def arrays(self) -> dict[str, Array]:
        """The course as equally long arrays."""
        return {
            "iteration": np.array(self.iteration, np.int64),
            "seconds": np.array(self.seconds, np.float64),
            "objective": np.array(self.objective, np.float64),
            "optimality": np.array(self.optimality, np.float64),
        }


@dataclass(frozen=True)
class Result:
    """The factors, W (m × k) and H (n × k), with the objective at exactly this pair and the way there."""

    W: Array
    H: Array
    objective: float
    history: History
    n_iter: int
    status: Status
    reason: str
    by_keyboard: bool = False
