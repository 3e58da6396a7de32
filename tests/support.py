"""What several test files need."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

from partwise.losses import Frobenius
from partwise.solvers import SOLVERS

ROOT = Path(__file__).resolve().parents[1]
"""The root of the repository."""

FROBENIUS_SOLVERS = [name for name, solver in SOLVERS.items() if solver.form in Frobenius.forms]
"""The solvers that can lower the squared error; tests/estimators/test_losses.py tests all on their losses."""


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test because something is missing here, or fail it where everything must be there.

    ``PARTWISE_REQUIRE=1`` (set by ``.ci/run``) says that the real data, a browser, the right to act as another
    user and the like are there, so that a test which cannot run is a failure and not silence.
    """
    if os.environ.get("PARTWISE_REQUIRE") == "1":
        pytest.fail(f"required here, but: {reason}", pytrace=False)
    pytest.skip(reason)
