"""Which part leads which row: the heat map of W, ordered by dominant part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from partwise.plot import _style
from partwise.plot._measures import Floats, bin_rows, by_dominant_part, mixture
from partwise.plot._view import View, components

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROWS_DRAWN = 800


def memberships(
    model: Any,
    X: Any,
    *,
    mask: Any = None,
    weights: Any = None,
    ax: Axes | None = None,
    theme: _style.ThemeName = "light",
) -> Axes:
    """Draw the share of each part in each row as a heat map, rows ordered by their dominant part.

    More than 800 rows are drawn as 800 means of neighbours in that order.

    Parameters
    ----------
    model : NMF
        A fitted model.
    X : Dataset, array, sparse matrix or frame of shape (n_samples, n_features)
        The rows; their coefficients are ``model.transform(X)``.
    mask, weights : default=None
        As for ``NMF.fit``; NaN in X is missing too.
    ax : matplotlib.axes.Axes or None, default=None
        Where to draw; None makes a new figure that pyplot does not know.
    theme : {"light", "dark"}, default="light"
        Colours.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        If X has other columns than the model.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise import NMF, plot
    >>> X = np.random.default_rng(0).random((20, 12))
    >>> plot.memberships(NMF(3, random_state=0).fit(X), X).get_xlabel()
    'part'
    """
    shares = mixture(View.of(model, X, mask, weights).coefficients(model), components(model))
    return draw_memberships(shares, ax, _style.theme_named(theme))


def draw_memberships(shares: Floats, ax: Axes | None, theme: _style.Theme) -> Axes:
    """The heat map of ``shares`` (m, k); its scale ends where 98 % of the rows have their largest share."""
    m, k = shares.shape
    ax = _style.axes_or_new(ax, 3.8, 4.2, theme)
    ordered = bin_rows(shares[by_dominant_part(shares)], ROWS_DRAWN)
    top = max(float(np.quantile(ordered.max(axis=1), 0.98)), 1e-12)
    shown = ax.imshow(
        ordered,
        cmap=_style.sequential(theme),
        vmin=0.0,
        vmax=top,
        aspect="auto",
        interpolation="nearest",
        extent=(-0.5, k - 0.5, m, 0),
    )
    ax.set(xlabel="part", ylabel="rows, ordered by dominant part", xticks=part_ticks(k), ylim=(m, 0))
    ax.spines[:].set_visible(False)
    _style.whole_numbers(ax.yaxis)
    _style.percent_axis(_style.scale_beside(ax, shown, "share of the row", theme))
    return ax


def part_ticks(k: int) -> list[int]:
    """At most a dozen places on an axis of k parts."""
    step = next((step for step in (1, 2, 5, 10, 20, 50) if k / step <= 12), 100)
    return list(range(0, k, step))
