"""Opening what a user names: within a limit of size, and with a sentence for everything that goes wrong."""

import codecs
import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from csv import Error as CsvError
from os import PathLike
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from partwise._errors import FileError, MissingFileError, ParameterError, PartwiseError
from partwise._wording import option
from partwise.io.options import MAX_BYTES, EncodedOptions

# What the decoders of the standard library, NumPy, SciPy, Pillow, pandas and pyarrow raise on damaged content.
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    SyntaxError,
    LookupError,
    RuntimeError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    CsvError,
    Warning,  # where warnings are errors
)


def reason(error: BaseException) -> str:
    """Return what an error says, as one line that ends without a full stop."""
    said = (isinstance(error, OSError) and error.strerror) or str(error)
    return " ".join(said.split()).rstrip(".") or type(error).__name__


@contextmanager
def legible(path: Path, what: str) -> Iterator[None]:
    """Turn whatever goes wrong while reading ``path`` as ``what`` into one sentence.

    Raises
    ------
    FileError
        In place of every error that damaged content is known to cause.
    """
    try:
        yield
    except PartwiseError:
        raise
    except UnicodeDecodeError as error:
        raise FileError(
            f"{path} holds bytes that are not {error.encoding} (first at position {error.start}): "
            f"name its encoding, for example {option('encoding', 'latin-1')}."
        ) from error
    except (PermissionError, IsADirectoryError) as error:
        raise FileError(f"{path} cannot be opened ({reason(error)}): check the rights of the file.") from error
    except _DAMAGE as error:
        raise FileError(
            f"{path} cannot be read as {what} ({reason(error)}): it may be truncated, damaged or of another kind."
        ) from error


def existing(path: str | PathLike[str]) -> Path:
    """Return the path if there is a file or folder.

    Raises
    ------
    FileError
        If there is nothing of that name (then it is a `FileNotFoundError` too), or something that is neither.
    """
    path = Path(path)
    with legible(path, "a file"):
        if not path.exists():
            raise MissingFileError(f"There is no file or folder {path}: check its name and where it lies.")
        if not (path.is_file() or path.is_dir()):
            raise FileError(f"{path} is neither a file nor a folder: copy its content to a file first.")
    return path


def too_large(path: Path, max_bytes: int) -> FileError:
    """Return the error of a source that expands to more than the limit."""
    chosen = " (16 GiB, or half of the memory of this machine)" if max_bytes == MAX_BYTES else ""
    return FileError(
        f"{path} expands to more than the limit of {max_bytes:,} bytes{chosen}: "
        f"if you trust it and have the memory, raise the limit with {option('max_bytes')}."
    )


def no_value(found: str) -> FileError:
    """Return the error of a cell without a value, which ``found`` says where it is."""
    return FileError(
        f"{found}: if such cells are missing entries, say {option('missing', True)}; if not, fill or remove them first."
    )


class _Bounded(io.RawIOBase):
    """A stream that refuses to give more bytes than its limit."""

    def __init__(self, stream: io.BufferedIOBase, path: Path, limit: int) -> None:
        self.stream, self.path, self.limit, self.given = stream, path, limit, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = self.stream.readinto(buffer)
        self.given += count
        if self.given > self.limit:
            raise too_large(self.path, self.limit)
        return count


@contextmanager
def opened(path: Path, max_bytes: int) -> Iterator[BinaryIO]:
    """Open a file that may be gzipped (its first bytes say so), giving at most ``max_bytes`` expanded bytes."""
    with open(path, "rb") as raw:
        compressed = raw.peek(2)[:2] == b"\x1f\x8b"
        stream = cast("io.BufferedIOBase", gzip.GzipFile(fileobj=raw)) if compressed else raw
        yield io.BufferedReader(_Bounded(stream, path, max_bytes))


@contextmanager
def opened_text(path: Path, options: EncodedOptions) -> Iterator[TextIO]:
    """Open a file of characters, gzipped or not; line ends stay as they are, for `csv` to see."""
    with opened(path, options.max_bytes) as stream:
        yield io.TextIOWrapper(stream, encoding=codec(options), newline="")


def codec(options: EncodedOptions) -> str:
    """Return the codec for an encoding; the one of UTF-8 skips a byte-order mark."""
    try:
        name = codecs.lookup(options.encoding).name
    except LookupError as error:
        raise ParameterError(f"There is no encoding {options.encoding!r}: try utf-8, latin-1 or utf-16.") from error
    return "utf-8-sig" if name == "utf-8" else name


def read_lines(path: Path, options: EncodedOptions) -> list[str]:
    """Return the lines of a text file without their ends."""
    with legible(path, "lines of text"), opened(path, options.max_bytes) as stream:
        return [line.rstrip("\n") for line in io.TextIOWrapper(stream, encoding=codec(options))]
