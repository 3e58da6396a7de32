"""How one row is made of parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from partwise.plot import _style
from partwise.plot._measures import Floats, mixture, strongest
from partwise.plot._parts import draw_bars, shortened
from partwise.plot._view import View, components, layout_of, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def composition(
    model: Any,
    X: Any,
    row: int | str,
    *,
    mask: Any = None,
    weights: Any = None,
    n_features: int = 12,
    max_parts: int = 10,
    image_shape: tuple[int, ...] | None = None,
    fig: Figure | None = None,
    theme: _style.ThemeName = "light",
) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Draw one row, its reconstruction, what is left over, and the parts that make it.

    The reconstruction fills in what is missing in the row, which is hatched in the row and in what is left over.

    Parameters
    ----------
    model : NMF
        A fitted model.
    X : Dataset, array, sparse matrix or frame of shape (n_samples, n_features)
        The data; only ``row`` is transformed.
    row : int or str
        Number (from 0; negative from the end) or name of the row.
    mask, weights : default=None
        As for ``NMF.fit``; NaN in X is missing too.
    n_features : int, default=12
        Named bars at most, the largest of row and reconstruction; not used for pictures and bare values.
    max_parts : int, default=10
        Parts at most, the largest share of the row first.
    image_shape : tuple of int or None, default=None
        (height, width) or (height, width, 3); None takes the layout of the data.
    fig : matplotlib.figure.Figure or None, default=None
        Where to draw; None makes a new figure that pyplot does not know.
    theme : {"light", "dark"}, default="light"
        Colours.

    Returns
    -------
    ndarray of matplotlib.axes.Axes of shape (4,)
        The row, its reconstruction, the residual, and the shares of its parts.

    Raises
    ------
    DataError
        If X has other columns than the model.
    MissingExtraError
        If matplotlib is not installed.
    ParameterError
        If there is no such row, or ``image_shape`` does not fit the columns.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise import NMF, plot
    >>> X = np.random.default_rng(0).random((20, 12))
    >>> [ax.get_title(loc="left") for ax in plot.composition(NMF(3, random_state=0).fit(X), X, 7)]
    ['row 7', 'made of parts', 'residual', 'its parts']
    """
    view, H, colours = View.of(model, X, mask, weights), components(model), _style.theme_named(theme)
    place = view.row_index(row)
    w = view.coefficients_of(model, place)
    original, fitted = view.rows([place])[0], (w @ H)[0]
    layout = view.dataset.layout if image_shape is None else layout_of(model, image_shape)
    kind = look(layout, view.names)
    fig = _style.new_figure(9.6, 2.9, colours) if fig is None else fig
    axes = fig.subplots(1, 4, width_ratios=(1, 1, 1, 1.1))
    for ax in axes:
        _style.dress(ax, colours)
    if kind == "image":
        _pictures(axes[:3], original, fitted, layout.shape or (), colours)
    elif kind == "names":
        _bars(axes[:3], original, fitted, view.names or (), n_features, colours)
    else:
        _profiles(axes[:3], original, fitted, colours)
    _parts_of(axes[3], mixture(w, H)[0], max_parts, colours)
    titles = (shortened(view.row_name(place), 20), "made of parts", "residual", "its parts")
    for ax, title in zip(axes, titles, strict=True):
        _style.heading(ax, title, colours, strong=True)
    return np.array(axes, dtype=object)


