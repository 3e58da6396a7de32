"""Work in a fresh process, with the threads pinned, that answers in lines of JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.measure import Line

ROOT = Path(__file__).parents[1]
THREADS = 2
Request = dict[str, Any]
_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def environment(source: Path = ROOT) -> dict[str, str]:
    """Ours, with the partwise of ``source``, on THREADS threads, and with NumPy's own choice of BLAS kernel."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    ours.update(dict.fromkeys(_LIMITS, str(THREADS)))
    ours["PYTHONPATH"] = os.pathsep.join([str(source / "src"), str(ROOT), *filter(None, [ours.get("PYTHONPATH")])])
    return ours


def ask(module: str, request: Request, timeout: float = 600) -> list[Line]:
    """The answers of a module to a request; the last one is a failure if the process broke off."""
    command = [sys.executable, "-m", f"benchmarks.{module}", json.dumps(request)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as error:
        printed = error.stdout or b""
        text = printed.decode() if isinstance(printed, bytes) else printed
        return [*_lines(text), {"failure": f"It took more than {timeout:.0f} s."}]
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        return [*_lines(done.stdout), {"failure": f"It ended with exit code {done.returncode}: {last[:120]}"}]
    return _lines(done.stdout)


def _lines(text: str) -> list[Line]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
