"""EPA's Baltimore PM2.5: measurements that come with their errors."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment, nnls

from benchmarks.problems import data_folder
from benchmarks.tables import table
from docs.gallery.drawing import cosines, label, save
from partwise import NMF
from partwise.plot._style import LIGHT, dress, new_figure, sequential

K = 7
OTHERS = (5, 6, 8, 9)
# The total, and what is 1.4 × organic carbon.
_LEFT_OUT = ("PM2.5", "OM")


@dataclass(frozen=True)
class Air:
    """Concentrations and their uncertainties, days × species, and the total that is left out."""

    days: list[str]
    species: list[str]
    X: np.ndarray
    sigma: np.ndarray
    total: np.ndarray


def data() -> Air:
    """Baltimore's."""
    days, names, X = _read("con")
    kept = [j for j, name in enumerate(names) if name not in _LEFT_OUT]
    sigma = _read("unc")[2]
    return Air(days, [names[j] for j in kept], X[:, kept], sigma[:, kept], X[:, names.index("PM2.5")])


def _read(kind: str) -> tuple[list[str], list[str], np.ndarray]:
    lines = (data_folder() / "epa_pmf" / f"Baltimore-{kind}.tsv").read_text(encoding="utf-8").splitlines()
    header, *rows = [line.split("\t") for line in lines if line.strip()]
    return [row[0] for row in rows], header[1:], np.array([row[1:] for row in rows], float)


def plain_q(X: np.ndarray, sigma: np.ndarray, W: np.ndarray, H: np.ndarray) -> float:
    """Q = Σ ((x − (WH)) / σ)², entry by entry as it stands in the textbooks."""
    m, n = X.shape
    model = W @ H
    return sum(float(((X[i, j] - model[i, j]) / sigma[i, j]) ** 2) for i in range(m) for j in range(n))


def fitted(X: np.ndarray, k: int, weights: np.ndarray | None) -> tuple[np.ndarray, NMF]:
    """The best of ten starts."""
    model = NMF(k, init="random", n_init=10, random_state=0, max_iter=2000, tol=1e-5)
    return model.fit_transform(X, weights=weights), model


def measure() -> dict[str, Any]:
    """Fits with and without weights, and their Q."""
    air = data()
    X, sigma, species = air.X, air.sigma, air.species
    W, model = fitted(X, K, 1 / sigma**2)
    U, plain = fitted(X, K, None)
    # The unweighted parts in the order of those that they resemble.
    order = linear_sum_assignment(-cosines(shares(W, model.components_), shares(U, plain.components_)))[1]
    U, plain_H = U[:, order], plain.components_[order]
    others = {k: fitted(X, k, 1 / sigma**2)[1] for k in OTHERS}
    potassium = int(np.argmax(shares(W, model.components_)[:, species.index("Potassium Ion")]))
    return {
        "size": X.shape,
        "species": species,
        "q": {k: m.reconstruction_err_**2 for k, m in sorted({K: model, **others}.items())},
        "plain_q": plain_q(X, sigma, W, model.components_),
        "unweighted_q": plain_q(X, sigma, U, plain_H),
        "squares": float(np.sum((X - W @ model.components_) ** 2)),
        "unweighted_squares": float(np.sum((X - U @ plain_H) ** 2)),
        "shares": shares(W, model.components_).tolist(),
        "unweighted_shares": shares(U, plain_H).tolist(),
        "explained": {"weighted": _explained(X, W @ model.components_), "unweighted": _explained(X, U @ plain_H)},
        "total": [_fit_of(air.total, W), _fit_of(air.total, U)],
        "potassium": [air.days[i] for i in np.argsort(W[:, potassium])[:-5:-1]],
    }


def shares(W: np.ndarray, H: np.ndarray) -> np.ndarray:
    """Which share of each modelled species is in each part."""
    amounts = W.sum(axis=0)[:, None] * H
    return np.asarray(amounts / amounts.sum(axis=0))


def _explained(X: np.ndarray, model: np.ndarray) -> list[float]:
    """Correlation of each species with its model."""
    return [float(np.corrcoef(x, y)[0, 1]) if y.std() > 0 else 0.0 for x, y in zip(X.T, model.T, strict=True)]


def _fit_of(total: np.ndarray, W: np.ndarray) -> float:
    """R² of the total that no part has seen, as a sum of parts with non-negative coefficients."""
    left = nnls(W, total)[1] ** 2
    return float(1 - left / np.sum((total - total.mean()) ** 2))


