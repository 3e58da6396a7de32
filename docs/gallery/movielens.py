"""MovieLens 100K: what is not rated is missing, not zero."""

import gzip
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks.problems import data_folder
from benchmarks.tables import table
from docs.gallery.drawing import COLOURS, label, save
from partwise import NMF
from partwise.plot._style import LIGHT, dress, grid, new_figure

SHAPE = (943, 1682)
FOLDS = 5
COMPONENTS = (1, 2, 3, 5, 8, 12)
PENALTIES = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.008)


@dataclass(frozen=True)
class Ratings:
    """Triples: who rated which film how."""

    users: np.ndarray
    films: np.ndarray
    stars: np.ndarray

    def __getitem__(self, chosen: np.ndarray) -> "Ratings":
        return Ratings(self.users[chosen], self.films[chosen], self.stars[chosen])

    @property
    def matrix(self) -> sp.csr_array:
        """Users × films, of which only the ratings are stored."""
        return sp.csr_array((self.stars, (self.users, self.films)), shape=SHAPE)

    def of(self, W: np.ndarray, H: np.ndarray) -> np.ndarray:
        """The entries of W H at these pairs."""
        return np.einsum("ij,ij->i", W[self.users], H.T[self.films])


def ratings() -> Ratings:
    """All 100 000."""
    with gzip.open(data_folder() / "movielens100k" / "u.data.gz") as file:
        users, films, stars, _ = np.loadtxt(file, dtype=int).T
    return Ratings(users - 1, films - 1, stars.astype(float))


def rmse(predicted: np.ndarray, held: Ratings) -> float:
    """Of predictions that are clipped to the scale of the stars."""
    return float(np.sqrt(np.mean((np.clip(predicted, 1, 5) - held.stars) ** 2)))


def predictions(train: Ratings, held: Ratings, k: int, alpha: float, zeros: str) -> np.ndarray:
    """What a fit to ``train`` says about the pairs of ``held``."""
    model = NMF(k, init="random", random_state=0, alpha_W=alpha, max_iter=500, implicit_zeros=zeros)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "0 of 943 rows")  # films that nobody rated in these folds; the page says so
        W = model.fit_transform(train.matrix)
    return held.of(W, model.components_)


def chosen(train: Ratings, fold: np.ndarray, inner: int, zeros: str) -> tuple[tuple[int, float], np.ndarray]:
    """The pair (k, alpha) with the least error on the inner fold, learnt from the others, and all those errors."""
    learnt, held = train[fold != inner], train[fold == inner]
    errors = [[rmse(predictions(learnt, held, k, alpha, zeros), held) for alpha in PENALTIES] for k in COMPONENTS]
    best = np.unravel_index(np.argmin(errors), np.shape(errors))
    return (COMPONENTS[best[0]], PENALTIES[best[1]]), np.array(errors)


def film_means(train: Ratings, held: Ratings) -> np.ndarray:
    """The mean stars of the film; of all ratings where it has none."""
    counts = np.bincount(train.films, minlength=SHAPE[1])
    sums = np.bincount(train.films, train.stars, minlength=SHAPE[1])
    return np.where(counts > 0, sums / np.maximum(counts, 1), train.stars.mean())[held.films]


def offsets(train: Ratings, held: Ratings) -> np.ndarray:
    """Mean + offset of the film + offset of the user, shrunk by 25 and 10 ratings at the mean (Koren 2010)."""
    mean = train.stars.mean()
    film = _shrunk(train.stars - mean, train.films, SHAPE[1], 25)
    user = _shrunk(train.stars - mean - film[train.films], train.users, SHAPE[0], 10)
    return mean + film[held.films] + user[held.users]


def _shrunk(values: np.ndarray, groups: np.ndarray, size: int, more: int) -> np.ndarray:
    return np.bincount(groups, values, minlength=size) / (np.bincount(groups, minlength=size) + more)


def cross_validated(data: Ratings) -> dict[str, Any]:
    """Errors on each of five folds; k and alpha come from the four others alone, one of which validates."""
    fold = np.random.default_rng(0).permutation(len(data.stars)) % FOLDS
    rivals: dict[str, Callable[[Ratings, Ratings], np.ndarray]] = {
        "film's mean": film_means,
        "offsets of film and user": offsets,
        **_rivals(),
    }
    found: dict[str, Any] = {"rivals": {name: [] for name in rivals}, "curves": []}
    found |= {zeros: {"rmse": [], "mean": [], "chosen": []} for zeros in ("missing", "observed")}
    for outer in range(FOLDS):
        train, held, rest = data[fold != outer], data[fold == outer], fold[fold != outer]
        for zeros in ("missing", "observed"):
            pair, errors = chosen(train, rest, (outer + 1) % FOLDS, zeros)
            predicted = predictions(train, held, *pair, zeros)
            found[zeros]["rmse"].append(rmse(predicted, held))
            found[zeros]["mean"].append(float(predicted.mean()))
            found[zeros]["chosen"].append(pair)
            if zeros == "missing":
                found["curves"].append(errors.tolist())
        for name, rival in rivals.items():
            found["rivals"][name].append(rmse(rival(train, held), held))
    return found


