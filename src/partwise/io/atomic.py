"""Writing so that nothing is lost: the new file appears whole, or the old one stays."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from secrets import token_hex

from partwise._errors import FileError
from partwise.io.files import reason


@contextmanager
def atomic_write(path: str | PathLike[str]) -> Iterator[Path]:
    """Write to a file beside ``path`` that takes its place when all is written and on the disk.

    After any error, Ctrl-C included, the file that was at ``path`` is as before and the new one is removed. A symbolic
    link stays and its target is replaced; an existing file keeps its permissions.

    Parameters
    ----------
    path : path-like
        Where the file shall be; its folder exists.

    Yields
    ------
    Path
        The empty file to write to, in the same folder and with the same suffix.

    Raises
    ------
    FileError
        If the file cannot be written: no such folder, no right to, a full disk.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "greeting.txt"
    >>> with atomic_write(path) as temporary:
    ...     _ = temporary.write_text("Hello")
    >>> path.read_text()
    'Hello'
    """
    target = Path(os.path.realpath(path))
    # A part of the name only: the whole one may already have the longest length that the file system allows.
    temporary = target.with_name(f".{token_hex(8)}{target.name[-40:]}")
    try:
        _check(Path(path))
        _create(temporary, target)
        yield temporary
        _replace(temporary, target)
    except OSError as error:
        raise FileError(
            f"{path} cannot be written ({reason(error)}); what was there before is unchanged: "
            "free some space, or choose a folder that exists and that you may write to."
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _check(path: Path) -> None:
    """Refuse what no file can take the place of, such as a folder, a device or (/dev/stdout) a pipe."""
    if path.exists() and not path.is_file():
        raise FileError(f"{path} is no ordinary file, so it cannot be replaced: choose another name.")


def _create(temporary: Path, target: Path) -> None:
    """Make the file with the rights of the one that it replaces, or else those of any new file."""
    if target.exists() and not os.access(target, os.W_OK):
        raise FileError(f"{target} is write-protected: choose another name, or allow writing to it.")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    if target.exists():
        temporary.chmod(stat.S_IMODE(target.stat().st_mode))


def _replace(temporary: Path, target: Path) -> None:
    _flush(temporary)
    os.replace(temporary, target)
    with suppress(OSError):  # not every system can flush a folder; the file itself is safe by now
        _flush(target.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
