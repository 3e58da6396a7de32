"""Missing entries and weights through the estimator, for every loss and solver: judged by loops over the entries."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, KFold

from partwise import NMF, DataError, Dataset
from partwise.arrays.rows import RowBlocks
from partwise.engine.compose import loss_named, solver_named
from partwise.losses import LOSSES, WEIGHTED
from partwise.models import rows
from partwise.solvers import SOLVERS
from tests.estimators.test_containers import read_only, unsorted, with_duplicates, with_long_indices
from tests.estimators.test_memory import peak, scattered
from tests.reference.beta import beta_divergence, shares_residual
from tests.reference.matrices import low_rank, noisy
from tests.reference.weighted import (
    alternation,
    exact_rows,
    gradient_parts,
    hals_by_rows,
    loss,
    multiplicative_step,
    natural_residual,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore:.* of X have no observed entry:UserWarning"
)

FITS: list[tuple[Any, str]] = [
    ("frobenius", "cd"),
    ("frobenius", "bpp"),
    ("frobenius", "mu"),
    ("kullback-leibler", "cd"),
    ("kullback-leibler", "mu"),
    ("itakura-saito", "mu"),
    (-1, "mu"),
    (0.5, "mu"),
    (1.5, "mu"),
    (3, "mu"),
]
each_fit = pytest.mark.parametrize(("beta_loss", "solver"), FITS)
each_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])
K, SHAPE = 3, (24, 17)


def beta_of(beta_loss: Any) -> float:
    return loss_named(beta_loss).beta


def counts(beta: float, shape: tuple[int, int] = SHAPE, seed: int = 0) -> np.ndarray:
    """Counts of three parts, with zeros where the loss allows them."""
    rng = np.random.default_rng(seed)
    rates = rng.gamma(0.7, 2, (shape[0], 3)) @ rng.gamma(0.7, 1, (3, shape[1]))
    return rng.poisson(rates) + (1.0 if beta <= 0 else 0.0)


def holes(shape: tuple[int, int] = SHAPE, share: float = 0.7, seed: int = 1) -> np.ndarray:
    """A mask that leaves every row and column enough."""
    return np.random.default_rng(seed).random(shape) < share


def fit(X: Any, beta_loss: Any, solver: str, observed: dict[str, Any], **options: Any) -> tuple[NMF, np.ndarray]:
    settings = {"init": "random", "random_state": 0, "max_iter": 30, "tol": 0, **options}
    model = NMF(K, beta_loss=beta_loss, solver=solver, **settings)
    return model, model.fit_transform(X, **observed)


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests in which how well rows are solved at the end does not matter: multiplicative steps are many."""
    monkeypatch.setattr(rows, "_STEPS", 5)


def test_every_loss_and_every_solver_with_weights_is_tested() -> None:
    assert {name for name, _ in FITS if isinstance(name, str)} == set(LOSSES)
    weighted, plain = set(), set()
    for name, solver in FITS:
        one = loss_named(name)
        plain.add(type(solver_named(solver, one)))
        weighted.add(type(solver_named(solver, WEIGHTED[one.name]() if one.name in WEIGHTED else one)))
    assert plain | weighted == set(SOLVERS.values())
    assert {SOLVERS["row_cd"], SOLVERS["row_bpp"], SOLVERS["kl_cd"], SOLVERS["mu"]} == weighted


# -- one answer --------------------------------------------------------------------------------------------------------


def mapped(x: np.ndarray, tmp_path: Path) -> np.ndarray:
    np.save(tmp_path / "x.npy", x)
    return np.load(tmp_path / "x.npy", mmap_mode="r")


def with_some_stored_zeros(x: np.ndarray) -> sp.csr_array:
    rows, columns = np.nonzero((x != 0) | (np.indices(x.shape).sum(axis=0) % 3 == 0))
    return sp.csr_array((x[rows, columns], (rows, columns)), shape=x.shape)


CONTAINERS: dict[str, Callable[[np.ndarray], Any]] = {
    "Fortran": np.asfortranarray,
    "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "read-only": read_only,
    "pandas": pd.DataFrame,
    "Dataset": Dataset,
    "CSR": sp.csr_array,
    "CSC": sp.csc_matrix,
    "COO": sp.coo_array,
    "unsorted": unsorted,
    "duplicates": with_duplicates,
    "stored zeros": with_some_stored_zeros,
    "int64 indices": with_long_indices,
    "mapped": lambda x: x,
}


@pytest.mark.usefixtures("few_steps")
@each_fit
@each_dtype
@pytest.mark.parametrize("said", ["all observed", "a mask"])
def test_every_container_gives_one_answer(beta_loss: Any, solver: str, dtype: type, said: str, tmp_path: Path) -> None:
    """Each kind of container, for every loss and every solver that goes with it, in both precisions."""
    M = holes() if said == "a mask" else np.ones(SHAPE, bool)
    observed = {"mask": M} if said == "a mask" else {}
    X = np.where(M, counts(beta_of(beta_loss)), 0).astype(dtype)  # no sparse matrix stores what is missing
    tolerance = 1e-9 if dtype == np.float64 else 2e-3

    def answers(data: Any) -> list[np.ndarray]:
        model, W = fit(data, beta_loss, solver, observed, max_iter=6)
        assert model.n_missing_ == (~M).sum()
        assert W.dtype == dtype
        H = model.components_
        return [W @ H, model.transform(data, **observed) @ H, np.array([model.score(data, **observed)])]

    expected = answers(X)
    for name, container in CONTAINERS.items():
        found = answers(mapped(X, tmp_path) if name == "mapped" else container(X))
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * np.abs(other).max())