def _rivals() -> dict[str, Callable[[Ratings, Ratings], np.ndarray]]:
    """Those that are installed."""
    try:
        import pandas as pd
        import surprise
    except ImportError:
        return {}

    def surprise_nmf(train: Ratings, held: Ratings) -> np.ndarray:
        frame = pd.DataFrame({"user": train.users, "film": train.films, "stars": train.stars})
        trainset = surprise.Dataset.load_from_df(frame, surprise.Reader(rating_scale=(1, 5))).build_full_trainset()
        model = surprise.NMF(random_state=0).fit(trainset)
        return np.array([model.predict(u, i).est for u, i in zip(held.users, held.films, strict=True)])

    return {"scikit-surprise `NMF()`": surprise_nmf}


def measure() -> dict[str, Any]:
    """The errors."""
    return cross_validated(ratings())


# -- the page ------------------------------------------------------------------------------------------------------


def section(found: dict[str, Any]) -> str:
    """Text and tables."""
    _draw(found)
    pairs = ", ".join(f"({k}, {alpha:g})" for k, alpha in dict.fromkeys(map(tuple, found["missing"]["chosen"])))
    return f"""\
## Films: what is not rated is missing

943 people gave 100 000 ratings of 1 to 5 stars to 1 682 films: of all pairs 94 % are not rated. With
`implicit_zeros="missing"` the loss runs over the ratings alone. Five folds; for each, `n_components` and `alpha_W`
(= `alpha_H`, squares only) are chosen among {len(COMPONENTS)} × {len(PENALTIES)} on the four others, three of which
learn and one validates; then all four learn. Nothing is centred, and there are no offsets: a prediction is (W H)ᵢⱼ,
clipped to the scale from 1 to 5. A film that nobody rated in the training folds so gets 1.

```python
model = NMF(k, init="random", random_state=0, alpha_W=alpha, implicit_zeros="missing")
W = model.fit_transform(train)  # CSR, users × films
predicted = np.clip(np.sum(W[users] * model.components_.T[films], axis=1), 1, 5)
```

{table(["prediction", "RMSE", "each fold"], _errors(found))}

The pairs (k, alpha) chosen were {pairs}. Taken for zeros, the pairs without a rating drown those with one: the mean
prediction for a held-out rating is {np.mean(found["observed"]["mean"]):.2f} stars before clipping, whatever penalty is
chosen. With them missing it is {np.mean(found["missing"]["mean"]):.2f}; the mean rating is 3.53. The offsets are the
mean + that of the film + that of the user, shrunk; scikit-surprise's NMF is as it comes, with 15 parts.

![Error on the validating folds against the penalty](movielens.png)

The terms of the data do not allow copies: the picture shows errors only.
"""


def _errors(found: dict[str, Any]) -> list[list[str]]:
    named = {
        "**partwise, zeros missing**": found["missing"]["rmse"],
        "partwise, zeros observed": found["observed"]["rmse"],
        **found["rivals"],
    }
    return [[name, f"{np.mean(values):.4f}", " ".join(f"{v:.3f}" for v in values)] for name, values in named.items()]


def _draw(found: dict[str, Any]) -> None:
    figure = new_figure(7.5, 3.8, LIGHT)
    ax = figure.subplots()
    dress(ax, LIGHT)
    grid(ax, LIGHT, "y")
    _draw_errors(ax, np.mean(found["curves"], axis=0))
    save(figure, "movielens.png")


def _draw_errors(ax: Any, errors: np.ndarray) -> None:
    for k, line, colour in zip(COMPONENTS, errors, COLOURS, strict=False):
        ax.plot(PENALTIES, line, color=colour, marker="o", markersize=4, label=f"k = {k}")
    ax.set(xscale="log", xlabel="alpha", ylabel="RMSE on the validating folds", xticks=PENALTIES)
    ax.set_xticklabels([f"{alpha:g}" for alpha in PENALTIES])
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize=9)
    label(ax, "Choosing parts and penalty")
