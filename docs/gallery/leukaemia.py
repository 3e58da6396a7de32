"""Clusters of 38 leukaemias, as Brunet et al. found them in 2004."""

import warnings
from collections import Counter
from typing import Any

import numpy as np
import sklearn.decomposition
from sklearn.exceptions import ConvergenceWarning

from benchmarks.problems import data_folder
from benchmarks.tables import table
from docs.gallery.drawing import label, save
from docs.gallery.searches import kept, restored, verdicts
from partwise import NMF, selection
from partwise.plot import consensus as consensus_map
from partwise.plot import rank_criterion
from partwise.plot._style import LIGHT, new_figure
from partwise.selection import RankSearch, consensus, memberships

RANKS, REPLICATES = range(1, 9), 30
CRITERIA = ("held_out", "bi_cross_validation", "stability", "consensus", "elbow", "bic")
# The numbers of parts whose clusters are shown, and those that multiplicative updates fit; where these end.
SHOWN, MULTIPLICATIVE = (2, 3, 4, 5), (2, 3, 4, 5, 6)
ENDS = {"tol=1e-4": (1e-4, 200), "500 steps": (0.0, 500)}


def samples() -> tuple[np.ndarray, list[str], list[str]]:
    """X of samples × genes, the names of the samples, and their diagnoses."""
    with np.load(data_folder() / "all_aml" / "all_aml.npz") as file:
        names = [str(name) for name in file["samples"]]
        return file["X"].T.astype(float), names, [diagnosis(name) for name in names]


def diagnosis(name: str) -> str:
    """AML, ALL-B or ALL-T, of the name of a sample."""
    return "AML" if name.startswith("AML") else f"ALL-{name.rpartition('_')[2][0]}"


def measure() -> dict[str, Any]:
    """A search, the consensus and the clusters of some numbers of parts, and the same by multiplicative updates."""
    X, names, _ = samples()
    loss = NMF(beta_loss="kullback-leibler")
    search = RankSearch(loss, ranks=RANKS, criteria=CRITERIA, n_replicates=REPLICATES, random_state=0).fit(X)
    found = {k: search.replicates_[k] for k in MULTIPLICATIVE}
    return {
        "size": X.shape,
        "names": names,
        "search": kept(search),
        "clusters": {k: memberships(found[k].W[found[k].best]).tolist() for k in SHOWN},
        "labels": {k: memberships(found[k].W).tolist() for k in SHOWN},
        "median": {k: float(np.median(found[k].objective)) for k in MULTIPLICATIVE},
        "multiplicative": {end: {k: _multiplicative(X, k, *ENDS[end]) for k in MULTIPLICATIVE} for end in ENDS},
    }


