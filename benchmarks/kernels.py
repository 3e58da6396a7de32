"""Our own kernels, base against head: ``python -m benchmarks.kernels --base REF [--threshold 1.25]``.

Both versions wait in a process each and are timed in turns, case by case, so that what else the machine does meets
both. Ratios are medians of the pairs. A case above the threshold is measured once more, longer; one that stays there
makes the exit code 1.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from benchmarks.cases import CASES
from benchmarks.processes import ROOT, environment
from benchmarks.tables import number, table

PAIRS, MORE_PAIRS = 11, 41
THRESHOLD = 1.25


class Version:
    """A process that times the cases with the partwise of one source tree."""

    def __init__(self, source: Path) -> None:
        self.source = source
        command = [sys.executable, "-m", "benchmarks.cases"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment(source), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def seconds(self, case: str) -> float:
        """Seconds of a call; a ``RuntimeError`` with the reason where this version cannot run it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(case + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        try:
            return float(answer)
        except ValueError:
            raise RuntimeError(f"{self.source.name}: {answer or 'its process ended'}") from None

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


@contextmanager
def checkout(ref: str) -> Iterator[Path]:
    """A temporary worktree of the repository at ``ref``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "base"
        _git("worktree", "add", "--detach", str(path), ref)
        try:
            yield path
        finally:
            _git("worktree", "remove", "--force", str(path))


def _git(*arguments: str) -> None:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"git {' '.join(arguments)} failed: {done.stderr.strip()}")


def compare(base: Version, head: Version, case: str, threshold: float) -> tuple[list[str], bool]:
    """A line of the table, and whether head is slower than the threshold allows."""
    try:
        pairs = _pairs(base, head, case, PAIRS)
        if _ratio(pairs) > threshold:
            pairs = _pairs(base, head, case, MORE_PAIRS)
    except RuntimeError as error:
        return [case, "–", "–", "–", f"not compared: {error}"], False
    slower = _ratio(pairs) > threshold
    base_ms, head_ms = (number(1000 * median(side)) for side in zip(*pairs, strict=True))
    return [case, base_ms, head_ms, f"{_ratio(pairs):.2f}", "SLOWER" if slower else ""], slower


def _pairs(base: Version, head: Version, case: str, count: int) -> list[tuple[float, float]]:
    return [(base.seconds(case), head.seconds(case)) for _ in range(count)]


def _ratio(pairs: Sequence[tuple[float, float]]) -> float:
    return median(head / base for base, head in pairs)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 if a kernel became slower."""
    parser = argparse.ArgumentParser("python -m benchmarks.kernels", description=__doc__)
    parser.add_argument("--base", required=True, help="commit, branch or tag to compare with")
    parser.add_argument("--threshold", type=float, default=THRESHOLD, help="ratio that fails (%(default)s)")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        base = Version(stack.enter_context(checkout(options.base)))
        stack.callback(base.close)
        head = Version(ROOT)
        stack.callback(head.close)
        found = [compare(base, head, case, options.threshold) for case in options.cases]
    print(table(["case", "base ms", "head ms", "head / base", ""], [cells for cells, _ in found]))
    return int(any(slower for _, slower in found))


if __name__ == "__main__":
    sys.exit(main())
