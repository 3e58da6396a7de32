"""``python -m docs.gallery [PART …]``: measure the parts (all without an argument), and write their pages.

The data are read from the folder that ``PARTWISE_DATA`` names, or from ``../shared/data``. What was measured goes to
``benchmarks/out/gallery.jsonl``; parts that are not measured again keep their figures, and a page none of whose parts
was ever measured stays as it is. ``--page`` measures nothing.
"""

import argparse
from dataclasses import dataclass
from types import ModuleType

from benchmarks.processes import ROOT
from benchmarks.records import Records, origin
from docs.gallery import (
    air,
    cells,
    leukaemia,
    melody,
    movielens,
    mutations,
    nulls,
    race,
    raman,
    robust,
    signatures,
    swimmer,
    topics,
)
from docs.gallery.drawing import RESULTS


@dataclass(frozen=True)
class Page:
    """What stands above the sections, and which parts these are of."""

    title: str
    introduction: str
    parts: dict[str, ModuleType]


PAGES: dict[str, Page] = {
    "losses": Page(
        "Losses, missing entries and weights on real data",
        """\
Four data sets that plain least squares on a full matrix do not suit: ratings that are mostly missing, measurements with
errors, sound, and counts. Every figure is computed by `python -m docs.gallery`, which writes this page.""",
        {
            "movielens": movielens,
            "race": race,
            "air": air,
            "melody": melody,
            "mutations": mutations,
            "robust": robust,
        },
    ),
    "ranks": Page(
        "How many parts: what the search says where the answer is known, and where it is not",
        """\
`RankSearch` asks several criteria, and recommends what the first of them supports. Here it meets data whose number of
parts is known, data without parts, and three real data sets about which others have written. Every number that a
criterion got wrong stands here too. In the code `names` are those of the criteria in the table; in the figures a ring
is what a criterion supports, and a band what is recommended. Every figure is computed by `python -m docs.gallery`,
which writes this page.""",
        {
            "signatures": signatures,
            "raman": raman,
            "swimmer": swimmer,
            "nulls": nulls,
            "leukaemia": leukaemia,
            "topics": topics,
            "cells": cells,
        },
    ),
}
PARTS = {name: part for page in PAGES.values() for name, part in page.parts.items()}


def main() -> None:
    """Measure, and write the pages."""
    parser = argparse.ArgumentParser("python -m docs.gallery", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--page", action="store_true", help="write the pages from what was measured")
    options = parser.parse_args()
    records = Records(ROOT / "benchmarks" / "out" / "gallery.jsonl")
    for name in [] if options.page else options.parts or PARTS:
        records.add("result", part=name, found=PARTS[name].measure())
        print(f"Measured: {name}", flush=True)
    for name in PAGES:
        write_page(name, records)


def write_page(name: str, records: Records) -> None:
    """The sections of what was measured, in order."""
    page = PAGES[name]
    newest = {record["part"]: record for record in records.newest("result") if record["part"] in page.parts}
    if not newest:
        return
    sections = [
        part.section(newest[part_name]["found"]) for part_name, part in page.parts.items() if part_name in newest
    ]
    path = RESULTS / f"{name}.md"
    text = [f"# {page.title}", page.introduction, origin(list(newest.values())), *sections]
    path.write_text("\n\n".join(map(str.strip, text)) + "\n", encoding="utf-8")
    print(f"Written: {path}")


if __name__ == "__main__":
    main()
