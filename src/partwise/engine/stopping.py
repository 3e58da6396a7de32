"""When to stop."""

from dataclasses import dataclass

from partwise.engine.result import History, Status
from partwise.engine.state import State

# A fit has also converged when over WINDOW iterations the objective fell by less than tol of itself an iteration, and
# both factors are within NEAR · tol: on a plateau (DBLP titles pass one at 2e-3) the first alone would stop too soon.
WINDOW, NEAR = 10, 10.0


@dataclass(frozen=True)
class Stop:
    """The rules of a fit.

    Parameters
    ----------
    tol : float
        For both sides' optimality, see ``Bilinear.certify``; 0 goes on until steps change nothing.
    max_iter : int
        Most iterations.
    max_time : float or None
        Seconds after which no further iteration begins.
    """

    tol: float
    max_iter: int
    max_time: float | None = None

    def limit(self, n_iter: int, seconds: float) -> tuple[Status, str] | None:
        """The limit that has been reached, if any."""
        if n_iter >= self.max_iter:
            return Status.MAX_ITER, f"max_iter={self.max_iter} iterations were done."
        if self.max_time is not None and seconds >= self.max_time:
            return Status.MAX_TIME, f"max_time={self.max_time:g} seconds had passed after {n_iter} iterations."
        return None

    def flat(self, history: History) -> str | None:
        """A sentence when the objective has stopped falling."""
        if self.tol <= 0 or len(history.objective) <= WINDOW:
            return None
        before, now = history.objective[-1 - WINDOW], history.objective[-1]
        if before - now > WINDOW * self.tol * before or history.optimality[-1] > NEAR * self.tol:
            return None
        return (
            f"The objective fell by less than tol = {self.tol:g} of itself an iteration over the last {WINDOW}, "
            f"with the optimality within {NEAR:g} · tol."
        )

    def spent(self, state: State) -> str | None:
        """A sentence when not even plain steps lower the objective any more; further ones would be the same."""
        return (
            "The objective no longer falls: what a step still gains is lost in rounding." if state.stalled > 1 else None
        )

    def met(self, optimality: float) -> str:
        """The sentence for an optimality below tol."""
        return f"Both factors met the tolerance: optimality {optimality:.1e} < tol = {self.tol:g}."
