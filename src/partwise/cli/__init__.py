"""The command ``partwise``. Nothing heavy is imported before a command has begun."""

import shlex
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from partwise._optional import require
from partwise._wording import worded
from partwise.cli.outcome import INTERRUPTED, as_flag, exit_code_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        What follows ``partwise`` on the command line; None takes it from there.

    Returns
    -------
    int
        The exit code: 0, or 2 where input, an option or a file is at fault or something is missing, 130 after
        Ctrl-C, 1 after a failure of partwise itself.

    Examples
    --------
    >>> from partwise.cli import main
    >>> main(["--version"])
    partwise 0.1.0
    0
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as on the standard error: no name stops the output
    with worded(as_flag):
        return exit_code_of(lambda: _run(words), debug="--debug" in words)


def _run(words: list[str]) -> int:
    require("typer", "cli", "The command partwise")
    require("rich", "cli", "The command partwise")
    from partwise.cli.commands import app

    command = shlex.join(["partwise", *words])
    # Outside "standalone mode" errors come here as exceptions, and an early end (--help) as its exit code.
    code = app(words or ["--help"], prog_name="partwise", standalone_mode=False, obj=command)
    if code == INTERRUPTED:
        raise KeyboardInterrupt  # Typer made an exit code of it
    return code or 0
