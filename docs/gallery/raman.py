"""Spectra of a mixture of five substances, with one per cent of noise."""

from typing import Any

import numpy as np

from benchmarks.problems import data_folder
from benchmarks.tables import table
from docs.gallery.searches import figure_of, kept, verdicts
from partwise import NMF
from partwise.selection import RankSearch, match

NOISE, RANKS = 0.01, range(1, 9)
CRITERIA = ("held_out", "bi_cross_validation", "stability", "consensus", "elbow", "relevance")


def mixture() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X of mixtures × wave numbers with noise, clipped at zero; shares of the substances; their spectra in rows."""
    with np.load(data_folder() / "raman_smcr" / "raman_smcr.npz") as file:
        spectra, shares = file["W"].T, file["H"].T
    clean = shares @ spectra
    sigma = NOISE * np.sqrt(np.mean(clean**2))
    return np.maximum(clean + sigma * np.random.default_rng(0).standard_normal(clean.shape), 0), shares, spectra


def measure() -> dict[str, Any]:
    """A search, and how near the spectra come in each replicate."""
    X, shares, spectra = mixture()
    search = RankSearch(NMF(max_iter=1000), ranks=RANKS, criteria=CRITERIA, n_replicates=10, random_state=0).fit(X)
    parts = search.replicates_[len(spectra)]
    return {
        "size": X.shape,
        "most": shares.max(axis=0).tolist(),
        "search": kept(search),
        "best": parts.best,
        "cosines": [match(spectra, H)[1].tolist() for H in parts.H],
        "objective": parts.objective.tolist(),
        "true objective": float(np.sum((X - shares @ spectra) ** 2) / 2),
    }


# -- the page ------------------------------------------------------------------------------------------------------


def section(found: dict[str, Any]) -> str:
    """Text, tables and a picture."""
    figure_of(found["search"], "raman.png")
    m, n = found["size"]
    cosines = np.array(found["cosines"])
    results = found["search"]["results"]
    five = results["rank"].index(cosines.shape[1])
    blocks = sorted(results[f"bi_cross_validation_fold{pair}"][five] for pair in range(9))
    noise = found["true objective"] / (m * n)
    rows = [
        [f"{j + 1}", f"{most:.0%}", f"{cosines[found['best'], j]:.3f}", f"{column.min():.3f} to {column.max():.3f}"]
        for j, (most, column) in enumerate(zip(found["most"], cosines.T, strict=True))
    ]
    return f"""\
## Raman spectra: five substances

{m} mixtures of five substances × {n:,} wave numbers, from measured spectra (the NMF book's example of self-modelling
curve resolution), with normal noise whose σ is {NOISE:.0%} of the root mean square, clipped at zero.

```python
search = RankSearch(NMF(max_iter=1000), ranks=range(1, 9), criteria=names, n_replicates=10, random_state=0).fit(X)
```

{found["search"]["recommendation"]["sentences"]}

{verdicts(found["search"])}

![What each criterion reads against the number of parts](raman.png)

The number is found by the held-out error, by the fall of the error beside that of permuted data, and by relevance.
The replicates do not agree on five parts, and they are right not to. The loss of the noise, at the true spectra, is
{found["true objective"]:,.0f}; all {len(cosines)} replicates end lower, between {min(found["objective"]):,.0f} and
{max(found["objective"]):,.0f}, with different parts:

{table(["substance", "most of it in a mixture", "cosine, best replicate", "all replicates"], rows)}

They are not wrong but undetermined: no spectrum has a zero, so some of one can be taken from another and the mixtures
stay what they are, and of the last there is never much. **Five parts are in these data; which five, the data do not
say.** Bi-cross-validation leaves out whole mixtures and whole wave numbers at a time. For five parts six of its nine
pairs of groups have an error of {blocks[0]:.0f} to {blocks[5]:.0f} (the noise has {noise:.0f}), and the three of one
group of mixtures {blocks[6]:.0f} to {blocks[8]:.0f}: mixtures with more of a substance than all others lie outside of
the cone of what the others teach, and further parts widen the cone.
"""
