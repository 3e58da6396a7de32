"""How the fit went: objective or optimality against seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.utils.validation import check_is_fitted

from partwise._errors import ParameterError
from partwise.plot import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMALL_FALL = 0.7  # what is left of the first value, from which the axis starts at the data

LABELS = {"objective": "objective, share of its first", "optimality": "optimality"}


def convergence(
    model: Any,
    *,
    measure: Literal["objective", "optimality"] = "objective",
    ax: Axes | None = None,
    theme: _style.ThemeName = "light",
) -> Axes:
    """Draw the course of a fit against its seconds.

    Parameters
    ----------
    model : NMF
        A fitted model.
    measure : {"objective", "optimality"}, default="objective"
        The objective as a share of its first recorded value, or the scale-free optimality that the stopping rule reads,
        with the tolerance as a dashed line.
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
        If ``measure`` is not known.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise import NMF, plot
    >>> model = NMF(3, random_state=0).fit(np.random.default_rng(0).random((20, 12)))
    >>> plot.convergence(model).get_xlabel()
    'seconds'
    """
    check_is_fitted(model, "history_")
    if measure not in LABELS:
        raise ParameterError(f"measure={measure!r} is not recorded: choose 'objective' or 'optimality'.")
    colours = _style.theme_named(theme)
    ax = _style.axes_or_new(ax, 3.8, 2.5, colours)
    seconds, values = (np.asarray(model.history_[key], dtype=np.float64) for key in ("seconds", measure))
    if measure == "objective":
        values = values / (values[0] or 1.0)
    _line(ax, seconds, values, colours)
    if measure == "objective":
        _style.percent_axis(ax.yaxis)
    elif model.tol > 0:  # 0 lies nowhere on a logarithmic axis
        _mark_tolerance(ax, model.tol, colours)
        values = np.append(values, model.tol)  # words far out of sight would make the layout collapse
    _scale(ax, values)
    ax.set_xlabel("seconds")
    ax.set_ylabel(LABELS[measure])
    _style.grid(ax, colours, "y")
    return ax


def _line(ax: Axes, seconds: Any, values: Any, theme: _style.Theme) -> None:
    """A line, with its last point marked; a short one with every point."""
    ax.plot(seconds, values, color=theme.accent, linewidth=1.6, marker="o" if len(values) < 30 else "", markersize=3)
    finite = np.flatnonzero(np.isfinite(values))
    if finite.size:
        ax.plot(seconds[finite[-1]], values[finite[-1]], "o", color=theme.accent, markersize=5.5)


def _scale(ax: Axes, values: Any) -> None:
    """Logarithmic where the values span more than a decade; from 0 unless that would flatten a small fall."""
    positive = values[np.isfinite(values) & (values > 0)]
    if positive.size and positive.max() > 10 * positive.min():
        ax.set_yscale("log")
        ax.minorticks_off()
    elif positive.size and positive.min() < SMALL_FALL * positive.max():
        ax.set_ylim(bottom=0.0)


def _mark_tolerance(ax: Axes, tolerance: float, theme: _style.Theme) -> None:
    ax.axhline(tolerance, color=theme.contrast, linewidth=1.0, linestyle=(0, (4, 3)))
    ax.annotate(
        f"tol = {tolerance:g}",
        (0.0, tolerance),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        xytext=(4, 4),
        color=theme.contrast,
        fontsize=_style.SMALL,
    )