def _multiplicative(X: np.ndarray, k: int, tol: float, steps: int) -> dict[str, float]:
    """The cophenetic correlation of scikit-learn's fits, and their median objective."""
    W, objective = [], []
    for seed in range(REPLICATES):
        model = sklearn.decomposition.NMF(
            k,
            solver="mu",
            beta_loss="kullback-leibler",
            init="random",
            tol=tol,
            max_iter=steps,
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            W.append(model.fit_transform(X))
        objective.append(model.reconstruction_err_**2 / 2)
    agreed = consensus(memberships(np.stack(W)))
    return {
        "cophenetic": agreed.cophenetic,
        "median": float(np.median(objective)),
    }


# -- the page ------------------------------------------------------------------------------------------------------

# Where the example of nimfa 1.4.0, a run of Brunet's updates, puts a sample elsewhere than with its diagnosis.
NIMFA = {2: {"AML_13": "ALL"}, 3: {"ALL_21302_B-cell": "ALL-T", "AML_14": "ALL-T"}}


def section(found: dict[str, Any]) -> str:
    """Text, tables and a picture."""
    _draw(found)
    m, n = found["size"]
    return f"""\
## Leukaemias: the clusters of Brunet et al.

{m} bone marrows × {n:,} genes (Golub et al. 1999): 19 of acute lymphoblastic leukaemia with B cells, 8 with T cells and
11 of acute myeloid leukaemia. Brunet et al. (2004) counted how often two samples have the same dominant part, and found
the consensus stable for k = 2 and 3, with 2 of 38 samples on the wrong side for k = 2.

```python
loss = NMF(beta_loss="kullback-leibler")
search = RankSearch(loss, ranks=range(1, 9), criteria=names, n_replicates={REPLICATES}, random_state=0).fit(X)
plot.consensus(search.replicates_[3], groups=diagnoses)
```

{found["search"]["recommendation"]["sentences"]}

{verdicts(found["search"])}

![Consensus of the samples for two to five parts, and what the criteria read](leukaemia.png)

For k = 2 and 3 the consensus is as clear as it was in 2004. Here it is for k = 4 too, where the B cells divide in two;
then it breaks. The clusters, by the best replicate:

{table(["parts", "cluster", *_GROUPS, "not with their like"], _clusters(found))}

{_beside_nimfa(found)}

**In 2004 the consensus fell at k = 4.** These fits run to their end; those were multiplicative updates, which are slow.
The same count of scikit-learn's fits (`solver="mu"`, {REPLICATES} starts) falls there as Brunet's did, and less where
they may take more steps. Cophenetic correlations, and by how much the median objective lies above that of partwise:

{table(["parts", "partwise", *(f"multiplicative, {end}" for end in ENDS)], _cophenetics(found))}

None of this says three. The held-out error is lowest for four and nearly as low for five; bi-cross-validation, the
error of the fit and BIC go on to the last rank: intensities of a microarray are no counts, and BIC takes what varies
more than Poisson's law for parts. Three diagnoses are what people knew, not all that tells 38 samples apart.
"""


_GROUPS = ("ALL-B", "ALL-T", "AML")


def _clusters(found: dict[str, Any]) -> list[list[str]]:
    rows = []
    for k, labels in found["clusters"].items():
        placed = _placed(found["names"], labels)
        for cluster in sorted(set(labels), key=labels.index):
            members = [name for name, own in zip(found["names"], labels, strict=True) if own == cluster]
            counts = [sum(diagnosis(name) == group for name in members) for group in _GROUPS]
            strangers = [name for name in members if _coarse(diagnosis(name), int(k)) != _coarse(placed[name], int(k))]
            rows.append([k, str(cluster), *map(str, counts), ", ".join(strangers)])
    return rows


def _placed(names: list[str], labels: list[int]) -> dict[str, str]:
    """The diagnosis that most samples of its cluster have, of each sample."""
    mains = {
        cluster: Counter(diagnosis(name) for name, own in zip(names, labels, strict=True) if own == cluster)
        for cluster in set(labels)
    }
    return {name: mains[own].most_common(1)[0][0] for name, own in zip(names, labels, strict=True)}


def _coarse(group: str, k: int) -> str:
    """Two clusters can only tell ALL from AML."""
    return group[:3] if k == 2 else group


def _beside_nimfa(found: dict[str, Any]) -> str:
    """How many samples are elsewhere than in the table of nimfa's example."""
    said = []
    for k, elsewhere in NIMFA.items():
        placed = _placed(found["names"], found["clusters"][str(k)])
        theirs = {name: elsewhere.get(name, diagnosis(name)) for name in found["names"]}
        other = [name for name in theirs if _coarse(placed[name], k) != _coarse(theirs[name], k)]
        said.append(f"{len(other)} of {len(theirs)} for k = {k}" + (f" ({', '.join(other)})" if other else ""))
    return f"The example of nimfa 1.4.0 has a table of its clusters. Ours differ from it in {' and '.join(said)}."


def _cophenetics(found: dict[str, Any]) -> list[list[str]]:
    results = found["search"]["results"]
    ours = dict(zip(results["rank"], results["cophenetic"], strict=True))
    rows = []
    for k in MULTIPLICATIVE:
        others = [found["multiplicative"][end][str(k)] for end in ENDS]
        above = [other["median"] / found["median"][str(k)] - 1 for other in others]
        cells = [f"{other['cophenetic']:.3f} ({gap:+.2%})" for other, gap in zip(others, above, strict=True)]
        rows.append([str(k), f"{ours[k]:.3f}", *cells])
    return rows


def _draw(found: dict[str, Any]) -> None:
    """Heat maps above, curves below."""
    groups = [diagnosis(name) for name in found["names"]]
    figure = new_figure(11, 5.4, LIGHT)
    pictures, curves = figure.subplots(2, len(SHOWN), height_ratios=[3, 2])
    for ax, k in zip(pictures, SHOWN, strict=True):
        labels = np.array(found["labels"][str(k)])
        consensus_map(consensus(labels), groups=groups, scale=k == SHOWN[-1], ax=ax)
        ax.set_xlabel(f"{k} parts")
    for ax, criterion in zip(curves, ("held_out", "stability", "consensus", "elbow"), strict=True):
        label(rank_criterion(restored(found["search"]), criterion, ax=ax), selection.CRITERIA[criterion].title)
    save(figure, "leukaemia.png")
