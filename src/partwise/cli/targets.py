"""Files that a command shall write, looked at before the work that they shall hold begins."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from partwise._errors import FileError, ParameterError
from partwise._optional import require
from partwise.io import atomic_write
from partwise.io.files import reason
from partwise.io.writing import WRITERS


class _Undo(Exception):
    """Leaves a file as it was."""


@dataclass(frozen=True)
class Kind:
    """What a file that is written is called, and how its name ends."""

    what: str
    suffixes: tuple[str, ...]


MODEL = Kind("model", (".npz",))
TABLE = Kind("table", tuple(WRITERS))
RESULTS = Kind("table", (".csv", ".tsv", ".parquet"))
REPORT = Kind("report", (".html", ".htm"))

OF_A_FIT = {"--out": MODEL, "--h": TABLE, "--w": TABLE, "--report": REPORT}
OF_A_SEARCH = {"--out": RESULTS, "--model": MODEL, "--report": REPORT}


def prepare(targets: Mapping[str, Path], *inputs: Path, kinds: Mapping[str, Kind] = OF_A_FIT) -> None:
    """Refuse, before a long fit, what could not be written after it; folders that are missing are made.

    Parameters
    ----------
    targets : mapping of str to Path
        Where to write, by option.
    *inputs : Path
        Files that are read, which nothing may overwrite.
    kinds : mapping of str to Kind
        What each option writes.

    Raises
    ------
    ParameterError
        If a target is an input or another target.
    FileError
        If a target cannot be written, or its name ends as that of another kind.
    MissingExtraError
        If what writes it is not installed.
    """
    _check_apart(targets, inputs)
    for option, path in targets.items():
        kind = kinds[option]
        if not str(path).lower().endswith(kind.suffixes):
            ends = " or ".join(kind.suffixes)
            raise FileError(f"{option} {path} is not named as a {kind.what}: let its name end in {ends}.")
        if kind is REPORT:
            require("jinja2", "report", "Writing a report")
            require("matplotlib", "report", "Writing a report")
        if kind is RESULTS:
            require("pandas", "io", "A table of the results")
        if path.suffix.lower() == ".parquet":
            require("pandas", "io", "Writing Parquet files")
            require("pyarrow", "io", "Writing Parquet files")
        _check_writable(path)


def _check_apart(targets: Mapping[str, Path], inputs: tuple[Path, ...]) -> None:
    for option, path in targets.items():
        if any(_same(path, given) for given in inputs):
            raise ParameterError(f"{option} {path} would overwrite what is read from there: choose another name.")
    for (one, path), (other, second) in combinations(targets.items(), 2):
        if _same(path, second):
            raise ParameterError(f"{one} and {other} are both {path}: choose different names.")


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))


def _check_writable(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"The folder {path.parent} cannot be made ({reason(error)}): choose another place.") from error
    with suppress(_Undo), atomic_write(path):
        raise _Undo
