"""What a search is about: data, masks and weights in any container that a fit takes."""

import warnings
from typing import Any

import joblib
import numpy as np
import pytest
import scipy.sparse as sp

from partwise import NMF, Speckle
from partwise.selection import RankSearch, bootstrap
from partwise.selection.question import Question
from tests.reference.matrices import noisy

X = noisy(20, 12, 2)
SEEN = np.random.default_rng(0).random(X.shape) < 0.9


def errors(data: Any, mask: Any = None, weights: Any = None) -> np.ndarray:
    search = RankSearch(ranks=(1, 2), criteria=("held_out", "bi_cross_validation"), folds=3, random_state=0)
    results = search.fit(data, mask=mask, weights=weights).results_
    return np.concatenate([results["held_out_mean"], results["bi_cross_validation_mean"]])


@pytest.mark.parametrize("container", [np.asarray, np.ndarray.tolist, sp.csr_array, sp.coo_array])
def test_masked_arrays_take_a_mask_in_any_container(container: Any) -> None:
    hidden = np.random.default_rng(1).random(X.shape) < 0.1
    found = errors(np.ma.masked_array(X, hidden), container(SEEN))
    np.testing.assert_array_equal(found, errors(X, SEEN & ~hidden))


def test_a_speckle_fits_data_of_any_container() -> None:
    speckle = Speckle(0.1, seed=3)
    np.testing.assert_array_equal(errors(X.tolist(), speckle), errors(X, speckle.rows(0, *X.shape)))


def test_weights_of_rows_may_be_a_column() -> None:
    weights = 0.5 + np.arange(20.0)
    for data in (X, sp.csr_array(X)):
        np.testing.assert_array_equal(errors(data, weights=weights[:, None]), errors(data, weights=weights))


def question(data: Any, weights: Any = None, mask: Any = None) -> Question:
    return Question.of(NMF(), data, mask, weights, 0)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("rows", [True, False], ids=["rows", "entries"])
def test_what_has_no_weight_is_not_looked_at(container: Any, rows: bool) -> None:
    counts = np.arange(1.0, 31.0).reshape(6, 5)
    weights = np.ones(6) if rows else np.ones((6, 5))
    weights[2] = 0
    spoilt = counts.copy()
    spoilt[2] = 1e6 + 0.5
    with pytest.warns(UserWarning, match="1 of 6 rows"):
        found = question(container(spoilt), weights)
    rest = question(np.delete(counts, 2, axis=0))
    assert found.mean == pytest.approx(rest.mean)
    assert found.norm == pytest.approx(rest.norm)
    assert found.whole


def test_entries_stored_twice_are_one() -> None:
    twice = sp.csr_array((np.array([1.0, 2.0, 4.0]), np.array([0, 0, 1]), np.array([0, 2, 3])), (2, 2))
    found = question(twice)
    assert (found.X.nnz, found.norm, twice.nnz) == (2, 5, 3)


def test_threads_leave_the_filters_of_warnings_as_they_were() -> None:
    search = RankSearch(ranks=range(1, 7), criteria=("held_out",), folds=3, random_state=0, n_jobs=4)
    before = list(warnings.filters)
    with joblib.parallel_config(backend="threading"):
        search.fit(X)
    assert list(warnings.filters) == before


def test_a_bootstrap_of_counts_ignores_what_has_no_weight() -> None:
    counts = np.random.default_rng(0).poisson(5, (15, 6)).astype(float)
    weights = np.ones(counts.shape)
    counts[3, 2], weights[3, 2] = 0.5, 0
    model = NMF(2, beta_loss="kullback-leibler", random_state=0, max_iter=2000).fit(counts, weights=weights)
    assert bootstrap(model, counts, n=2, kind="poisson", weights=weights, random_state=0).drawn_shares.shape == (2, 2)
