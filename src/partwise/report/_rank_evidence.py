"""What the criteria and the replicates of a search show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from partwise import plot
from partwise.plot import _style
from partwise.plot._rank import CURVES
from partwise.report import _words as words
from partwise.report._cards import Context
from partwise.report._figures import Drawing, drawing
from partwise.selection import CRITERIA, RankSearch, Replicates, match, memberships

# Names of samples that a cluster shows.
SHOWN = 24
# Cells along a side of a small map: there is one for each number of parts, in two themes.
_CELLS = 100

_FOLDS = (
    "The loss of entries that the fit has not seen. Faint lines are the folds, bars standard errors of the difference "
    "from the best, which is the dashed line: the smallest number whose bar reaches it is supported."
)
_HOW = {
    "held_out": _FOLDS,
    "bi_cross_validation": _FOLDS,
    "stability": "How well the versions of a part from all replicates hold together, against the nearest other part: 1 "
    "is perfectly, 0 not at all.",
    "consensus": "1 where all replicates cluster the samples the same way.",
    "elbow": "The lowest loss, and that of data whose columns are permuted, which have no parts.",
    "bic": "Twice the loss and a price for each part: lower is better.",
}

# Columns of the table of results: key, group and name.
_FIGURES = (
    ("held_out_mean", "Held-out error", "mean"),
    ("held_out_se_of_difference", "Held-out error", "s.e. of diff."),
    ("bi_cross_validation_mean", "Bi-cross-validation", "mean"),
    ("bi_cross_validation_se_of_difference", "Bi-cross-validation", "s.e. of diff."),
    ("silhouette_mean", "Silhouette", "mean"),
    ("silhouette_min", "Silhouette", "least"),
    ("stability_mean", "Stability", "mean"),
    ("stability_min", "Stability", "least"),
    ("cophenetic", "Consensus", "cophenetic"),
    ("dispersion", "Consensus", "dispersion"),
    ("error", "Loss, as a share", "data"),
    ("error_permuted", "Loss, as a share", "permuted"),
    ("bic", "BIC", ""),
)


def verdicts(search: RankSearch) -> list[Context]:
    """What each criterion supports, read and assumes; the one that decides is marked."""
    return [
        {
            "title": CRITERIA[verdict.criterion].title,
            "rank": verdict.rank,
            "reading": verdict.reading,
            "assumes": verdict.assumes,
            "decides": verdict.criterion == search.recommendation_.decided_by,
        }
        for verdict in search.verdicts_.values()
    ]


def curves(search: RankSearch) -> list[Context]:
    """The criteria against the number of parts, and the spread of the replicates."""
    drawn = [
        {
            "title": CRITERIA[name].title,
            "how": _HOW[name],
            "drawing": _drawn(partial(plot.rank_criterion, search, name), f"curve-{name}", _sentence(search, name)),
        }
        for name in search.verdicts_
        if name in CURVES
    ]
    if not search.replicates_:
        return drawn
    label = "Points: how far the objective of each replicate lies above the lowest, against the number of parts."
    spread = {
        "title": "Spread of the replicates",
        "how": "How far each replicate ended above the best one: where points scatter, a single fit is not enough.",
        "drawing": _drawn(partial(plot.objectives, search), "objectives", label),
    }
    return [*drawn, spread]


def _sentence(search: RankSearch, name: str) -> str:
    supported = search.verdicts_[name].rank
    return f"Line chart: {CRITERIA[name].title} against the number of parts; it supports {supported or 'none'}."


def _drawn(draw: Callable[..., Any], name: str, label: str) -> Drawing:
    def themed(theme: _style.Theme) -> Any:
        return draw(theme=theme.name)

    return drawing(themed, name, label)


# --- how far replicates agree -----------------------------------------------------------------------------------------


def recommended(search: RankSearch) -> Replicates | None:
    """The replicates of the number recommended, their parts in the order of the model's; None where there are none."""
    found = search.replicates_.get(search.best_rank_)
    if found is None:
        return None
    order = match(search.best_estimator_.components_, found.H[found.best])[0]
    return replace(found, W=found.W[..., order], H=found.H[:, order], similarity=found.similarity[:, order])


def agreement(search: RankSearch, names: Sequence[str] | None, labels: Sequence[str]) -> Context | None:
    """The consensus of each number of parts above 1, and the clusters of the recommended one; None without any."""
    maps = [
        {"k": k, "cophenetic": words.number(found.consensus.cophenetic, 3), "drawing": _small_map(k, found)}
        for k, found in search.replicates_.items()
        if k > 1
    ]
    best = recommended(search)
    if not maps:
        return None
    if best is None or search.best_rank_ == 1:
        return {"maps": maps, "large": None, "clusters": []}
    leaders = memberships(best.W[best.best])
    return {
        "maps": maps,
        "large": _large_map(best, names, leaders),
        "clusters": _clusters(best, names, labels, leaders),
    }


