"""The kernels of β-divergences against plain NumPy."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from partwise.kernels.beta import (
    TILE,
    TILE_ROWS,
    dense_share,
    least,
    power,
    sparse_share,
    weighted_sparse_share,
)
from partwise.kernels.sums import relative_squares
from tests.reference.beta import BETAS, beta_divergence, gradient_parts, positive_data, shares_residual

each_beta = pytest.mark.parametrize("beta", BETAS)


def share(X: np.ndarray, F: np.ndarray, G: np.ndarray, beta: float, kind: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Both parts and the value, by the kernel of that kind."""
    negative = np.zeros_like(F)
    positive = G.sum(axis=0, dtype=float) if beta == 1 else np.zeros_like(F)
    if kind == "CSR":
        x = sp.csr_array(X)
        value = sparse_share(x.data, x.indices, x.indptr, F, G, beta, negative, positive)
    else:
        x = np.asarray(X, order="F") if kind == "F" else X
        value = dense_share(x, F, G, beta, negative, positive)
    return negative, positive, value


@each_beta
@pytest.mark.parametrize("kind", ["C", "F", "CSR"])
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (TILE_ROWS + 30, TILE // TILE_ROWS + 5), (3, TILE // 2)])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-11), (np.float32, 2e-4)])
def test_both_parts_and_the_value_are_those_of_the_formula(
    beta: float, kind: str, shape: tuple[int, int], dtype: type, rtol: float, rng: np.random.Generator
) -> None:
    X = positive_data(rng, shape, beta).astype(dtype)
    F, G = ((rng.random((size, 5)) + 0.05).astype(dtype) for size in shape)
    wide = [part.astype(float) for part in (X, F, G)]
    negative, positive, value = share(X, F, G, beta, kind)
    expected_negative, expected_positive = gradient_parts(*wide, beta)
    np.testing.assert_allclose(negative, expected_negative, rtol=rtol)
    np.testing.assert_allclose(np.broadcast_to(positive, F.shape), expected_positive, rtol=rtol)
    expected = beta_divergence(wide[0], wide[1] @ wide[2].T, beta)
    assert value == pytest.approx(expected, rel=rtol, abs=rtol * float(np.sum(wide[0] ** max(beta, 1))))


@given(data=st.data(), k=st.integers(1, 5), beta=st.sampled_from([1.0, 1.5, 3.0]))
def test_sparse_and_dense_rows_agree_whatever_is_stored(data: st.DataObject, k: int, beta: float) -> None:
    """Empty rows and columns, and rows of any number of entries, which go in fours."""
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=9))
    X = data.draw(hnp.arrays(np.float64, shape, elements=st.sampled_from([0.0, 0.0, 1.0, 2.0, 5.0])))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    F, G = (rng.random((size, k)) + 0.1 for size in shape)
    for dense, stored in zip(share(X, F, G, beta, "C"), share(X, F, G, beta, "CSR"), strict=True):
        np.testing.assert_allclose(stored, dense, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("beta", [0.5, 1.0, 1.5, 3.0])
def test_in_float32_the_value_of_long_sparse_rows_keeps_its_digits(beta: float) -> None:
    """Steps are judged by it: sums over all columns have to be made in float64."""
    rng = np.random.default_rng(0)
    X = sp.random(200, 30_000, 0.02, "csr", rng=rng, data_rvs=lambda n: rng.gamma(2.0, size=n)).toarray()
    F, G = rng.random((200, 10)) + 0.1, 0.1 * rng.random((30_000, 10))
    narrow = [part.astype(np.float32) for part in (X, F, G)]
    expected = share(*(part.astype(float) for part in narrow), beta, "CSR")[2]
    assert share(*narrow, beta, "CSR")[2] == pytest.approx(expected, rel=0.5 * float(np.finfo(np.float32).eps))


@pytest.mark.parametrize("beta", [-1.0, 0.0, 0.5, 1.5])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_zeros_that_are_not_stored_are_those_of_dense_rows_in_all_tiles(beta: float, dtype: type) -> None:
    shape, rng = (TILE_ROWS + 30, 2 * TILE // TILE_ROWS + 5), np.random.default_rng(0)
    X = positive_data(rng, shape, beta)
    v = np.where(rng.random(shape) < 0.8, 1.0, 0.0)  # stored with no weight: missing
    if beta > 0:
        X[rng.random(shape) < 0.3] = 0
    stored = sp.csr_array((X > 0) | (v == 0))
    X, F, G, v = (part.astype(dtype) for part in (X, *(rng.random((size, 5)) + 0.05 for size in shape), v))
    of = np.repeat(np.arange(shape[0]), np.diff(stored.indptr)), stored.indices
    sparse, dense = ([np.zeros_like(F), np.zeros_like(F)] for _ in range(2))
    values = [
        weighted_sparse_share(
            X[of], stored.indices, stored.indptr, v[of], lambda rows, columns: 1.0, F, G, beta, *sparse, True
        ),
        dense_share(X, F, G, beta, *dense, True, lambda rows, columns: v[rows, columns]),
    ]
    rtol = 1e-10 if dtype is np.float64 else 1e-4
    assert values[0] == pytest.approx(values[1], rel=rtol)
    for one, other in zip(sparse, dense, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("beta", [-1.0, 0.0, 0.5, 1.0, 1.5])
@pytest.mark.parametrize("kind", ["C", "CSR"])
def test_a_model_that_is_zero_gives_numbers(beta: float, dtype: type, kind: str) -> None:
    X, F, G = np.ones((2, 3), dtype), np.zeros((2, 2), dtype), np.ones((3, 2), dtype)
    if beta > 0:
        X[:, 1] = 0
    for part in share(X, F, G, beta, kind):
        assert np.isfinite(part).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_least_model_is_far_below_what_matters_and_leaves_room(dtype: type) -> None:
    limits = np.finfo(dtype)
    for beta in BETAS:
        low = dtype(least(beta, np.dtype(dtype)))
        assert low < 1e-10
        if beta < 2:
            assert low ** dtype(beta - 2) < limits.max / 1e6


@pytest.mark.parametrize("exponent", [-2.0, -1.5, -1.0, -0.5, 0.0, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0])
def test_powers(exponent: float, rng: np.random.Generator) -> None:
    y = rng.random((5, 7)) + 0.1
    kept = y.copy()
    out = power(y, exponent)
    np.testing.assert_allclose(out, kept**exponent, rtol=1e-14)
    assert not np.shares_memory(out, y)
    assert power(y.T, exponent).flags.f_contiguous  # the order of a tile is kept


def test_the_residual_of_shares(rng: np.random.Generator) -> None:
    F, positive, negative = rng.random((3, 30, 6))
    F[::4] = 0
    F[1] = 0
    positive[:, 2] = 0
    expected = shares_residual(F, negative, positive) ** 2
    assert relative_squares(F, positive, negative) == pytest.approx(expected, rel=1e-12)
