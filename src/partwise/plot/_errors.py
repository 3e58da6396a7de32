"""Where the fit is good and where it is not: errors by row and by column."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from partwise.plot import _style
from partwise.plot._loss import Measure
from partwise.plot._measures import Floats, residuals
from partwise.plot._view import View, components, layout_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


SKEWED = 30  # so many times the median the largest error is, from which the axis is logarithmic
ROUNDING = 1e-9  # differences of relative errors below this say nothing


def row_errors(
    model: Any,
    X: Any,
    *,
    mask: Any = None,
    weights: Any = None,
    ax: Axes | None = None,
    theme: _style.ThemeName = "light",
) -> Axes:
    """Draw how the errors of the rows are distributed, over their observed entries.

    For the Frobenius loss these are the relative errors ‖x − wH‖ / ‖x‖; for others, the divergence per entry.

    Parameters
    ----------
    model : NMF
        A fitted model.
    X : Dataset, array, sparse matrix or frame of shape (n_samples, n_features)
        The rows to judge; their coefficients are ``model.transform(X)``.
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
    >>> plot.row_errors(NMF(3, random_state=0).fit(X), X).get_ylabel()
    'rows'
    """
    view, measure = View.of(model, X, mask, weights), Measure.of(model)
    result = residuals(view.block, view.coefficients(model), components(model), measure.beta)
    return draw_row_errors(result.rows.errors, measure, ax, _style.theme_named(theme))


def column_errors(
    model: Any,
    X: Any,
    *,
    mask: Any = None,
    weights: Any = None,
    image_shape: tuple[int, ...] | None = None,
    ax: Axes | None = None,
    theme: _style.ThemeName = "light",
) -> Axes:
    """Draw the errors by column: as a picture where rows are pictures, else their distribution.

    For the Frobenius loss the picture shows the root mean square error of each pixel in the data's units, and the
    distribution is that of the relative errors ‖x − (WH)‖ / ‖x‖ of the columns; for other losses both show the
    divergence per entry. A pixel that is missing in every row is hatched.

    Parameters
    ----------
    model : NMF
        A fitted model.
    X : Dataset, array, sparse matrix or frame of shape (n_samples, n_features)
        The rows to judge; their coefficients are ``model.transform(X)``.
    mask, weights : default=None
        As for ``NMF.fit``; NaN in X is missing too.
    image_shape : tuple of int or None, default=None
        (height, width) or (height, width, 3); None takes the layout of the data that the model was fitted on.
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
    ParameterError
        If ``image_shape`` does not fit the columns.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise import NMF, plot
    >>> X = np.random.default_rng(0).random((20, 12))
    >>> plot.column_errors(NMF(3, random_state=0).fit(X), X).get_ylabel()
    'columns'
    """
    view, measure = View.of(model, X, mask, weights), Measure.of(model)
    columns = residuals(view.block, view.coefficients(model), components(model), measure.beta).columns
    layout, colours = (
        view.dataset.layout if image_shape is None else layout_of(model, image_shape),
        _style.theme_named(theme),
    )
    if layout.shape is None:
        return draw_column_errors(columns.errors, measure, ax, colours)
    return draw_pixel_errors(columns.means, layout.shape, measure, ax, colours)


def draw_row_errors(errors: Floats, measure: Measure, ax: Axes | None, theme: _style.Theme) -> Axes:
    """The distribution of the rows' errors."""
    return _histogram(errors, "row", measure, ax, theme)


def draw_column_errors(errors: Floats, measure: Measure, ax: Axes | None, theme: _style.Theme) -> Axes:
    """The distribution of the columns' errors."""
    return _histogram(errors, "column", measure, ax, theme)


def _histogram(errors: Floats, what: str, measure: Measure, ax: Axes | None, theme: _style.Theme) -> Axes:
    ax = _style.axes_or_new(ax, 3.8, 2.5, theme)
    known = errors[np.isfinite(errors)]
    if known.size:
        skewed = not measure.relative and known.max() > SKEWED * np.median(known) > 0
        edges = _log_edges(known) if skewed else _edges(known)
        ax.hist(np.maximum(known, edges[0]), bins=edges.tolist(), color=theme.accent, rwidth=0.9)
        if skewed:
            ax.set_xscale("log")
            ax.minorticks_off()
        _mark_median(ax, measure, float(np.median(known)), theme)
    ax.set(xlabel=f"{measure.name} of a {what}", ylabel=f"{what}s")
    ax.margins(x=0.02)
    if measure.relative:
        _style.percent_axis(ax.xaxis)
    _style.whole_numbers(ax.yaxis)
    _style.grid(ax, theme, "y")
    return ax


def _edges(errors: Floats) -> Floats:
    """Edges of equal bins; errors that are equal to rounding, which no bins can divide, lie in the middle of one."""
    low, high = float(errors.min()), float(errors.max())
    unit = max(1.0, high)
    if high - low <= ROUNDING * unit:
        around = (low + high) / 2 + unit * np.linspace(-0.0045, 0.0045, 10)
        return np.unique(np.maximum(around, 0.0))
    return np.linspace(low, high, _bins(errors) + 1)


def _log_edges(errors: Floats) -> Floats:
    """Edges of bins that are equal on a logarithmic axis; what is more than a million times smaller is in the first."""
    high = float(errors.max())
    return np.geomspace(max(1e-6 * high, float(errors.min())), high, _bins(errors) + 1)


def _bins(errors: Floats) -> int:
    return min(40, max(8, round(math.sqrt(len(errors)))))


def _mark_median(ax: Axes, measure: Measure, median: float, theme: _style.Theme) -> None:
    ax.axvline(median, color=theme.contrast, linewidth=1.2, linestyle=(0, (4, 3)))
    ax.annotate(
        f"median {100 * median:.3g} %" if measure.relative else f"median {median:.3g}",
        (median, 1.0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        xytext=(0, 3),
        ha="center",
        color=theme.contrast,
        fontsize=_style.SMALL,
    )


def draw_pixel_errors(
    errors: Floats, shape: tuple[int, ...], measure: Measure, ax: Axes | None, theme: _style.Theme
) -> Axes:
    """What each pixel loses on average, over its colours, as a picture with a scale; NaN is hatched."""
    ax = _style.axes_or_new(ax, min(5.0, 0.9 + 3.4 * shape[1] / shape[0]), 3.4, theme)
    _style.bare(ax)
    picture = errors.reshape(shape)
    if picture.ndim == 3:
        picture = np.sqrt(np.square(picture).mean(axis=2)) if measure.relative else picture.mean(axis=2)
    top = np.max(picture, where=np.isfinite(picture), initial=0.0)
    shown = ax.imshow(picture, cmap=_style.sequential(theme), vmin=0.0, vmax=top or 1.0, interpolation="nearest")
    if np.isnan(picture).any():
        _style.hatch(ax, theme)
        _style.legend_of_missing(ax, theme)
    _style.scale_beside(ax, shown, "root mean square error" if measure.relative else measure.name, theme)
    return ax
