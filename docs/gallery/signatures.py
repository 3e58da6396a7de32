"""Counts drawn from seven signatures of COSMIC, which are to be found again."""

from typing import Any

import numpy as np

from benchmarks.tables import table
from docs.gallery.mutations import cosmic, counts
from docs.gallery.searches import figure_of_several, kept, verdicts_of
from partwise import NMF
from partwise.selection import RankSearch, bootstrap, match

NAMES = ("SBS1", "SBS2", "SBS4", "SBS5", "SBS7a", "SBS13", "SBS17b")
LEVELS, SAMPLES, RANKS = (1_000, 5_000, 25_000), 500, range(1, 11)
CRITERIA = ("held_out", "bi_cross_validation", "stability", "consensus", "elbow", "bic", "relevance")
NEAR, DRAWS, MIDDLE = 0.95, 100, 5_000
# Entries of a signature whose intervals are asked about.
LARGE = 0.01


def signatures() -> np.ndarray:
    """Signatures × contexts, rows of sum 1."""
    names, found = cosmic(counts()[0])
    chosen = found[[names.index(name) for name in NAMES]]
    return np.asarray(chosen / chosen.sum(axis=1, keepdims=True))


def drawn(S: np.ndarray, mutations: int, seed: int = 0) -> np.ndarray:
    """Poisson counts of samples, about ``mutations`` in each, each sample without 40 % of the signatures on average."""
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


def _intervals(S: np.ndarray) -> dict[str, Any]:
    """Of seven parts, their rows at the sum 1 of the signatures, and the loss beside that of the signatures."""
    X = drawn(S, MIDDLE)
    model = NMF(len(S), beta_loss="kullback-leibler", n_init=10, random_state=0, max_iter=1000).fit(X)
    truth = NMF(len(S), beta_loss="kullback-leibler", random_state=0, max_iter=1000)
    truth.fit(X, H=S, fixed_components=range(len(S)))
    order = match(S, model.components_)[0]
    scale = model.components_.sum(axis=1)[order, None]
    found = bootstrap(model, X, n=DRAWS, kind="poisson", random_state=0)
    low, high = (bound[order] / scale for bound in found.interval())
    return {
        "loss": float(model.history_["objective"][-1]),
        "loss of the signatures": float(truth.history_["objective"][-1]),
        "inside": [
            inside(a[row > LARGE], b[row > LARGE], row[row > LARGE]) for a, b, row in zip(low, high, S, strict=True)
        ],
    }


# -- the page ------------------------------------------------------------------------------------------------------


def section(found: dict[str, Any]) -> str:
    """Text, tables and a picture."""
    searches = {f"{int(level):,} mutations": one["search"] for level, one in found["levels"].items()}
    figure_of_several(searches, ("held_out", "stability", "consensus", "elbow", "bic"), "signatures.png")
    columns = zip(*(one["cosines"] for one in found["levels"].values()), strict=True)
    intervals = found["intervals"]
    rows = [
        [name, *(f"{cosine:.3f}" for cosine in cosines), f"{share:.0%}"]
        for name, cosines, share in zip(NAMES, columns, intervals["inside"], strict=True)
    ]
    least = min(min(one["cosines"]) for one in found["levels"].values())
    return f"""\
## Signatures of COSMIC: seven, at three levels of noise

{SAMPLES} samples with Poisson counts of {", ".join(NAMES)} (COSMIC v3.2). Each signature is absent from 40 % of the
samples; a sample has about 1 000, 5 000 or 25 000 mutations, and the fewer there are the noisier are the counts.

```python
loss = NMF(beta_loss="kullback-leibler")
search = RankSearch(loss, ranks=range(1, 11), criteria=names, n_replicates=10, random_state=0).fit(counts)
```

{verdicts_of(searches)}

![What the criteria read against the number of parts, a row for each level](signatures.png)

Seven are found at each level, and {_near(least)}. "Consensus" is the
exception: it asks for clusters of samples, and these mix several signatures; its curve falls so slowly that a fall of
0.01 tells little. The cosines of the
seven parts with the signatures, and how much of the entries above {LARGE} of each signature lies inside of the 95 %
intervals of {DRAWS} Poisson bootstraps (`bootstrap(model, counts, kind="poisson")`, {MIDDLE:,} mutations):

{table(["signature", *searches, "inside"], rows)}

**The intervals are too narrow.** They say how much the parts move when the counts are drawn again, and that is
less than what the counts leave open: the flat SBS5 has no zeros, so a little of any other signature can be taken from
it and given to that one, and the sums stay the same. The loss of the fit is {intervals["loss"]:,.0f}, that of the
signatures themselves {intervals["loss of the signatures"]:,.0f}. Nor do more mutations help much, as the cosines of
SBS5 show: this is not noise.
"""


def _near(least: float) -> str:
    return (
        f"every signature is matched at a cosine of {least:.3f} or more"
        if least >= NEAR
        else f"not every signature is matched at a cosine of {NEAR}: the least is {least:.3f}"
    )
