"""Data without parts, and how often a criterion calls more than one."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.tables import table
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
        called = {criterion: [search.verdicts_[criterion].rank for search in searches] for criterion in null.criteria}
        found[name] = {
            "first": kept(searches[0]),
            "called": called,
            "recommended": [search.best_rank_ for search in searches],
            "confident": [search.recommendation_.confident for search in searches],
        }
    return found


# -- the page ------------------------------------------------------------------------------------------------------


def section(found: dict[str, Any]) -> str:
    """Text, a table and a picture."""
    figure_of_several(
        {name: one["first"] for name, one in found.items()},
        ("held_out", "stability", "consensus", "elbow"),
        "nulls.png",
    )
    criteria = found["counts of one profile"]["called"]
    rows = [
        [f"{CRITERIA[name].title} (`{name}`)", *(_calls(one["called"].get(name)) for one in found.values())]
        for name in criteria
    ]
    rows += [
        ["**recommended**", *(_calls(one["recommended"]) for one in found.values())],
        ["… with confidence", *(_calls(_sure(one)) for one in found.values())],
    ]
    return f"""\
## Nulls: data without parts

Poisson counts of one profile in rows of different size (200 × 80, Kullback–Leibler), and independent uniform numbers
(150 × 60, Frobenius) with ranks from 1 and from 2. {REPEATS} draws of each, ranks to {LAST}; in how many a criterion
calls more than one part, and which numbers:

```python
search = RankSearch(loss, ranks=range(1, 6), criteria=names, n_replicates=10, random_state=seed).fit(X)
```

{table(["criterion", *found], rows)}

![What the criteria read in the first draw of each](nulls.png)

With 1 among the ranks the held-out error decides, and recommends {_said(found)}. Two criteria call parts that are not
there, and that is their limit:

- **"Consensus" has no null.** One part makes one cluster, about which nobody can disagree, so it begins at two. It says
  how clearly samples fall into so many clusters, not whether there are any.
- **"Stability" takes what comes back for real.** Of uniform noise, with few parts, every start finds the same ones: a
  matrix of random numbers has a best fit like any other. Of the counts the replicates differ.

And two are sometimes wrong: "Error of the fit" compares with one permutation, which is a random number itself, and
"Relevance" sometimes keeps a second part that fits the noise of a few entries; its reading then says that the weakest
part is a hundred times weaker than the other.

So ranks should begin at 1, and stable parts are no evidence that there are parts. Where ranks begin at 2, the held-out
error can only say that the first of them does as well as any; `recommendation_.confident` is False then, whatever the
others say.
"""


def _calls(ranks: list[int | None] | None) -> str:
    """How many call more than one part, and the numbers of parts that are called."""
    if ranks is None:
        return "–"
    more = Counter(rank for rank in ranks if rank is not None and rank > 1)
    which = ", ".join(f"{rank}: {count}" for rank, count in sorted(more.items()))
    return f"{more.total()} of {len(ranks)}" + (f" ({which})" if which else "")


def _sure(one: dict[str, Any]) -> list[int | None]:
    """The recommended ranks, None where there is no confidence."""
    return [rank if sure else None for rank, sure in zip(one["recommended"], one["confident"], strict=True)]


def _said(found: dict[str, Any]) -> str:
    alone = [rank == 1 for name, one in found.items() if NULLS[name].first == 1 for rank in one["recommended"]]
    return f"one part, in {sum(alone)} of {len(alone)} draws"
