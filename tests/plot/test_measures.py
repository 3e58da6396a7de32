"""The numbers behind the figures, against plain NumPy."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from partwise.plot import _measures as measures
from partwise.plot._view import whole_block

values = st.just(0.0) | st.floats(1e-6, 100.0)  # a square must not underflow to zero
matrices = hnp.arrays(np.float64, st.tuples(st.integers(1, 7), st.integers(2, 9)), elements=values)


@given(matrices)
def test_sparseness_lies_between_all_equal_and_a_single_entry(X):
    scores = measures.sparseness(X)
    assert np.isnan(scores[X.max(axis=1) == 0]).all()
    known = scores[X.max(axis=1) > 0]
    assert ((known >= 0) & (known <= 1)).all()


@given(st.integers(2, 50), st.floats(1e-100, 1e100))
def test_sparseness_knows_its_two_ends_at_any_scale(n, scale):
    ends = measures.sparseness(scale * np.array([np.ones(n), np.eye(n)[0]]))
    np.testing.assert_allclose(ends, [0.0, 1.0], atol=1e-7)


def test_sparseness_of_hoyers_own_formula():
    x = np.array([3.0, 1.0, 0.0, 2.0])
    expected = (np.sqrt(4) - x.sum() / np.sqrt((x**2).sum())) / (np.sqrt(4) - 1)
    assert measures.sparseness(x[None])[0] == pytest.approx(expected)


@given(
    matrices,
    st.integers(1, 3),
    st.integers(0, 2**32 - 1),
    st.sampled_from([np.array, np.asfortranarray, sp.csr_array, sp.coo_array]),
)
def test_residuals_by_row_and_column_are_those_of_the_dense_difference(X, k, seed, container):
    rng = np.random.default_rng(seed)
    W, H = rng.random((X.shape[0], k)), rng.random((k, X.shape[1]))
    found = measures.residuals(whole_block(container(X)), W, H)
    gap = (X - W @ H) ** 2
    slack = 1e-9 * (1 + (X**2).sum() + (W @ H).sum() ** 2)
    np.testing.assert_allclose(found.row_errors, gap.sum(axis=1), atol=slack)
    np.testing.assert_allclose(found.column_errors, gap.sum(axis=0), atol=slack)
    np.testing.assert_allclose(found.row_sizes, (X**2).sum(axis=1), atol=slack)
    np.testing.assert_allclose(found.column_sizes, (X**2).sum(axis=0), atol=slack)
    assert np.isnan(found.by_row).sum() == (X.max(axis=1) == 0).sum()


@given(matrices)
def test_strongest_are_positive_and_falling(X):
    top = measures.strongest(X[0], 4)
    assert (X[0][top] > 0).all()
    assert (np.diff(X[0][top]) <= 0).all()
    assert len(top) == min(4, np.count_nonzero(X[0]))


def test_mixture_does_not_depend_on_where_the_scale_is(rng):
    W, H, scale = rng.random((6, 3)), rng.random((3, 5)), np.array([0.1, 7.0, 30.0])
    np.testing.assert_allclose(measures.mixture(W, H), measures.mixture(W / scale, H * scale[:, None]))


def test_rows_come_by_dominant_part_and_those_without_any_come_last():
    shares = np.array([[0.2, 0.8], [0.0, 0.0], [0.6, 0.4], [0.9, 0.1], [0.5, 0.5]])
    assert measures.dominant(shares).tolist() == [1, -1, 0, 0, 0]
    assert measures.by_dominant_part(shares).tolist() == [3, 2, 4, 0, 1]


@given(st.integers(1, 40), st.integers(1, 40))
def test_bins_are_means_of_neighbours_and_use_every_row(m, limit):
    values = np.arange(float(m))[:, None]
    bins = measures.bin_rows(values, limit)
    assert len(bins) == min(m, limit)
    assert (np.diff(bins[:, 0]) > 0).all()
    edges = np.linspace(0, m, len(bins) + 1).astype(int)
    assert (bins[:, 0] * np.diff(edges)).sum() == pytest.approx(values.sum())
