"""The answers: monotone, what they say they are, and right where the truth is known."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linear_sum_assignment
from sklearn.datasets import load_digits
from sklearn.decomposition import NMF as TheirNMF
from sklearn.exceptions import ConvergenceWarning

from partwise import NMF, Status
from partwise.arrays import memory
from partwise.arrays.rows import RowBlocks
from partwise.engine import stopping
from partwise.init import INITS
from tests.reference.matrices import counts, laurberg, low_rank, noisy
from tests.reference.nmf import objective, optimality
from tests.support import FROBENIUS_SOLVERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

each_solver = pytest.mark.parametrize("solver", FROBENIUS_SOLVERS)
# Multiplicative updates only creep towards zeros: they do not get this far.
each_descent = pytest.mark.parametrize("solver", [name for name in FROBENIUS_SOLVERS if name != "mu"])
each_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])
PENALTIES = [
    {},
    {"alpha_W": 1e-3, "l1_ratio": 0.0},
    {"alpha_W": 1e-3, "alpha_H": 2e-3, "l1_ratio": 1.0},
    {"alpha_W": 2e-3, "alpha_H": 1e-3, "l1_ratio": 0.5},
]


def scales(penalties: dict[str, Any]) -> dict[str, float]:
    """The penalties with alpha_H spelt out, for the reference."""
    return {**penalties, "alpha_H": penalties.get("alpha_H", penalties.get("alpha_W", 0.0))}


def rounding(X: Any, dtype: type) -> float:
    """What one rounding of the loss may be: DESIGN's slack, ½‖X‖² eps."""
    return 0.5 * float((X.astype(float) ** 2).sum()) * float(np.finfo(dtype).eps)


@each_solver
@each_dtype
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("penalties", PENALTIES)
def test_the_history_never_rises_and_ends_at_exactly_the_returned_pair(
    solver: str, dtype: type, container: Any, penalties: dict[str, float]
) -> None:
    x = counts(120, 50, 0.2).toarray().astype(dtype)
    model = NMF(6, solver=solver, init="random", random_state=1, tol=1e-6, max_iter=150, **penalties)
    W = model.fit_transform(container(x))
    history = model.history_
    assert np.diff(history["objective"]).max() <= 2 * rounding(x, dtype)
    direct = objective(x, W, model.components_, **scales(penalties))
    assert history["objective"][-1] == pytest.approx(direct, rel=1e-9 if dtype == np.float64 else 1e-5)
    plain = np.linalg.norm(x.astype(float) - W.astype(float) @ model.components_.astype(float))
    assert model.reconstruction_err_ == pytest.approx(plain, rel=1e-9 if dtype == np.float64 else 1e-5)
    assert model.relative_error_ == pytest.approx(plain / np.linalg.norm(x), rel=1e-5)
    sides = optimality(x, W, model.components_, **scales(penalties))
    assert sides[0] < (1e-12 if dtype == np.float64 else 1e-6)  # W is solved exactly
    assert history["optimality"][-1] == pytest.approx(max(sides), rel=1e-3, abs=1e-6)


@each_descent
@each_dtype
@pytest.mark.parametrize("penalties", PENALTIES)
def test_converged_by_optimality_means_both_sides_are_below_tol(
    solver: str, dtype: type, penalties: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "WINDOW", 10**9)  # or the fall of the objective would end these fits first
    X = noisy(80, 30, 4).astype(dtype)
    tol = 1e-4 if dtype == np.float64 else 1e-3  # where steps still gain more than rounding
    model = NMF(4, solver=solver, random_state=0, tol=tol, max_iter=3000, **penalties)
    W = model.fit_transform(X)
    assert model.status_ is Status.CONVERGED
    assert "Both factors met the tolerance" in model.stop_reason_
    assert max(optimality(X, W, model.components_, **scales(penalties))) < tol


def matched(found: np.ndarray, true: np.ndarray) -> float:
    """The largest angle between rows of both, paired as well as can be, as 1 − cosine."""
    a = found / np.linalg.norm(found, axis=1, keepdims=True)
    b = true / np.linalg.norm(true, axis=1, keepdims=True)
    cosines = a @ b.T
    return float((1 - cosines[linear_sum_assignment(-cosines)]).max())