@pytest.mark.usefixtures("few_steps")
@each_fit
def test_every_way_to_say_what_is_missing_gives_one_answer(beta_loss: Any, solver: str) -> None:
    M, X = holes(), counts(beta_of(beta_loss))
    stored = sp.csr_array((X[M], np.nonzero(M)), shape=SHAPE)
    ways: list[tuple[Any, dict[str, Any], str]] = [
        (X, {"mask": M}, "observed"),
        (X, {"mask": M.tolist()}, "observed"),
        (X, {"mask": pd.DataFrame(M)}, "observed"),
        (X, {"mask": sp.csc_array(M)}, "observed"),
        (np.where(M, X, np.nan), {}, "observed"),
        (pd.DataFrame(np.where(M, X, np.nan)), {}, "observed"),
        (np.ma.masked_array(X, ~M), {}, "observed"),
        (np.ma.masked_array(X, ~M), {"mask": sp.csr_array(M)}, "observed"),
        (X, {"weights": M * 1.0}, "observed"),
        (X, {"weights": M}, "observed"),
        (X, {"weights": sp.coo_array(M * 1.0)}, "observed"),
        (X, {"mask": M, "weights": np.ones(SHAPE[0])}, "observed"),
        (X, {"mask": M, "weights": np.ones((SHAPE[0], 1))}, "observed"),
        (stored, {}, "missing"),
        (stored, {"mask": np.ones(SHAPE, bool)}, "missing"),
        (stored.tocoo(), {"weights": np.ones(SHAPE)}, "missing"),
        (np.where(M, X, np.nan), {}, "missing"),
    ]
    results = []
    for data, observed, zeros in ways:
        model, W = fit(data, beta_loss, solver, observed, max_iter=6, implicit_zeros=zeros)
        assert model.n_missing_ == (~M).sum()
        results.append(W @ model.components_)
    for found in results[1:]:
        np.testing.assert_allclose(found, results[0], rtol=0, atol=1e-9 * results[0].max())


@each_fit
def test_a_mask_of_ones_is_none(beta_loss: Any, solver: str) -> None:
    X = counts(beta_of(beta_loss))
    rng = np.random.default_rng(4)
    start = {"W": rng.random((SHAPE[0], K)) + 0.1, "H": rng.random((K, SHAPE[1])) + 0.1}
    plain, W = fit(X, beta_loss, solver, start, init="custom", max_iter=10)
    for observed in ({"mask": np.ones(SHAPE, bool)}, {"weights": np.full(SHAPE[0], 2.0)}):
        model, F = fit(X, beta_loss, solver, start | observed, init="custom", max_iter=10)
        scale = 2.0 if "weights" in observed else 1.0
        assert model.n_missing_ == plain.n_missing_ == 0
        assert model.reconstruction_err_**2 == pytest.approx(scale * plain.reconstruction_err_**2, rel=1e-6)
        np.testing.assert_allclose(F @ model.components_, W @ plain.components_, rtol=1e-4, atol=1e-5 * X.max())


# -- judged by the entries ---------------------------------------------------------------------------------------------


def weighted(beta: float, kind: str) -> tuple[Any, dict[str, Any], np.ndarray, np.ndarray]:
    """Data, what is said of them, X and V."""
    rng = np.random.default_rng(2)
    X, M = counts(beta), holes()
    E, r = (M * (0.2 + rng.random(SHAPE))), rng.integers(0, 3, SHAPE[0]).astype(float)
    return {
        "mask": lambda: (X, {"mask": M}, X, M * 1.0),
        "sparse mask": lambda: (sp.csr_array(X), {"mask": sp.csr_array(M)}, X, M * 1.0),
        "few": lambda: (sp.csr_array(X), {"mask": holes(share=0.3)}, X, holes(share=0.3) * 1.0),
        "weights": lambda: (X, {"weights": E}, X, E),
        "sparse weights": lambda: (sp.csr_array(X), {"weights": sp.csr_array(E)}, X, E),
        "rows": lambda: (X, {"mask": M, "weights": r}, X, M * r[:, None]),
        "sparse rows": lambda: (sp.csr_array(X), {"mask": M, "weights": r}, X, M * r[:, None]),
    }[kind]()


