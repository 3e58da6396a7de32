"""The first table: partwise's defaults beside scikit-learn's, from the same random starts.

``python -m benchmarks.run [--problems orl cbcl …] [--seeds 3]`` writes ``docs/benchmarks/defaults.md``.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.problems import PROBLEMS, data_folder

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "benchmarks" / "defaults.md"
THREADS = "2"
Run = dict[str, float]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args(arguments)
    if not data_folder().is_dir():
        sys.exit(f"There is no data in {data_folder()}: set PARTWISE_DATA to the folder of real data.")
    rows = [row(problem, dtype, options.seeds) for problem in options.problems for dtype in ("float64", "float32")]
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(page(rows, options.seeds), encoding="utf-8")
    print(f"Written to {TABLE}")


def run(program: str, problem: str, dtype: str, seed: int) -> Run:
    """One measurement in a fresh process, on two threads, with NumPy's own choice of BLAS kernel."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    environment.update(OMP_NUM_THREADS=THREADS, OPENBLAS_NUM_THREADS=THREADS)
    command = [sys.executable, "-m", "benchmarks.measure", program, problem, dtype, str(seed)]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    result: Run = json.loads(done.stdout)
    return result


def row(problem: str, dtype: str, seeds: int) -> list[str]:
    """A line of the table: medians over the seeds, the worst objective ratio."""
    pairs = [
        (run("scikit-learn", problem, dtype, seed), run("partwise", problem, dtype, seed)) for seed in range(seeds)
    ]
    cells = [
        PROBLEMS[problem].title,
        str(PROBLEMS[problem].k),
        dtype,
        f"{median(a['seconds'] for a, _ in pairs):.2f}",
        f"{median(b['seconds'] for _, b in pairs):.2f}",
        f"**{median(a['seconds'] / b['seconds'] for a, b in pairs):.1f}**",
        f"{median(a['n_iter'] for a, _ in pairs):.0f} / {median(b['n_iter'] for _, b in pairs):.0f}",
        f"{max(b['objective'] / a['objective'] for a, b in pairs):.5f}",
        f"{median(a['extra_mib'] for a, _ in pairs):.0f} / {median(b['extra_mib'] for _, b in pairs):.0f}",
    ]
    print(" | ".join(cells), flush=True)
    return cells


HEAD = [
    "data",
    "k",
    "dtype",
    "scikit-learn s",
    "partwise s",
    "ratio",
    "iterations",
    "worst objective ratio",
    "extra memory MiB",
]


def page(rows: list[list[str]], seeds: int) -> str:
    """The table with all that a reader needs to judge it."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (HEAD, ["---"] * len(HEAD), *rows)]
    return "\n".join(
        [
            "# Defaults beside defaults",
            "",
            f"`make bench`, {datetime.now(UTC):%Y-%m-%d}, commit {_commit()}, {_machine()}, {THREADS} threads, "
            f"Python {platform.python_version()}, {_versions()}.",
            "",
            f"Both programs with their default parameters (scikit-learn stops at 200 iterations) from the same {seeds} "
            "random starts, each fit in a fresh process after a small one that loads libraries and kernels. Times are "
            "medians of whole `fit_transform` calls, the ratio is the median of scikit-learn / partwise by pairs; "
            "the objective ratio is the largest of partwise / scikit-learn (below 1 partwise ends lower); extra memory "
            "is the peak beyond data, start and libraries, scikit-learn / partwise.",
            "",
            *lines,
            "",
        ]
    )


def _commit() -> str:
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def _machine() -> str:
    names = [line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")]
    return f"{os.cpu_count()} × {names[0] if names else platform.processor()}"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _versions() -> str:
    packages: Any = ("numpy", "scipy", "scikit-learn", "numba")
    return ", ".join(f"{name} {version(name)}" for name in packages)


if __name__ == "__main__":
    main()
