"""MovieLens 100K: seconds to what a plain program in NumPy reaches."""

from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks.problems import start
from benchmarks.tables import number
from docs.gallery.drawing import COLOURS, label, save
from docs.gallery.movielens import SHAPE, Ratings, ratings
from partwise import NMF
from partwise.plot._style import LIGHT, dress, grid, new_figure

# Components, iterations of the reference and of ours, and how often ours is timed.
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
    X = data.matrix
    W, H = _start(data)
    model = NMF(K, init="custom", tol=0, max_iter=ENOUGH, implicit_zeros="missing")
    model.fit(X, W=W, H=H)
    fits = []
    for _ in range(ROUNDS):
        W_end = model.fit_transform(X, W=W, H=H)
        fits.append(list(zip(model.history_["seconds"].tolist(), model.history_["objective"].tolist(), strict=True)))
    assert np.isclose(model.history_["objective"][-1], half_squares(data, W_end, model.components_), rtol=1e-10)
    return {"reference": list(reference(data, W, H)), "fits": fits, "cmfrec": _cmfrec(data)}


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
    times = [reached(points, target[1]) for points in found["fits"]]
    assert None not in times
    ours, cmfrec = median(filter(None, times)), reached(found["cmfrec"], target[1])
    return f"""\
### Seconds

k = {K}, no penalty, float64, 2 threads. A reference in plain NumPy takes the rows one by one: the Gram of the entries
that are there, then a sweep of coordinate descent. After {ITERATIONS} iterations, which take {target[0]:.1f} s, its
objective ½ Σ (x − y)² over the ratings is {target[1]:,.0f}. From the same start partwise is there after
{number(ours)} s (median of {len(times)} fits, compiled before): **{target[0] / ours:.0f} times sooner**.
{_beside(cmfrec, ours)}

![Objective against seconds](movielens-seconds.png)
"""


def _beside(cmfrec: float | None, ours: float) -> str:
    if cmfrec is None:
        return ""
    return (
        "cmfrec (`nonneg=True`, float64, no offsets, next to no penalty, from its own start) takes "
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
    ours = sorted(found["fits"], key=lambda points: points[-1][0])[len(found["fits"]) // 2]
    lines = {"plain NumPy by rows": found["reference"], "cmfrec, its own start": found["cmfrec"], "partwise": ours}
    for (name, points), colour in zip(lines.items(), ("#777777", COLOURS[1], COLOURS[0]), strict=True):
        if points:
            ax.plot(*zip(*points, strict=True), color=colour, label=name, linewidth=2.2 if name == "partwise" else 1.4)
    ax.axhline(found["reference"][-1][1], color=LIGHT.muted, linewidth=0.9, linestyle=":")
    ax.set(xscale="log", xlabel="seconds", ylabel="½ Σ (x − y)² over the ratings", ylim=(23_500, 40_000))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.legend(frameon=False, fontsize=9)
    label(ax, f"Objective against time, k = {K}")
