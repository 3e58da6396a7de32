"""The parts on which replicates agree."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import pairwise_distances, silhouette_score

from partwise import NMF, load, save
from partwise._errors import DataError, ParameterError
from partwise.selection import ConsensusNMF, match, replicate
from partwise.selection.consensus_nmf import local_density
from partwise.selection.matching import unit_rows
from tests.reference.matrices import noisy
from tests.selection.test_rank import known, parts

X = noisy(60, 24, 3)


def model(**parameters: Any) -> ConsensusNMF:
    return ConsensusNMF(**{"n_components": 3, "n_replicates": 12, "random_state": 0, "max_iter": 1000, **parameters})


def test_the_known_parts_are_found() -> None:
    fitted = model(beta_loss="kullback-leibler").fit(known())
    assert match(parts(3, 40), fitted.components_)[1].min() > 0.99
    assert fitted.silhouettes_.min() > 0.95
    assert fitted.kept_.all()


def test_it_is_as_near_as_a_single_fit() -> None:
    fitted, single = model().fit(X), NMF(3, n_init=12, init="random", random_state=0, max_iter=1000).fit(X)
    assert fitted.reconstruction_err_ < 1.01 * single.reconstruction_err_


def test_it_has_all_that_an_nmf_has() -> None:
    fitted, single = model().fit(X), NMF(3, max_iter=1000).fit(X)
    assert set(vars(single)) - {"n_init", "drop_losers"} <= set(vars(fitted))
    np.testing.assert_allclose(fitted.components_.sum(axis=1), 1)
    assert (np.diff(fitted.shares_) <= 1e-3).all()
    assert fitted.status_ == "converged"
    W = fitted.transform(X)
    np.testing.assert_allclose(W, model().fit_transform(X), atol=1e-6 * W.max())
    assert fitted.inverse_transform(W).shape == X.shape


def test_w_is_the_best_for_h() -> None:
    fitted = model(tol=1e-8).fit(X)
    W = fitted.transform(X)
    gradient = (W @ fitted.components_ - X) @ fitted.components_.T
    assert np.abs(np.minimum(W, gradient)).max() < 1e-6


def test_the_pooled_parts_are_those_of_the_replicates() -> None:
    fitted = model().fit(X)
    pooled = unit_rows(replicate(X, 3, 12, estimator=NMF(max_iter=1000), random_state=0).H.reshape(36, -1))
    distances = np.sort(pairwise_distances(pooled), axis=1)[:, 1:5]
    np.testing.assert_allclose(fitted.local_density_, distances.mean(axis=1), atol=1e-7)


def test_local_density_of_few() -> None:
    pooled = np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    np.testing.assert_allclose(local_density(pooled, 1), [1, 1, 2])
    np.testing.assert_allclose(local_density(pooled, 50), [2, 1.5, 2.5])


def test_outliers_are_dropped() -> None:
    fitted = model(n_components=6, density_threshold=0.2, neighborhood=0.5).fit(X)
    assert 0 < (~fitted.kept_).sum() < 72
    assert (fitted.kept_ == (fitted.local_density_ <= 0.2)).all()
    assert np.nanmean(fitted.silhouettes_) > np.nanmean(model(n_components=6, density_threshold=2).fit(X).silhouettes_)


def test_silhouettes_are_those_of_the_clusters() -> None:
    fitted = model(n_components=2).fit(X)
    pooled = unit_rows(replicate(X, 2, 12, estimator=NMF(max_iter=1000), random_state=0).H.reshape(24, -1))
    labels = np.tile([0, 1], 12)
    assert fitted.silhouettes_.mean() == pytest.approx(silhouette_score(pooled, labels), abs=1e-6)


def test_a_seed_repeats_bit_for_bit() -> None:
    one, other = model().fit(X), model(n_jobs=2).fit(X)
    np.testing.assert_array_equal(one.components_, other.components_)


@pytest.mark.parametrize("container", [sp.csr_array, sp.csc_matrix])
def test_sparse_data(container: Any) -> None:
    fitted = model(beta_loss="kullback-leibler").fit(container(known()))
    assert match(parts(3, 40), fitted.components_)[1].min() > 0.99


def test_masks_and_weights() -> None:
    mask = np.random.default_rng(0).random(X.shape) < 0.9
    one = model().fit(np.where(mask, X, np.nan))
    other = model().fit(np.where(mask, X, 1e5), mask=mask)
    np.testing.assert_array_equal(one.components_, other.components_)
    assert one.n_missing_ == (~mask).sum()
    assert model().fit(X, weights=np.ones(60)).components_.shape == (3, 24)


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    fitted = model().fit(X)
    save(fitted, tmp_path / "model.npz")
    again = load(tmp_path / "model.npz")
    assert type(again) is ConsensusNMF
    np.testing.assert_array_equal(again.components_, fitted.components_)
    np.testing.assert_array_equal(again.local_density_, fitted.local_density_)


def test_one_part() -> None:
    fitted = model(n_components=1).fit(X)
    assert np.isnan(fitted.silhouettes_).all()
    assert fitted.components_.shape == (1, 24)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"density_threshold": 0}, r"density_threshold=0 cannot be: give a number above 0, at most 2\."),
        ({"density_threshold": "low"}, r"density_threshold='low' cannot be"),
        ({"neighborhood": 1.5}, r"neighborhood=1\.5 cannot be: give a number above 0, at most 1\."),
        ({"n_replicates": 1}, r"1 replicates cannot be compared with each other"),
        ({"init": "nndsvd"}, r"that start does not depend on the seed"),
        ({"init": "custom"}, r"init='custom' is one start"),
        ({"tol": -1}, r"tol=-1 cannot be used by"),
    ],
)
def test_bad_parameters_are_said(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        model(**parameters).fit(X)


def test_too_few_that_agree_are_said() -> None:
    with pytest.raises(DataError, match=r"density_threshold=1e-09 keeps \d+ of 96 parts .* fewer than the 8"):
        model(n_components=8, density_threshold=1e-9).fit(X)


@pytest.mark.parametrize("given", [{"H": np.ones((3, 24))}, {"fixed_components": [0]}])
def test_it_takes_no_start(given: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="ConsensusNMF takes no W, no H and nothing fixed"):
        model().fit(X, **given)


def test_penalties_of_each_part_are_refused() -> None:
    with pytest.raises(ParameterError, match="ConsensusNMF takes no penalty for each part"):
        ConsensusNMF(2, n_replicates=3, alpha_W=[0.1, 0.2]).fit(np.ones((6, 5)))
