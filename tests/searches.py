"""Searches of the number of parts that several rooms show."""

from functools import cache

import numpy as np

from partwise import NMF, Dataset
from partwise.selection import RankSearch

SHAPE = (36, 14)


def three_parts(hostile: str = "") -> Dataset:
    """A matrix of three parts and little noise, with names."""
    rng = np.random.default_rng(3)
    groups = np.repeat(np.eye(3), SHAPE[0] // 3, axis=0)
    W = groups * rng.uniform(1.0, 2.0, groups.shape) + 0.1 * rng.random(groups.shape)
    X = W @ rng.gamma(0.5, 2.0, (3, SHAPE[1])) + 0.02 * rng.random(SHAPE)
    rows, columns = (
        tuple(f"{what} {i}{hostile}" for i in range(size)) for what, size in zip(("row", "gene"), SHAPE, strict=True)
    )
    return Dataset(X, rows, columns, source=f"three{hostile}.csv")


@cache
def search_of_three() -> RankSearch:
    """A search with all that it can show, of :func:`three_parts`."""
    estimator = NMF(beta_loss="kullback-leibler", tol=1e-4, max_iter=5000)
    criteria = ("held_out", "bi_cross_validation", "stability", "consensus", "elbow", "bic")
    search = RankSearch(estimator, ranks=range(1, 6), criteria=criteria, n_replicates=5, folds=4, random_state=0)
    return search.fit(three_parts())


@cache
def search_without_replicates() -> RankSearch:
    """A search by held-out error alone, of the same."""
    return RankSearch(ranks=(2, 3), criteria=("held_out",), folds=3, random_state=0).fit(three_parts().X)
