"""Settings and fixtures of all tests."""

import hashlib
import os
import signal
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from tests.support import ROOT, skip_or_fail


def _digest_of_kernels() -> str:
    sources = sorted((ROOT / "src/partwise/kernels").glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


# Numba's cache notices a change of the file that a kernel is in, but not of a kernel that it calls in another file.
# A folder for each state of all kernels keeps the speed of a warm cache without ever running a stale kernel.
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".pytest_cache/numba" / _digest_of_kernels()))

# In the background of a shell Ctrl-C is ignored, and so it would be in the processes that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The first example of a test may compile kernels: how long an example takes says nothing.
hypothesis.settings.register_profile("partwise", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("ci", parent=hypothesis.settings.get_profile("partwise"), derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "partwise")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets: ``PARTWISE_DATA``, or ``../shared/data`` beside the repository."""
    path = Path(os.environ.get("PARTWISE_DATA", ROOT.parent / "shared/data"))
    if not path.is_dir():
        skip_or_fail(f"the real data sets are not at {path}; set PARTWISE_DATA to their folder")
    return path


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator that gives every test the same numbers in every run."""
    return np.random.default_rng(0)
