"""Ctrl-C, which ends what goes on and loses nothing that is dear."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread


class Interrupts:
    """A handler of Ctrl-C: one raises `KeyboardInterrupt`, and further ones wait until `release`."""

    def __init__(self) -> None:
        self._held = self._waiting = False

    def __call__(self, *_: object) -> None:
        if self._held:
            self._waiting = True
            return
        self._held = True
        raise KeyboardInterrupt

    def hold(self) -> None:
        """Let every Ctrl-C from now on wait."""
        self._held = True

    def release(self) -> None:
        """Raise what has waited, and let the next one raise again."""
        self._held = False
        if self._waiting:
            raise KeyboardInterrupt


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Handle Ctrl-C so within the block. Only the main thread can: elsewhere none arrives."""
    handler = Interrupts()
    if current_thread() is not main_thread():
        yield handler
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield handler
    finally:
        signal.signal(signal.SIGINT, before)
