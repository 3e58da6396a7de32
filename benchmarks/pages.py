"""The pages, made of the newest records: a part that was not measured again keeps its figures."""

from pathlib import Path

from benchmarks.curves import curves_page
from benchmarks.figures import draw_curves, draw_growth
from benchmarks.growth import growth_page
from benchmarks.limit import limit_page
from benchmarks.problems import PROBLEMS
from benchmarks.records import Record, Records, origin
from benchmarks.targets import targets_page

TITLES = {
    "target": ("targets", "Time to scikit-learn's answer"),
    "curve": ("rivals", "Partwise beside its rivals"),
    "limit": ("limit", "An iteration beside its products"),
    "growth": ("growth", "How an iteration grows with the data"),
}


def write_pages(records: Records, folder: Path) -> list[Path]:
    """A page for each kind of which there are records."""
    return [_write(kind, found, folder) for kind in TITLES if (found := records.newest(kind))]


def _write(kind: str, records: list[Record], folder: Path) -> Path:
    name, title = TITLES[kind]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.md"
    text = f"# {title}\n\n{origin(records)}{_waiting(kind, records)}\n\n{_body(kind, records, folder)}\n"
    path.write_text(text, encoding="utf-8")
    return path


def _waiting(kind: str, records: list[Record]) -> str:
    """How quiet the machine was, where the records tell."""
    lines = [line for record in records for line in _lines(kind, record) if "waited" in line]
    if not lines:
        return ""
    share = sum(line["waited"] * line["seconds"] for line in lines) / sum(line["seconds"] for line in lines)
    return f" Of a fit's time its threads waited {100 * share:.0f} % (summed) for a processor that other work had."


def _lines(kind: str, record: Record) -> list[Record]:
    if kind == "target":
        return [record[name] for name in ("baseline", "near", "same", "default")]
    return list(record.get("points", []))


def _body(kind: str, records: list[Record], folder: Path) -> str:
    if kind == "target":
        return targets_page(records)
    if kind == "limit":
        return limit_page(records)
    if kind == "growth":
        draw_growth(records, folder / "growth.png")
        return growth_page(records, "growth.png")
    return curves_page(records, _pictures(records, folder))


def _pictures(records: list[Record], folder: Path) -> dict[str, str]:
    pictures = {}
    for problem in (name for name in PROBLEMS if any(record["problem"] == name for record in records)):
        pictures[problem] = f"curve-{problem}.png"
        draw_curves(problem, [r for r in records if r["problem"] == problem], folder / pictures[problem])
    return pictures
