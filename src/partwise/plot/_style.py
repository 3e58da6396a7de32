"""One restrained look for every figure, in a light and a dark theme.

The two accents are a blue and a vermilion of clearly different lightness, which stay apart in every common form of
colour-blindness (after Okabe and Ito, "Color universal design", 2008); the ramps rise steadily in lightness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from partwise._errors import ParameterError
from partwise._optional import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

ThemeName: TypeAlias = Literal["light", "dark"]

SMALL, NORMAL = 9.0, 10.0
HATCH = "//////"


@dataclass(frozen=True)
class Theme:
    """Colours of one theme, as ``#rrggbb``; ``ramp`` runs from zero to the largest value, ``groups`` tell apart."""

    name: ThemeName
    paper: str
    surface: str
    ink: str
    muted: str
    rule: str
    accent: str
    contrast: str
    ramp: tuple[str, ...]
    groups: tuple[str, ...]


LIGHT = Theme(
    name="light",
    paper="#faf9f6",
    surface="#ffffff",
    ink="#1c2127",
    muted="#5b636d",
    rule="#dfddd7",
    accent="#1d62a8",
    contrast="#b84d15",
    ramp=("#ffffff", "#cfe0f1", "#7fb0dd", "#2f74b9", "#0f3f77", "#06203f"),
    groups=(
        "#1d62a8",
        "#d98a1c",
        "#1b8a6b",
        "#b84d15",
        "#6cb4de",
        "#b0669a",
        "#7a6a58",
        "#c9b52a",
        "#4a3f8f",
        "#9aa3ad",
    ),
)
DARK = Theme(
    name="dark",
    paper="#121518",
    surface="#1a1e23",
    ink="#e8eaed",
    muted="#a0a8b2",
    rule="#343b44",
    accent="#74b3f0",
    contrast="#f0935a",
    ramp=("#1a1e23", "#1c3b5a", "#2a6399", "#559bd9", "#a5d0f7", "#f4f9ff"),
    groups=(
        "#74b3f0",
        "#f2b45a",
        "#4fc19c",
        "#f0935a",
        "#b5e0f7",
        "#dc9cc8",
        "#b8a791",
        "#e8da6e",
        "#9a8fe0",
        "#7b858f",
    ),
)
THEMES = {theme.name: theme for theme in (LIGHT, DARK)}


def theme_named(name: str) -> Theme:
    """The theme of that name; ParameterError where there is none."""
    for theme in THEMES.values():
        if theme.name == name:
            return theme
    raise ParameterError(f"theme={name!r} is not known: choose 'light' or 'dark'.")


def new_figure(width: float, height: float, theme: Theme) -> Figure:
    """An empty figure in inches, with constrained layout, that pyplot does not know."""
    figure_module = require("matplotlib.figure", "report", "Drawing a figure")
    figure: Figure = figure_module.Figure(figsize=(width, height), layout="constrained", facecolor=theme.surface)
    return figure


def axes_or_new(ax: Axes | None, width: float, height: float, theme: Theme) -> Axes:
    """``ax`` itself, or the only Axes of a new figure; dressed either way."""
    ax = new_figure(width, height, theme).add_subplot() if ax is None else ax
    dress(ax, theme)
    return ax


def dress(ax: Axes, theme: Theme) -> None:
    """Two thin spines, quiet ticks, text in the theme's colours."""
    ax.set_facecolor(theme.surface)
    ax.spines[["top", "right"]].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set(color=theme.rule, linewidth=0.8)
    ax.tick_params(colors=theme.muted, labelsize=SMALL, length=0, pad=5)
    ax.xaxis.label.set(color=theme.muted, fontsize=SMALL)
    ax.yaxis.label.set(color=theme.muted, fontsize=SMALL)
    ax.set_axisbelow(True)


def grid(ax: Axes, theme: Theme, axis: Literal["x", "y"]) -> None:
    """Hairlines along one axis."""
    ax.grid(axis=axis, color=theme.rule, linewidth=0.6)


def bare(ax: Axes) -> None:
    """No ticks and no frame, for pictures."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def hatch(ax: Axes, theme: Theme) -> None:
    """What lies behind a picture shows where its values are NaN: hatched, as a missing entry is."""
    ax.patch.set(facecolor=theme.surface, edgecolor=theme.muted, hatch=HATCH, linewidth=0.0)


def missing_swatch(theme: Theme) -> Any:
    """The hatched patch that stands for a missing entry."""
    patches = require("matplotlib.patches", "report", "Drawing a figure")
    return patches.Patch(facecolor=theme.surface, edgecolor=theme.muted, hatch=HATCH, linewidth=0.0, label="missing")


def legend_of_missing(ax: Axes, theme: Theme, *, above: bool = False) -> None:
    """Say what is hatched, below the axes or at the right of their heading."""
    ax.legend(
        handles=[missing_swatch(theme)],
        loc="lower right" if above else "upper left",
        bbox_to_anchor=(1.0, 1.0) if above else (0.0, 0.0),
        borderpad=0.0,
        borderaxespad=0.6,
        frameon=False,
        fontsize=SMALL,
        labelcolor=theme.muted,
        handlelength=1.4,
    )


def heading(ax: Axes, text: str, theme: Theme, *, strong: bool = False) -> None:
    """A title at the left edge; ``$`` is a dollar."""
    ax.set_title(
        text,
        loc="left",
        fontsize=NORMAL if strong else SMALL,
        fontweight="bold" if strong else "normal",
        color=theme.ink if strong else theme.muted,
        parse_math=False,
    )


def sequential(theme: Theme) -> Colormap:
    """From the theme's surface (zero) to its strongest blue."""
    return _colormap("partwise-sequential", theme.ramp)


def diverging(theme: Theme) -> Colormap:
    """Accent below zero, surface at zero, contrast above."""
    return _colormap("partwise-diverging", (theme.accent, theme.surface, theme.contrast))


def _colormap(name: str, colours: tuple[str, ...]) -> Colormap:
    colors: Any = require("matplotlib.colors", "report", "Drawing a figure")
    colormap: Colormap = colors.LinearSegmentedColormap.from_list(name, colours)
    return colormap


def legend(ax: Axes, theme: Theme, **place: Any) -> None:
    """The names of what is drawn, without a frame; lines that pass behind them are faint there."""
    drawn = ax.legend(fontsize=SMALL, labelcolor=theme.muted, handlelength=1.4, **place)
    drawn.get_frame().set(facecolor=theme.surface, edgecolor="none", alpha=0.85)


def percent_axis(axis: Any) -> None:
    """Tick labels of shares as per cent."""
    ticker = require("matplotlib.ticker", "report", "Drawing a figure")
    axis.set_major_formatter(ticker.FuncFormatter(lambda share, _: f"{100 * share:.4g} %"))


def whole_numbers(axis: Any) -> None:
    """Ticks at whole numbers only, for counts."""
    ticker = require("matplotlib.ticker", "report", "Drawing a figure")
    axis.set_major_locator(ticker.MaxNLocator(nbins=5, integer=True))


def scale_beside(ax: Axes, shown: Any, label: str, theme: Theme) -> Any:
    """A thin colour scale at the right of ``ax``; its long axis."""
    bar: Any = ax.figure.colorbar(shown, ax=ax, aspect=36, pad=0.02)
    bar.ax.tick_params(colors=theme.muted, labelsize=SMALL, length=0)
    bar.outline.set_visible(False)
    bar.set_label(label, color=theme.muted, fontsize=SMALL)
    return bar.ax.yaxis
