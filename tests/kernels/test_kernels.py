"""The compiled kernels against plain NumPy; those of the solvers have their tests in the solvers' contract."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from partwise.kernels.bpp import bpp_rows
from partwise.kernels.look_ahead import look_ahead
from partwise.kernels.sparse import csr_times
from partwise.kernels.sums import half_form, residual_squares
from partwise.kernels.survey import survey_dense
from partwise.kernels.threads import threads
from partwise.subproblems import gram_of, largest_of
from tests.reference.nmf import quadratic, side_residual, solve_by_supports

small = st.integers(-4, 4).map(float)


@given(data=st.data(), shape=hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), k=st.integers(1, 6))
def test_sparse_products(data: st.DataObject, shape: tuple[int, int], k: int) -> None:
    x = data.draw(hnp.arrays(np.float64, shape, elements=small))
    B = data.draw(hnp.arrays(np.float64, (shape[1], k), elements=small))
    X = sp.csr_array(x)
    out = np.full((shape[0], k), np.nan)
    middle = shape[0] // 2
    csr_times(X.data, X.indices, X.indptr, B, 0, middle, out)
    csr_times(X.data, X.indices, X.indptr, B, middle, shape[0], out)
    np.testing.assert_array_equal(out, x @ B)  # whole numbers: exact in any order


@given(data=st.data(), k=st.integers(1, 5), n=st.integers(1, 7))
def test_pivoting_solves_every_problem_also_singular_ones(data: st.DataObject, k: int, n: int) -> None:
    """Small whole numbers make equal, opposite and zero columns, ties and boundaries likely."""
    G = data.draw(hnp.arrays(np.float64, (n, k), elements=small))
    X = data.draw(hnp.arrays(np.float64, (4, n), elements=small))
    start = data.draw(hnp.arrays(np.float64, (4, k), elements=st.sampled_from([0.0, 1.0])))
    gram, cross = G.T @ G, X @ G
    pivots = data.draw(st.sampled_from([0, 1, 200]))  # with few the active set has to finish
    F = start.copy()
    bpp_rows(cross, gram, F, pivots, np.zeros(4))
    for f, c, f0 in zip(F, cross, start, strict=True):
        alive = np.diag(gram) > 0
        assert (f >= 0).all()
        best = quadratic(solve_by_supports(c[alive], gram[np.ix_(alive, alive)]), c[alive], gram[np.ix_(alive, alive)])
        assert quadratic(f[alive], c[alive], gram[np.ix_(alive, alive)]) == pytest.approx(best, abs=1e-7)
        np.testing.assert_array_equal(f[~alive], f0[~alive])


@pytest.mark.parametrize("pivots", [0, 3, 400])
def test_pivoting_and_the_active_set_solve_hard_rows(pivots: int, rng: np.random.Generator) -> None:
    for k in (3, 20, 60):
        G = rng.random((2 * k, k)) ** 4  # nearly parallel columns make many exchanges
        cross = (rng.random((200, 2 * k)) - 0.4) @ G
        F = np.zeros((200, k))
        bpp_rows(cross, G.T @ G, F, pivots, np.zeros(4))
        gradient = F @ (G.T @ G) - cross
        assert (gradient >= -1e-9 * abs(cross).max()).all()
        np.testing.assert_allclose(gradient[F > 0], 0, atol=1e-9 * abs(cross).max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_over_factors(dtype: type, rng: np.random.Generator) -> None:
    F, product, cross = (rng.standard_normal((40, 7)).astype(dtype) for _ in range(3))
    expected = np.sum(F.astype(float) * (0.5 * product.astype(float) - cross.astype(float)))
    assert half_form(F, product, cross) == pytest.approx(expected, rel=1e-12)
    norms = rng.random(7)
    norms[3] = 0
    positive = np.abs(F)
    expected = side_residual(positive.astype(float), cross.astype(float), norms) ** 2
    assert residual_squares(positive, cross, norms[None]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (70, 7), (5000, 20)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_gram_and_the_largest_entries_of_a_factor(shape: tuple[int, int], dtype: type) -> None:
    G = np.random.default_rng(4).normal(size=shape).astype(dtype)
    with threads(2):
        gram, largest = gram_of(G), largest_of(G)
    exact = G.T.astype(float) @ G.astype(float)
    np.testing.assert_allclose(gram, exact, atol=1e-14 * np.abs(exact).max(initial=0))
    np.testing.assert_array_equal(largest, G.max(axis=0, initial=0))
    assert gram.dtype == np.float64
    assert largest.dtype == dtype


def test_look_ahead(rng: np.random.Generator) -> None:
    new, base = rng.standard_normal((2, 9, 4))
    out = np.empty((9, 4))
    look_ahead(new, base, 0.7, 0.3, 0.0, 1.0, out)
    expected = np.maximum(new + 0.7 * (new - base), 0.3 * new)
    np.testing.assert_allclose(out, np.clip(expected, 0, 1), atol=1e-15)


@given(
    x=hnp.arrays(
        st.sampled_from([np.float32, np.float64]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.one_of(
            st.sampled_from([0.0, 1.0, 2.5, -0.0, -1.0, np.nan, np.inf, -np.inf]),
            st.floats(width=32, allow_subnormal=False),
        ),
    ),
    transposed=st.booleans(),
)
def test_survey_of_any_values(x: np.ndarray, transposed: bool) -> None:
    x = x.T if transposed else x
    sums, places = np.zeros(3), np.full((2, 2), -1, np.int64)
    nonzeros = survey_dense(x, sums, places)
    negative, broken = np.argwhere(x < 0), np.argwhere(~np.isfinite(x))
    assert places.tolist() == [
        found[0].tolist() if len(found) else [-1, -1]
        for found in (negative, broken)  # argwhere goes by rows
    ]
    assert nonzeros == np.count_nonzero(x)
    if not len(broken):
        y = x.astype(float)
        assert sums == pytest.approx([y.sum(), (y**2).sum(), y.max()], rel=1e-12, abs=1e-12 * abs(y).sum())
