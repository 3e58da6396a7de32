"""Data without parts: how often does a criterion call more than one?"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from docs.gallery.searches import figure_of_several, kept
from partwise import NMF
from partwise.selection import CRITERIA, RankSearch

REPEATS, LAST = 20, 5
_MEASURED = ("held_out", "bi_cross_validation", "stability", "consensus", "elbow", "relevance")


@dataclass(frozen=True)
class Null:
    """Data without more than one part, and how they are searched."""

    draw: Callable[[np.random.Generator], np.ndarray]
    loss: str
    first: int
    criteria: tuple[str, ...]

    def search(self, seed: int) -> RankSearch:
        """The search of one draw."""
        X = self.draw(np.random.default_rng(seed))
        return RankSearch(
            NMF(beta_loss=self.loss),
            ranks=range(self.first, LAST + 1),
            criteria=self.criteria,
            n_replicates=10,
            random_state=seed,
        ).fit(X)


def counts(rng: np.random.Generator) -> np.ndarray:
    """Poisson counts of one profile, 200 × 80, in rows of different size."""
    return rng.poisson(2000 * np.outer(rng.gamma(2, size=200), rng.dirichlet(np.ones(80)))).astype(float)


def noise(rng: np.random.Generator) -> np.ndarray:
    """Independent uniform numbers, 150 × 60."""
    return rng.random((150, 60))


NULLS = {
    "counts of one profile": Null(counts, "kullback-leibler", 1, (*_MEASURED, "bic")),
    "uniform noise": Null(noise, "frobenius", 1, _MEASURED),
    "uniform noise, from 2": Null(noise, "frobenius", 2, _MEASURED),
}


def measure() -> dict[str, Any]:
    """Of each kind the first search, and what was called in all of them."""
    found = {}
    for name, null in NULLS.items():
        searches = [null.search(seed) for seed in range(REPEATS)]
        called = {
            criterion: [search.verdicts_[criterion].rank for search in searches] for criterion in null.criteria
        }
        found[name] = {
            "first": kept(searches[0]),
            "called": called,
            "recommended": [search.best_rank_ for search in searches],
            "confident": [search.recommendation_.confident for search in searches],
        }
    return found