@each_descent
@pytest.mark.parametrize("alpha", [0.1, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_a_proved_unique_factorization_is_found(solver: str, alpha: float, seed: int) -> None:
    X, W, H = laurberg(alpha)
    model = NMF(3, solver=solver, init="random", random_state=seed, n_init=5, tol=1e-10, max_iter=5000)
    found = model.fit_transform(X)
    assert model.relative_error_ < 1e-6
    assert matched(model.components_, H) < 1e-9
    assert matched(found.T, W.T) < 1e-9


@each_descent
@pytest.mark.parametrize(("dtype", "error"), [(np.float64, 1e-6), (np.float32, 2e-5)])
def test_an_exact_low_rank_matrix_is_fitted_exactly(solver: str, dtype: type, error: float) -> None:
    X = low_rank(70, 40, 5, zeros=0.5)[0].astype(dtype)
    model = NMF(5, solver=solver, init="random", random_state=0, n_init=5, tol=1e-9, max_iter=1000).fit(X)
    assert model.relative_error_ < error


@each_solver
@each_dtype
def test_more_iterations_do_not_spoil_an_exact_fit(solver: str, dtype: type) -> None:
    X = low_rank(70, 40, 5, zeros=0.5)[0].astype(dtype)
    errors = []
    for max_iter in (30, 100, 1000):
        model = NMF(5, solver=solver, init="random", random_state=4, tol=0, max_iter=max_iter).fit(X)
        errors.append(model.relative_error_)
    assert errors[1] <= max(errors[0], 30 * np.finfo(dtype).eps)
    assert errors[2] <= max(errors[1], 30 * np.finfo(dtype).eps)


@each_dtype
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, sp.csc_array])
def test_a_nearly_exact_fit_reports_its_true_error(dtype: type, container: Any) -> None:
    X, W, H = (part.astype(dtype) for part in low_rank(70, 40, 5, zeros=0.5))
    model = NMF(5, init="custom", tol=0, max_iter=3)
    found = model.fit_transform(container(X), W=W.copy(), H=H.copy())
    true = np.linalg.norm(X.astype(float) - found.astype(float) @ model.components_.astype(float))
    assert model.reconstruction_err_ == pytest.approx(true, rel=1e-3)
    assert model.relative_error_ < 10 * np.finfo(dtype).eps
    assert (model.history_["objective"] >= 0).all()


DATA = {
    "digits": lambda: load_digits().data,
    "noisy": lambda: noisy(150, 60, 8),
    "sparse": lambda: counts(400, 150, 0.05).astype(float),
}


@each_descent
@each_dtype
@pytest.mark.parametrize("name", DATA)
def test_no_worse_than_scikit_learn_from_the_same_start(solver: str, dtype: type, name: str) -> None:
    X = DATA[name]().astype(dtype)
    for seed in range(2):
        theirs = TheirNMF(8, init="random", random_state=seed, max_iter=200).fit(X)
        ours = NMF(8, solver=solver, init="random", random_state=seed, max_iter=200).fit(X)
        assert ours.reconstruction_err_**2 <= 1.001 * theirs.reconstruction_err_**2


def test_the_penalised_objective_is_that_of_scikit_learn() -> None:
    X = noisy(80, 30, 4)
    penalties = {"alpha_W": 1e-3, "alpha_H": 3e-3, "l1_ratio": 0.4}
    theirs = TheirNMF(4, init="random", random_state=0, tol=1e-8, max_iter=4000, **penalties)
    ours = NMF(4, init="random", random_state=0, tol=1e-8, max_iter=4000, **penalties)
    ends = [objective(X, model.fit_transform(X), model.components_, **penalties) for model in (theirs, ours)]
    assert ends[1] == pytest.approx(ends[0], rel=1e-5)


@pytest.mark.parametrize("init", ["random", "spa"])
@pytest.mark.parametrize("power", [-20, 20])
def test_scaling_the_data_scales_w_and_nothing_else(init: str, power: int) -> None:
    X = noisy(80, 30, 4)
    factor = 4.0**power  # its square root is exact too, so that not one bit may differ
    a, b = (NMF(4, init=init, random_state=0, tol=1e-5, max_iter=300) for _ in range(2))
    W, scaled = a.fit_transform(X), b.fit_transform(factor * X)
    np.testing.assert_array_equal(b.components_, a.components_)
    np.testing.assert_array_equal(scaled, factor * W)
    np.testing.assert_array_equal(b.history_["objective"], factor**2 * a.history_["objective"])
    np.testing.assert_array_equal(b.history_["optimality"], a.history_["optimality"])
    assert (b.n_iter_, b.relative_error_) == (a.n_iter_, a.relative_error_)


