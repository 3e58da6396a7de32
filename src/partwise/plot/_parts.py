"""The gallery of parts: pictures, named bars, or one heat map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from partwise._errors import ParameterError
from partwise.plot import _style
from partwise.plot._measures import Floats, ratio, sparseness, strongest
from partwise.plot._view import column_names, components, layout_of, look, part_shares

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def parts(
    model: Any,
    *,
    n_features: int = 10,
    image_shape: tuple[int, ...] | None = None,
    max_parts: int = 64,
    fig: Figure | None = None,
    theme: _style.ThemeName = "light",
) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Draw the parts as what they are: pictures, bars with names, or a heat map.

    Parameters
    ----------
    model : NMF
        A fitted model.
    n_features : int, default=10
        Named bars of each part, the largest weights first.
    image_shape : tuple of int or None, default=None
        (height, width) or (height, width, 3) where a row is a picture in C order; None takes the layout of the data
        that the model was fitted on.
    max_parts : int, default=64
        Parts drawn at most, in the model's order, so that each stays legible.
    fig : matplotlib.figure.Figure or None, default=None
        Where to draw; None makes a new figure that pyplot does not know.
    theme : {"light", "dark"}, default="light"
        Colours.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        One for each part; for the heat map a single one.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    ParameterError
        If ``image_shape`` does not fit the columns, or a count is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise import NMF, plot
    >>> model = NMF(3, random_state=0).fit(np.random.default_rng(0).random((20, 12)))
    >>> axes = plot.parts(model, image_shape=(3, 4))
    >>> len(axes)
    3
    """
    if min(n_features, max_parts) < 1:
        raise ParameterError(f"n_features={n_features} and max_parts={max_parts} cannot be: show at least one of each.")
    H, colours = components(model)[:max_parts], _style.theme_named(theme)
    layout, names, shares = layout_of(model, image_shape), column_names(model), part_shares(model)[:max_parts]
    titles = [part_title(j, share, score) for j, (share, score) in enumerate(zip(shares, sparseness(H), strict=True))]
    kind = look(layout, names)
    if kind == "image":
        return _pictures(H, layout.shape or (), titles, fig, colours)
    if kind == "names":
        return _named_bars(H, names or (), titles, n_features, fig, colours)
    return _heat_map(H, titles, fig, colours)


def part_title(part: int, share: float, score: float) -> str:
    """For example ``"part 3 · 12.1 % · sparseness 0.64"``; the last is left out where there is none."""
    tail = "" if np.isnan(score) else f" · sparseness {score:.2f}"
    return f"part {part} · {100 * share:.1f} %{tail}"


def picture_values(part: Any, shape: tuple[int, ...]) -> Floats:
    """A part as a picture from 0 (nothing) to 1 (its largest weight)."""
    picture = np.asarray(part, dtype=np.float64).reshape(shape)
    return picture / (picture.max(initial=0.0) or 1.0)


def _grid(count: int, columns: int, size: tuple[float, float], fig: Figure | None, theme: _style.Theme) -> list[Axes]:
    rows = -(-count // columns)
    fig = _style.new_figure(size[0] * columns, size[1] * rows, theme) if fig is None else fig
    return [fig.add_subplot(rows, columns, place + 1) for place in range(count)]


def _pictures(
    H: Any, shape: tuple[int, ...], titles: list[str], fig: Figure | None, theme: _style.Theme
) -> np.ndarray[Any, np.dtype[np.object_]]:
    width = 1.15 * min(2.0, max(0.5, shape[1] / shape[0]))
    axes = _grid(len(H), int(np.ceil(np.sqrt(1.4 * len(H)))), (width, 1.45), fig, theme)
    for ax, part, title in zip(axes, H, titles, strict=True):
        _style.dress(ax, theme)
        _style.bare(ax)
        ax.imshow(picture_values(part, shape), cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")
        _style.heading(ax, title.partition(" · sparseness")[0], theme)
    return np.array(axes, dtype=object)


def _named_bars(
    H: Any, names: tuple[str, ...], titles: list[str], count: int, fig: Figure | None, theme: _style.Theme
) -> np.ndarray[Any, np.dtype[np.object_]]:
    axes = _grid(len(H), min(4, len(H)), (2.9, 0.55 + 0.19 * min(count, H.shape[1])), fig, theme)
    for ax, part, title in zip(axes, H, titles, strict=True):
        _style.dress(ax, theme)
        top = strongest(part, count)
        draw_bars(ax, [names[index] for index in top], part[top], theme)
        _style.heading(ax, title, theme)
    return np.array(axes, dtype=object)


def draw_bars(ax: Axes, labels: list[str], values: Any, theme: _style.Theme, colour: str | None = None) -> None:
    """Horizontal bars from the top down, named at the left; ``$`` in a name is a dollar."""
    places = np.arange(len(labels))
    ax.barh(places, values, color=colour or theme.accent, height=0.62)
    ax.set_yticks(places, [shortened(label) for label in labels], parse_math=False, color=theme.ink)
    ax.set_ylim(max(len(labels), 1) - 0.4, -0.6)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)


def shortened(name: str, limit: int = 24) -> str:
    """The name, cut with an ellipsis where it would squeeze the figure."""
    return name if len(name) <= limit else name[: limit - 1] + "…"


def _heat_map(
    H: Any, titles: list[str], fig: Figure | None, theme: _style.Theme
) -> np.ndarray[Any, np.dtype[np.object_]]:
    fig = _style.new_figure(7.2, 0.9 + 0.3 * len(H), theme) if fig is None else fig
    ax = fig.add_subplot()
    _style.dress(ax, theme)
    peaks = H.max(axis=1, keepdims=True)
    scaled = ratio(H, peaks)
    ax.imshow(scaled, cmap=_style.sequential(theme), vmin=0.0, vmax=1.0, aspect="auto", interpolation="nearest")
    ax.set_yticks(range(len(H)), titles, color=theme.ink)
    ax.set_xlabel("column (each part on its own scale, from 0 to its largest weight)")
    ax.spines[:].set_visible(False)
    return np.array([ax], dtype=object)
