"""Mutation counts of 2 778 tumours with Kullback–Leibler, beside the signatures of COSMIC."""

import gzip
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from benchmarks.problems import data_folder
from benchmarks.tables import table
from docs.gallery.drawing import COLOURS, cosines, label, save
from partwise import NMF
from partwise.plot._style import LIGHT, dress, grid, new_figure

# The numbers of signatures of single bases in Alexandrov et al. 2020 (SigProfiler) and of Alexandrov et al. 2013.
RANKS = {"2020": 49, "2013": 21}
# Above so many mutations a genome counts no more than one with these: 100 for each of the 96 contexts.
MOST = 9600
_CLOSE, _FAIR = 0.9, 0.8
_DRAWS = 20


def counts() -> tuple[list[str], np.ndarray]:
    """Contexts, and genomes × contexts."""
    header, *lines = _lines("pcawg_counts.csv.gz")
    return header.split(",")[1:], np.array([line.split(",")[1:] for line in lines], float)


def cosmic(contexts: list[str]) -> tuple[list[str], np.ndarray]:
    """Names, and signatures × contexts in this order."""
    header, *lines = _lines("COSMIC_v3.2_SBS_GRCh37.txt.gz")
    values = {line.split("\t")[0]: np.array(line.split("\t")[1:], float) for line in lines}
    return header.split("\t")[1:], np.array([values[context] for context in contexts]).T


def _lines(name: str) -> list[str]:
    with gzip.open(data_folder() / "pcawg_sbs96" / name, "rt", encoding="utf-8") as file:
        return file.read().splitlines()


def matched(H: np.ndarray, names: list[str], signatures: np.ndarray) -> list[tuple[str, float]]:
    """Each part with a signature of its own, so that the sum of the cosines is largest; the most alike first."""
    alike = cosines(H, signatures)
    rows, columns = linear_sum_assignment(-alike)
    return sorted(
        ((names[j], float(alike[i, j])) for i, j in zip(rows, columns, strict=True)), key=lambda pair: -pair[1]
    )


def measure() -> dict[str, Any]:
    """Matches of fits at both ranks, with and without a cap on genomes, and of genomes drawn at random."""
    contexts, X = counts()
    names, signatures = cosmic(contexts)
    cap = np.minimum(1, MOST / X.sum(axis=1))
    fits = {}
    for year, k in RANKS.items():
        for weights, title in ((None, "plain"), (cap, "capped")):
            model = NMF(k, beta_loss="kullback-leibler", init="random", n_init=5, random_state=0, max_iter=1000)
            model.fit(X, weights=weights)
            fits[f"{year} {title}"] = {
                "k": k,
                "matches": matched(model.components_, names, signatures),
                "objective": float(model.history_["objective"][-1]),
                "iterations": model.n_iter_,
                "status": str(model.status_),
            }
    rng = np.random.default_rng(0)
    drawn = {
        k: [matched(X[rng.choice(len(X), k, replace=False)], names, signatures) for _ in range(_DRAWS)]
        for k in RANKS.values()
    }
    return {
        "size": X.shape,
        "signatures": len(names),
        "capped": int((cap < 1).sum()),
        "fits": fits,
        "drawn": drawn,
    }


# -- the page ------------------------------------------------------------------------------------------------------


def section(found: dict[str, Any]) -> str:
    """Text, tables and a picture."""
    _draw(found)
    m, n = found["size"]
    k = RANKS["2020"]
    fits = found["fits"]
    best = fits["2020 plain"]["matches"]
    rows = [[f"{fit['k']}", _SAID[name.split()[1]], *_summary([fit["matches"]])] for name, fit in fits.items()]
    rows += [[rank, "none: as many genomes at random", *_summary(draws)] for rank, draws in found["drawn"].items()]
    return f"""\
## Mutations: signatures by Kullback–Leibler

{m:,} tumour genomes × {n} kinds of mutation (PCAWG). Counts are Poisson, so the loss is Kullback–Leibler. The
literature has {k} signatures of single bases (SigProfiler: Alexandrov et al. 2020), and had {RANKS["2013"]} in its
first catalogue (2013). The parts are matched one to one with the {found["signatures"]} signatures of COSMIC v3.2 by the
Hungarian method.

```python
model = NMF({k}, beta_loss="kullback-leibler", init="random", n_init=5, random_state=0, max_iter=1000).fit(counts)
```

{table(["parts", "genomes", "median cosine", f"above {_CLOSE}", f"above {_FAIR}"], rows)}

"Capped" gives each of the {found["capped"]} genomes with more than {MOST:,} mutations the weight {MOST:,} / its number
(`weights`, one for each row), so that hypermutated ones do not speak for all. For a scale: genomes drawn at random and
matched in the same way (means of {_DRAWS} draws).

![Cosines of the parts with their signatures of COSMIC, sorted](mutations.png)

The {k} parts of the plain fit, each beside the signature that it is matched with:

{table(["signature", "cosine"] * _COLUMNS, _in_columns(best))}

What is strong in some genomes comes back: {sum(c > _CLOSE for _, c in best)} of {k} parts have a cosine above
{_CLOSE}. The flat signatures that most tumours share, such as SBS5, do not, and neither do rare ones, in one plain
factorization of all cancers together: the catalogue was made cancer by cancer, by thousands of fits, of more genomes
than these.
"""


_COLUMNS = 5
_SAID = {"plain": "all alike", "capped": "capped"}


def _summary(draws: list[list[Any]]) -> list[str]:
    values = [[cosine for _, cosine in matches] for matches in draws]
    above = [[f"{np.mean([sum(c > limit for c in v) for v in values]):.3g}"] for limit in (_CLOSE, _FAIR)]
    return [f"{np.mean([np.median(v) for v in values]):.3f}", *above[0], *above[1]]


def _in_columns(matches: list[Any]) -> list[list[str]]:
    height = -(-len(matches) // _COLUMNS)
    cells = [[name, f"{cosine:.3f}"] for name, cosine in matches]
    cells += [["", ""]] * (height * _COLUMNS - len(cells))
    return [[cell for pair in cells[row::height] for cell in pair] for row in range(height)]


def _draw(found: dict[str, Any]) -> None:
    """The cosines of all parts, the most alike first; no data, whose terms are non-commercial."""
    figure = new_figure(9, 3.6, LIGHT)
    for ax, (year, k) in zip(figure.subplots(1, 2, sharey=True, width_ratios=[3, 2]), RANKS.items(), strict=True):
        dress(ax, LIGHT)
        grid(ax, LIGHT, "y")
        places = np.arange(1, k + 1)
        for (name, title), colour in zip(_SAID.items(), COLOURS, strict=False):
            ax.plot(places, _values(found["fits"][f"{year} {name}"]["matches"]), color=colour, label=f"fit, {title}")
        drawn = np.array([_values(matches) for matches in found["drawn"][str(k)]])
        ax.fill_between(places, drawn.min(axis=0), drawn.max(axis=0), color=LIGHT.muted, alpha=0.3, linewidth=0)
        ax.plot(places, drawn.mean(axis=0), color=LIGHT.muted, label="genomes at random")
        ax.set(xlabel="parts, the most alike first", ylim=(0, 1.02), xlim=(1, k), xticks=[1, *range(10, k + 1, 10)])
        label(ax, f"{k} parts")
    figure.axes[0].set_ylabel("cosine with its signature")
    figure.axes[0].legend(frameon=False, loc="lower left")
    save(figure, "mutations.png")


def _values(matches: list[Any]) -> list[float]:
    return [cosine for _, cosine in matches]
