"""transform: convex, deterministic, and each row for itself."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import nnls

from partwise import NMF, non_negative_factorization
from tests.reference.matrices import counts, noisy
from tests.reference.nmf import solve_by_supports

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DTYPES = [(np.float64, 1e-6), (np.float32, 1e-4)]
"""With the relative tolerance that is promised."""


def close(found: np.ndarray, expected: np.ndarray, rtol: float) -> None:
    """Relative to the row's largest coefficient: a coordinate on the boundary has no digits of its own."""
    scale = np.maximum(expected.max(axis=1, keepdims=True), np.finfo(expected.dtype).tiny)
    assert (abs(found - expected) <= rtol * scale).all()


@pytest.fixture(scope="module", params=DTYPES, ids=["float64", "float32"])
def fitted(request: pytest.FixtureRequest) -> tuple[NMF, np.ndarray, float]:
    dtype, rtol = request.param
    X = counts(150, 60, 0.3).toarray().astype(dtype)
    X[[7, 90]] = 0
    return NMF(6, random_state=0, max_iter=60).fit(X), X, rtol


def test_a_row_alone_gives_what_it_gives_in_a_batch(fitted: tuple[NMF, np.ndarray, float]) -> None:
    model, X, rtol = fitted
    together = model.transform(X)
    close(np.vstack([model.transform(X[i : i + 1]) for i in range(len(X))]), together, rtol)
    close(model.transform(X[40:53]), together[40:53], rtol)
    order = np.random.default_rng(0).permutation(len(X))
    close(model.transform(X[order]), together[order], rtol)
    close(model.transform(np.vstack([X] * 30))[-len(X) :], together, rtol)


@pytest.mark.parametrize("container", [sp.csr_array, sp.csc_array, sp.coo_matrix, np.asfortranarray])
def test_dense_and_sparse_rows_give_the_same(fitted: tuple[NMF, np.ndarray, float], container: type) -> None:
    model, X, rtol = fitted
    close(model.transform(container(X)), model.transform(X), rtol)
    close(np.vstack([model.transform(container(X[i : i + 1])) for i in range(20)]), model.transform(X)[:20], rtol)


def test_it_is_the_exact_solution_of_each_row(fitted: tuple[NMF, np.ndarray, float]) -> None:
    model, X, rtol = fitted
    H = model.components_.astype(float)
    close(model.transform(X).astype(float), np.array([nnls(H.T, x.astype(float))[0] for x in X]), rtol)


def test_twice_gives_the_same_bits(fitted: tuple[NMF, np.ndarray, float]) -> None:
    model, X, _ = fitted
    np.testing.assert_array_equal(model.transform(X), model.transform(X))


def test_rows_of_zeros_give_zeros(fitted: tuple[NMF, np.ndarray, float]) -> None:
    model, X, _ = fitted
    assert not model.transform(X)[[7, 90]].any()
    assert not model.transform(np.zeros_like(X[:3])).any()


@pytest.mark.parametrize(("dtype", "rtol"), DTYPES)
@pytest.mark.parametrize("solver", ["cd", "bpp"])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, sp.csc_array])
@pytest.mark.parametrize("options", [{}, {"alpha_W": 1e-3, "l1_ratio": 0.5}, {"max_iter": 2}, {"init": "spa"}])
def test_fit_transform_is_fit_then_transform(
    dtype: type, rtol: float, solver: str, container: type, options: dict[str, object]
) -> None:
    X = container(counts(100, 40, 0.3).toarray().astype(dtype))
    model = NMF(5, solver=solver, random_state=0, **{"max_iter": 100, **options})
    W = model.fit_transform(X)
    close(model.transform(X), W, rtol)
    again = NMF(**model.get_params()).fit(X)
    np.testing.assert_array_equal(again.transform(X), model.transform(X))


def test_a_scaled_row_has_scaled_coefficients(fitted: tuple[NMF, np.ndarray, float]) -> None:
    model, X, rtol = fitted
    close(model.transform(1000 * X) / 1000, model.transform(X), rtol)


@settings(max_examples=40)
@given(
    H=hnp.arrays(np.float64, (4, 6), elements=st.integers(0, 2).map(float)),
    X=hnp.arrays(np.float64, (5, 6), elements=st.integers(0, 3).map(float)),
)
def test_rows_are_independent_also_where_parts_are_equal_or_missing(H: np.ndarray, X: np.ndarray) -> None:
    """Of several best coefficients the same are found, whatever the batch."""
    model = NMF(4).fit(np.eye(6) + 1)  # to be ready; then the parts in question
    model.components_ = H
    together = model.transform(X)
    close(np.vstack([model.transform(x[None]) for x in X]), together, 1e-6)
    close(model.transform(sp.csr_array(X)), together, 1e-6)
    # SciPy's nnls misses the best of some rows whose gradient is zero beside their support.
    best = np.array([solve_by_supports(H @ x, H @ H.T) for x in X])
    found, expected = (np.linalg.norm(X - W @ H, axis=1) for W in (together, best))
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_the_function_with_a_held_h_is_transform() -> None:
    X = noisy(30, 12, 3)
    model = NMF(3, random_state=0, max_iter=300).fit(X)
    W, H, n_iter = non_negative_factorization(X, H=model.components_, n_components=3, init="custom", update_H=False)
    np.testing.assert_array_equal(W, model.transform(X))
    np.testing.assert_array_equal(H, model.components_)
    assert n_iter == 1


def test_the_function_with_a_held_h_of_zeros_gives_zeros() -> None:
    W, _, _ = non_negative_factorization(noisy(30, 12, 3), H=np.zeros((3, 12)), update_H=False)
    assert W.shape == (30, 3)
    assert not W.any()


def test_the_function_says_that_a_w_beside_a_held_h_is_not_used() -> None:
    X, H = noisy(30, 12, 3), noisy(3, 12, 2)
    with pytest.warns(RuntimeWarning, match="When update_H=False, the provided initial W is not used"):
        W, held, _ = non_negative_factorization(X, np.ones((30, 3)), H, update_H=False)
    np.testing.assert_array_equal(held, H)
    np.testing.assert_array_equal(W, non_negative_factorization(X, None, H, update_H=False)[0])


def test_the_function_is_the_estimator() -> None:
    X = noisy(30, 12, 3)
    W, H, n_iter = non_negative_factorization(X, n_components=3, init="random", random_state=1, max_iter=50)
    model = NMF(3, init="random", random_state=1, max_iter=50)
    np.testing.assert_array_equal(W, model.fit_transform(X))
    np.testing.assert_array_equal(H, model.components_)
    assert n_iter == model.n_iter_


def test_inverse_transform_takes_dense_and_sparse_coefficients() -> None:
    X = noisy(30, 12, 3)
    model = NMF(3, random_state=0, max_iter=300)
    W = model.fit_transform(X)
    np.testing.assert_allclose(model.inverse_transform(W), W @ model.components_)
    np.testing.assert_allclose(model.inverse_transform(sp.csr_array(W)), W @ model.components_)
