"""Agreement of replicates, against the slow reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from partwise.selection import (
    consensus,
    consensus_matrix,
    cophenetic_correlation,
    dispersion,
    match,
    memberships,
    silhouettes,
)
from partwise.selection.consensus import MAX_SAMPLES
from tests.reference import selection as reference

labels_of_samples = arrays(
    np.int64, st.tuples(st.integers(1, 5), st.integers(3, 8)), elements=st.integers(min_value=-1, max_value=3)
)


@given(labels_of_samples)
def test_the_consensus_matrix_counts_pairs(labels: np.ndarray) -> None:
    np.testing.assert_allclose(consensus_matrix(labels), reference.consensus(labels), atol=1e-15)


@given(labels_of_samples)
def test_dispersion_is_the_mean_over_pairs(labels: np.ndarray) -> None:
    matrix = consensus_matrix(labels)
    assert dispersion(matrix) == pytest.approx(reference.dispersion(matrix))
    assert 0 <= dispersion(matrix) <= 1


@pytest.mark.parametrize("seed", range(5))
def test_the_cophenetic_correlation_is_that_of_an_average_linkage(seed: int) -> None:
    # No two pairs are equally far apart, so that the order of merging is not a matter of taste.
    half = np.triu(np.random.default_rng(seed).random((9, 9)), 1)
    matrix = half + half.T + np.eye(9)
    assert cophenetic_correlation(matrix) == pytest.approx(reference.cophenetic_correlation(matrix))


def test_the_cophenetic_correlation_is_not_always_one() -> None:
    half = np.array([[0, 0, 0, 1, 1, 1], [0, 1, 0, 1, 0, 1]])
    assert 0 < cophenetic_correlation(consensus_matrix(half)) < 1


def test_replicates_that_agree_have_a_correlation_of_one() -> None:
    labels = np.array([[0, 0, 1, 1, 2], [2, 2, 0, 0, 1]])
    found = consensus(labels)
    assert (found.cophenetic, found.dispersion) == (1.0, 1.0)
    assert consensus(np.zeros((4, 6), int)).cophenetic == 1.0


def test_where_all_pairs_are_equally_far_apart_there_is_no_correlation() -> None:
    matrix = np.full((5, 5), 0.5) + 0.5 * np.eye(5)
    assert np.isnan(cophenetic_correlation(matrix))


def test_the_order_puts_samples_of_a_cluster_beside_each_other() -> None:
    labels = np.tile(np.arange(12) % 3, (4, 1))
    found = consensus(labels)
    assert (np.diff(found.order % 3) != 0).sum() == 2


def test_a_sample_without_part_is_with_no_other() -> None:
    W = np.array([[[1.0, 0.0], [0.0, 0.0], [0.0, 2.0]]])
    assert memberships(W).tolist() == [[0, -1, 1]]
    assert consensus_matrix(memberships(W)).tolist() == np.eye(3).tolist()


def test_of_many_samples_a_sample_stands_for_all() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, (3, MAX_SAMPLES + 500))
    found, again = consensus(labels), consensus(labels)
    assert found.matrix.shape == (MAX_SAMPLES, MAX_SAMPLES)
    assert (np.diff(found.samples) > 0).all()
    assert found.samples[-1] < labels.shape[1]
    np.testing.assert_array_equal(found.samples, again.samples)
    np.testing.assert_array_equal(found.matrix, consensus_matrix(labels[:, found.samples]))


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("noise", [0.1, 1.0])
def test_silhouettes_are_those_of_all_pairs(k: int, noise: float) -> None:
    rng = np.random.default_rng(k)
    H = rng.random((k, 12)) ** 3 + noise * rng.random((6, k, 12))
    np.testing.assert_allclose(silhouettes(H), reference.silhouettes(H), rtol=1e-10)


def test_silhouettes_need_another_part() -> None:
    assert np.isnan(silhouettes(np.ones((3, 1, 4)))).all()


@pytest.mark.parametrize("seed", range(10))
def test_the_matching_is_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    A, B = rng.random((4, 6)) ** 4, rng.random((5, 6)) ** 4
    order, cosine = match(A, B)
    assert cosine.sum() == pytest.approx(reference.best_matching(A, B)[1])
    np.testing.assert_allclose(cosine, [reference.cosine(a, b) for a, b in zip(A, B[order], strict=True)])


@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300))
def test_scale_does_not_matter_to_the_matching(s: float, t: float) -> None:
    A = np.array([[1.0, 0.5, 0.0], [0.0, 0.2, 1.0]])
    order, cosine = match(s * A, t * A[::-1])
    assert order.tolist() == [1, 0]
    np.testing.assert_allclose(cosine, 1.0)


def test_a_part_that_is_zero_is_like_none() -> None:
    order, cosine = match(np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [2.0, 0.0]]))
    assert (order.tolist(), cosine.tolist()) == ([1, 0], [1.0, 0.0])
