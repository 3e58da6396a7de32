"""What the parts about the number of parts share: a search as a record, its table and its figure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import ceil
from typing import Any

import numpy as np

from benchmarks.tables import table
from docs.gallery.drawing import label, save
from partwise.plot import rank_criterion
from partwise.plot._rank import CURVES
from partwise.plot._style import LIGHT, new_figure
from partwise.selection import CRITERIA, RankSearch, Verdict

Found = dict[str, Any]


def kept(search: RankSearch) -> Found:
    """What the table and the figure need, fit for JSON."""
    return {
        "results": {
            name: column.tolist() for name, column in search.results_.items() if not name.startswith("replicate")
        },
        "verdicts": {name: asdict(verdict) for name, verdict in search.verdicts_.items()},
        "recommendation": asdict(search.recommendation_),
    }


def restored(found: Found) -> RankSearch:
    """A search that figures can be drawn of."""
    search = RankSearch(ranks=found["results"]["rank"])
    search.results_ = {name: np.array(column) for name, column in found["results"].items()}
    search.verdicts_ = {name: Verdict(**verdict) for name, verdict in found["verdicts"].items()}
    search.best_rank_ = found["recommendation"]["rank"]
    return search


def verdicts(found: Found) -> str:
    """The table of what each criterion supports, and what it read."""
    rows = [[_name(name), _supports(verdict), verdict["reading"]] for name, verdict in found["verdicts"].items()]
    return table(["criterion", "supports", "what it read"], rows)


def verdicts_of(searches: Mapping[str, Found]) -> str:
    """The table of what each criterion supports in several searches."""
    criteria = next(iter(searches.values()))["verdicts"]
    rows = [[_name(name), *(_supports(one["verdicts"][name]) for one in searches.values())] for name in criteria]
    return table(["criterion", *searches], rows)


def _name(criterion: str) -> str:
    return f"{CRITERIA[criterion].title} (`{criterion}`)"


def _supports(verdict: Found) -> str:
    return "none" if verdict["rank"] is None else str(verdict["rank"])


def figure_of(found: Found, name: str) -> None:
    """The curves of all criteria of a search, side by side."""
    criteria = [criterion for criterion in found["verdicts"] if criterion in CURVES]
    columns = 3 if len(criteria) > 4 else 2
    figure = new_figure(3.2 * columns, 2.3 * ceil(len(criteria) / columns), LIGHT)
    search = restored(found)
    for place, criterion in enumerate(criteria, start=1):
        ax = figure.add_subplot(ceil(len(criteria) / columns), columns, place)
        label(rank_criterion(search, criterion, ax=ax), CRITERIA[criterion].title)
    save(figure, name)


def figure_of_several(searches: Mapping[str, Found], criteria: Sequence[str], name: str) -> None:
    """The curves of some criteria, a row for each search."""
    figure = new_figure(3.1 * len(criteria), 2.1 * len(searches), LIGHT)
    grid = figure.subplots(len(searches), len(criteria), squeeze=False)
    for axes, (title, found) in zip(grid, searches.items(), strict=True):
        for ax, criterion in zip(axes, criteria, strict=True):
            label(rank_criterion(restored(found), criterion, ax=ax), f"{title}: {criterion}")
    save(figure, name)
