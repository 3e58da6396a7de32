"""Entries of the factors that are known stay exactly as they are, and the others are fitted to them."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from partwise import NMF, ParameterError
from partwise._errors import DtypeError
from partwise.losses import LOSSES
from partwise.solvers import SOLVERS
from tests.reference.beta import beta_divergence

pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of iterations")

M, N, K = 60, 40, 4
CASES: list[tuple[Any, float, str]] = [
    ("frobenius", 2.0, "cd"),
    ("frobenius", 2.0, "bpp"),
    ("frobenius", 2.0, "mu"),
    ("kullback-leibler", 1.0, "cd"),
    ("kullback-leibler", 1.0, "mu"),
    ("itakura-saito", 0.0, "mu"),
    (-1, -1.0, "mu"),
    (1.5, 1.5, "mu"),
]
each_case = pytest.mark.parametrize(("loss", "beta", "solver"), CASES)
each_container = pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
each_mask = pytest.mark.parametrize("masked", [False, True])


@pytest.fixture
def known() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    W, H = rng.gamma(0.5, size=(M, K)), rng.gamma(0.5, size=(K, N))
    return rng.poisson(3 * W @ H) + 1.0, W, 3 * H


def seen() -> np.ndarray:
    return np.random.default_rng(1).random((M, N)) < 0.7


def test_all_losses_and_solvers_are_covered() -> None:
    assert {loss for loss, _, _ in CASES if isinstance(loss, str)} == set(LOSSES)
    assert {np.sign(loss) for loss, _, _ in CASES if not isinstance(loss, str)} == {-1, 1}
    assert {solver for _, _, solver in CASES} == {solver.name for solver in SOLVERS.values()}


@each_case
@each_container
@each_mask
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_components_stay_bit_for_bit(
    known: Any, loss: Any, beta: float, solver: str, container: Any, masked: bool, dtype: type
) -> None:
    X, _, H = known
    H = H.astype(dtype)
    model = NMF(K, beta_loss=loss, solver=solver, init="random", random_state=0, max_iter=60)
    model.fit(container(X.astype(dtype)), H=H, fixed_components=[1, 3], mask=seen() if masked else None)
    np.testing.assert_array_equal(model.components_[[1, 3]], H[[1, 3]])
    assert not np.array_equal(model.components_[[0, 2]], H[[0, 2]])
    objective = model.history_["objective"]
    assert np.diff(objective).max() <= (1e-12 if dtype == np.float64 else 1e-5) * objective[0]


@each_case
@each_container
@each_mask
@pytest.mark.parametrize("penalties", [{}, {"alpha_W": 1e-3, "alpha_H": 1e-3, "l1_ratio": 0.5}])
def test_entries_stay_and_the_others_end_where_no_small_move_helps(
    known: Any, loss: Any, beta: float, solver: str, container: Any, masked: bool, penalties: dict[str, float]
) -> None:
    X, W, H = known
    rng = np.random.default_rng(2)
    fixed_W, fixed_H = rng.random(W.shape) < 0.3, rng.random(H.shape) < 0.3
    mask = seen() if masked else np.ones((M, N), bool)
    model = NMF(K, beta_loss=loss, solver=solver, init="random", random_state=0, tol=1e-7, max_iter=3000, **penalties)
    fitted = model.fit_transform(
        container(X), W=W, H=H, fixed_W=fixed_W, fixed_H=fixed_H, mask=mask if masked else None
    )
    np.testing.assert_array_equal(fitted[fixed_W], W[fixed_W])
    np.testing.assert_array_equal(model.components_[fixed_H], H[fixed_H])

    a = model.alpha_W

    def objective(F: np.ndarray, G: np.ndarray) -> float:
        divergence = beta_divergence(X[mask], (F @ G)[mask], beta)
        penalty_W, penalty_H = (0.5 * S.sum() + 0.25 * (S**2).sum() for S in (F, G))
        return divergence + N * a * penalty_W + M * a * penalty_H

    best = objective(fitted, model.components_)
    assert model.history_["objective"][-1] == pytest.approx(best, rel=1e-9)
    for i, j in zip(*np.nonzero(~fixed_W[:12]), strict=True):
        for factor in (0.99, 1.01):
            moved = fitted.copy()
            moved[i, j] = factor * moved[i, j] + (1e-4 if moved[i, j] == 0 else 0)
            assert objective(moved, model.components_) >= best * (1 - 1e-6)
    for j, c in zip(*np.nonzero(~fixed_H[:, :8]), strict=True):
        for factor in (0.99, 1.01):
            moved = model.components_.copy()
            moved[j, c] = factor * moved[j, c] + (1e-4 if moved[j, c] == 0 else 0)
            assert objective(fitted, moved) >= best * (1 - 1e-6)


def test_entries_that_are_free_may_be_nan_and_do_not_matter(known: Any) -> None:
    X, _, H = known
    given = np.full_like(H, np.nan)
    given[2] = H[2]
    fits = [NMF(K, init="random", random_state=0).fit(X, H=values, fixed_components=[2]) for values in (given, H)]
    np.testing.assert_array_equal(*(fit.components_ for fit in fits))


def test_a_custom_start_gives_the_free_entries_too(known: Any) -> None:
    X, W, H = known
    model = NMF(K, init="custom", max_iter=1, tol=0)
    model.fit(X, W=W, H=H, fixed_components=[0])
    np.testing.assert_array_equal(model.components_[0], H[0])


def test_shuffling_gives_them_back_in_their_places(known: Any) -> None:
    X, _, H = known
    model = NMF(K, init="random", random_state=3, shuffle=True).fit(X, H=H, fixed_components=[0, 1])
    np.testing.assert_array_equal(model.components_[:2], H[:2])


def test_several_starts_hold_the_same_entries(known: Any) -> None:
    X, _, H = known
    one, best = (NMF(K, init="random", random_state=0, n_init=n).fit(X, H=H, fixed_components=[2]) for n in (1, 4))
    np.testing.assert_array_equal(best.components_[2], H[2])
    assert best.reconstruction_err_ <= one.reconstruction_err_ * (1 + 1e-12)


def test_known_components_find_the_others(known: Any) -> None:
    """Supervised separation: with two of four parts known the other two come out as they are."""
    rng = np.random.default_rng(4)
    W, H = rng.gamma(0.3, size=(300, 4)), rng.gamma(0.3, size=(4, 60))
    model = NMF(4, init="random", random_state=0, max_iter=2000, tol=1e-8, n_init=5)
    model.fit(W @ H, H=np.vstack([H[:2], np.full((2, 60), np.nan)]), fixed_components=[0, 1])
    found = model.components_[2:] / np.linalg.norm(model.components_[2:], axis=1, keepdims=True)
    truth = H[2:] / np.linalg.norm(H[2:], axis=1, keepdims=True)
    assert (found @ truth.T).max(axis=1).min() > 0.99


def test_all_zero_data_keep_what_is_held(known: Any) -> None:
    with pytest.warns(UserWarning, match="All entries of X are zero"):
        model = NMF(K, init="random", random_state=0).fit(np.zeros((M, N)), H=known[2], fixed_components=[0])
    np.testing.assert_array_equal(model.components_[0], known[2][0])


def test_rows_and_columns_that_are_not_observed_are_zero_but_for_what_is_held(known: Any) -> None:
    X, W, H = known
    X = X.copy()
    X[3], X[:, 5] = np.nan, np.nan
    fixed_W = np.zeros((M, K), bool)
    fixed_W[0, 0] = fixed_W[3, 1] = True
    model = NMF(K, init="random", random_state=0)
    with pytest.warns(UserWarning, match="1 of 60 rows and 1 of 40 columns"):
        fitted = model.fit_transform(X, W=W, fixed_W=fixed_W, H=H, fixed_components=[2])
    np.testing.assert_array_equal(fitted[3], [0, W[3, 1], 0, 0])
    np.testing.assert_array_equal(model.components_[:, 5], [0, 0, H[2, 5], 0])


def test_the_number_of_components_is_that_of_what_is_held(known: Any) -> None:
    X, W, _ = known
    model = NMF(init="random", random_state=0, max_iter=3).fit(X, W=W, fixed_W=W > 1)
    assert model.n_components_ == K


def test_whole_numbers_may_be_held_beside_whole_numbers(known: Any) -> None:
    held = np.ones((K, N), int)
    model = NMF(K, init="random", random_state=0).fit(known[0].astype(int), H=held, fixed_components=[0])
    np.testing.assert_array_equal(model.components_[0], held[0])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fixed_components": [0]}, "H is missing"),
        ({"fixed_components": [4], "H": np.ones((K, N))}, "from 0 to 3"),
        ({"fixed_components": [-1], "H": np.ones((K, N))}, "from 0 to 3"),
        ({"fixed_components": [0.5], "H": np.ones((K, N))}, "from 0 to 3"),
        ({"fixed_components": [0], "H": np.ones((K, N - 1))}, r"wrong second dimension .* Expected 40, but got 39"),
        ({"fixed_components": [0], "H": -np.ones((K, N))}, "A fixed entry of H is negative"),
        ({"fixed_components": [0], "H": np.full((K, N), np.nan)}, "A fixed entry of H is negative, NaN"),
        ({"fixed_H": np.ones((K, N)), "H": np.ones((K, N))}, "fixed_H is float64"),
        ({"fixed_W": np.ones((M, N), bool), "W": np.ones((M, K))}, r"give a boolean array of shape \(60, 4\)"),
        (
            {
                "fixed_W": np.ones((M, K), bool),
                "W": np.ones((M, K)),
                "fixed_components": range(K),
                "H": np.ones((K, N)),
            },
            "nothing is left to fit",
        ),
    ],
)
def test_what_cannot_be_held(known: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        NMF(K, init="random", random_state=0).fit(known[0], **given)


def test_values_of_another_dtype_are_refused(known: Any) -> None:
    with pytest.raises(DtypeError, match="astype"):
        NMF(K, init="random").fit(known[0].astype(np.float32), H=known[2], fixed_components=[0])


def test_a_sample_is_not_taken(known: Any) -> None:
    with pytest.raises(ParameterError, match="coarse=True"):
        NMF(K, init="random", coarse=True).fit(known[0], H=known[2], fixed_components=[0])


@pytest.mark.parametrize("fixed", [{"fixed_components": np.array([0])}, {"fixed_components": []}, {}])
def test_a_start_that_is_not_used_is_said(known: Any, fixed: dict[str, Any]) -> None:
    X, W, H = known
    model = NMF(K, init="random", random_state=0, max_iter=3, tol=0)
    with pytest.warns(RuntimeWarning, match="provided W or H are ignored"):
        model.fit(X, W=W, H=H, **fixed)
    if fixed and len(fixed["fixed_components"]):
        np.testing.assert_array_equal(model.components_[0], H[0])
        model.fit(X, H=H, **fixed)  # all that is given is used: no warning