KINDS = ["mask", "sparse mask", "few", "weights", "sparse weights", "rows", "sparse rows"]
each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.mark.usefixtures("few_steps")
@each_fit
@each_kind
def test_the_history_never_rises_and_ends_at_what_the_entries_give(beta_loss: Any, solver: str, kind: str) -> None:
    beta = beta_of(beta_loss)
    data, observed, X, V = weighted(beta, kind)
    model, W = fit(data, beta_loss, solver, observed, max_iter=60)
    objective = model.history_["objective"]
    assert np.diff(objective).max() <= 1e-12 * objective[0]
    H = model.components_.T
    expected = loss(X, V, W, H, beta)
    assert objective[-1] == pytest.approx(expected, rel=1e-9)
    assert model.reconstruction_err_ == pytest.approx(np.sqrt(2 * expected), rel=1e-9)
    squares = [(V * (X - W @ H.T) ** 2).sum(), (V * X**2).sum()]
    assert model.relative_error_ == pytest.approx(np.sqrt(squares[0] / squares[1]), rel=1e-9)
    assert model.score(data, **observed) == pytest.approx(
        -loss(X, V, model.transform(data, **observed), H, beta) / V.sum(), rel=1e-9
    )
    assert model.n_missing_ == (V == 0).sum()


@each_fit
@each_dtype
def test_in_either_precision_the_history_never_rises(beta_loss: Any, solver: str, dtype: type) -> None:
    data, observed, X, V = weighted(beta_of(beta_loss), "sparse weights")
    model, W = fit(data.astype(dtype), beta_loss, solver, observed, max_iter=60)
    objective, eps = model.history_["objective"], float(np.finfo(dtype).eps)
    assert np.diff(objective).max() <= 8 * eps * objective[0]
    H = model.components_.T.astype(float)
    assert objective[-1] == pytest.approx(loss(X, V, W.astype(float), H, beta_of(beta_loss)), rel=1e3 * eps)


@pytest.mark.usefixtures("few_steps")
@each_fit
@pytest.mark.parametrize("kind", ["mask", "few", "sparse weights", "sparse rows"])
def test_it_is_no_worse_than_the_plain_algorithm(beta_loss: Any, solver: str, kind: str) -> None:
    """Sweeps of HALS, or multiplicative steps, over the entries, from the same start."""
    beta = beta_of(beta_loss)
    data, observed, X, V = weighted(beta, kind)
    rng = np.random.default_rng(3)  # a start that leads both to the same optimum
    W0, H0 = rng.random((SHAPE[0], K)) + 0.1, rng.random((SHAPE[1], K)) + 0.1
    model, _ = fit(data, beta_loss, solver, observed | {"W": W0, "H": H0.T}, init="custom", max_iter=12)
    plain: Any = {
        "bpp": lambda x, v, F, G: exact_rows(x, v, G),
        "cd": hals_by_rows,
        "mu": lambda x, v, F, G: multiplicative_step(x, v, F, G, beta),
    }[solver if beta == 2 else "mu"]
    W, H = alternation(plain, X, V, W0, H0, 12)
    assert 0.5 * model.reconstruction_err_**2 <= 1.02 * loss(X, V, W, H, beta)


@pytest.mark.parametrize(("beta_loss", "solver"), FITS[:5])  # others approach zeros too slowly to end
@each_kind
def test_at_the_end_both_sides_are_optimal(beta_loss: Any, solver: str, kind: str) -> None:
    beta = beta_of(beta_loss)
    data, observed, X, V = weighted(beta, kind)
    model, W = fit(data, beta_loss, solver, observed, max_iter=6000, tol=1e-5 if solver != "mu" else 1e-3)
    H = model.components_.T
    residuals = []
    for x, v, F, G in ((X, V, W, H), (X.T, V.T, H, W)):
        if beta == 2:
            residuals.append(natural_residual(x, v, F, G) / np.sqrt((V * X**2).sum()))
        else:
            residuals.append(shares_residual(F, *gradient_parts(x, v, F, G, beta)) / np.sqrt((V * X).sum()))
    assert model.status_ == "converged"
    assert model.history_["optimality"][-1] == pytest.approx(max(residuals), rel=1e-4, abs=1e-9)
    assert max(residuals) < (2e-4 if solver != "mu" else 2e-2)


# -- transform ---------------------------------------------------------------------------------------------------------


@each_kind
@each_dtype
def test_transform_solves_each_row_exactly_by_its_own_entries(kind: str, dtype: type) -> None:
    data, observed, X, V = weighted(2.0, kind)
    data = data.astype(dtype)
    model, fitted = fit(data, "frobenius", "cd", observed, max_iter=300, tol=1e-4)
    H = model.components_.T.astype(float)
    W = model.transform(data, **observed)
    assert W.dtype == dtype
    rtol = 1e-6 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(W, fitted, rtol, rtol * W.max())
    exact = exact_rows(X, V, H)
    enough = [np.linalg.matrix_rank(H[v > 0]) == K for v in V]  # others have many solutions
    np.testing.assert_allclose(W[enough], exact[enough], 10 * rtol, 10 * rtol * W.max())
    assert loss(X, V, W.astype(float), H, 2.0) <= loss(X, V, exact, H, 2.0) * (1 + rtol) + 1e-9
    for i in (0, 7, 23):
        alone = model.transform(data[[i]], **{name: value[[i]] for name, value in observed.items()})
        np.testing.assert_allclose(alone[0], W[i], rtol, rtol * W.max())