def _pictures(axes: Any, original: Floats, fitted: Floats, shape: tuple[int, ...], theme: _style.Theme) -> None:
    """Both pictures on the row's own scale; the residual, summed over colours, on a symmetric one."""
    missing = np.isnan(original)
    top = original[~missing].max(initial=0.0) or fitted.max(initial=0.0) or 1.0
    for ax, values in zip(axes[:2], (original, fitted), strict=True):
        picture = np.clip(values.reshape(shape) / top, 0.0, 1.0)
        ax.imshow(_see_through(picture), cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")
    residual = (original - fitted).reshape((*shape[:2], -1)).mean(axis=2)
    limit = np.abs(residual[np.isfinite(residual)]).max(initial=0.0) or 1.0
    axes[2].imshow(residual, cmap=_style.diverging(theme), vmin=-limit, vmax=limit, interpolation="nearest")
    for ax in axes:
        _style.bare(ax)
    if missing.any():
        _style.hatch(axes[0], theme)
        _style.hatch(axes[2], theme)
        _style.legend_of_missing(axes[0], theme)


def _see_through(picture: Floats) -> Floats:
    """A picture in colour, transparent where one of its values is missing; a grey one is so by itself."""
    if picture.ndim == 2:
        return picture
    seen = np.isfinite(picture).all(axis=2, keepdims=True)
    return np.concatenate([np.nan_to_num(picture), seen], axis=2) if not seen.all() else picture


def _bars(axes: Any, original: Floats, fitted: Floats, names: tuple[str, ...], count: int, theme: _style.Theme) -> None:
    """The same columns in the three panels, so that a bar can be followed from one to the next."""
    top = strongest(np.fmax(original, fitted), count)
    seen = np.nan_to_num(original[top])
    missing = np.flatnonzero(np.isnan(original[top]))
    residual = np.nan_to_num(original[top] - fitted[top])
    labels = [names[index] for index in top]
    draw_bars(axes[0], labels, seen, theme)
    draw_bars(axes[1], [""] * len(top), fitted[top], theme)
    draw_bars(axes[2], [""] * len(top), residual, theme, colour=theme.contrast)
    limit = max(seen.max(initial=0.0), fitted[top].max(initial=0.0)) or 1.0
    for ax in axes[:2]:
        ax.set_xlim(0.0, limit)
    axes[2].set_xlim(-limit, limit)
    if missing.size:
        for ax, width, left in ((axes[0], limit, 0.0), (axes[2], 2 * limit, -limit)):
            _hatched_bars(ax, missing, width, left, theme)
        _style.legend_of_missing(axes[0], theme)


def _hatched_bars(ax: Axes, places: Any, width: float, left: float, theme: _style.Theme) -> None:
    look: dict[str, Any] = {
        "facecolor": theme.surface,
        "edgecolor": theme.rule,
        "hatch": _style.HATCH,
        "linewidth": 0.0,
    }
    ax.barh(places, width, left=left, height=0.62, **look)


def _profiles(axes: Any, original: Floats, fitted: Floats, theme: _style.Theme) -> None:
    """The row as a line over its columns; all three panels on one height."""
    columns, missing = np.arange(len(original)), np.isnan(original)
    for ax, values in zip(axes, (original, fitted, original - fitted), strict=True):
        ax.plot(columns, values, color=theme.contrast if ax is axes[2] else theme.accent, linewidth=1.0)
        ax.set_xlabel("column")
        _style.grid(ax, theme, "y")
    top = max(original[~missing].max(initial=0.0), fitted.max(initial=0.0)) or 1.0
    for ax in axes[:2]:
        ax.set_ylim(0.0, 1.05 * top)
    if missing.any():
        for ax in (axes[0], axes[2]):
            _hatched_spans(ax, missing, theme)
        _style.legend_of_missing(axes[2], theme, above=True)


def _hatched_spans(ax: Axes, missing: Any, theme: _style.Theme) -> None:
    """Runs of missing columns from top to bottom."""
    edges = np.flatnonzero(np.diff(missing, prepend=False, append=False))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        ax.axvspan(
            start - 0.5, stop - 0.5, facecolor=theme.surface, edgecolor=theme.rule, hatch=_style.HATCH, linewidth=0.0
        )


def _parts_of(ax: Axes, shares: Floats, count: int, theme: _style.Theme) -> None:
    """The row's parts, largest first, with their shares."""
    top = strongest(shares, count)
    draw_bars(ax, [f"part {part}" for part in top], shares[top], theme)
    for place, share in enumerate(shares[top]):
        ax.annotate(
            f"{100 * share:.0f} %",
            (share, place),
            textcoords="offset points",
            xytext=(4, 0),
            va="center",
            color=theme.muted,
            fontsize=_style.SMALL,
        )
    ax.margins(x=0.18)
