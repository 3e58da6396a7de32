"""The single steps of coordinate descent for the Kullback–Leibler divergence."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import assume, given
from hypothesis import strategies as st

from partwise.kernels import kullback_leibler
from partwise.kernels.kl_steps import root as _root
from partwise.kernels.kl_steps import safe as _safe
from partwise.kernels.kullback_leibler import descent

weights = st.lists(st.tuples(st.floats(0.01, 10), st.floats(0, 10)), min_size=1, max_size=6)
ridges = st.one_of(st.just(0.0), st.floats(0.01, 10))
positive = st.floats(0.01, 100)


def pull(poles: list[tuple[float, float]], t: float) -> tuple[float, float]:
    """N = Σ x / (β + t) and D = −N'."""
    x, beta = np.array(poles).T
    return float(np.sum(x / (beta + t))), float(np.sum(x / (beta + t) ** 2))


@given(poles=weights, t=positive, constant=positive, ridge=ridges)
def test_a_step_ends_between_newtons_and_the_minimum(
    poles: list[tuple[float, float]], t: float, constant: float, ridge: float
) -> None:
    N, D = pull(poles, t)
    P = constant + ridge * t
    s = _root(t, N, D, P, ridge)
    assert s >= max(0.0, t - (P - N) / (D + ridge)) * (1 - 1e-9)
    assume(s > 1e-9)
    assert pull(poles, s)[0] >= (constant + ridge * s) * (1 - 1e-6)


@given(x=positive, beta=st.floats(0, 10), t=positive, constant=positive, ridge=ridges)
def test_where_one_entry_decides_a_step_is_exact(
    x: float, beta: float, t: float, constant: float, ridge: float
) -> None:
    N, D = pull([(x, beta)], t)
    s = _root(t, N, D, constant + ridge * t, ridge)
    assume(s > 1e-3)
    assert pull([(x, beta)], s)[0] == pytest.approx(constant + ridge * s, rel=1e-6)


@given(poles=weights, t=positive, constant=positive, ridge=ridges)
def test_the_guard_holds_what_it_promises(
    poles: list[tuple[float, float]], t: float, constant: float, ridge: float
) -> None:
    N, _ = pull(poles, t)
    P = constant + ridge * t
    assume(N < P)
    s = _safe(t, N, constant + P - N, ridge)
    assert 0 < s <= t * (1 + 1e-12)
    x, beta = np.array(poles).T

    def value(t: float) -> float:
        return constant * t + 0.5 * ridge * t * t - float(x @ np.log(beta + t))

    for end in np.linspace(s, t, 9):
        assert value(end) <= value(t) + 1e-9 * (1 + abs(value(t)) + P * t)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_steps_that_would_pass_the_minimum_are_held_back(dtype: type) -> None:
    """A component that must fall far, beside an entry that it alone explains: an unguarded step ends at zero."""
    G = np.array([[1.0, 0.0], [1.0, 1.0]], dtype)
    X = sp.csr_array(np.array([[0.01, 50.0]], dtype))
    F, new = np.array([[60.0, 50.0]], dtype), np.empty((1, 2), dtype)
    descent((X.data, X.indices, X.indptr), G, G.sum(axis=0, dtype=float)[None], (0.0, 0.0), F, 1, 0.0, new)((0, 1))
    assert new[0, 0] > 0


@pytest.mark.parametrize("seed", range(5))
def test_a_zero_that_wants_to_grow_only_after_others_have_moved_does(seed: int) -> None:
    """Between two sweeps of all coordinates zeros are not visited: at the end none may be left that should grow."""
    rng = np.random.default_rng(seed)
    G = rng.uniform(size=(30, 6))
    X = rng.poisson(rng.uniform(size=(40, 6)) @ G.T).astype(float)
    F = np.where(rng.uniform(size=(40, 6)) < 0.7, 0.0, 5.0)
    S, new = G.sum(axis=0)[None], np.empty_like(F)
    descent((X,), G, S, (0.0, 0.0), F, 500, 1e-16, new)((0, 40))
    Y = new @ G.T
    gradient = S - np.divide(X, Y, out=np.zeros_like(X), where=X > 0) @ G
    assert ((new > 0) & (F == 0)).any()
    assert gradient.min() > -1e-6
    assert abs(gradient[new > 0]).max() < 1e-6


