"""Fits where little is allowed, and several at the same time: in threads, after a fork, under joblib."""

import hashlib
import os
import pwd
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_info

from partwise import NMF
from tests.support import ROOT, skip_or_fail

PLAIN_KERNEL = """
import numba

@numba.njit(cache=True)
def double(x):
    return 2 * x
"""

FIT = """
import partwise
from sklearn.datasets import load_digits
print(partwise.NMF(5, random_state=0, max_iter=500).fit(load_digits().data).reconstruction_err_)
"""


def as_nobody(program: str, path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``program`` as a user that may write nothing and has no home, with the modules in ``path`` before others.

    One right of root is kept, to read: an interpreter below ``/root`` could not be started otherwise.
    """
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        skip_or_fail("acting as another user needs root and setpriv (of util-linux)")
    nobody = pwd.getpwnam("nobody")
    rights = "-all,+dac_read_search"
    command = [
        "setpriv",
        f"--reuid={nobody.pw_uid}",
        f"--regid={nobody.pw_gid}",
        "--clear-groups",
        f"--inh-caps={rights}",
        f"--ambient-caps={rights}",
        f"--bounding-set={rights}",
        sys.executable,
        "-c",
        program,
    ]
    environment = {"HOME": "/nonexistent", "PATH": os.defpath, "PYTHONPATH": str(path), **variables}
    return subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of modules that only root may write: a plain Numba kernel and a copy of partwise."""
    folder = tmp_path / "site"
    shutil.copytree(ROOT / "src/partwise", folder / "partwise", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "plain.py").write_text(PLAIN_KERNEL)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def test_a_plain_cached_kernel_cannot_even_be_imported_there(site: Path) -> None:
    result = as_nobody("import plain", site)
    assert result.returncode == 1
    assert "no locator available" in result.stderr


def test_imports_and_fits_uncached_with_one_warning(site: Path) -> None:
    result = as_nobody(FIT, site)
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) > 0
    assert result.stderr.count("Warning: ") == 1, result.stderr
    assert "NUMBA_CACHE_DIR" in result.stderr
    assert not list(site.rglob("*.nbi"))


def test_what_the_warning_advises_helps(site: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o777)
    cache.chmod(0o777)
    result = as_nobody(FIT, site, NUMBA_CACHE_DIR=str(cache))
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert list(cache.rglob("*.nbi"))


EVERY_FIT = """
import hashlib, warnings
import numpy as np
import scipy.sparse as sp
from partwise import NMF
from partwise.solvers import SOLVERS

warnings.simplefilter("ignore")
X = np.random.default_rng(0).poisson(0.7, (300, 120)).astype(float)
digest = hashlib.sha256()
for dtype in (np.float64, np.float32):
    for container in (np.asarray, sp.csr_array):
        for solver in sorted({solver.name for solver in SOLVERS.values()}):
            for loss in ("frobenius", "kullback-leibler"):
                if solver != "bpp" or loss == "frobenius":
                    model = NMF(7, solver=solver, beta_loss=loss, random_state=0, max_iter=15, tol=0)
                    digest.update(model.fit_transform(container(X.astype(dtype))).tobytes())
print(digest.hexdigest())
"""


def test_kernels_from_the_disk_give_the_bits_of_those_just_compiled(tmp_path: Path) -> None:
    variables = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", EVERY_FIT]
    runs = [
        subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=600, check=False)
        for _ in range(2)
    ]
    assert [run.stderr for run in runs] == ["", ""]
    assert list(tmp_path.rglob("*.nbi"))
    assert runs[0].stdout == runs[1].stdout


def fit(seed: int, n_threads: int | None = None) -> str:
    """A digest of all bits of a fit: its factors and its objectives."""
    X = np.tile(load_digits().data, (4, 1))[200 * seed :]  # enough work to be shared among threads
    model = NMF(20, random_state=seed, max_iter=40, tol=0, n_threads=n_threads)
    W = model.fit_transform(X)
    bits = W.tobytes() + model.components_.tobytes() + model.history_["objective"].tobytes()
    return hashlib.sha256(bits).hexdigest()


@pytest.fixture(scope="module")
def alone() -> list[str]:
    return [fit(seed) for seed in range(4)]


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_the_number_of_threads_leaves_the_bits_alone(alone: list[str], n_threads: int) -> None:
    assert [fit(seed, n_threads) for seed in range(4)] == alone


def test_fits_at_the_same_time_give_the_bits_of_fits_alone(alone: list[str]) -> None:
    start = threading.Barrier(4)

    def fit_together(seed: int) -> str:
        start.wait(timeout=60)
        return fit(seed, n_threads=2)

    before = threadpool_info()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(fit_together, range(4))) == alone
    assert threadpool_info() == before


FORK = """
import os, signal, sys, threading, warnings
from tests.quality.test_where_it_runs import fit

warnings.simplefilter("ignore")  # of convergence, and Python 3.12's about a fork beside threads
expected = fit(0, n_threads=2)
stop = threading.Event()

def keep_fitting():
    while not stop.is_set():
        fit(1, n_threads=2)

beside = threading.Thread(target=keep_fitting)
if sys.argv[1] == "beside a fit":
    beside.start()
for _ in range(3):
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # a child that hangs dies, and its parent says so
        os._exit(0 if fit(0, n_threads=2) == expected else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"the child ended with status {status}"
    assert fit(0, n_threads=2) == expected
stop.set()
if beside.is_alive():
    beside.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.parametrize("when", ["after a fit", "beside a fit"])
def test_a_forked_child_fits_as_its_parent_does(when: str) -> None:
    command = [sys.executable, "-c", FORK, when]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert result.returncode == 0, result.stderr


def fit_watched(seed: int, n_threads: int | None = None) -> tuple[str, int]:
    """A fit, and the largest number of threads of fits that were alive with it in this process."""
    most = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.0005):
            most = max(most, sum(thread.name.startswith("partwise") for thread in threading.enumerate()))

    with ThreadPoolExecutor(1, thread_name_prefix="watch") as watcher:
        watcher.submit(watch)
        try:
            digest = fit(seed, n_threads)
        finally:
            done.set()
    return digest, most


def test_the_watch_sees_the_threads_of_a_fit() -> None:
    assert fit_watched(3, n_threads=3)[1] == 2  # the calling thread is the third


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_under_joblib_with_all_processors_busy_fits_start_no_threads(alone: list[str], backend: str) -> None:
    jobs = max(2, joblib.cpu_count())
    with joblib.Parallel(n_jobs=jobs, backend=backend, timeout=120) as parallel:
        digests, threads = zip(*parallel(joblib.delayed(fit_watched)(seed) for seed in range(4)), strict=True)
    assert list(digests) == alone
    assert set(threads) == {0}
