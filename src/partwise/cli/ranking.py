"""What a search of the number of parts found, for programs and for people."""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from partwise.cli.outcome import plain
from partwise.cli.summary import grid, shape_in_words, show
from partwise.io import Dataset, Layout
from partwise.selection import CRITERIA, RankSearch

# The figures that a terminal has room for.
_COLUMNS = {
    "held_out_mean": "Held-out",
    "bi_cross_validation_mean": "Bi-cross",
    "silhouette_mean": "Silhouette",
    "silhouette_min": "least",
    "cophenetic": "Cophenetic",
    "error": "Loss",
    "error_permuted": "permuted",
    "bic": "BIC",
}


def search_facts(search: RankSearch, data: Dataset) -> dict[str, Any]:
    """Return what the search knows, as plain values."""
    found = search.recommendation_
    return {
        "source": data.source,
        "shape": list(data.shape),
        "best_rank": search.best_rank_,
        "confident": found.confident,
        "sentences": found.sentences,
        "decided_by": found.decided_by,
        "agree": list(found.agree),
        "differ": list(found.differ),
        "verdicts": {
            name: {"rank": verdict.rank, "reading": verdict.reading, "assumes": verdict.assumes}
            for name, verdict in search.verdicts_.items()
        },
        "results": {name: values.tolist() for name, values in search.results_.items()},
        "seed": search.seed_,
        "folder": search.folder,
    }


def print_search(facts: Mapping[str, Any], layout: Layout, written: Mapping[str, Path]) -> None:
    """Show the recommendation, a line for each criterion, the figures, and where they are."""
    source, size = plain(facts["source"] or "a matrix"), shape_in_words(facts["shape"], layout)
    files = Text("Written: " + plain(", ".join(map(str, written.values()))))
    if not written:
        files = Text("Nothing was written: --report FILE.html shows it, --model FILE.npz keeps the model.", "yellow")
    show(
        Text.assemble((source, "bold"), f": {size}"),
        Text(facts["sentences"], "bold"),
        grid([(_verdict(name, verdict), verdict["reading"]) for name, verdict in facts["verdicts"].items()]),
        figures_table(facts),
        *_unfinished(facts),
        files,
    )


def _verdict(name: str, verdict: Mapping[str, Any]) -> str:
    return f"{CRITERIA[name].title}: {'none' if verdict['rank'] is None else verdict['rank']}"


def figures_table(facts: Mapping[str, Any]) -> Table:
    """Return the figures of each number of parts; an arrow marks the one recommended."""
    results = facts["results"]
    shown = [name for name in _COLUMNS if name in results]
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="cyan")
    table.add_column("  Parts", justify="right", no_wrap=True)
    for name in shown:
        table.add_column(_COLUMNS[name], justify="right", overflow="fold")
    for i, k in enumerate(results["rank"]):
        best = k == facts["best_rank"]
        table.add_row(
            f"{'>' if best else ' '} {k}", *(_figure(results[name][i]) for name in shown), style="bold" * best
        )
    return table


def _figure(value: float) -> str:
    if not isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:#.4g}".rstrip(".")


def _unfinished(facts: Mapping[str, Any]) -> list[Text]:
    """Say how many replicates met a limit, if some did."""
    ends = [end for name, values in facts["results"].items() if name.endswith("_converged") for end in values]
    met = len(ends) - sum(ends)
    if not met:
        return []
    return [
        Text(
            f"{met:,} of {len(ends):,} replicates met a limit before they converged: give a larger --max-iter.",
            "yellow",
        )
    ]
