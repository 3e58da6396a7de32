"""Counts drawn from seven signatures of COSMIC: is their number found again, and are they?"""

from typing import Any

import numpy as np

from docs.gallery.mutations import cosmic, counts
from docs.gallery.searches import figure_of_several, kept, verdicts_of
from partwise import NMF
from partwise.selection import RankSearch, bootstrap, match

NAMES = ("SBS1", "SBS2", "SBS4", "SBS5", "SBS7a", "SBS13", "SBS17b")
LEVELS, SAMPLES, RANKS = (1_000, 5_000, 25_000), 500, range(1, 11)
CRITERIA = ("held_out", "bi_cross_validation", "stability", "consensus", "elbow", "bic", "relevance")
NEAR, DRAWS, MIDDLE = 0.95, 100, 5_000


def signatures() -> np.ndarray:
    """Signatures × contexts, rows of sum 1."""
    names, found = cosmic(counts()[0])
    chosen = found[[names.index(name) for name in NAMES]]
    return np.asarray(chosen / chosen.sum(axis=1, keepdims=True))


def drawn(S: np.ndarray, mutations: int, seed: int = 0) -> np.ndarray:
    """Poisson counts of samples, about ``mutations`` in each, of which a sample has 60 % of the signatures on average."""
    rng = np.random.default_rng(seed)
    shares = rng.gamma(0.5, size=(SAMPLES, len(S))) * (rng.random((SAMPLES, len(S))) < 0.6)
    shares = shares[shares.sum(axis=1) > 0]
    shares /= shares.sum(axis=1, keepdims=True)
    totals = mutations * rng.lognormal(0, 0.5, size=(len(shares), 1))
    return rng.poisson(totals * shares @ S).astype(float)


def inside(low: np.ndarray, high: np.ndarray, truth: np.ndarray) -> float:
    """The share of the entries of the truth that lie between their bounds."""
    return float(np.mean((low <= truth) & (truth <= high)))


def measure() -> dict[str, Any]:
    """A search at each level, the cosines, and what the intervals of the bootstrap are worth at one of them."""
    S, loss = signatures(), NMF(beta_loss="kullback-leibler")
    levels = {}
    for mutations in LEVELS:
        X = drawn(S, mutations)
        search = RankSearch(loss, ranks=RANKS, criteria=CRITERIA, n_replicates=10, random_state=0).fit(X)
        parts = search.replicates_[len(S)]
        cosines = match(S, parts.H[parts.best])[1].tolist()
        levels[mutations] = {"samples": len(X), "search": kept(search), "cosines": cosines}
    return {"levels": levels, "intervals": _intervals(S)}


def _intervals(S: np.ndarray) -> dict[str, float]:
    """Of seven parts, their rows at the sum 1 of the signatures."""
    X = drawn(S, MIDDLE)
    model = NMF(len(S), beta_loss="kullback-leibler", n_init=10, random_state=0, max_iter=1000).fit(X)
    order = match(S, model.components_)[0]
    scale = model.components_.sum(axis=1)[order, None]
    low, high = (
        bound[order] / scale for bound in bootstrap(model, X, n=DRAWS, kind="poisson", random_state=0).interval()
    )
    large = S > 0.01
    return {
        "inside": inside(low, high, S),
        "inside large": inside(low[large], high[large], S[large]),
        "large": float(large.mean()),
        "width": float(np.median((high - low)[large])),
    }
