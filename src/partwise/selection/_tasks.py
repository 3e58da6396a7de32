"""Many independent fits: in turn or by joblib, with a bar, and none of them twice."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from joblib import Parallel, delayed

from partwise._optional import require
from partwise._types import Array
from partwise.selection._folder import Folder

Arrays: TypeAlias = dict[str, Array]
"""What a task returns: named arrays, which a folder can keep."""


@dataclass(frozen=True)
class Task:
    """One piece of work.

    Parameters
    ----------
    name : str
        Says all that the result depends on beside the data, the parameters and the seed; the stem of its file.
    do : callable
        Does it; what it needs is bound to it (``functools.partial``), so that another process can.
    """

    name: str
    do: Callable[[], Arrays]


def run_tasks(
    tasks: Sequence[Task], *, folder: Folder | None = None, n_jobs: int | None = None, progress: bool = False
) -> Mapping[str, Arrays]:
    """The results by name; what the folder has is not computed, and what is computed it gets at once."""
    done = {} if folder is None else {task.name: known for task in tasks if (known := folder.get(task.name))}
    open_tasks = [task for task in tasks if task.name not in done]
    with _bar(len(tasks), len(done), progress) as advance:
        found = Parallel(n_jobs=n_jobs, return_as="generator")(delayed(task.do)() for task in open_tasks)
        for task, arrays in zip(open_tasks, found, strict=True):
            if folder is not None:
                folder.put(task.name, arrays)
            done[task.name] = arrays
            advance()
    return done


@contextmanager
def _bar(total: int, done: int, shown: bool) -> Iterator[Callable[[], Any]]:
    """What moves a bar on by one piece, where it is to be shown and the standard error is a terminal."""
    console = require("rich.console", "cli", "A progress bar").Console(stderr=True) if shown else None
    if console is None or not console.is_terminal:
        yield lambda: None
        return
    progress = require("rich.progress", "cli", "A progress bar")
    columns = (
        progress.BarColumn(bar_width=32),
        progress.TaskProgressColumn(),
        progress.TextColumn("{task.completed} of {task.total} pieces"),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("fits", total=total, completed=done)
        yield lambda: bar.advance(task)
