"""The numbers behind the figures, against plain NumPy."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from partwise import NMF, DataError, Dataset
from partwise.plot import _measures as measures
from partwise.plot._view import View, whole_block

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


CONTAINERS = [np.array, np.asfortranarray, sp.csr_array, sp.coo_array]


def divergence(X, Y):
    return np.where(X > 0, X * np.log(np.where(X > 0, X, 1) / Y), 0) - X + Y


@given(matrices, st.integers(1, 3), st.integers(0, 2**32 - 1), st.sampled_from(CONTAINERS), st.sampled_from([1.0, 2.0]))
def test_residuals_by_row_and_column_are_those_of_the_observed_entries(X, k, seed, container, beta):
    rng = np.random.default_rng(seed)
    W, H = rng.random((X.shape[0], k)) + 0.1, rng.random((k, X.shape[1])) + 0.1
    mask, weights = rng.random(X.shape) < 0.8, rng.random(X.shape[0]) + 0.5
    for v, options in (
        (np.ones(X.shape), {}),
        (1.0 * mask, {"mask": mask}),
        (weights[:, None] * mask, {"mask": mask, "weights": weights}),
    ):
        if not v.any():
            continue
        found = measures.residuals(whole_block(container(X), **options), W, H, beta)
        gap = v * ((X - W @ H) ** 2 if beta == 2 else divergence(X, W @ H))
        slack = 1e-9 * (1 + (X**2).sum() + (W @ H).sum() ** 2)
        for axis, side in ((1, found.rows), (0, found.columns)):
            np.testing.assert_allclose(side.lost, gap.sum(axis=axis), atol=slack)
            np.testing.assert_allclose(side.sizes, (v * X**2).sum(axis=axis), atol=slack)
            np.testing.assert_allclose(side.weights, v.sum(axis=axis), rtol=1e-12)
            assert (side.unseen == (v.max(axis=axis) == 0)).all()
            assert (side.empty == ((v * X).max(axis=axis) == 0) & ~side.unseen).all()
            assert (np.isfinite(side.errors) == ~(side.unseen | side.empty)).all()
        assert found.rows.error == pytest.approx(found.columns.error, abs=1e-6, nan_ok=True)


def test_errors_are_relative_for_squares_and_means_for_divergences():
    side = measures.Side(2.0, np.array([1.0, 2.0]), np.array([4.0, 8.0]), np.array([2.0, 0.5]))
    np.testing.assert_allclose(side.errors, [0.5, 0.5])
    np.testing.assert_allclose(side.means, np.sqrt([0.5, 4.0]))
    assert side.error == pytest.approx(0.5)
    other = measures.Side(1.0, side.lost, side.sizes, side.weights)
    np.testing.assert_allclose(other.errors, [0.5, 4.0])
    np.testing.assert_allclose(other.means, other.errors)
    assert other.error == pytest.approx(1.2)


def test_missing_entries_are_told_from_zeros_in_every_form_of_the_data():
    X, mask = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]), np.array([[1, 1, 0], [0, 1, 1]], bool)
    expected = np.where(mask, X, np.nan)
    stored = sp.csr_array((X[mask], np.nonzero(mask)), shape=X.shape)
    frame = pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": [0.0, 3.0], "c": [None, 0.0]})
    model = NMF(1).fit(np.ones((2, 3)))
    for data in (expected, np.ma.array(X, mask=~mask), frame, pl.DataFrame(frame), Dataset(expected)):
        view = View.of(model, data)
        np.testing.assert_array_equal(view.rows([0, 1]), expected)
        np.testing.assert_array_equal(view.weights_of([0, 1]), mask)
    for data in (X, sp.csr_array(X), sp.csc_matrix(X)):
        np.testing.assert_array_equal(View.of(model, data, mask).rows([0, 1]), expected)
    rated = NMF(1, implicit_zeros="missing").fit(np.ones((2, 3)))
    np.testing.assert_array_equal(View.of(rated, stored).rows([0, 1]), expected)
    np.testing.assert_array_equal(View.of(model, stored).rows([0, 1]), np.where(mask, X, 0))


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(DataError, match="mask has shape"):
        View.of(NMF(1).fit(np.ones((2, 3))), np.ones((2, 3)), np.ones((3, 2), bool))


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