# -- the page ------------------------------------------------------------------------------------------------------


def expected_q(size: tuple[int, int], k: int) -> int:
    """Entries less parameters."""
    m, n = size
    return m * n - k * (m + n)


def section(found: dict[str, Any]) -> str:
    """Text and tables."""
    _draw(found)
    q = {int(k): value for k, value in found["q"].items()}
    m, n = found["size"]
    difference = abs(q[K] - found["plain_q"]) / found["plain_q"]
    expected = expected_q((m, n), K)
    rows = [
        _row("weights 1/σ²", q[K], found["squares"], expected),
        _row("none", found["unweighted_q"], found["unweighted_squares"], expected),
    ]
    ratios = ", ".join(f"{value / expected_q((m, n), k):.2f} with {k}" for k, value in q.items())
    better = [a > b for a, b in zip(found["explained"]["weighted"], found["explained"]["unweighted"], strict=True)]
    return f"""\
## Air: weights from errors of measurement

EPA's sample data of Baltimore: {m} days × {n} species of fine dust (the total PM2.5 and OM, which is 1.4 × organic
carbon, are left out), each value with its own uncertainty σ. Positive matrix factorization minimises
Q = Σ ((x − y)/σ)², which is twice partwise's loss with `weights=1 / sigma**2`.

```python
model = NMF({K}, init="random", n_init=10, random_state=0, max_iter=2000, tol=1e-5)
W = model.fit_transform(X, weights=1 / sigma**2)
Q = model.reconstruction_err_**2
```

`reconstruction_err_**2` is {q[K]:,.6f}; a loop over the entries that adds ((x − y)/σ)² gives {found["plain_q"]:,.6f}
(relative difference {difference:.0e}).

{table([f"fit with {K} parts", "Q", "Q / expected", "Σ (x − y)²"], rows)}

Expected are m n − k (m + n), one for each degree of freedom. Q / expected is
{ratios}.

![Shares of the species in seven parts, with and without weights](baltimore.png)

Each column says in per cent where a species is, among the parts. With weights these read like sources: 1 sulphate with
ammonium, 2 carbon of engines and fires, 3 nitrate with ammonium, 4 iron and manganese, 5 silicon with calcium, titanium
and aluminium, which is soil, 6 potassium with copper, 7 zinc. The four days with most of part 6 are
{_listed(found["potassium"])}: fireworks. Without weights, zinc and iron go
with the carbon, soil with a part of the sulphate, and sodium gets a part of its own. Weights are no free gain:
{sum(better)} of the {n} species correlate better with their model, but the total PM2.5, which no fit has seen, follows
the parts with R² = {found["total"][0]:.2f} with weights and {found["total"][1]:.2f} without (non-negative least squares
on W), for it is made of what is there in large amounts.
"""


def _row(name: str, q: float, squares: float, expected: int) -> list[str]:
    return [name, f"{q:,.1f}", f"{q / expected:.2f}", f"{squares:,.0f}"]


def _listed(days: list[str]) -> str:
    return ", ".join(days[:-1]) + " and " + days[-1]


def _draw(found: dict[str, Any]) -> None:
    weighted, plain = (np.array(found[name]) for name in ("shares", "unweighted_shares"))
    species = np.lexsort((-weighted.max(axis=0), weighted.argmax(axis=0)))
    figure = new_figure(10, 5.6, LIGHT)
    upper, lower = figure.subplots(2, 1, sharex=True)
    for ax, values, title in ((upper, weighted, "Weights 1/σ²"), (lower, plain, "No weights")):
        dress(ax, LIGHT)
        ax.imshow(values[:, species], cmap=sequential(LIGHT), vmin=0, vmax=1, aspect="auto")
        ax.set(yticks=range(K), yticklabels=[f"part {j + 1}" for j in range(K)])
        _write_shares(ax, values[:, species])
        label(ax, title)
    names = [found["species"][j].replace(" Ion", "").replace("Total ", "") for j in species]
    lower.set_xticks(range(len(names)), names, rotation=50, ha="right", rotation_mode="anchor")
    save(figure, "baltimore.png")


def _write_shares(ax: Any, values: np.ndarray) -> None:
    for (i, j), value in np.ndenumerate(values):
        if value >= 0.1:
            colour = "white" if value > 0.5 else LIGHT.ink
            ax.text(j, i, f"{100 * value:.0f}", ha="center", va="center", fontsize=7.5, color=colour)
