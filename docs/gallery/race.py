"""MovieLens 100K: seconds to what a plain program in NumPy reaches."""

import warnings
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning

from benchmarks.problems import start
from benchmarks.tables import number
from docs.gallery.drawing import COLOURS, label, save
from docs.gallery.movielens import SHAPE, Ratings, ratings
from partwise import NMF
from partwise.plot._style import LIGHT, dress, grid, new_figure

# Components, iterations of the reference, those of ours that are drawn, and how often ours is timed.
K, ITERATIONS, ENOUGH, ROUNDS = 10, 100, 60, 5
# Whole fits of cmfrec, each from its own start.
_CMFREC_ITERATIONS = (1, 2, 3, 5, 7, 10, 14, 20, 28, 40)


def half_squares(data: Ratings, W: np.ndarray, H: np.ndarray) -> float:
    """The objective, without a penalty."""
    return 0.5 * float(np.sum((data.stars - data.of(W, H)) ** 2))


def by_rows(X: sp.csr_array, F: np.ndarray, G: np.ndarray) -> None:
    """One sweep of coordinate descent over each row f of F, on the entries that its row of X stores: plain NumPy."""
    for row, f in enumerate(F):
        entries = slice(X.indptr[row], X.indptr[row + 1])
        g = G[X.indices[entries]]
        gram, cross = g.T @ g, X.data[entries] @ g
        for j in np.flatnonzero(np.diag(gram)):
            f[j] = max(0.0, f[j] + (cross[j] - gram[j] @ f) / gram[j, j])


def reference(data: Ratings, W: np.ndarray, H: np.ndarray) -> Iterator[tuple[float, float]]:
    """Seconds and objective after each iteration of ``by_rows`` on both factors."""
    X, W, G = data.matrix, W.copy(), H.T.copy()
    T, seconds = sp.csr_array(X.T), 0.0
    for _ in range(ITERATIONS):
        begun = perf_counter()
        by_rows(X, W, G)
        by_rows(T, G, W)
        seconds += perf_counter() - begun
        yield seconds, half_squares(data, W, G.T)


def measure() -> dict[str, Any]:
    """Seconds and objectives of the reference, of ours from the same start and of cmfrec from its own."""
    data = ratings()
    W, H = _start(data)
    course = list(reference(data, W, H))
    _timed(data, W, H, 3)
    model = _timed(data, W, H, ENOUGH)[1]
    history = [model.history_[name].tolist() for name in ("seconds", "objective")]
    needed = 1 + int(np.argmax(model.history_["objective"] <= course[-1][1]))
    calls = [_timed(data, W, H, needed) for _ in range(ROUNDS)]
    assert all(objective <= course[-1][1] for _, _, objective in calls)
    return {
        "reference": course,
        "ours": list(zip(*history, strict=True)),
        "needed": needed,
        "calls": [seconds for seconds, _, _ in calls],
        "cmfrec": _cmfrec(data),
    }


def _timed(data: Ratings, W: np.ndarray, H: np.ndarray, iterations: int) -> tuple[float, NMF, float]:
    """Seconds of a whole call, the model, and the objective straight from what it returned."""
    X = data.matrix
    model = NMF(K, init="custom", tol=0, max_iter=iterations, implicit_zeros="missing")
    begun = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is told when to end
        W_end = model.fit_transform(X, W=W, H=H)
    return perf_counter() - begun, model, half_squares(data, W_end, model.components_)


def _start(data: Ratings) -> tuple[np.ndarray, np.ndarray]:
    """The start of the benchmarks, scaled to the mean of what is rated."""
    W, H = start(np.full(SHAPE, data.stars.mean()), K, 0)
    return W, H


def _cmfrec(data: Ratings) -> list[tuple[float, float]]:
    """Seconds of whole calls with more and more iterations; nothing where it is not installed."""
    try:
        import cmfrec
    except ImportError:
        return []
    X, points = sp.coo_matrix(data.matrix), []
    options = {"lambda_": 1e-9, "nonneg": True, "use_cg": False, "user_bias": False, "item_bias": False}
    options |= {"center": False, "use_float": False, "precompute_for_predictions": False, "verbose": False}
    for n in (1, *_CMFREC_ITERATIONS):
        model = cmfrec.CMF(k=K, niter=n, nthreads=2, **options)
        begun = perf_counter()
        model.fit(X)
        points.append((perf_counter() - begun, half_squares(data, model.A_, model.B_.T)))
    return points[1:]


def reached(points: list[tuple[float, float]], target: float) -> float | None:
    """Seconds to an objective; None where it is not reached."""
    return next((seconds for seconds, objective in points if objective <= target), None)


# -- the page ------------------------------------------------------------------------------------------------------


def section(found: dict[str, Any]) -> str:
    """Text."""
    _draw(found)
    target = found["reference"][-1]
    ours, cmfrec = median(found["calls"]), reached(found["cmfrec"], target[1])
    return f"""\
### Seconds

k = {K}, no penalty, float64, 2 threads. A reference in plain NumPy takes the rows one by one: the Gram of the entries
that are there, then a sweep of coordinate descent. After {ITERATIONS} iterations, which take {target[0]:.1f} s, its
objective ½ Σ (x − y)² over the ratings is {target[1]:,.0f}. From the same start partwise is below that after
{found["needed"]} iterations, a whole call of {number(ours)} s (median of {len(found["calls"])}, compiled before):
**{target[0] / ours:.0f} times sooner**.
{_beside(cmfrec, ours)}

![Objective against seconds](movielens-seconds.png)
"""


def _beside(cmfrec: float | None, ours: float) -> str:
    if cmfrec is None:
        return ""
    return (
        "cmfrec (`nonneg=True`, float64, no offsets, next to no penalty, from its own start) takes a call of "
        f"{number(cmfrec)} s, {cmfrec / ours:.1f} times as long."
    )


def _draw(found: dict[str, Any]) -> None:
    figure = new_figure(7.5, 3.8, LIGHT)
    ax = figure.subplots()
    dress(ax, LIGHT)
    grid(ax, LIGHT, "y")
    _draw_race(ax, found)
    save(figure, "movielens-seconds.png")


def _draw_race(ax: Any, found: dict[str, Any]) -> None:
    lines = {
        "plain NumPy by rows": found["reference"],
        "cmfrec, its own start": found["cmfrec"],
        "partwise": found["ours"],
    }
    for (name, points), colour in zip(lines.items(), ("#777777", COLOURS[1], COLOURS[0]), strict=True):
        if points:
            ax.plot(*zip(*points, strict=True), color=colour, label=name, linewidth=2.2 if name == "partwise" else 1.4)
    ax.axhline(found["reference"][-1][1], color=LIGHT.muted, linewidth=0.9, linestyle=":")
    ax.set(xscale="log", xlabel="seconds", ylabel="½ Σ (x − y)² over the ratings", ylim=(23_500, 40_000))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.legend(frameon=False, fontsize=9)
    label(ax, f"Objective against time, k = {K}")
