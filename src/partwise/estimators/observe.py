"""What watches a fit: the log that ``verbose`` asks for, and scikit-learn's callbacks."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from partwise.engine.state import State

logger = logging.getLogger("partwise")


class _Visible:
    """The log is open from the first verbose fit that enters to the last that leaves; then as it was."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._level = logging.NOTSET
        self._handler: logging.Handler | None = None

    def enter(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._open()
            self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._close()

    def _open(self) -> None:
        self._level = logger.level
        if not logger.hasHandlers():
            self._handler = logging.StreamHandler()
            self._handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
            logger.addHandler(self._handler)
        logger.setLevel(logging.INFO)

    def _close(self) -> None:
        logger.setLevel(self._level)
        if self._handler is not None:
            logger.removeHandler(self._handler)
            self._handler = None


_VISIBLE = _Visible()


@contextmanager
def visible(verbose: int) -> Iterator[None]:
    """Let the log be seen while a verbose fit runs, also where nobody has configured logging."""
    if not verbose:
        yield
        return
    _VISIBLE.enter()
    try:
        yield
    finally:
        _VISIBLE.leave()


def log_step(states: Sequence[State], seconds: float) -> None:
    """One line: the iteration, and the objective and optimality of the best start so far."""
    best = min(states, key=lambda state: state.objective)
    of_several = f", best of {len(states)} starts" if len(states) > 1 else ""
    if np.isfinite(best.objective):
        logger.info(
            "iteration %d, %.2f s: objective %.6g, optimality %.2e%s",
            max(state.n_iter for state in states),
            seconds,
            best.objective,
            best.optimality,
            of_several,
        )