@pytest.mark.parametrize("beta_loss", ["kullback-leibler", "itakura-saito", 1.5])
def test_transform_lowers_what_the_entries_give(beta_loss: Any) -> None:
    beta = beta_of(beta_loss)
    data, observed, X, V = weighted(beta, "sparse weights")
    model, _ = fit(data, beta_loss, "auto", observed, max_iter=200)
    W, H = model.transform(data, **observed), model.components_.T
    negative, positive = gradient_parts(X, V, W, H, beta)
    seen = positive > 0
    shares = np.where(seen, np.minimum(W, (positive - negative) / np.where(seen, positive, 1)), 0)
    assert np.abs(shares).max() < 1e-2
    alone = model.transform(data[[5]], weights=observed["weights"][[5]])
    np.testing.assert_allclose(alone[0], W[5], rtol=1e-4, atol=1e-6)


@each_fit
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_what_has_no_observed_entry_is_zero_and_is_said(beta_loss: Any, solver: str, container: Any) -> None:
    X, M = counts(beta_of(beta_loss)), holes()
    M[[2, 9]] = False
    M[:, 4] = False
    model = NMF(K, beta_loss=beta_loss, solver=solver, init="random", random_state=0, max_iter=20, tol=0)
    with pytest.warns(UserWarning, match="2 of 24 rows and 1 of 17 columns of X have no observed entry"):
        W = model.fit_transform(container(X), mask=M)
    assert not W[[2, 9]].any()
    assert not model.components_[:, 4].any()
    assert np.isfinite(W).all()
    np.testing.assert_array_equal(W.any(axis=1), (X * M).any(axis=1))
    transformed = model.transform(container(X), mask=M)
    assert not transformed[[2, 9]].any()
    assert not model.transform(container(X[[2, 9]]), mask=M[[2, 9]]).any()


