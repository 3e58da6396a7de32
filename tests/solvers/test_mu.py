"""Multiplicative updates on the parts of β-divergences."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.decomposition._nmf import _fit_multiplicative_update

from partwise.arrays.block import Block
from partwise.engine.compose import loss_named
from partwise.kernels.threads import threads
from partwise.solvers.base import Plan, Solver
from partwise.solvers.mu import MultiplicativeUpdates
from partwise.subproblems import GradientParts
from tests.contracts.storages import stored
from tests.reference.beta import BETAS, beta_divergence, multiplicative_step, positive_data

M, N, K = 60, 25, 4

each_beta = pytest.mark.parametrize("beta", BETAS)
each_kind = pytest.mark.parametrize("kind", ["C", "CSR"])


def block_of(X: np.ndarray, kind: str = "C") -> Block:
    return stored(X, "memory", kind).blocks[0]


def parts_of(block: Block, F: np.ndarray, G: np.ndarray, beta: float) -> GradientParts:
    parts = loss_named(beta).around(GradientParts, [G])(block, [F])[0]
    assert isinstance(parts, GradientParts)
    return parts


def step(
    block: Block, F: np.ndarray, G: np.ndarray, beta: float, linear: float = 0.0, ridge: float = 0.0
) -> np.ndarray:
    return MultiplicativeUpdates().update(parts_of(block, F, G, beta).plus(linear, ridge), F, Plan())[0]


def factors(rng: np.random.Generator, dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    return (rng.random((M, K)) + 0.1).astype(dtype), (rng.random((N, K)) + 0.1).astype(dtype)


def test_the_promises_are_stated() -> None:
    solver = MultiplicativeUpdates()
    assert isinstance(solver, Solver)
    assert (solver.name, solver.form, solver.monotone) == ("mu", GradientParts, True)
    assert solver.scopes == {"entry"}
    assert 0 < solver.floor < 1
    assert solver.next_plan(Plan(3), MultiplicativeUpdates().update(*_tiny())[1], np.ones((2, 2))) == Plan(3)


def _tiny() -> tuple[GradientParts, np.ndarray, Plan]:
    return GradientParts(np.ones((2, 2)), np.ones(2), 0.0, -1.0, 0.0), np.ones((2, 2)), Plan()


@each_beta
@each_kind
@pytest.mark.parametrize("penalty", [(0.0, 0.0), (0.5, 0.0), (0.0, 2.0), (0.5, 2.0)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_no_half_step_ever_rises(
    beta: float, kind: str, penalty: tuple[float, float], dtype: type, rng: np.random.Generator
) -> None:
    X = positive_data(rng, (M, N), beta).astype(dtype)
    F, G = factors(rng, dtype)
    F *= dtype(8)  # far from the end, where long steps would overshoot
    block, (linear, ridge) = block_of(X, kind), penalty

    def value() -> float:
        f, g = F.astype(float), G.astype(float)
        penalties = sum(linear * A.sum() + 0.5 * ridge * np.sum(A**2) for A in (f, g))
        return beta_divergence(X.astype(float), f @ g.T, beta) + float(penalties)

    before = value()
    for _ in range(30):
        F = step(block, F, G, beta, linear, ridge)
        after = value()
        assert after <= before * (1 + 50 * np.finfo(dtype).eps)
        before = after
        G = step(block.T, G, F, beta, linear, ridge)
        after = value()
        assert after <= before * (1 + 50 * np.finfo(dtype).eps)
        before = after


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("start", [1e-3, 1e-2, 0.1, 10.0, 100.0])
@pytest.mark.parametrize("ridge", [0.1, 10.0])
def test_a_single_number_with_a_ridge_does_not_rise(beta: float, start: float, ridge: float) -> None:
    """With γ(β) of the loss alone, as scikit-learn has it, KL from 0.01 rises from 4.6 to 5.1 for a ridge of 10."""
    X, f, g = np.ones((1, 1)), np.full((1, 1), start), np.ones((1, 1))
    new = step(block_of(X), f, g, beta, 0.0, ridge)

    def value(v: np.ndarray) -> float:
        return beta_divergence(X, v, beta) + 0.5 * ridge * float(v[0, 0] ** 2)

    assert value(new) <= value(f)


@each_beta
@pytest.mark.parametrize("linear", [0.0, 0.4])
def test_a_step_is_that_of_the_book(beta: float, linear: float, rng: np.random.Generator) -> None:
    X = positive_data(rng, (M, N), beta)
    F, G = factors(rng)
    kept = F.copy()
    expected = multiplicative_step(X, F, G, beta, linear)
    np.testing.assert_allclose(step(block_of(X), F, G, beta, linear), expected, rtol=1e-11)
    np.testing.assert_array_equal(F, kept)


@each_beta
@each_kind
@pytest.mark.parametrize("linear", [0.0, 0.2])
def test_the_iterates_are_those_of_scikit_learn(
    beta: float, kind: str, linear: float, rng: np.random.Generator
) -> None:
    X = positive_data(rng, (M, N), beta)
    F, G = factors(rng)
    theirs = sp.csr_array(X) if kind == "CSR" else X
    W, H, _ = _fit_multiplicative_update(theirs, F.copy(), G.T.copy(), beta, 5, 0, linear, linear)
    block = block_of(X, kind)
    for _ in range(5):
        F = step(block, F, G, beta, linear)
        G = step(block.T, G, F, beta, linear)
    np.testing.assert_allclose(F, W, rtol=1e-9)
    np.testing.assert_allclose(G, H.T, rtol=1e-9)


@pytest.mark.parametrize("beta", [0.5, 1.0, 1.5, 2.0])
def test_it_leads_to_a_point_where_the_residual_is_zero(beta: float, rng: np.random.Generator) -> None:
    X = positive_data(rng, (M, N), beta)
    F, G = factors(rng)
    block = block_of(X)
    before = parts_of(block, F, G, beta).residual(F)
    for _ in range(3000):
        F = step(block, F, G, beta)
    parts = parts_of(block, F, G, beta)
    assert parts.residual(F) < 1e-6 * before
    _, work = MultiplicativeUpdates().update(parts, F, Plan())
    assert work.first == work.last == parts.residual(F)
    assert (work.rows, work.sweeps, work.moved) == (M, M, M * K)


@each_kind
@pytest.mark.parametrize("beta", [0.5, 1.0, 1.5, 2.0, 3.0])
def test_a_row_of_zeros_is_solved_by_zeros(beta: float, kind: str, rng: np.random.Generator) -> None:
    X = positive_data(rng, (M, N), beta)
    X[7] = 0
    F, G = factors(rng)
    new = step(block_of(X, kind), F, G, beta)
    np.testing.assert_array_equal(new[7], 0)
    again = step(block_of(X, kind), new, G, beta)
    np.testing.assert_array_equal(again[7], 0)
    assert np.isfinite(again).all()


@each_beta
@each_kind
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_zeros_stay_and_what_has_no_partner_stays_unless_penalised(
    beta: float, kind: str, dtype: type, rng: np.random.Generator
) -> None:
    X = positive_data(rng, (M, N), beta).astype(dtype)
    F, G = factors(rng, dtype)
    F[3] = 0  # a row of WH that is zero where X is not
    F[5:, 1] = 0
    G[:, 2] = 0
    new = step(block_of(X, kind), F, G, beta)
    assert np.isfinite(new).all()
    np.testing.assert_array_equal(new[F == 0], 0)
    np.testing.assert_array_equal(new[:, 2], F[:, 2])
    np.testing.assert_array_equal(step(block_of(X, kind), F, G, beta, linear=0.1)[:, 2], 0)
    assert parts_of(block_of(X, kind), F + dtype(1), G, beta).alive.tolist() == [True, True, False, True]


@each_beta
def test_dense_and_sparse_and_float32_agree(beta: float, rng: np.random.Generator) -> None:
    X = positive_data(rng, (M, N), beta).astype(np.float32).astype(float)
    F, G = (A.astype(np.float32).astype(float) for A in factors(rng))
    expected = step(block_of(X), F, G, beta)
    np.testing.assert_allclose(step(block_of(X, "CSR"), F, G, beta), expected, rtol=1e-11)
    for kind in ("C", "Fortran", "CSR"):
        single = step(block_of(X.astype(np.float32), kind), F.astype(np.float32), G.astype(np.float32), beta)
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, expected, rtol=2e-5)


@each_beta
def test_the_bits_do_not_depend_on_threads(beta: float, rng: np.random.Generator) -> None:
    F, positive, negative = rng.random((3, 3000, 20))
    parts = GradientParts(negative, positive, 0.0, min(0.0, beta - 2.0), max(0.0, beta - 1.0))
    found = set()
    for n_threads in (1, 2, 3):
        with threads(n_threads):
            new, work = MultiplicativeUpdates().update(parts, F, Plan())
        found.add((new.tobytes(), work))
    assert len(found) == 1


def test_an_entry_that_is_lost_beside_the_others_becomes_zero_and_a_small_one_that_stays_does_not() -> None:
    F = np.array([[1.0, 1e-40, 1e-40, 1e-20]])
    parts = GradientParts(np.array([[1.0, 0.1, 0.9, 0.1]]), np.ones(4), 0.0, -1.0, 0.0)
    new = MultiplicativeUpdates().update(parts, F, Plan())[0]
    np.testing.assert_allclose(new, [[1.0, 0.0, 0.9e-40, 1e-21]])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_entry_whose_products_would_leave_the_range_becomes_zero_unless_it_grows(dtype: type) -> None:
    small = np.sqrt(np.finfo(dtype).tiny) / 2
    F = np.array([[1.0, small, small, 4 * small]], dtype)
    parts = GradientParts(np.array([[1.0, 0.9, 1.1, 0.9]], dtype), np.ones(4, dtype), 0.0, 0.0, 1.0)
    new = MultiplicativeUpdates().update(parts, F, Plan())[0]
    np.testing.assert_allclose(new, F * np.array([1.0, 0.0, 1.1, 0.9]), rtol=1e-6)


@each_beta
def test_a_bold_step_goes_the_same_way_and_further(beta: float, rng: np.random.Generator) -> None:
    X = positive_data(rng, (M, N), beta)
    F, G = factors(rng)
    plain, bold = (
        np.log(MultiplicativeUpdates().update(parts_of(block_of(X), F, G, beta), F, Plan(bold=bold))[0] / F)
        for bold in (False, True)
    )
    further = bold / plain
    np.testing.assert_allclose(further, further[0, 0], rtol=1e-9)
    assert further[0, 0] > 1


def test_a_look_ahead_starts_in_the_scale_of_what_it_looks_beyond(rng: np.random.Generator) -> None:
    new, before = rng.random((2, N, K))
    before[:, 2] = 0
    base = MultiplicativeUpdates().base(new, before)
    np.testing.assert_allclose(base.sum(axis=0)[[0, 1, 3]], new.sum(axis=0)[[0, 1, 3]])
    np.testing.assert_allclose(base[:, 0] / before[:, 0], base[0, 0] / before[0, 0])
    np.testing.assert_array_equal(base[:, 2], 0)
    single = MultiplicativeUpdates().base(new.astype(np.float32), before.astype(np.float32))
    assert single.dtype == np.float32
