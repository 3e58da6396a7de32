"""The words hold: every example runs, every command has the options named, everything public is explained."""

import doctest
import importlib
import inspect
import os
import pkgutil
import re
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import partwise
from tests.support import ROOT

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
MODULES = sorted(module.name for module in pkgutil.walk_packages(partwise.__path__, "partwise."))
FENCE = re.compile(r"^```(\S*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    return [body for name, body in FENCE.findall(page.read_text()) if name == language]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_python_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    program = "\n".join(blocks(page, "python"))
    command = [sys.executable, "-W", "error", "-c", program]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr


def test_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    assert "non_negative_factorization" in (tmp_path / "api.html").read_text()


def commands() -> list[str]:
    lines = [line for page in PAGES for block in blocks(page, "") for line in block.splitlines()]
    return sorted({line for line in lines if line.startswith("partwise ")})


@pytest.mark.parametrize("line", commands())
def test_options_of_a_command_exist(line: str) -> None:
    _, subcommand, *arguments = shlex.split(line, comments=True)
    program = Path(sysconfig.get_path("scripts")) / "partwise"
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    result = subprocess.run(
        [program, subcommand, "--help"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    known = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", result.stdout))
    assert {argument for argument in arguments if argument.startswith("-")} <= known


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings_run(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0


def members(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Public functions and classes that a module defines, and the public methods and properties of the classes."""
    for name, member in vars(module).items():
        if name.startswith("_") or getattr(member, "__module__", None) != module.__name__:
            continue
        yield f"{module.__name__}.{name}", member
        if inspect.isclass(member):
            for attribute in list(vars(member)):
                if not attribute.startswith("_") and attribute not in getattr(member, "__annotations__", {}):
                    yield f"{module.__name__}.{name}.{attribute}", getattr(member, attribute)


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_is_explained(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    described = (value for value in members(module) if callable(value[1]) or isinstance(value[1], property))
    assert [path for path, member in described if not inspect.getdoc(member)] == []


def test_names_offered_to_users_have_examples() -> None:
    functions = {name: getattr(partwise, name) for name in partwise.__all__}
    offered = {name: value for name, value in functions.items() if inspect.isfunction(value) or name == "NMF"}
    assert offered
    assert [name for name, value in offered.items() if ">>>" not in (inspect.getdoc(value) or "")] == []
