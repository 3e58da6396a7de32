"""Spectra of a mixture of five substances, with one per cent of noise."""

from typing import Any

import numpy as np

from benchmarks.problems import data_folder
from docs.gallery.searches import figure_of, kept, verdicts
from partwise import NMF
from partwise.selection import RankSearch, match

NOISE, RANKS = 0.01, range(1, 9)
CRITERIA = ("held_out", "bi_cross_validation", "stability", "consensus", "elbow", "relevance")


def mixture() -> tuple[np.ndarray, np.ndarray]:
    """X of mixtures × wave numbers with noise, clipped at zero, and the spectra of the substances in rows."""
    with np.load(data_folder() / "raman_smcr" / "raman_smcr.npz") as file:
        spectra, shares = file["W"].T, file["H"].T
    clean = shares @ spectra
    sigma = NOISE * np.sqrt(np.mean(clean**2))
    return np.maximum(clean + sigma * np.random.default_rng(0).standard_normal(clean.shape), 0), spectra


def measure() -> dict[str, Any]:
    """A search, and how near the spectra come."""
    X, spectra = mixture()
    search = RankSearch(NMF(max_iter=1000), ranks=RANKS, criteria=CRITERIA, n_replicates=10, random_state=0).fit(X)
    parts = search.replicates_[len(spectra)]
    return {
        "size": X.shape,
        "true": len(spectra),
        "search": kept(search),
        "cosines": match(spectra, parts.H[parts.best])[1].tolist(),
        "correlations": np.corrcoef(spectra)[np.triu_indices(len(spectra), 1)].tolist(),
    }
