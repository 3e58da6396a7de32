"""What a search of the number of parts found: the curve of each criterion, and how far the replicates lie apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from sklearn.utils.validation import check_is_fitted

from partwise._errors import ParameterError
from partwise.plot import _style
from partwise.plot._measures import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Results: TypeAlias = Mapping[str, Any]

# Ranks that an axis names one by one.
_NAMED = 14


def rank_criterion(search: Any, name: str, *, ax: Axes | None = None, theme: _style.ThemeName = "light") -> Axes:
    """Draw what one criterion reads against the number of parts.

    The number that the criterion supports is ringed, the one that the search recommends lies in a band. For "held_out"
    and "bi_cross_validation" faint lines are the folds, bars are standard errors of the difference from the best, and
    the dashed line is the best: the smallest number whose bar reaches it is supported.

    Parameters
    ----------
    search : RankSearch
        Fitted.
    name : str
        A criterion of the search, such as "held_out".
    ax : matplotlib.axes.Axes or None, default=None
        Where to draw; None makes a new figure that pyplot does not know.
    theme : {"light", "dark"}, default="light"
        Colours.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    ParameterError
        If the search was not asked for this criterion, or it has no curve ("relevance").

    Examples
    --------
    >>> import numpy as np
    >>> from partwise import plot
    >>> from partwise.selection import RankSearch
    >>> rng = np.random.default_rng(0)
    >>> X = rng.random((40, 2)) @ rng.random((2, 20)) + 0.1 * rng.random((40, 20))
    >>> search = RankSearch(ranks=(1, 2, 3), criteria=("held_out",), folds=3, random_state=0).fit(X)
    >>> plot.rank_criterion(search, "held_out").get_xlabel()
    'number of parts'
    """
    check_is_fitted(search, "verdicts_")
    if name not in search.verdicts_:
        asked = ", ".join(map(repr, search.verdicts_))
        raise ParameterError(f"The search has no criterion {name!r}: choose one of those it was asked for, {asked}.")
    if name not in CURVES:
        raise ParameterError(f"The criterion {name!r} has no curve: read search.verdicts_[{name!r}] instead.")
    colours = _style.theme_named(theme)
    ax = _style.axes_or_new(ax, 3.8, 2.5, colours)
    values = CURVES[name](ax, search.results_, name, colours)
    _ring(ax, search.results_["rank"], values, search.verdicts_[name].rank, colours)
    _rank_axis(ax, search, colours)
    return ax


def objectives(search: Any, *, ax: Axes | None = None, theme: _style.ThemeName = "light") -> Axes:
    """Draw how far the objectives of the replicates lie above the lowest, for each number of parts.

    Where points lie together at the bottom any start leads to the same end; where they scatter many are needed.

    Parameters
    ----------
    search : RankSearch
        Fitted, with replicates.
    ax : matplotlib.axes.Axes or None, default=None
        Where to draw; None makes a new figure that pyplot does not know.
    theme : {"light", "dark"}, default="light"
        Colours.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    ParameterError
        If no criterion of the search needed replicates.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise import plot
    >>> from partwise.selection import RankSearch
    >>> X = np.random.default_rng(0).random((20, 12))
    >>> search = RankSearch(ranks=(1, 2), criteria=("stability",), n_replicates=3, random_state=0).fit(X)
    >>> plot.objectives(search).get_ylabel()
    'objective above the lowest'
    """
    check_is_fitted(search, "replicates_")
    if not search.replicates_:
        raise ParameterError(
            "The search has no replicates to compare: ask for a criterion that needs them, such as 'stability'."
        )
    colours = _style.theme_named(theme)
    ax = _style.axes_or_new(ax, 3.8, 2.5, colours)
    for k, found in search.replicates_.items():
        above = found.objective / (found.objective.min() or 1.0) - 1.0
        ax.plot(np.full(len(above), k), above, "o", color=colours.accent, markersize=4, alpha=0.45, markeredgewidth=0)
    ax.axhline(0.0, color=colours.rule, linewidth=0.8, zorder=0)
    ax.set_ylabel("objective above the lowest")
    _style.percent_axis(ax.yaxis)
    _rank_axis(ax, search, colours)
    return ax


def _validation(ax: Axes, results: Results, name: str, theme: _style.Theme) -> Floats:
    ranks, means = results["rank"], results[f"{name}_mean"]
    for fold in (values for key, values in results.items() if key.startswith(f"{name}_fold")):
        ax.plot(ranks, fold, color=theme.muted, linewidth=0.7, marker="o", markersize=2, alpha=0.35)
    ax.axhline(np.nanmin(means), color=theme.muted, linewidth=0.8, linestyle=(0, (4, 3)))
    spread = results[f"{name}_se_of_difference"]
    ax.errorbar(ranks, means, spread, color=theme.accent, linewidth=1.6, marker="o", markersize=4, elinewidth=1.6)
    ax.set_ylabel("held-out loss of an entry")
    return np.asarray(means)


def _silhouettes(ax: Axes, results: Results, name: str, theme: _style.Theme) -> Floats:
    ranks, means, least = results["rank"], results["silhouette_mean"], results["silhouette_min"]
    ax.fill_between(ranks, least, means, color=theme.accent, alpha=0.12, linewidth=0)
    _line(ax, ranks, means, theme.accent, "mean of the parts")
    _line(ax, ranks, least, theme.muted, "least stable part")
    ax.set_ylabel("silhouette")
    _style.legend(ax, theme, loc="best")
    return np.asarray(means)


def _agreement(ax: Axes, results: Results, name: str, theme: _style.Theme) -> Floats:
    ranks, values = results["rank"], results["cophenetic"]
    _line(ax, ranks, values, theme.accent, "cophenetic correlation")
    _line(ax, ranks, results["dispersion"], theme.muted, "dispersion")
    ax.set_ylabel("consensus")
    _style.legend(ax, theme, loc="best")
    return np.asarray(values)


def _falls(ax: Axes, results: Results, name: str, theme: _style.Theme) -> Floats:
    ranks, values = results["rank"], results["error"]
    _line(ax, ranks, values, theme.accent, "data")
    _line(ax, ranks, results["error_permuted"], theme.muted, "columns permuted")
    ax.set_ylabel("loss, share of the first")
    _style.percent_axis(ax.yaxis)
    _style.legend(ax, theme, loc="best")
    return np.asarray(values)


def _single(ax: Axes, results: Results, name: str, theme: _style.Theme) -> Floats:
    _line(ax, results["rank"], results[name], theme.accent, name)
    ax.set_ylabel(name.upper())
    return np.asarray(results[name])


CURVES: dict[str, Callable[[Axes, Results, str, _style.Theme], Floats]] = {
    "held_out": _validation,
    "bi_cross_validation": _validation,
    "stability": _silhouettes,
    "consensus": _agreement,
    "elbow": _falls,
    "bic": _single,
}
"""What draws a criterion; each returns the values by which it judges."""


def _line(ax: Axes, ranks: Any, values: Any, colour: str, label: str) -> None:
    ax.plot(ranks, values, color=colour, linewidth=1.6, marker="o", markersize=4, label=label)


def _ring(ax: Axes, ranks: Any, values: Floats, supported: int | None, theme: _style.Theme) -> None:
    """A ring around the value of the rank that is supported, where there is one."""
    place = np.flatnonzero(ranks == supported)
    ax.plot(
        ranks[place],
        values[place],
        "o",
        markersize=10,
        fillstyle="none",
        markeredgewidth=1.8,
        color=theme.contrast,
        zorder=4,
    )


def _rank_axis(ax: Axes, search: Any, theme: _style.Theme) -> None:
    """The same axis for all figures of a search, with a line at the rank that it recommends."""
    ranks = search.results_["rank"]
    ax.axvline(search.best_rank_, color=theme.contrast, linewidth=6, alpha=0.14, zorder=0)
    ax.set_xlim(ranks[0] - 0.5, ranks[-1] + 0.5)
    ax.set_xlabel("number of parts")
    if len(ranks) <= _NAMED:
        ax.set_xticks(ranks)
    else:
        _style.whole_numbers(ax.xaxis)
    _style.grid(ax, theme, "y")
