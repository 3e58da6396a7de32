"""Running the command, in this process and in one of its own."""

import contextlib
import io
import json
import os
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from partwise.cli import main

PROGRAM = Path(sysconfig.get_path("scripts")) / "partwise"


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@dataclass(frozen=True)
class Outcome:
    """What a run of the command leaves behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on the standard output, strictly read."""
        return json.loads(self.out, parse_constant=refuse)


def partwise(*arguments: object) -> Outcome:
    """Run the command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(map(str, arguments)))
    return Outcome(code, out.getvalue(), err.getvalue())


def process(*arguments: object, **variables: str) -> Outcome:
    """Run the command in a process of its own."""
    result = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Outcome(result.returncode, result.stdout, result.stderr)


def assert_refused(outcome: Outcome, *words: str) -> None:
    """Exit code 2, nothing on the standard output, and one sentence that says ``words``."""
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert_one_sentence(outcome.err, *words)


def assert_one_sentence(err: str, *words: str) -> None:
    assert err.count("\n") == 1, err
    assert err.startswith("error: ")
    assert err.endswith(".\n")
    assert "Traceback" not in err
    for word in words:
        assert word in err


def write_table(path: Path, shape: tuple[int, int] = (30, 8), seed: int = 0) -> Path:
    """A table with names of rows and columns, close to three parts."""
    rng = np.random.default_rng(seed)
    X = rng.gamma(0.5, size=(shape[0], 3)) @ rng.gamma(0.5, size=(3, shape[1])) + 0.01 * rng.random(shape)
    lines = [["", *(f"column {j}" for j in range(shape[1]))]]
    lines += [[f"row {i}", *map(repr, row)] for i, row in enumerate(X.tolist())]
    path.write_text("\n".join(map(",".join, lines)) + "\n")
    return path
