"""What is seen while a command works: on the standard error, and only where that is a terminal."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show what goes on, with a spinner."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield


class Progress(logging.Handler):
    """A bar that scikit-learn's callbacks move on, with the line that the fit logs at each iteration beside it.

    It is set with ``model.set_callbacks``; it follows the protocol ``sklearn.callback.FitCallback``.
    """

    def __init__(self) -> None:
        super().__init__()
        self._logger = logging.getLogger("partwise")
        self._level = self._logger.level
        self._bar: Bar | None = None

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin to show and to listen."""
        console = Console(stderr=True)
        if not console.is_terminal:
            return
        columns = BarColumn(bar_width=16), TaskProgressColumn(), TextColumn("{task.description}", markup=False)
        self._bar = Bar(*columns, console=console, transient=True)
        self._bar.add_task("fitting", total=context.max_subtasks)
        self._bar.start()
        self._level = self._logger.level
        self._logger.addHandler(self)
        self._logger.setLevel(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        """Show a line of the log."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], description=record.getMessage())

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Nothing: a task counts when it ends."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Move on by an iteration; stop after the last, before warnings are shown."""
        if self._bar is not None and context.parent is not None:
            self._bar.advance(self._bar.task_ids[0])
        else:
            self.teardown(estimator, context)

    def teardown(self, estimator: Any, context: Any) -> None:
        """Leave the terminal and the logger as they were."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
            self._logger.removeHandler(self)
            self._logger.setLevel(self._level)