def test_scales_of_the_factors_far_apart_divide_by_no_zero() -> None:
    X, G, new = np.array([[1.0, 2.0, 3.0]]), np.full((3, 1), 1e-110), np.empty((1, 1))
    descent((X,), G, G.sum(axis=0)[None], (0.0, 0.0), np.full((1, 1), 1e110), 100, 0.0, new)((0, 1))
    np.testing.assert_allclose(new, 2e110)


@given(poles=weights, t=st.one_of(st.just(0.0), positive), constant=positive)
def test_without_a_ridge_steps_are_those_of_a_tiny_one(
    poles: list[tuple[float, float]], t: float, constant: float
) -> None:
    assume(t > 0 or min(beta for _, beta in poles) > 0.01)
    N, D = pull(poles, t)
    assert _root(t, N, D, constant, 0.0) == pytest.approx(_root(t, N, D, constant, 1e-30), rel=1e-9, abs=1e-9)
    if constant > N:
        slope = 2 * constant - N
        assert _safe(t, N, slope, 0.0) == pytest.approx(_safe(t, N, slope, 1e-30), rel=1e-9)


def short_rows(dtype: type) -> tuple[Any, Any, Any, Any]:
    """Data of which a row and a column are zero, a held factor, its sums with entries that stay, and a start."""
    rng = np.random.default_rng(0)
    G = (rng.uniform(size=(38, 5)) * (rng.uniform(size=(38, 5)) < 0.7)).astype(dtype)
    X = rng.poisson(9 * rng.uniform(size=(150, 5)) @ G.T).astype(dtype)
    X[7], X[:, 3] = 0, 0
    S = np.repeat(G.sum(axis=0, dtype=float)[None], len(X), axis=0)
    S[rng.uniform(size=S.shape) < 0.1] = -np.inf
    return X, G, S, (rng.uniform(size=(150, 5)) * (rng.uniform(size=(150, 5)) < 0.7)).astype(dtype)


@pytest.mark.parametrize("penalty", [(0.0, 0.0), (0.3, 0.0), (0.1, 2.0)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_short_rows_side_by_side_go_where_each_goes_alone(
    dtype: type, penalty: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    X, G, S, F = short_rows(dtype)
    together, alone = np.empty_like(F), np.empty_like(F)
    work = descent((X,), G, S, penalty, F, 1, 0.0, together)((0, 150))
    monkeypatch.setattr(kullback_leibler, "_SHORT", 0)
    expected = descent((X,), G, S, penalty, F, 1, 0.0, alone)((0, 150))
    rtol = 1e-10 if dtype is np.float64 else 2e-3
    np.testing.assert_allclose(together, alone, rtol, rtol)
    np.testing.assert_allclose(work[:3], expected[:3], rtol)
    held = np.isneginf(S)
    assert (together[held] == F[held]).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_short_row_does_not_depend_on_those_beside_it(dtype: type) -> None:
    X, G, S, F = short_rows(dtype)
    all_rows, some, index = np.empty_like(F), np.empty((40, 5), dtype), np.random.default_rng(1).permutation(150)[:40]
    descent((X,), G, S, (0.0, 0.0), F, 1, 0.0, all_rows)((0, 150))
    descent((X[index],), G, S[index], (0.0, 0.0), F[index], 1, 0.0, some)((0, 40))
    assert some.tobytes() == all_rows[index].tobytes()


def test_short_rows_are_held_back_like_long_ones() -> None:
    G = np.array([[1.0, 0.0], [1.0, 1.0]])
    new = np.empty((2, 2))
    X, F = np.array([[0.01, 50.0], [3.0, 4.0]]), np.array([[60.0, 50.0], [3.0, 1.0]])
    descent((X,), G, G.sum(axis=0)[None], (0.0, 0.0), F, 1, 0.0, new)((0, 2))
    assert new[0, 0] > 0
    np.testing.assert_allclose(new[1], [3.0, 1.0], rtol=1e-12)
