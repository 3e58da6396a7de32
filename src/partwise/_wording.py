"""How a sentence speaks of an option: as Python writes it, or as the command does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Wording = Callable[[str, Any], str]


def in_python(name: str, value: Any = None) -> str:
    """Return a parameter as Python writes it, with its value where one is given."""
    return name if value is None else f"{name}={value!r}"


_wording: ContextVar[Wording] = ContextVar("wording", default=in_python)


def option(name: str, value: Any = None) -> str:
    """Return what a sentence calls an option; said here, no name of the user's can be taken for one later.

    >>> option("key"), option("image_shape", (4, 5))
    ('key', 'image_shape=(4, 5)')
    """
    return _wording.get()(name, value)


@contextmanager
def worded(wording: Wording) -> Iterator[None]:
    """Let sentences speak so within the block."""
    token = _wording.set(wording)
    try:
        yield
    finally:
        _wording.reset(token)
