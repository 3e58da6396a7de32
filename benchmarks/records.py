"""Raw measurements: lines of JSON in a file, of which the newest with a key counts, so that a rerun can be partial."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT, THREADS

Record = dict[str, Any]

# What tells records of one kind from each other.
KEYS = {
    "target": ("problem", "dtype", "seed"),
    "curve": ("program", "problem", "dtype", "seed"),
    "limit": ("problem", "dtype"),
    "growth": ("axis", "size"),
    "result": ("part",),
}
_PACKAGES = ("numpy", "scipy", "scikit-learn", "numba")
_RIVALS = ("nimfa", "torch", "torchnmf", "nmf-torch", "nn-fac", "tensorly", "cmfrec", "scikit-surprise")


class Records:
    """The records in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, kind: str, **values: Any) -> None:
        """Append a record, with where and when it was made."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        record = {"kind": kind, **values, "commit": commit(), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
        record |= {"machine": machine(), "versions": versions()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def newest(self, kind: str) -> list[Record]:
        """The newest record of each key, in the order in which the keys first came."""
        found: dict[tuple[Any, ...], Record] = {}
        for line in self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []:
            record = json.loads(line)
            if record["kind"] == kind:
                found[tuple(record[name] for name in KEYS[kind])] = record
        return list(found.values())


def origin(records: list[Record]) -> str:
    """One line: when, from which commit, where and with what the records were made."""
    each = {
        name: ", ".join(dict.fromkeys(record[name] for record in records)) for name in ("date", "commit", "machine")
    }
    packages = {name: number for record in records for name, number in record["versions"].items()}
    listed = ", ".join(f"{name} {number}" for name, number in packages.items())
    return f"{each['date']}, commit {each['commit']}, {each['machine']}, {THREADS} threads, {listed}."


@cache
def commit() -> str:
    """The commit that is measured; ``-dirty`` where the sources differ from it."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    same = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "src"], cwd=ROOT, capture_output=True)
    return (done.stdout.strip() or "unknown") + ("-dirty" if same.returncode else "")


@cache
def machine() -> str:
    """Processors and their name."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{os.cpu_count()} × {names[0] if names else platform.processor()}"


@cache
def versions() -> dict[str, str]:
    """Of Python, of what partwise computes with, and of the rivals that are here."""
    found = {"Python": platform.python_version()}
    for name in (*_PACKAGES, *_RIVALS):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
