"""Which rows and columns a sample takes."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from partwise.arrays import as_operand
from partwise.arrays.rows import RowBlocks
from partwise.engine.problem import Problem
from partwise.losses import Frobenius
from partwise.models.window import Lines, Window, any_window, window, work
from partwise.penalties import Elastic

K = 9


def problem(X: Any) -> Problem:
    return Problem(as_operand(X), Frobenius(), Elastic(), Elastic())


def sizes(sample: Window | None) -> tuple[int | None, int | None] | None:
    if sample is None:
        return None
    rows, columns = sample.rows, sample.columns
    return None if rows is None else len(rows.index), None if columns is None else len(columns.index)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((60_000, 100), (100 * K, None)),
        ((100, 60_000), (None, 100 * K)),
        ((7000, 3000), (100 * K, 100 * K)),
        ((2900, 1000), (12 * K, None)),
        ((1000, 2900), (None, 12 * K)),
        ((300, 20), None),
    ],
)
def test_it_follows_from_the_shape_and_k(shape: tuple[int, int], expected: Any) -> None:
    assert sizes(window(problem(np.ones(shape, np.float32)), K)) == expected


def test_a_small_sample_of_a_large_k_does_not_pay() -> None:
    assert window(problem(np.ones((1000, 900), np.float32)), 30) is None


def test_few_columns_that_hold_half_of_the_squares_are_the_sample() -> None:
    X = np.ones((500, 4000))
    X[:, 7::40] = 10.0
    sample = window(problem(X), K)
    assert sample is not None
    assert sample.rows is None
    assert sample.columns is not None
    assert set(range(7, 3000, 40)) <= set(sample.columns.index.tolist())
    assert len(sample.columns.index) == 10 * K
    assert sample.columns.share == pytest.approx((X[:, sample.columns.index] ** 2).sum() / (X**2).sum())


def test_it_does_not_depend_on_the_container() -> None:
    X = (np.random.default_rng(0).random((20_000, 50)) < 0.3).astype(float)
    samples = [window(problem(each), 40) for each in (X, sp.csr_array(X), RowBlocks([X[:7000], X[7000:]]))]
    indices = [sample.rows.index for sample in samples if sample is not None and sample.rows is not None]
    assert len(indices) == 3
    for index in indices[1:]:
        np.testing.assert_array_equal(index, indices[0])


def test_blocks_of_rows_without_columns_at_hand_are_left_whole_where_columns_would_be_sampled() -> None:
    X = np.ones((100, 60_000), np.float32)
    assert window(problem(RowBlocks([X[:50], X[50:]])), K) is None


@pytest.mark.parametrize(("shape", "expected"), [((80, 20), (20, None)), ((20, 80), (None, 20)), ((1, 3), (None, 1))])
def test_a_quarter_of_the_longer_side_where_it_is_asked_for(shape: tuple[int, int], expected: Any) -> None:
    assert sizes(any_window(problem(np.ones(shape)))) == expected


def test_the_work_counts_what_is_not_zero() -> None:
    X = np.zeros((10, 20))
    X[0] = 1.0
    assert work(problem(X), 2) == 4 * 2 * 20 + 12 * 4 * 30


def test_lines_are_cut_out_of_a_factor_and_put_back() -> None:
    F = np.arange(12.0).reshape(6, 2)
    lines = Lines(np.array([1, 4]), 0.5)
    np.testing.assert_array_equal(lines.of(F), F[[1, 4]])
    whole = lines.among(lines.of(F), 6)
    np.testing.assert_array_equal(whole[[1, 4]], F[[1, 4]])
    assert whole.sum() == F[[1, 4]].sum()
