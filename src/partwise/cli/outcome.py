"""How a command ends: exit codes, one sentence for each error, one line for each warning."""

import re
import sys
import traceback
import warnings
from collections.abc import Callable
from os import environ
from typing import Any, TextIO

from partwise._errors import PartwiseError

FAILED, AT_FAULT, INTERRUPTED = 1, 2, 130


class Interrupted(Exception):
    """Ctrl-C, after what there was has been dealt with; the message says how."""


def exit_code_of(run: Callable[[], int], *, debug: bool = False) -> int:
    """Return the exit code of ``run``, whatever happens in it.

    Parameters
    ----------
    run : callable
        Returns an exit code.
    debug : bool, default=False
        Also show the traceback of an error, and warnings that concern programmers.
    """
    with warnings.catch_warnings():
        _choose_warnings(debug)
        warnings.showwarning = _Once()
        try:
            return run()
        except (Exception, KeyboardInterrupt) as error:
            if debug:
                traceback.print_exception(error)
            code, word, sentence = _verdict(error)
            say(word, sentence)
            return code


def say(word: str, sentence: str) -> None:
    """Write one line on the standard error: a coloured word (on a terminal) and a sentence."""
    colour = {"error": "31", "warning": "33"}.get(word, "36")
    shown = f"\033[1;{colour}m{word}:\033[0m" if _colours(sys.stderr) else f"{word}:"
    sys.stderr.write(f"{shown} {plain(sentence)}\n")
    sys.stderr.flush()


def plain(text: str) -> str:
    """Return the text on one line, with what could steer a terminal shown as an escape."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def _colours(stream: TextIO) -> bool:
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


# --- errors -----------------------------------------------------------------------------------------------------------


def _verdict(error: BaseException) -> tuple[int, str, str]:
    """Return the exit code, the first word and the sentence of an error."""
    if isinstance(error, PartwiseError):
        return AT_FAULT, "error", str(error)
    if isinstance(error, Interrupted):
        return INTERRUPTED, "stopped", str(error)
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, "stopped", "Interrupted; nothing more has been written."
    if isinstance(error, MemoryError):
        return FAILED, "error", f"The memory does not suffice ({error}): take fewer parts, or less or sparse data."
    if (usage := _usage(error)) is not None:
        return AT_FAULT, "error", usage
    return (
        FAILED,
        "error",
        f"partwise failed where it should not ({type(error).__name__}: {error}): "
        "run the command again with --debug, and report what it then shows.",
    )


# Typer lets pydantic say what is wrong with a value.
_FOR_PROGRAMMERS = {
    ": Input should be a valid integer, unable to parse string as an integer": ": it should be a whole number",
    ": Input should be a valid number, unable to parse string as a number": ": it should be a number",
    ": Input should be greater than or equal to ": ": it should be at least ",
    ": Input should be less than or equal to ": ": it should be at most ",
    ": Value error, ": ": ",
}


def _usage(error: BaseException) -> str | None:
    """Return the sentence of an error in the use of the command, or None if it is none."""
    if "typer" not in sys.modules:
        return None
    from typer import BadParameter

    # Typer exports this one error of use only; the base of all moved between its versions.
    usage: type[Exception] = BadParameter.__mro__[1]
    if not isinstance(error, usage):
        return None
    message = " ".join(error.format_message().split("\n"))  # type: ignore[attr-defined]
    for theirs, ours in _FOR_PROGRAMMERS.items():
        message = message.replace(theirs, ours)
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "partwise"
    return f"{message.strip().rstrip('.')} (see {command} --help)."


# --- warnings ---------------------------------------------------------------------------------------------------------


def _choose_warnings(debug: bool) -> None:
    """Show what concerns users, each time; with ``debug`` all."""
    warnings.simplefilter("default" if debug else "ignore")
    for category in (UserWarning, RuntimeWarning):
        warnings.simplefilter("always", category)


class _Once:
    """Shows a warning as one line, and the same one not again."""

    def __init__(self) -> None:
        self.shown: set[str] = set()

    def __call__(self, message: Warning | str, *_: object, **__: object) -> None:
        if str(message) not in self.shown:
            self.shown.add(str(message))
            say("warning", str(message))


# --- the words of the command line ------------------------------------------------------------------------------------

_SHORT = {"n_components": "-k", "beta_loss": "--loss", "random_state": "--seed", "n_threads": "--threads"}


def as_flag(name: str, value: Any = None) -> str:
    """Return an option as the command takes it, with its value where one is given.

    >>> as_flag("image_shape", (112, 92)), as_flag("row_names", True), as_flag("n_components")
    ('--image-shape 112x92', '--row-names', '-k')
    """
    flag = _SHORT.get(name, f"--{name.replace('_', '-').lower()}")
    if value is None or value is True:
        return flag
    return f"{flag} {'x'.join(map(str, value)) if isinstance(value, tuple) else value}"


_NAME = (
    r"n_components|beta_loss|random_state|n_threads|init|solver|tol|max_iter|max_time|n_init|alpha_W|alpha_H|l1_ratio"
    r"|coarse"
)
_ASSIGNED = re.compile(rf"\b({_NAME})=('[^']*'(?: or (?:'[^']*'|False))?|[\w.+-]*\w)")


def in_flags(sentence: str) -> str:
    """Return a sentence on the parameters of a model, which holds nothing but them, with the options of the command.

    >>> in_flags("n_init=3 would repeat one fit: use n_init=1, or init='random' or 'nndsvdar'.")
    '--n-init 3 would repeat one fit: use --n-init 1, or --init random or nndsvdar.'
    """
    return _ASSIGNED.sub(lambda found: as_flag(found[1], _answered(found[2])), sentence)


def _answered(value: str) -> str:
    return value.replace("'", "").replace("True", "yes").replace("False", "no")