@each_dtype
@pytest.mark.parametrize("beta_loss", [-2, -1, -0.5, 0, 0.5, "kullback-leibler", 1.5, "frobenius", 3])
@pytest.mark.parametrize("empty", ["none", "a row and a column"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_sparse_data_of_which_a_dense_mask_hides_little_end_where_dense_ones_do(
    beta_loss: Any, empty: str, dtype: type
) -> None:
    """There the model may be zero, and what is missing must not be taken off a sum over all of its powers."""
    X, M = counts(beta_of(beta_loss)).astype(dtype), np.random.default_rng(2).random(SHAPE) < 0.8
    if empty != "none":
        M[3], M[:, 4] = False, False
    errors = []
    for data in (X, sp.csr_array(X)):
        model = NMF(K, beta_loss=beta_loss, solver="mu", init="random", random_state=0, max_iter=60, tol=0)
        W = model.fit_transform(data, mask=M)
        model_of = W.astype(float) @ model.components_.astype(float)
        expected = beta_divergence(X.astype(float)[M], model_of[M], beta_of(beta_loss))
        assert model.reconstruction_err_ == pytest.approx(
            np.sqrt(2 * expected), rel=1e-8 if dtype is np.float64 else 1e-3
        )
        errors.append(model.reconstruction_err_)
    assert errors[1] == pytest.approx(errors[0], rel=1e-8 if dtype is np.float64 else 1e-3)


@pytest.mark.parametrize("beta_loss", [-1, 0, 0.5, "kullback-leibler", 1.5, "frobenius"])
def test_successive_projection_starts_multiplicative_updates_too(beta_loss: Any) -> None:
    """Its parts are rows of X, whose zeros and missing entries no such step would ever leave."""
    rng = np.random.default_rng(0)
    X = rng.gamma(0.5, size=(60, 3)) @ rng.gamma(0.5, size=(3, 40)) + 1e-3
    X[rng.random(X.shape) < 0.3] = np.nan
    errors = [
        NMF(3, init=init, beta_loss=beta_loss, solver="mu", max_iter=300, tol=0, random_state=0)
        .fit(X)
        .reconstruction_err_
        for init in ("spa", "nndsvda")
    ]
    assert errors[0] < 3 * errors[1]  # of two local minima; where steps were stuck it was 24 times and more


def test_a_column_unseen_by_row_weights_or_sparse_weights_is_zero_too() -> None:
    X, _ = counts(1.0), holes()
    E = np.ones(SHAPE)
    E[:, 4] = 0
    for data, weights in ((X, E), (sp.csr_array(X), sp.csr_array(E)), (sp.csr_array(X), E)):
        with pytest.warns(UserWarning, match="0 of 24 rows and 1 of 17 columns"):
            model = NMF(K, random_state=0, max_iter=10, tol=0).fit(data, weights=weights)
        assert not model.components_[:, 4].any()
    r = np.ones(SHAPE[0])
    r[3] = 0.1  # sums of such weights, with and without what is missing, do not cancel to zero
    M = np.ones(SHAPE, bool)
    M[:, 4] = False
    with pytest.warns(UserWarning, match="0 of 24 rows and 1 of 17 columns"):
        model = NMF(K, random_state=0, max_iter=10, tol=0).fit(sp.csr_array(X), mask=M, weights=r / 3)
    assert not model.components_[:, 4].any()


# -- what weights mean -------------------------------------------------------------------------------------------------


@each_fit
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_integer_row_weights_are_repeated_rows(beta_loss: Any, solver: str, container: Any) -> None:
    beta = beta_of(beta_loss)
    X, M = counts(beta) + (beta <= 0), holes()
    r = np.random.default_rng(3).integers(1, 4, SHAPE[0])
    rng = np.random.default_rng(4)
    W0, H0 = rng.random((SHAPE[0], K)) + 0.1, rng.random((K, SHAPE[1])) + 0.1
    for mask in (np.ones(SHAPE, bool), M):
        settings = {"init": "custom", "max_iter": 10}
        once, W = fit(container(X), beta_loss, solver, {"mask": mask, "weights": r, "W": W0, "H": H0}, **settings)
        again = {"mask": np.repeat(mask, r, axis=0), "W": np.repeat(W0, r, axis=0), "H": H0}
        often, F = fit(container(np.repeat(X, r, axis=0)), beta_loss, solver, again, **settings)
        np.testing.assert_allclose(once.history_["objective"], often.history_["objective"], rtol=1e-6)
        np.testing.assert_allclose(once.components_, often.components_, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(np.repeat(W, r, axis=0), F, rtol=1e-4, atol=1e-5 * W.max())


@pytest.mark.usefixtures("few_steps")
@each_fit
def test_weights_of_a_row_are_those_of_its_entries(beta_loss: Any, solver: str) -> None:
    X = counts(beta_of(beta_loss))
    r = np.random.default_rng(3).random(SHAPE[0]) + 0.1
    results = []
    for weights in (r, np.repeat(r[:, None], SHAPE[1], axis=1), sp.csr_array(np.repeat(r[:, None], SHAPE[1], axis=1))):
        model, W = fit(X, beta_loss, solver, {"weights": weights}, max_iter=6)
        results.append(W @ model.components_)
    for found in results[1:]:
        np.testing.assert_allclose(found, results[0], rtol=0, atol=1e-8 * results[0].max())


@pytest.mark.usefixtures("few_steps")
@each_fit
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_weights_times_a_power_of_two_change_no_bit(beta_loss: Any, solver: str, container: Any) -> None:
    X, V = counts(beta_of(beta_loss)), holes() * np.random.default_rng(2).random(SHAPE)
    one, W = fit(container(X), beta_loss, solver, {"weights": container(V)})
    two, F = fit(container(X), beta_loss, solver, {"weights": container(2.0**20 * V)})
    np.testing.assert_array_equal(one.components_, two.components_)
    np.testing.assert_array_equal(W, F)
    np.testing.assert_array_equal(2.0**20 * one.history_["objective"], two.history_["objective"])
    if beta_of(beta_loss) in (0.0, 1.0, 2.0):
        np.testing.assert_allclose(one.history_["optimality"], two.history_["optimality"], rtol=1e-12)


@pytest.mark.usefixtures("few_steps")
@each_fit
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("how", ["mask", "weights", "rows"])
def test_what_is_missing_does_not_matter(beta_loss: Any, solver: str, container: Any, how: str) -> None:
    X, M = counts(beta_of(beta_loss)), holes()
    M = np.repeat(M[:, :1], SHAPE[1], axis=1) if how == "rows" else M
    said: dict[str, Any] = {"mask": M} if how == "mask" else {"weights": M[:, 0] * 2.0 if how == "rows" else M * 2.0}
    found = []
    for value in (X, np.nan, np.inf, -1.0):
        data = container(np.where(M, X, value))
        model, W = fit(data, beta_loss, solver, said, max_iter=3, init=None)
        found.append((W.tobytes(), model.components_.tobytes(), model.history_["objective"].tobytes()))
        found.append((model.transform(data, **said).tobytes(),))
    assert len(set(found)) == 2


@pytest.mark.usefixtures("few_steps")
@each_fit
@pytest.mark.parametrize("kind", ["mask", "sparse mask", "sparse weights", "sparse rows"])
def test_the_number_of_threads_changes_no_bit(beta_loss: Any, solver: str, kind: str) -> None:
    beta = beta_of(beta_loss)
    rng = np.random.default_rng(0)
    X, M = counts(beta, (1200, 80)).astype(np.float32), holes((1200, 80))
    V, r = (M * rng.random(M.shape)).astype(np.float32), rng.random(1200)
    data = X if kind == "mask" else sp.csr_array(X)
    said: dict[str, dict[str, Any]] = {
        "sparse weights": {"weights": sp.csr_array(V)},
        "sparse rows": {"mask": M, "weights": r},
    }
    found = set()
    for n_threads in (1, 3):
        model, W = fit(data, beta_loss, solver, said.get(kind, {"mask": M}), max_iter=3, n_threads=n_threads)
        found.add((W.tobytes(), model.components_.tobytes(), *model.history_["objective"]))
    assert len(found) == 1


# -- uses --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["cd", "bpp"])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_entries_left_out_of_a_low_rank_matrix_are_filled_in(solver: str, container: Any) -> None:
    X, _, _ = low_rank(60, 40, 3, seed=3, zeros=0.0)
    M = holes(X.shape, 0.7)
    model = NMF(3, solver=solver, init="random", random_state=0, tol=1e-9, max_iter=6000)
    W = model.fit_transform(container(np.where(M, X, 0)), mask=M)
    filled = model.inverse_transform(W)
    assert np.abs(filled - X)[~M].max() < 1e-3 * X.max()
    new = np.where(M[:5], X[:5], np.nan)
    np.testing.assert_allclose(model.inverse_transform(model.transform(new)), X[:5], atol=1e-3 * X.max())


def test_all_the_starts_and_several_of_them() -> None:
    X, M = noisy(40, 25, 3), holes((40, 25))
    errors = []
    for init in ("random", "nndsvd", "nndsvda", "nndsvdar", "spa"):
        model = NMF(3, init=init, random_state=0, max_iter=500).fit(np.where(M, X, np.nan))
        errors.append(model.relative_error_)
        np.testing.assert_allclose(model.components_.sum(axis=1), 1, rtol=1e-9)
    assert max(errors) < 1.1 * min(errors)
    several = NMF(3, n_init=4, random_state=0, max_iter=500).fit(X, mask=M)
    assert several.relative_error_ <= errors[0] * 1.05
    with pytest.raises(ValueError, match="coarse=True cannot be with missing entries"):
        NMF(3, coarse=True).fit(X, mask=M)


@pytest.mark.parametrize("penalties", [{"alpha_W": 1e-3, "alpha_H": 2e-3, "l1_ratio": 0.5}, {"alpha_W": 1e-2}])
@each_fit
def test_penalties_join(beta_loss: Any, solver: str, penalties: dict[str, float]) -> None:
    beta = beta_of(beta_loss)
    data, observed, X, V = weighted(beta, "sparse mask")
    model, W = fit(data, beta_loss, solver, observed, max_iter=60, **penalties)
    objective, H = model.history_["objective"], model.components_.T
    assert np.diff(objective).max() <= 1e-12 * objective[0]
    alpha_H, ratio = penalties.get("alpha_H", penalties["alpha_W"]), penalties.get("l1_ratio", 0.0)
    expected = loss(X, V, W, H, beta)
    for alpha, F, size in ((penalties["alpha_W"], W, SHAPE[1]), (alpha_H, H, SHAPE[0])):
        expected += alpha * size * (ratio * F.sum() + 0.5 * (1 - ratio) * (F**2).sum())
    assert objective[-1] == pytest.approx(expected, rel=1e-9)


def test_itakura_saito_may_have_zeros_where_nothing_is_observed() -> None:
    X, M = counts(0.0), holes()
    X[~M] = 0
    for data, said in ((X, {"mask": M}), (sp.csr_array(X), {"mask": M}), (X, {"weights": M * 0.5})):
        model = NMF(K, beta_loss="itakura-saito", init="random", random_state=0, max_iter=20, tol=0)
        assert np.isfinite(model.fit(data, **said).reconstruction_err_)
    i, j = np.argwhere(M)[7]
    X[i, j] = 0
    for data in (X, sp.csr_array(X)):
        with pytest.raises(DataError, match=rf"1 of the {M.sum()} entries are zero, the first in row {i}, column {j} "):
            NMF(K, beta_loss="itakura-saito").fit(data, mask=M)


def everything(given: Any) -> bytes:
    return pickle.dumps(given if isinstance(given, np.ndarray) else vars(given))


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("container", [np.asarray, np.asfortranarray, sp.coo_array, unsorted])
@each_fit
def test_nothing_of_the_users_is_modified(container: Any, beta_loss: Any, solver: str) -> None:
    X, M = counts(beta_of(beta_loss)) + 0.5, holes()
    E = M * np.random.default_rng(0).random(SHAPE)
    data = [container(X), container(M.astype(bool)), container(E), E[:, 0] + 1]
    if isinstance(data[0], np.ndarray):
        data.append(np.asarray(np.where(M, X, np.nan), order="F"))
    for each in data:
        for part in (each,) if isinstance(each, np.ndarray) else (each.data,):
            part.flags.writeable = False
    before = [everything(each) for each in data]
    for said in ({"mask": data[1]}, {"weights": data[2]}, {"mask": data[1], "weights": data[3]}):
        model, _ = fit(data[0], beta_loss, solver, said, max_iter=2)
        model.transform(data[0], **said)
        model.score(data[0], **said)
    if len(data) == 5:
        fit(data[4], beta_loss, solver, {}, max_iter=2)
    assert [everything(each) for each in data] == before


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("said", ["stored", "mask", "weights", "rows"])
@pytest.mark.parametrize(("beta_loss", "solver"), FITS[:5])
def test_sparse_data_are_never_made_dense(said: str, beta_loss: Any, solver: str) -> None:
    m = n = 6000
    X = scattered(m, n, 60_000)
    mask = scattered(m, n, 60_000).astype(bool)
    given: dict[str, Any] = {
        "stored": {},
        "mask": {"mask": mask},
        "weights": {"weights": mask.astype(float)},
        "rows": {"weights": np.arange(m) % 3.0},
    }[said]
    model = NMF(
        4,
        beta_loss=beta_loss,
        solver=solver,
        init="random",
        random_state=0,
        tol=0,
        max_iter=2,
        n_threads=2,
        implicit_zeros="missing" if said == "stored" else "observed",
    )
    model.fit(
        X[:200, :200], **{name: value[:200, :200] if value.ndim == 2 else value[:200] for name, value in given.items()}
    )
    needed = peak(lambda: model.fit(X, **given))
    entries = (X.nnz + mask.nnz) * 12
    assert needed < m * n
    assert needed < 10 * entries + 30 * 4 * 8 * (m + n)


# -- bad input ---------------------------------------------------------------------------------------------------------

x = counts(1.0)
BAD: list[tuple[str, Any, dict[str, Any], dict[str, Any], str]] = [
    (
        "negative weights",
        x,
        {"weights": np.where(np.eye(*SHAPE, k=2) > 0, -1, 1.0)},
        {},
        "weights contain negative numbers.* the first in row 0, column 2",
    ),
    (
        "a negative sparse weight",
        x,
        {"weights": sp.csr_array(([1.0, -1.0], ([1, 3], [4, 2])), SHAPE)},
        {},
        "weights contain negative numbers.* the first in row 3, column 2",
    ),
    ("negative row weights", x, {"weights": np.full(SHAPE[0], -1.0)}, {}, "negative numbers.* the first in row 0 "),
    ("NaN weights", x, {"weights": np.full(SHAPE, np.nan)}, {}, "NaN or infinity"),
    ("infinite weights", sp.csr_array(x), {"weights": sp.csr_array(np.full(SHAPE, np.inf))}, {}, "NaN or infinity"),
    ("weights of text", x, {"weights": np.full(SHAPE, "a")}, {}, "weights are <U1, not numbers"),
    ("complex weights", x, {"weights": np.ones(SHAPE, complex)}, {}, "weights are complex128, not numbers"),
    ("ragged weights", x, {"weights": [[1, 2], [3]]}, {}, "weights cannot be read as a matrix"),
    ("weights of another shape", x, {"weights": np.ones((3, 3))}, {}, r"weights have shape \(3, 3\) and X \(24, 17\)"),
    ("weights of columns", x, {"weights": np.ones(SHAPE[1])}, {}, r"weights have shape \(17,\)"),
    ("all-zero weights", x, {"weights": np.zeros(SHAPE)}, {}, "No entry of X is observed"),
    ("all-zero row weights", sp.csr_array(x), {"weights": np.zeros(SHAPE[0])}, {}, "No entry of X is observed"),
    ("all-zero sparse weights", x, {"weights": sp.csr_array(SHAPE)}, {}, "No entry of X is observed"),
    ("mask of another shape", x, {"mask": np.ones((3, 3), bool)}, {}, r"mask has shape \(3, 3\) and X \(24, 17\)"),
    ("mask of rows", x, {"mask": np.ones(SHAPE[0], bool)}, {}, r"mask has shape \(24,\)"),
    ("mask of numbers", x, {"mask": np.ones(SHAPE)}, {}, "mask is float64, not boolean"),
    ("sparse mask of numbers", x, {"mask": sp.csr_array(np.ones(SHAPE, int))}, {}, "mask is int64, not boolean"),
    ("ragged mask", x, {"mask": [[True], [True, False]]}, {}, "mask cannot be read as a matrix"),
    ("an empty mask", x, {"mask": np.zeros(SHAPE, bool)}, {}, "No entry of X is observed"),
    (
        "an empty sparse mask",
        sp.csr_array(x),
        {"mask": sp.csr_array(SHAPE, dtype=bool)},
        {},
        "No entry of X is observed",
    ),
    ("all NaN", np.full(SHAPE, np.nan), {}, {}, "No entry of X is observed"),
    ("nothing stored", sp.csr_array(SHAPE), {}, {"implicit_zeros": "missing"}, "No entry of X is observed"),
    ("NaN in sparse data", sp.csr_array(np.where(x == 2, np.nan, x)), {}, {}, "sparse data leave missing entries out"),
    (
        "NaN in sparse data beside a mask",
        sp.csr_array(np.where(x == 2, np.nan, x)),
        {"mask": np.ones(SHAPE, bool)},
        {},
        "NaN",
    ),
    ("infinity", np.where(x == 2, np.inf, x), {"mask": holes()}, {}, "infinity never is"),
    (
        "two infinities",
        np.where(x == 2, np.inf, np.where(x == 3, -np.inf, x)),
        {"mask": holes()},
        {},
        "infinity never is",
    ),
    ("infinity beside NaN", np.where(x == 2, np.inf, np.where(x == 3, np.nan, x)), {}, {}, "infinity never is"),
    ("sparse infinity", sp.csr_array(np.where(x == 2, np.inf, x)), {"mask": holes()}, {}, "infinity never is"),
    ("IS of an observed zero", x, {"mask": holes()}, {"beta_loss": "itakura-saito"}, "add a floor"),
    ("β = −1 of an observed zero", sp.csr_array(x), {"mask": holes()}, {"beta_loss": -1}, "add a floor"),
    ("β that is NaN", x, {"mask": holes()}, {"beta_loss": np.nan}, "beta_loss=nan is not a loss"),
    (
        "KL of negative data",
        np.where(x == 2, -1, x),
        {"mask": holes()},
        {"beta_loss": "kullback-leibler"},
        "Negative values",
    ),
    ("tiny weights in float32", x.astype(np.float32), {"weights": np.full(SHAPE, 1e-30)}, {}, "Multiply the weights"),
    ("huge weights in float32", x.astype(np.float32), {"weights": np.full(SHAPE, 1e60)}, {}, "infinity"),
    ("huge weights", x, {"weights": np.full(SHAPE[0], 1e307)}, {}, "Multiply the weights"),
]


@pytest.mark.parametrize(("X", "said", "options", "message"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_what_cannot_be_is_refused_in_a_sentence(X: Any, said: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        NMF(2, **options).fit(X, **said)
    assert type(caught.value).__module__ == "partwise._errors"
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_what_masks_and_weights_that_are_masked_arrays_mask_is_missing(container: Any) -> None:
    X, M = counts(1.0), holes()
    plain = NMF(K, random_state=0, max_iter=5, tol=0).fit(container(X), mask=M)
    masked = {
        "mask": np.ma.masked_array(np.ones(SHAPE, bool), ~M),
        "weights": np.ma.masked_array(np.ones(SHAPE), ~M),
    }
    for name, given in masked.items():
        model = NMF(K, random_state=0, max_iter=5, tol=0).fit(container(X), **{name: given})
        assert model.n_missing_ == (~M).sum()
        np.testing.assert_allclose(model.components_, plain.components_, rtol=1e-9, atol=1e-12)


def test_transform_and_score_judge_what_is_said_too() -> None:
    model = NMF(2, random_state=0, max_iter=500).fit(x, mask=holes())
    for method in (model.transform, model.score):
        with pytest.raises(DataError, match="mask has shape"):
            method(x[:5], mask=holes())
        with pytest.raises(DataError, match="weights contain"):
            method(x, weights=-np.ones(SHAPE))
    with pytest.raises(DataError, match="No entry of X is observed"):
        model.score(x, weights=np.zeros(SHAPE[0]))
    assert not model.transform(x, weights=np.zeros(SHAPE[0])).any()
    with pytest.raises(DataError, match="give X as one matrix"):
        NMF(2).fit(RowBlocks([np.ones((2, 3)), np.ones((2, 3))]), mask=np.ones((4, 3), bool))


# -- metadata routing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_a_grid_search_slices_masks_and_weights(container: Any) -> None:
    """What it finds is what a loop over its folds finds."""
    X, M = noisy(45, 20, 3, noise=0.02), holes((45, 20))
    r = np.random.default_rng(0).random(45) + 0.5
    data, mask = container(X), container(M)
    folds = KFold(3, shuffle=True, random_state=0)
    options = {"init": "random", "random_state": 0, "max_iter": 300}
    with config_context(enable_metadata_routing=True):
        model = NMF(**options).set_fit_request(mask=True, weights=True).set_score_request(mask=True, weights=True)
        search = GridSearchCV(model, {"n_components": [1, 2, 3]}, cv=folds).fit(data, mask=mask, weights=r)
        assert search.best_params_ == {"n_components": 3}
        found = search.score(data, mask=mask, weights=r)
    for k, scores in zip([1, 3], search.cv_results_["mean_test_score"][[0, 2]], strict=True):
        each = []
        for train, test in folds.split(X):
            fitted = NMF(k, **options).fit(data[train], mask=mask[train], weights=r[train])
            each.append(fitted.score(data[test], mask=mask[test], weights=r[test]))
        assert scores == pytest.approx(np.mean(each), rel=1e-9)
    assert found == pytest.approx(search.best_estimator_.score(data, mask=mask, weights=r))


def test_without_a_request_masks_are_not_passed_on_in_silence() -> None:
    X, M = noisy(30, 12, 2), holes((30, 12))
    with config_context(enable_metadata_routing=True), pytest.raises(ValueError, match="mask"):
        GridSearchCV(NMF(max_iter=100), {"n_components": [1, 2]}, cv=2).fit(X, mask=M)


def test_nan_needs_no_routing() -> None:
    X = np.where(holes((30, 12)), noisy(30, 12, 2, noise=0.02), np.nan)
    search = GridSearchCV(NMF(random_state=0, max_iter=500), {"n_components": [1, 2]}, cv=3).fit(X)
    assert search.best_params_ == {"n_components": 2}