def _small_map(k: int, found: Replicates) -> Drawing:
    label = f"Heat map: how often two samples fall into the same cluster of {k}, similar samples beside each other."
    return drawing(partial(_draw_small, found), f"consensus-{k}", label)


def _draw_small(found: Replicates, theme: _style.Theme) -> Any:
    ax = _style.new_figure(1.9, 1.9, theme).add_subplot()
    plot.consensus(found, max_cells=_CELLS, scale=False, ax=ax, theme=theme.name).set_xlabel("")
    return ax


def _large_map(found: Replicates, names: Sequence[str] | None, leaders: Any) -> Drawing:
    k = found.H.shape[1]
    groups = None if k > len(_style.LIGHT.groups) else [f"part {j}" if j >= 0 else "no part" for j in leaders]
    draw = partial(plot.consensus, found, names=names, groups=groups)
    return _drawn(draw, "consensus", "Heat map: how often two samples fall into the same cluster, with their names.")


def _clusters(found: Replicates, names: Sequence[str] | None, labels: Sequence[str], leaders: Any) -> list[Context]:
    """The samples that each part dominates in the best replicate, and how often two of them fall together in all."""
    sizes = np.bincount(leaders[leaders >= 0], minlength=found.H.shape[1])
    return [
        {
            "part": part,
            "label": labels[part],
            "size": words.count(int(size)),
            "share": words.proportion(int(size), len(leaders)),
            "together": _together(found, leaders == part),
            "names": [] if names is None else [names[i] for i in np.flatnonzero(leaders == part)[:SHOWN]],
            "more": words.count(int(size) - SHOWN) if size > SHOWN else "",
        }
        for part, size in enumerate(sizes)
        if size
    ]


def _together(found: Replicates, members: Any) -> str:
    """The mean consensus of two members, of those in the matrix."""
    inside = np.flatnonzero(members[found.consensus.samples])
    if len(inside) < 2:
        return ""
    block = found.consensus.matrix[np.ix_(inside, inside)]
    return words.percent(float(block[np.triu_indices(len(inside), 1)].mean()))


def stability_drawings(search: RankSearch) -> list[Context]:
    """How surely the parts recommended come back, and in which replicates."""
    found = recommended(search)
    if found is None:
        return []
    return [
        {
            "title": "Stability of each part",
            "how": "The mean cosine of two replicates’ versions of the part; the silhouette also asks how far the "
            "nearest other part is.",
            "drawing": _drawn(
                partial(plot.stability, found), "stability", "Bars: stability and silhouette of each part."
            ),
        },
        {
            "title": "Matched parts across replicates",
            "how": "The cosine of each part with its partner in the best replicate, lower objectives above. What "
            "stands out was not found again.",
            "drawing": _drawn(partial(plot.matched, found), "matched", "Heat map: cosine of each replicate’s parts."),
        },
    ]


# --- the table --------------------------------------------------------------------------------------------------------


def results_table(search: RankSearch) -> Context:
    """Figures of each number of parts: groups of columns with their widths, names of columns, rows."""
    known = [column for column in _FIGURES if column[0] in search.results_]
    more = [("", "lowest objective"), ("", "iterations"), ("", "converged")] if search.replicates_ else []
    columns = [(group, name) for _, group, name in known]
    columns += [("Replicates", name) for _, name in more]
    groups: list[tuple[str, int]] = []
    for group, _ in columns:
        same = groups and groups[-1][0] == group
        groups = [*groups[:-1], (group, groups[-1][1] + 1)] if same else [*groups, (group, 1)]
    rows = [
        {
            "k": int(k),
            "values": [_figure(float(search.results_[key][i])) for key, _, _ in known] + _ends(search, int(k)),
        }
        for i, k in enumerate(search.results_["rank"])
    ]
    return {"groups": groups, "names": [name for _, name in columns], "rows": rows}


def _figure(value: float) -> str:
    """Four digits, whatever they are; large ones in full."""
    if not np.isfinite(value):
        return "–"
    return words.count(round(value)) if abs(value) >= 1e4 else f"{value:#.4g}".rstrip(".").replace("-", words.MINUS)


def _ends(search: RankSearch, k: int) -> list[str]:
    """How the replicates of k parts ended."""
    found = search.replicates_.get(k)
    if found is None:
        return []
    converged = f"{int(found.converged.sum())} of {len(found.converged)}"
    return [_figure(float(found.objective.min())), words.count(int(np.median(found.n_iter))), converged]
