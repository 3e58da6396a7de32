"""Where the fit is good and where it is not: errors by row and by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from partwise.plot import _style
from partwise.plot._measures import Floats, residuals
from partwise.plot._view import View, components, layout_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


ROUNDING = 1e-9  # differences of relative errors below this say nothing


def row_errors(model: Any, X: Any, *, ax: Axes | None = None, theme: _style.ThemeName = "light") -> Axes:
    """Draw how the relative errors ‖x − wH‖ / ‖x‖ of the rows are distributed.

    Parameters
    ----------
    model : NMF
        A fitted model.
    X : Dataset, array, sparse matrix or frame of shape (n_samples, n_features)
        The rows to judge; their coefficients are ``model.transform(X)``.
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
    view = View.of(model, X)
    result = residuals(view.block, view.coefficients(model), components(model))
    return draw_row_errors(result.by_row, ax, _style.theme_named(theme))


def column_errors(
    model: Any,
    X: Any,
    *,
    image_shape: tuple[int, ...] | None = None,
    ax: Axes | None = None,
    theme: _style.ThemeName = "light",
) -> Axes:
    """Draw the errors by column: as a picture where rows are pictures, else their distribution.

    The picture shows the root mean square error of each pixel in the data's units; the distribution is that of the
    relative errors ‖x − (WH)‖ / ‖x‖ of the columns.

    Parameters
    ----------
    model : NMF
        A fitted model.
    X : Dataset, array, sparse matrix or frame of shape (n_samples, n_features)
        The rows to judge; their coefficients are ``model.transform(X)``.
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
    view, colours = View.of(model, X), _style.theme_named(theme)
    result = residuals(view.block, view.coefficients(model), components(model))
    layout = view.dataset.layout if image_shape is None else layout_of(model, image_shape)
    if layout.shape is None:
        return draw_column_errors(result.by_column, ax, colours)
    return draw_pixel_errors(np.sqrt(result.column_errors / view.block.shape[0]), layout.shape, ax, colours)


def draw_row_errors(errors: Floats, ax: Axes | None, theme: _style.Theme) -> Axes:
    """The distribution of the rows' relative errors."""
    return _histogram(errors, "rows", "relative error of a row", ax, theme)


def draw_column_errors(errors: Floats, ax: Axes | None, theme: _style.Theme) -> Axes:
    """The distribution of the columns' relative errors."""
    return _histogram(errors, "columns", "relative error of a column", ax, theme)


def _histogram(errors: Floats, what: str, label: str, ax: Axes | None, theme: _style.Theme) -> Axes:
    ax = _style.axes_or_new(ax, 3.8, 2.5, theme)
    known = errors[np.isfinite(errors)]
    if known.size:
        ax.hist(known, bins=_edges(known).tolist(), color=theme.accent, rwidth=0.9)
        _mark_median(ax, float(np.median(known)), theme)
    ax.set(xlabel=label, ylabel=what)
    ax.margins(x=0.02)
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
    return np.linspace(low, high, min(40, max(8, round(np.sqrt(errors.size)))) + 1)


def _mark_median(ax: Axes, median: float, theme: _style.Theme) -> None:
    ax.axvline(median, color=theme.contrast, linewidth=1.2, linestyle=(0, (4, 3)))
    ax.annotate(
        f"median {100 * median:.3g} %",
        (median, 1.0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        xytext=(0, 3),
        ha="center",
        color=theme.contrast,
        fontsize=_style.SMALL,
    )


def draw_pixel_errors(errors: Floats, shape: tuple[int, ...], ax: Axes | None, theme: _style.Theme) -> Axes:
    """Root mean square error of each pixel, over its colours, as a picture with a scale."""
    ax = _style.axes_or_new(ax, min(5.0, 0.9 + 3.4 * shape[1] / shape[0]), 3.4, theme)
    _style.bare(ax)
    picture = errors.reshape(shape)
    picture = picture if picture.ndim == 2 else np.sqrt(np.square(picture).mean(axis=2))
    shown = ax.imshow(picture, cmap=_style.sequential(theme), vmin=0.0, interpolation="nearest")
    _style.scale_beside(ax, shown, "root mean square error", theme)
    return ax