def test_permuting_the_rows_permutes_w() -> None:
    X = noisy(80, 30, 4)
    order = np.random.default_rng(1).permutation(80)
    W0, H0 = np.random.default_rng(2).random((80, 4)), np.random.default_rng(3).random((4, 30))
    a, b = (NMF(4, init="custom", tol=1e-6, max_iter=2000) for _ in range(2))
    W, permuted = a.fit_transform(X, W=W0, H=H0), b.fit_transform(X[order], W=W0[order], H=H0)
    np.testing.assert_allclose(permuted, W[order], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(b.components_, a.components_, rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:The multiplicative update:UserWarning")
@pytest.mark.parametrize("init", INITS)
@each_solver
def test_after_our_own_starts_parts_sum_to_one_and_stand_by_their_shares(init: str, solver: str) -> None:
    X = noisy(80, 30, 5)
    model = NMF(5, init=init, solver=solver, random_state=0, max_iter=30)
    W = model.fit_transform(X)
    np.testing.assert_allclose(model.components_.sum(axis=1), 1, rtol=1e-12)
    shares = W.sum(axis=0) * model.components_.sum(axis=1)
    np.testing.assert_allclose(model.shares_, shares / (W @ model.components_).sum(), rtol=1e-10)
    assert model.shares_.sum() == pytest.approx(1)
    assert (np.diff(shares) <= 1e-3 * shares.sum()).all()  # the order precedes W's last solve


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 1e-3)])
def test_many_blocks_and_one_list_of_blocks_give_what_one_block_gives(
    dtype: type, tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = noisy(240, 30, 4).astype(dtype)
    start = np.random.default_rng(2).random((240, 4)).astype(dtype), np.random.default_rng(3).random((4, 30))
    kinds: list[Any] = [X, sp.csr_array(X), RowBlocks([X[:50], X[50:53], X[53:]])]

    def fitted(X: Any) -> np.ndarray:
        model = NMF(4, init="custom", tol=0, max_iter=15)
        return model.fit_transform(X, W=start[0], H=start[1].astype(dtype)) @ model.components_

    whole = fitted(X)
    monkeypatch.setattr(memory, "BLOCK_ROWS", 16)
    for kind in kinds:
        assert np.linalg.norm(fitted(kind) - whole) <= tolerance * np.linalg.norm(whole)


@each_solver
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_the_number_of_threads_changes_no_bit(solver: str, container: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "BLOCK_ROWS", 64)
    X = container(counts(900, 60, 0.2).toarray().astype(np.float32))
    found = set()
    for n_threads in (1, 2, 3):
        model = NMF(5, solver=solver, random_state=0, max_iter=25, n_threads=n_threads)
        found.add((model.fit_transform(X).tobytes(), model.components_.tobytes(), *model.history_["objective"]))
    assert len(found) == 1


@each_solver
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_rows_and_columns_of_zeros_get_zero_coefficients(solver: str, container: Any) -> None:
    X = counts(60, 40, 0.3).toarray().astype(float)
    X[[3, 17]] = 0
    X[:, [0, 9, 39]] = 0
    model = NMF(5, solver=solver, random_state=0, max_iter=300)
    W = model.fit_transform(container(X))
    assert not W[[3, 17]].any()
    assert not model.components_[:, [0, 9, 39]].any()


def test_the_three_empty_pixels_of_the_digits() -> None:
    X = load_digits().data
    empty = X.sum(axis=0) == 0
    assert empty.sum() == 3
    assert not NMF(16, random_state=0).fit(X).components_[:, empty].any()


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, sp.csc_array])
@pytest.mark.parametrize("init", [None, *INITS])
@each_solver
def test_all_zero_data_fit_to_zeros_with_one_warning(solver: str, init: str | None, container: Any) -> None:
    model = NMF(2, init=init, solver=solver, random_state=0)
    with pytest.warns(UserWarning, match="All entries of X are zero") as warned:
        W = model.fit_transform(container(np.zeros((6, 5))))
    assert len(warned) == 1
    assert not W.any()
    assert not model.components_.any()
    assert (model.reconstruction_err_, model.relative_error_) == (0, 0)
    assert not np.isnan(model.shares_).any()
    assert not model.transform(np.ones((2, 5))).any()


@each_solver
def test_more_parts_than_dimensions_are_allowed_with_a_warning(solver: str) -> None:
    X = noisy(12, 5, 3)
    model = NMF(7, solver=solver, random_state=0, max_iter=500)
    with pytest.warns(UserWarning, match=r"n_components=7 exceeds min\(n_samples, n_features\) = 5"):
        W = model.fit_transform(X)
    assert (W.shape, model.components_.shape) == ((12, 7), (7, 5))
    assert model.relative_error_ < 0.01


@pytest.mark.parametrize("penalties", [{"alpha_W": 0.01, "alpha_H": 0}, {"alpha_H": 0.01}])
def test_a_penalty_on_one_side_warns(penalties: dict[str, float]) -> None:
    with pytest.warns(UserWarning, match="scale can escape to the other"):
        NMF(2, random_state=0, max_iter=500, **penalties).fit(noisy(20, 8, 2))


def test_max_iter_warns_unless_no_tolerance_was_asked_for() -> None:
    X = noisy(40, 20, 4)
    with pytest.warns(ConvergenceWarning, match="Maximum number of iterations 3 reached"):
        NMF(4, random_state=0, max_iter=3).fit(X)
    NMF(4, random_state=0, max_iter=3, tol=0).fit(X)


@each_dtype
def test_the_dtype_of_the_data_is_kept(dtype: type) -> None:
    model = NMF(3, random_state=0, max_iter=300)
    X = noisy(40, 20, 3).astype(dtype)
    W = model.fit_transform(X)
    assert {W.dtype, model.components_.dtype, model.transform(X).dtype} == {np.dtype(dtype)}
    assert model.inverse_transform(W).dtype == dtype
    assert model.shares_.dtype == model.history_["objective"].dtype == np.float64
