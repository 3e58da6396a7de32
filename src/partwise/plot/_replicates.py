"""Replicates of one number of parts: which samples and which parts they agree on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from partwise._errors import ParameterError
from partwise._optional import require
from partwise.plot import _style
from partwise.plot._measures import Floats, bin_rows
from partwise.plot._memberships import part_ticks
from partwise.plot._parts import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Samples whose names a picture has room for, and cells that can carry their figure.
_NAMED, _WRITTEN = 60, 240
# Inches of a line with a name.
_LINE = 0.14


def consensus(
    found: Any,
    *,
    names: Sequence[str] | None = None,
    groups: Sequence[Any] | None = None,
    max_cells: int = 240,
    scale: bool = True,
    ax: Axes | None = None,
    theme: _style.ThemeName = "light",
) -> Axes:
    """Draw how often two samples fall into the same cluster, similar samples beside each other.

    Clear blocks are clusters that every replicate finds.

    Parameters
    ----------
    found : Replicates or Consensus
        Of one number of parts, such as ``search.replicates_[3]``.
    names : sequence of str or None, default=None
        Of all samples of the data; written where they are at most 60.
    groups : sequence or None, default=None
        What is known of each sample of the data (a diagnosis, a batch): a strip of colours above the picture.
    max_cells : int, default=240
        Cells along a side; more samples are drawn as means of neighbours, which the eye could not tell apart.
    scale : bool, default=True
        Whether a scale stands beside the picture.
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
        If there are more groups than colours can tell apart, or not a name or a group for each sample.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise import plot
    >>> from partwise.selection import replicate
    >>> X = np.random.default_rng(0).random((20, 12))
    >>> plot.consensus(replicate(X, 2, n=3, random_state=0)).get_xlabel()
    '20 samples'
    """
    agreed, colours = getattr(found, "consensus", found), _style.theme_named(theme)
    shown = agreed.samples[agreed.order]
    m = len(shown)
    named = names is not None and m <= _NAMED
    side = max(3.2, _LINE * m) if named else 3.2
    ax = _style.axes_or_new(ax, side + (2.2 if named else 0.8), side + 0.6, colours)
    matrix = agreed.matrix[np.ix_(agreed.order, agreed.order)]
    small = bin_rows(bin_rows(matrix, max_cells).T, max_cells).T
    _style.bare(ax)
    picture = ax.imshow(
        small, cmap=_style.sequential(colours), vmin=0.0, vmax=1.0, interpolation="nearest", extent=(0, m, m, 0)
    )
    if names is not None and named:
        _name_rows(ax, _of_samples(names, shown, "names"), colours)
    if groups is not None:
        _strip(ax, _of_samples(groups, shown, "groups"), colours)
    if scale:
        _style.scale_beside(ax, picture, "share of the replicates", colours)
    ax.set_xlabel(f"{m} samples" + (" drawn at random" if shown.max(initial=0) >= m else ""))
    return ax


def stability(found: Any, *, ax: Axes | None = None, theme: _style.ThemeName = "light") -> Axes:
    """Draw how surely each part comes back: its stability as a bar, its silhouette as a point.

    The stability is the mean cosine of two replicates' versions of the part; the silhouette also asks how far the part
    lies from the nearest other one.

    Parameters
    ----------
    found : Replicates
        Of one number of parts, such as ``search.replicates_[3]``.
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

    Examples
    --------
    >>> import numpy as np
    >>> from partwise import plot
    >>> from partwise.selection import replicate
    >>> X = np.random.default_rng(0).random((20, 12))
    >>> [text.get_text() for text in plot.stability(replicate(X, 2, n=3, random_state=0)).get_yticklabels()]
    ['part 0', 'part 1']
    """
    colours = _style.theme_named(theme)
    k = len(found.stability)
    ax = _style.axes_or_new(ax, 3.8, 0.9 + 0.26 * k, colours)
    ax.barh(np.arange(k), found.stability, color=colours.accent, height=0.5, label="stability")
    ax.plot(found.silhouettes, np.arange(k), "D", color=colours.contrast, markersize=5, label="silhouette", zorder=3)
    ax.set_yticks(range(k), [f"part {j}" for j in range(k)], color=colours.ink)
    ax.set(ylim=(k - 0.4, -0.6), xlim=(min(0.0, float(np.nanmin([0.0, *found.silhouettes])) - 0.03), 1.03))
    _style.grid(ax, colours, "x")
    _style.legend(ax, colours, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2, borderpad=0.0)
    return ax


def matched(found: Any, *, ax: Axes | None = None, theme: _style.ThemeName = "light") -> Axes:
    """Draw how similar each replicate's parts are to those of the best one, the lower objectives above.

    What stands out is lost: a column, a part that is not found again; rows at the bottom, fits that ended in a worse
    place.

    Parameters
    ----------
    found : Replicates
        Of one number of parts, such as ``search.replicates_[3]``.
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

    Examples
    --------
    >>> import numpy as np
    >>> from partwise import plot
    >>> from partwise.selection import replicate
    >>> X = np.random.default_rng(0).random((20, 12))
    >>> plot.matched(replicate(X, 2, n=3, random_state=0)).get_ylabel()
    'replicates, best first'
    """
    colours = _style.theme_named(theme)
    ordered = found.similarity[np.argsort(found.objective, kind="stable")]
    R, k = ordered.shape
    ax = _style.axes_or_new(ax, 3.8, min(4.6, 0.9 + 0.2 * max(R, 4)), colours)
    cmap = _style.sequential(colours).reversed()
    picture = ax.imshow(ordered, cmap=cmap, vmin=0.0, vmax=1.0, aspect="auto", interpolation="nearest")
    if ordered.size <= _WRITTEN and k <= 12:
        _write_cells(ax, ordered, colours)
    ax.set(xlabel="part", ylabel="replicates, best first", xticks=part_ticks(k), yticks=[])
    ax.spines[:].set_visible(False)
    _style.scale_beside(ax, picture, "cosine with the best", colours)
    return ax


def _write_cells(ax: Axes, values: Floats, theme: _style.Theme) -> None:
    for (i, j), value in np.ndenumerate(values):
        colour = theme.surface if value < 0.55 else theme.ink
        ax.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=7)


def _name_rows(ax: Axes, names: list[Any], theme: _style.Theme) -> None:
    """A name beside each row, as large as the rows are high."""
    figure: Any = ax.figure
    points = 72 * figure.get_figheight() * ax.get_position().height / len(names)
    labels = [shortened(str(name)) for name in names]
    size = min(_style.SMALL, 0.9 * points)
    ax.set_yticks(np.arange(len(names)) + 0.5, labels, parse_math=False, color=theme.ink, fontsize=size)


def _of_samples(given: Sequence[Any], shown: Any, what: str) -> list[Any]:
    """What is given of the samples shown, in their order."""
    if len(given) <= shown.max(initial=0):
        raise ParameterError(f"There are {len(given)} {what} and more samples: give one for each row of the data.")
    return [given[i] for i in shown]


def _strip(ax: Axes, groups: list[Any], theme: _style.Theme) -> None:
    """A colour for the group of each sample, above the picture, and which is which."""
    known = sorted(set(groups), key=str)
    if len(known) > len(theme.groups):
        raise ParameterError(
            f"{len(known)} groups cannot be told apart by {len(theme.groups)} colours: give fewer groups, or names."
        )
    colors = require("matplotlib.colors", "report", "Drawing a figure")
    patches = require("matplotlib.patches", "report", "Drawing a figure")
    m = len(groups)
    cells = [[colors.to_rgb(theme.groups[known.index(group)]) for group in groups]]
    ax.imshow(cells, extent=(0, m, -0.02 * m, -0.055 * m), interpolation="nearest")
    ax.set_ylim(m, -0.055 * m)
    handles = [
        patches.Patch(color=colour, label=str(group)) for group, colour in zip(known, theme.groups, strict=False)
    ]
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=min(4, len(known)),
        frameon=False,
        fontsize=_style.SMALL,
        labelcolor=theme.muted,
        handlelength=0.9,
        columnspacing=1.0,
        borderpad=0.2,
    )
