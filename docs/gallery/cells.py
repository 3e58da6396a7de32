"""Gene programs of 2 700 blood cells."""

import gzip
from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks.problems import data_folder
from benchmarks.tables import table
from docs.gallery.searches import figure_of, kept, verdicts
from partwise import NMF
from partwise.selection import ConsensusNMF, RankSearch, match

GENES, RANKS, REPLICATES = 2000, range(2, 16), 20
CRITERIA = ("held_out", "stability", "consensus", "elbow")
# Genes that tell the kinds of cells in blood apart, as every introduction to these data has them.
MARKERS = {
    "T": ("CD3D", "CD3E", "IL7R", "LDHB", "LTB", "CD7"),
    "cytotoxic (CD8 T, NK)": ("CD8A", "GZMK", "NKG7", "CCL5", "GNLY", "GZMB", "GZMA", "PRF1", "CST7"),
    "B": ("CD79A", "CD79B", "MS4A1"),
    "CD14 monocytes": ("CD14", "LYZ", "S100A8", "S100A9"),
    "CD16 monocytes": ("FCGR3A", "MS4A7", "LST1", "IFITM3"),
    "dendritic": ("FCER1A", "CLEC10A", "CD1C", "HLA-DQA1"),
    "platelets": ("PPBP", "PF4", "GNG11", "SDPR"),
}
TOP = 10


def cells() -> tuple[Any, list[str]]:
    """X of cells × most variable genes, the logarithm of 1 + counts scaled to 10 000 a cell, and the genes' symbols."""
    folder = data_folder() / "pbmc3k"
    counts = sp.csr_array(sp.load_npz(folder / "pbmc3k_counts.npz").T).astype(float)
    X = sp.csr_array(sp.diags_array(1e4 / counts.sum(axis=1)) @ counts)
    X.data = np.log1p(X.data)
    variance = X.power(2).mean(axis=0) - X.mean(axis=0) ** 2
    chosen = np.sort(np.argsort(-variance)[:GENES])
    lines = gzip.decompress((folder / "genes.tsv.gz").read_bytes()).decode().splitlines()
    return sp.csr_array(X[:, chosen]), [lines[j].split("\t")[1] for j in chosen]


def programs(H: np.ndarray, symbols: list[str]) -> list[list[str]]:
    """Of each part the genes that it has most of, beyond their mean in all parts."""
    H = H / H.sum(axis=1, keepdims=True)
    return [[symbols[j] for j in np.argsort(-(part - H.mean(axis=0)))[:TOP]] for part in H]


def kind(genes: list[str]) -> str:
    """The kind of cell with most of its markers among these, where there is one with two."""
    hits = {name: sum(gene in markers for gene in genes) for name, markers in MARKERS.items()}
    best = max(hits, key=hits.__getitem__)
    return best if hits[best] >= 2 else "–"


def measure() -> dict[str, Any]:
    """A search, the programs of the number recommended, and those on which replicates agree."""
    X, symbols = cells()
    search = RankSearch(NMF(max_iter=500), ranks=RANKS, criteria=CRITERIA, n_replicates=REPLICATES, random_state=0).fit(
        X
    )
    supported = {search.best_rank_, search.verdicts_["stability"].rank} - {None}
    return {
        "size": X.shape,
        "stored": int(X.nnz),
        "search": kept(search),
        "programs": {k: _programs(X, symbols, search, k) for k in sorted(supported)},
    }


def _programs(X: Any, symbols: list[str], search: RankSearch, k: int) -> dict[str, Any]:
    found = search.replicates_[k]
    H = found.H[found.best]
    agreed = ConsensusNMF(k, n_replicates=REPLICATES, random_state=0, max_iter=500).fit(X)
    order, cosine = match(H, agreed.components_)
    return {
        "genes": programs(H, symbols),
        "stability": found.stability.tolist(),
        "cosine": cosine.tolist(),
        "silhouettes": agreed.silhouettes_[order].tolist(),
        "agreed": [programs(agreed.components_, symbols)[j] for j in order],
        "dropped": int((~agreed.kept_).sum()),
        "pooled": len(agreed.kept_),
    }


# -- the page ------------------------------------------------------------------------------------------------------


def section(found: dict[str, Any]) -> str:
    """Text, tables and a picture."""
    figure_of(found["search"], "cells.png")
    m, n = found["size"]
    tables = "\n\n".join(_table(k, programs) for k, programs in found["programs"].items())
    return f"""\
## Cells: programs of PBMC 3k

{m:,} blood cells × the {n:,} genes whose logarithm of 1 + counts, scaled to 10 000 a cell, varies most.

```python
prototype = NMF(max_iter=500)
search = RankSearch(prototype, ranks=range(2, 16), criteria=names, n_replicates={REPLICATES}, random_state=0).fit(X)
agreed = ConsensusNMF(search.best_rank_, n_replicates={REPLICATES}, random_state=0, max_iter=500).fit(X)
```

{found["search"]["recommendation"]["sentences"]}

{verdicts(found["search"])}

![What each criterion reads against the number of parts](cells.png)

The held-out error and the replicates agree on the same number, and the fall of the error is next to it. "Consensus"
asks in which part a cell has most; cells share programs, and its curve goes up and down by little more than the 0.01
that count as a fall. Nobody knows a true number here: what agrees is what can be learnt from these counts.

The programs, each by the genes that it has most of beyond the mean of all, and the kind of cell of which two or more of
these are known markers (T: CD3D, IL7R; cytotoxic: NKG7, GZMK; B: MS4A1, CD79A; monocytes: CD14, LYZ or FCGR3A, MS4A7;
dendritic: FCER1A; platelets: PPBP, PF4). "Stability" is that of the replicates; "agreed" the cosine with the part of
`ConsensusNMF`, and its silhouette.

{tables}

Those without a kind are what any cell may do: ribosomes, metabolism and the making of proteins, the early response
(JUN, FOS), mitochondria, cytoskeleton. The two T programs are naive (CCR7, SELL) and experienced cells (S100A4, IL7R),
and the two cytotoxic ones NK (GNLY, PRF1) and CD8 T cells (GZMK, CD8A). Dendritic cells and platelets, a few dozen
among {m:,}, have no program of their own: squares over all cells see them last.
"""


def _table(k: str, found: dict[str, Any]) -> str:
    rows = [
        [f"*{' '.join(genes)}*", kind(genes), f"{stability:.2f}", f"{cosine:.2f}", f"{silhouette:.2f}"]
        for genes, stability, cosine, silhouette in zip(
            found["genes"], found["stability"], found["cosine"], found["silhouettes"], strict=True
        )
    ]
    dropped = f"{k} parts; `ConsensusNMF` dropped {found['dropped']} of {found['pooled']} pooled ones:"
    return dropped + "\n\n" + table(["genes", "kind of cell", "stability", "agreed", "silhouette"], rows)
