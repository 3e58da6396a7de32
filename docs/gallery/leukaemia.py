"""Clusters of 38 leukaemias, as Brunet et al. found them in 2004."""

import warnings
from typing import Any

import numpy as np
import sklearn.decomposition
from sklearn.exceptions import ConvergenceWarning

from benchmarks.problems import data_folder
from docs.gallery.searches import kept, verdicts
from partwise import NMF
from partwise.selection import RankSearch, consensus, memberships

RANKS, REPLICATES = range(1, 9), 30
CRITERIA = ("held_out", "bi_cross_validation", "stability", "consensus", "elbow", "bic")
# The numbers of parts whose clusters are shown; those of multiplicative updates.
SHOWN, MULTIPLICATIVE, STEPS = (2, 3, 4, 5), (2, 3, 4, 5, 6), (200, 2000)


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
        "consensus": {k: found[k].consensus.matrix.tolist() for k in SHOWN},
        "median": {k: float(np.median(found[k].objective)) for k in MULTIPLICATIVE},
        "multiplicative": {steps: {k: _multiplicative(X, k, steps) for k in MULTIPLICATIVE} for steps in STEPS},
    }


def _multiplicative(X: np.ndarray, k: int, steps: int) -> dict[str, float]:
    """The cophenetic correlation of scikit-learn's fits, and their median objective."""
    W, objective = [], []
    for seed in range(REPLICATES):
        model = sklearn.decomposition.NMF(
            k, solver="mu", beta_loss="kullback-leibler", init="random", max_iter=steps, random_state=seed
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            W.append(model.fit_transform(X))
        objective.append(model.reconstruction_err_**2 / 2)
    agreed = consensus(memberships(np.stack(W)))
    return {
        "cophenetic": agreed.cophenetic,
        "dispersion": agreed.dispersion,
        "median": float(np.median(objective)),
    }
