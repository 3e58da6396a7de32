"""What counts as observed, however it is said; and that what is missing, and the user's own, stay out of it."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from partwise.arrays.observed import observed
from partwise.arrays.weighted import WeightedBlock
from tests.arrays.weighted_cases import WAYS, kept_zeros, only, parts, ways


def held(operand: Any) -> tuple[np.ndarray, np.ndarray]:
    """The matrix and the weights that an operand holds."""
    everything = np.arange(operand.shape[0])
    (block,) = operand.blocks
    assert isinstance(block, WeightedBlock)
    return block.rows(everything), np.broadcast_to(block.weights_of(everything), operand.shape)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("seen", [0.0, 0.3, 0.8, 1.0])
def test_every_way_to_say_it(way: str, dtype: type, seen: float) -> None:
    operand, x, v = ways(*parts(19, 13, seen, dtype=dtype))[way]()
    if v.all() and not operand.weighted:
        return  # nothing is missing, and nothing weighs more
    found, weights = held(operand)
    assert found.dtype == operand.dtype == dtype
    np.testing.assert_array_equal(found, x)
    np.testing.assert_allclose(weights, v, rtol=1e-6)
    assert operand.weighted


@pytest.mark.parametrize("way", [way for way in WAYS if not way.startswith("stored")])
@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 1e300])
def test_what_is_missing_does_not_matter(way: str, value: float) -> None:
    """Not one bit of what is kept comes from it; NaN said to be seen is missing all the same."""
    X, M, E, r = parts(19, 13, 0.6)
    operand, _, v = ways(X + 1, M, E, r)[way]()
    spoilt = ways(np.where(v > 0, X + 1, value), M, E, r)[way]()[0]
    for a, b in zip(held(operand), held(spoilt), strict=True):
        np.testing.assert_array_equal(a, b)
    assert spoilt.blocks[0].survey == operand.blocks[0].survey


def test_nan_alone_needs_no_mask_and_no_nan_needs_no_weights() -> None:
    X = np.ones((4, 3))
    assert not observed(X).weighted
    assert not observed(X, np.ones((4, 3), bool)).weighted
    X[2, 1] = np.nan
    assert observed(X).weighted


def test_few_entries_decide_what_is_stored() -> None:
    """Of a sparse matrix few missing entries, or few observed ones, are all that is held."""
    X = sp.random_array((300, 200), density=0.01, rng=np.random.default_rng(0), format="csr")
    M = np.ones((300, 200), bool)
    M[:5, :4] = False
    most, few = observed(X, M), observed(X, ~M)
    assert most.x.nnz <= X.nnz + 20
    assert few.x.nnz == 20
    assert observed(X, sp.csr_array(~M)).x.nnz == 20


@pytest.mark.parametrize("kind", ["coo", "dok", "lil", "csc", "bsr"])
def test_masks_and_weights_of_any_sparse_kind_with_duplicates_and_stored_zeros(kind: str) -> None:
    X, M, E, _ = parts(19, 13, 0.5)
    mask, weights = sp.csr_array(M), sp.csr_array(E)
    rows, columns = (np.tile(part, 2) for part in weights.nonzero())
    halves = sp.coo_array((np.tile(weights.data / 2, 2), (rows, columns)), shape=E.shape)
    stored = sp.csr_array((M.ravel(), np.tile(np.arange(13), 19), np.arange(0, 248, 13)), shape=M.shape)
    for x in (X, sp.csr_array(X)):
        np.testing.assert_array_equal(held(observed(x, stored))[1], M)
        np.testing.assert_array_equal(held(observed(x, sp.csr_array(mask.asformat(kind))))[1], M)
        np.testing.assert_allclose(held(observed(x, None, sp.csr_array(halves)))[1], E)


@pytest.mark.parametrize("kind", [np.asarray, np.asfortranarray, sp.csr_array])
def test_nothing_of_the_users_is_modified_or_kept_to_be_written(kind: Any) -> None:
    X, M, E, r = parts(19, 13, 0.5)
    given: list[Any] = [kind(X), M, sp.csr_array(M), E, sp.csr_array(E), r]
    arrays = [part for one in given for part in ([one] if isinstance(one, np.ndarray) else [one.data, one.indices])]
    copies = [part.copy() for part in arrays]
    for part in arrays:
        part.flags.writeable = False
    for mask in (None, M, given[2]):
        for weights in (None, E, given[4], r):
            for missing in (False, True):
                operand = observed(given[0], mask, weights, absent_missing=missing and sp.issparse(given[0]))
                block = operand.blocks[0]
                block.weights_times(np.ones((13, 2)))
                block.T.weighted_times(np.ones((19, 2)))
    for part, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(part, copy)


def test_zeros_that_are_stored_are_observed_where_others_are_missing() -> None:
    X, M, _, _ = parts(19, 13, 0.5)
    (block,) = observed(kept_zeros(X, M), absent_missing=True).blocks
    assert block.survey.size == M.sum()
    assert block.survey.zero is not None
    (block,) = observed(sp.csr_array(only(X, M)), absent_missing=True).blocks
    assert block.survey.size == np.count_nonzero(only(X, M))
    assert block.survey.zero is None


@pytest.mark.parametrize("missing", [False, True])
def test_sparse_data_are_never_made_dense(missing: bool) -> None:
    m = n = 3000
    X = sp.random_array((m, n), density=2e-3, rng=np.random.default_rng(0), format="csr")
    seen = sp.random_array((m, n), density=2e-3, rng=np.random.default_rng(1), format="csr")
    sizes = 12 * (X.nnz + seen.nnz)
    G = np.ones((n, 4))
    for mask, weights in ((seen.astype(bool), None), (None, seen), (None, np.ones(m)), (seen.astype(bool), np.ones(m))):
        tracemalloc.start()
        try:
            block = observed(X, mask, weights, absent_missing=missing).blocks[0]
            assert isinstance(block, WeightedBlock)
            block.T.weights_times(G)
            block.model_times(G, G)
            block.residual_squares(G, G)
            block.divergence(G, G, 1.5)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < m * n  # one byte for each entry
        assert peak < 15 * sizes + 20 * G.nbytes


def test_a_dense_mask_beside_few_stored_entries_takes_no_memory_of_its_size() -> None:
    X = sp.random_array((3000, 2000), density=0.005, rng=np.random.default_rng(0), format="csr")
    mask = np.random.default_rng(1).random(X.shape) < 0.9
    tracemalloc.start()
    operand = observed(X, mask, absent_missing=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert operand.x.nnz == np.count_nonzero(mask[X.nonzero()])
    assert peak < 100 * X.nnz
