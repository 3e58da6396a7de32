"""``python -m docs.gallery [PART …]``: measure the parts (all without an argument), and write their page.

The data are read from the folder that ``PARTWISE_DATA`` names, or from ``../shared/data``. What was measured goes to
``benchmarks/out/gallery.jsonl``; parts that are not measured again keep their figures. ``--page`` measures nothing.
"""

import argparse
from types import ModuleType

from benchmarks.processes import ROOT
from benchmarks.records import Records, origin
from docs.gallery import air, melody, movielens, mutations, race, robust
from docs.gallery.drawing import RESULTS

PARTS: dict[str, ModuleType] = {
    "movielens": movielens,
    "race": race,
    "air": air,
    "melody": melody,
    "mutations": mutations,
    "robust": robust,
}
_INTRODUCTION = """\
Four data sets that plain least squares on a full matrix do not suit: ratings that are mostly missing, measurements with
errors, sound, and counts. Every figure is computed by `python -m docs.gallery`, which writes this page."""


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser("python -m docs.gallery", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--page", action="store_true", help="write the page from what was measured")
    options = parser.parse_args()
    records = Records(ROOT / "benchmarks" / "out" / "gallery.jsonl")
    for name in [] if options.page else options.parts or PARTS:
        records.add("result", part=name, found=PARTS[name].measure())
        print(f"Measured: {name}", flush=True)
    print(f"Written: {write_page(records)}")


def write_page(records: Records) -> str:
    """The sections of what was measured, in order."""
    newest = {record["part"]: record for record in records.newest("result")}
    sections = [part.section(newest[name]["found"]) for name, part in PARTS.items() if name in newest]
    path = RESULTS / "losses.md"
    text = [
        "# Losses, missing entries and weights on real data",
        _INTRODUCTION,
        origin(list(newest.values())),
        *sections,
    ]
    path.write_text("\n\n".join(map(str.strip, text)) + "\n", encoding="utf-8")
    return str(path)


if __name__ == "__main__":
    main()
