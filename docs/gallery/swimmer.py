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


# -- the page ------------------------------------------------------------------------------------------------------


def section(found: dict[str, Any]) -> str:
    """Text, a table and a picture."""
    figure_of(found["search"], "swimmer.png")
    m, n = found["size"]
    fewer, all_ = found["fits"]["16"], found["fits"]["17"]
    return f"""\
## Swimmer: a torso that cannot be told apart

{m} pictures of {n} pixels: a torso, and four limbs of which each has four positions (Donoho & Stodden 2003). They were
drawn from 16 + 1 parts, and there is no noise.

```python
search = RankSearch(ranks=range(10, 21), criteria=names, n_replicates=10, random_state=0).fit(X)
```

{found["search"]["recommendation"]["sentences"]}

{verdicts(found["search"])}

![What each criterion reads against the number of parts](swimmer.png)

What is 16 and what is 17 is a matter of definition. Every picture has exactly one position of each limb, so the torso
may be drawn with one limb, or a quarter of it with each of four: **16 non-negative parts reproduce the pictures
exactly** (what is left of ‖X‖² is {fewer["left"]:.0e}, with a piece of the torso in {fewer["with torso"]} parts), and
as a matrix X has rank {found["rank"]} only. With 17 parts the best replicate has the torso as a part of its own
{_times(all_["torso alone"])}, and still pieces of it in {all_["with torso"] - all_["torso alone"]} others. Many
factorizations are equally right, and that makes the number hard:

- "Stability of the parts" and "Error of the fit" find 16, the least number that is exact.
- The held-out error falls further. A fold has one start, and with 16 parts a start does not always get there: of the
  10 replicates {fewer["exact"]} are exact with 16 and {all_["exact"]} with 17. Spare parts make it easy to get there,
  and without noise they cost nothing.
- "Relevance" estimates the noise from the fit of {RANKS[-1]} parts. There is none, so next to nothing may fade.
- "Consensus" asks in which part a picture has most. A picture has four limbs of the same weight: no clusters.
"""


def _times(count: int) -> str:
    return "not at all" if count == 0 else "once" if count == 1 else f"{count} times"
