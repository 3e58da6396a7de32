"""The Makefile sets up .venv by itself, mends what was interrupted, and says in one sentence what a machine lacks."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT, skip_or_fail

# A Python that answers the questions of the Makefile as the files beside it say, and writes down what it was asked
# to install. `python -m venv` copies it into the new environment.
FAKE_PYTHON = f"""#!/bin/sh
state=@STATE@
case "$*" in
*"import ensurepip"*) test ! -e $state/no-venv ;;
"-m venv"*)
    mkdir -p .venv/bin && cp "$0" .venv/bin/python && touch .venv/whole
    test ! -e $state/interrupt-venv || {{ rm $state/interrupt-venv .venv/whole; exit 130; }} ;;
*"import sys, pip"*) test -e .venv/whole ;;
"-m pip install"*)
    echo "$*" >> $state/installs
    test ! -e $state/interrupt-pip || {{ rm $state/interrupt-pip; exit 130; }} ;;
*) exec {sys.executable} "$@" ;;
esac
"""


class Project:
    """A copy of the Makefile with a Python of our own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.state.mkdir()
        for name in ("Makefile", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        self.python = folder / "fake-python"
        self.python.write_text(FAKE_PYTHON.replace("@STATE@", str(self.state)))
        self.python.chmod(self.python.stat().st_mode | stat.S_IXUSR)

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        return subprocess.run(
            ["make", f"PYTHON={self.python}", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def arrange(self, what: str) -> None:
        (self.state / what).touch()

    def installed(self) -> list[str]:
        log = self.state / "installs"
        return [line.split()[-1] for line in log.read_text().splitlines()] if log.exists() else []

    def stamped(self, extra: str) -> bool:
        return (self.folder / f".venv/.stamp-{extra}").exists()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    if shutil.which("make") is None:
        skip_or_fail("there is no make")
    return Project(tmp_path)


def sentences(result: subprocess.CompletedProcess[str]) -> list[str]:
    """What was said, without make's own line about the failed target."""
    return [line for line in (result.stdout + result.stderr).splitlines() if not line.startswith("make:")]


def test_a_second_run_installs_nothing(project: Project) -> None:
    assert project.make("install-demo").returncode == 0
    assert project.make("install-demo").returncode == 0
    assert project.installed() == [".[demo]"]


def test_each_target_installs_its_own_extra_only(project: Project) -> None:
    for target in ("demo", "test", "bench", "docs"):
        project.make(f"install-{target}")
    assert project.installed() == [".[demo]", ".[test]", ".[bench]", ".[docs]"]


def test_a_changed_project_file_installs_again(project: Project) -> None:
    project.make("install-demo")
    stamp = project.folder / ".venv/.stamp-demo"
    later = stamp.stat().st_mtime + 10
    os.utime(project.folder / "pyproject.toml", (later, later))
    project.make("install-demo")
    assert project.installed() == [".[demo]", ".[demo]"]


def test_an_interrupted_install_leaves_no_stamp_and_is_mended(project: Project) -> None:
    project.arrange("interrupt-pip")
    assert project.make("install-demo").returncode != 0
    assert not project.stamped("demo")
    assert project.make("install-demo").returncode == 0
    assert project.stamped("demo")


def test_an_interrupted_environment_is_made_anew(project: Project) -> None:
    project.arrange("interrupt-venv")
    assert project.make("install-demo").returncode != 0
    (project.folder / ".venv/left-over").touch()
    assert project.make("install-demo").returncode == 0
    assert not (project.folder / ".venv/left-over").exists()
    assert project.stamped("demo")


def test_an_environment_that_broke_loses_its_stamps(project: Project) -> None:
    project.make("install-demo")
    (project.folder / ".venv/bin/python").unlink()
    assert project.make("install-demo").returncode == 0
    assert project.installed() == [".[demo]", ".[demo]"]


@pytest.mark.parametrize("target", ["demo", "test", "bench", "lint", "docs"])
def test_without_venv_module_one_sentence_says_what_to_install(project: Project, target: str) -> None:
    project.arrange("no-venv")
    result = project.make(target)
    assert result.returncode != 0
    (sentence,) = sentences(result)
    assert "venv" in sentence
    assert "apt install python3-venv" in sentence
    assert not (project.folder / ".venv").exists()


@pytest.mark.parametrize("answer", ["exit 1", "exit 127"], ids=["too old", "absent"])
def test_too_old_a_python_is_refused_in_one_sentence(project: Project, answer: str) -> None:
    project.python.write_text(f"#!/bin/sh\n{answer}\n")
    result = project.make("demo")
    assert result.returncode != 0
    (sentence,) = sentences(result)
    assert "Python 3.11 or newer" in sentence
    assert not (project.folder / ".venv").exists()
