"""``python -m benchmarks WHAT [--problems …] [--programs …] [--seeds …] [--dtypes …]``.

Measurements go to ``benchmarks/out/raw.jsonl``, and the pages of ``docs/benchmarks`` are made of the newest of each:
a rerun may be partial. ``quick`` measures small problems into ``benchmarks/out/quick`` and leaves the pages alone.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.curves import measure_curve
from benchmarks.growth import SIZES
from benchmarks.limit import ASKED
from benchmarks.pages import write_pages
from benchmarks.problems import PROBLEMS, REAL
from benchmarks.processes import ROOT, ask
from benchmarks.programs import PROGRAMS
from benchmarks.records import Records
from benchmarks.targets import measure_targets

OUT = ROOT / "benchmarks" / "out"
DTYPES = ["float64", "float32"]
QUICK = {"targets": ["cbcl", "jasper", "counts"], "rivals": ["cbcl", "square", "tiny-sparse"]}
QUICK_BUDGET = 2.0
# The problems of the curves: not those that only tests are for.
LARGE = [name for name in PROBLEMS if not name.startswith("tiny")]


@dataclass(frozen=True)
class Choice:
    """What to measure."""

    problems: list[str]
    programs: list[str]
    seeds: list[int]
    dtypes: list[str]
    budget: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what was asked for, and write the pages."""
    options = _parser().parse_args(arguments)
    out, pages = (OUT / "quick",) * 2 if options.what == "quick" else (OUT, ROOT / "docs" / "benchmarks")
    records = Records((options.out or out) / "raw.jsonl")
    parts = {"all": list(PARTS), "quick": ["targets", "rivals"], "pages": []}.get(options.what, [options.what])
    for part in parts:
        PARTS[part](records, _choice(options, part))
    for path in write_pages(records, options.out or pages):
        print(f"Written: {path}")
        if options.what == "quick":
            print(path.read_text(encoding="utf-8"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("what", choices=[*PARTS, "all", "quick", "pages"])
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS)
    parser.add_argument("--programs", nargs="+", choices=PROGRAMS)
    parser.add_argument("--seeds", nargs="+", type=int)
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES)
    parser.add_argument("--budget", type=float, help="seconds for each curve (15, quick: 2)")
    parser.add_argument("--out", type=Path, help="folder for measurements and pages, instead of the usual ones")
    return parser


def _choice(options: argparse.Namespace, part: str) -> Choice:
    quick, curves = options.what == "quick", part == "rivals"
    usual = QUICK[part] if quick else {"rivals": LARGE, "limits": list(ASKED)}.get(part, list(REAL))
    return Choice(
        problems=_present(options.problems or usual),
        programs=options.programs or list(PROGRAMS),
        seeds=options.seeds or ([0] if quick or curves else [0, 1, 2]),
        dtypes=options.dtypes or (["float64"] if quick or curves else DTYPES),
        budget=options.budget or (QUICK_BUDGET if quick else 15.0),
    )


def _present(problems: list[str]) -> list[str]:
    """Those whose data are here; the others are named."""
    for problem in problems:
        if sentence := PROBLEMS[problem].missing():
            print(sentence)
    return [problem for problem in problems if PROBLEMS[problem].missing() is None]


def targets(records: Records, choice: Choice) -> None:
    for problem in choice.problems:
        for seed in choice.seeds:
            for record in measure_targets(problem, choice.dtypes, seed):
                records.add("target", **record)
                print("target", *(record[name] for name in ("problem", "dtype", "seed")), flush=True)


def rivals(records: Records, choice: Choice) -> None:
    for problem in choice.problems:
        for seed in choice.seeds:
            for dtype in choice.dtypes:
                for program in choice.programs:
                    record = measure_curve(program, problem, dtype, seed, choice.budget)
                    records.add("curve", **record)
                    print("curve", problem, dtype, seed, program, record.get("failure", ""), flush=True)


def limits(records: Records, choice: Choice) -> None:
    for problem in choice.problems:
        for dtype in choice.dtypes:
            records.add("limit", problem=problem, dtype=dtype, **ask("limit", {"problem": problem, "dtype": dtype})[-1])
            print("limit", problem, dtype, flush=True)


def growth(records: Records, choice: Choice) -> None:
    for axis, sizes in SIZES.items():
        for size in sizes:
            records.add("growth", axis=axis, size=size, **ask("growth", {"axis": axis, "size": size})[-1])
            print("growth", axis, size, flush=True)


PARTS = {"targets": targets, "rivals": rivals, "limits": limits, "growth": growth}

if __name__ == "__main__":
    main()
