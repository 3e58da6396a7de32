"""What `make lint` runs passes, and the import contracts notice what they are there for."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.support import ROOT

SCRIPTS = Path(sysconfig.get_path("scripts"))


def run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPTS / command[0], *command[1:]], cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize("command", ["ruff check", "ruff format --check", "mypy", "lint-imports"])
def test_checker_passes(command: str) -> None:
    result = run(*command.split())
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("room", "statement", "broken"),
    [
        ("kernels", "import partwise.arrays", "Imports point downwards"),
        ("losses", "import partwise.solvers", "Imports point downwards"),
        ("engine", "import partwise.estimators", "Imports point downwards"),
        ("io", "import partwise.engine", "io knows the arrays only"),
        ("estimators", "import pandas", "The core needs numpy, scipy, scikit-learn and numba only"),
        ("arrays", "import matplotlib.pyplot", "The core needs numpy, scipy, scikit-learn and numba only"),
    ],
)
def test_an_import_in_the_wrong_direction_is_noticed(
    room: str, statement: str, broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "src/partwise", tmp_path / "partwise", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "partwise" / room / "astray.py").write_text(statement + "\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    result = run("lint-imports", "--no-cache", cwd=tmp_path)
    assert result.returncode == 1
    assert f"{broken} BROKEN" in result.stdout
    assert "astray" in result.stdout
