"""What watches a fit: the log that ``verbose`` asks for, and scikit-learn's callbacks."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from partwise.engine.state import State

logger = logging.getLogger("partwise")


@contextmanager
def visible(verbose: int) -> Iterator[None]:
    """Let the log be seen while a verbose fit runs, also where nobody has configured logging."""
    if not verbose:
        yield
        return
    level, handler = logger.level, None
    if not logger.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        if handler is not None:
            logger.removeHandler(handler)


def log_step(states: Sequence[State], seconds: float) -> None:
    """One line: the iteration and the best start so far."""
    best = min(states, key=lambda state: state.objective)
    if np.isfinite(best.objective):
        logger.info(
            "iteration %d, %.2f s: objective %.6g, optimality %.2e",
            best.n_iter,
            seconds,
            best.objective,
            best.optimality,
        )
