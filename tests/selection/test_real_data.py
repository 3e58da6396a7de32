"""What others have published about real data."""

from pathlib import Path

import numpy as np
import pytest

from partwise import NMF
from partwise.selection import Replicates, memberships, replicate

# nimfa 1.4.0, nimfa/examples/all_aml.py: the clusters of its standard NMF with divergence, 50 runs. Of each number of
# parts the samples that are not with the majority of their class.
STRAYS = {2: {"AML_13"}, 3: {"ALL_21302_B-cell", "AML_14"}}


@pytest.fixture(scope="module")
def samples(data_dir: Path) -> tuple[np.ndarray, np.ndarray]:
    with np.load(data_dir / "all_aml" / "all_aml.npz") as stored:
        return stored["X"].T.astype(float), stored["samples"]


@pytest.fixture(scope="module")
def found(samples: tuple[np.ndarray, np.ndarray]) -> dict[int, Replicates]:
    loss = NMF(beta_loss="kullback-leibler")
    return {k: replicate(samples[0], k, 20, estimator=loss, random_state=0) for k in (2, 3, 5)}


def strays(labels: np.ndarray, classes: np.ndarray, names: np.ndarray) -> set[str]:
    """Samples outside of the cluster in which most of their class are."""
    found: set[str] = set()
    for one in np.unique(classes):
        inside = classes == one
        main = np.bincount(labels[inside]).argmax()
        found |= {str(name) for name in names[inside & (labels != main)]}
    return found


def test_two_and_three_parts_of_leukaemia_are_stable_and_five_are_less_so(found: dict[int, Replicates]) -> None:
    """Brunet et al. 2004, figure 3: the cophenetic correlation is close to 1 for k = 2 and 3, and falls beyond."""
    correlation = {k: each.consensus.cophenetic for k, each in found.items()}
    assert min(correlation[2], correlation[3]) > 0.99
    assert correlation[5] < 0.98
    assert min(found[2].consensus.dispersion, found[3].consensus.dispersion) > 0.98 > found[5].consensus.dispersion


@pytest.mark.parametrize("k", [2, 3])
def test_clusters_of_leukaemia_are_those_of_its_kinds(
    k: int, found: dict[int, Replicates], samples: tuple[np.ndarray, np.ndarray]
) -> None:
    names = samples[1]
    kinds = np.array([name.split("_")[0] if k == 2 else name[:3] + name.split("_")[-1][:1] for name in names])
    kinds = np.where(np.char.startswith(names, "AML"), "AML", kinds)
    assert len(np.unique(kinds)) == k
    labels = memberships(found[k].W[found[k].best])
    ours = strays(labels, kinds, names)
    assert len(ours ^ STRAYS[k]) <= 1
    assert len(ours) <= 2
