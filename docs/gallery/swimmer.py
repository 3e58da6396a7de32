"""Stick figures of a torso and four limbs: the classic test of what parts can be identified."""

from typing import Any

import numpy as np

from benchmarks.problems import data_folder
from docs.gallery.searches import figure_of, kept, verdicts
from partwise.selection import RankSearch

RANKS = range(10, 21)
CRITERIA = ("held_out", "bi_cross_validation", "stability", "consensus", "elbow", "relevance")


def pictures() -> np.ndarray:
    """X of pictures × pixels."""
    with np.load(data_folder() / "swimmer" / "swimmer.npz") as file:
        return file["X"].T.astype(float)


def always(X: np.ndarray) -> np.ndarray:
    """The pixels that every picture has: the torso."""
    return (X > 0).all(axis=0)


def measure() -> dict[str, Any]:
    """A search, what is left of X at 16 and 17 parts, and how many of these parts have a piece of the torso."""
    X = pictures()
    search = RankSearch(ranks=RANKS, criteria=CRITERIA, n_replicates=10, random_state=0).fit(X)
    fits = {}
    for k in (16, 17):
        found = search.replicates_[k]
        H = found.H[found.best]
        torso = H[:, always(X)].sum(axis=1) / H.sum(axis=1)
        fits[k] = {
            "left": float(2 * found.objective.min() / np.sum(X**2)),
            "with torso": int((torso > 0.01).sum()),
            "torso alone": int((torso > 0.99).sum()),
            "exact": int((2 * found.objective / np.sum(X**2) < 1e-4).sum()),
        }
    return {"size": X.shape, "rank": int(np.linalg.matrix_rank(X)), "search": kept(search), "fits": fits}
