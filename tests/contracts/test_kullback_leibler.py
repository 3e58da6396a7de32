"""What coordinate descent on the entries promises for the Kullback–Leibler divergence."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from partwise.arrays.block import Block, CSRBlock, DenseBlock
from partwise.kernels.threads import threads
from partwise.solvers.base import Plan, Work
from partwise.solvers.kl_cd import NewtonDescent
from partwise.subproblems import Entries
from tests.reference.kullback_leibler import descent, divergence, gradient

TO_THE_END = Plan(sweeps=5000, gain=0.0)

KINDS = {
    "C": lambda x: DenseBlock(np.ascontiguousarray(x)),
    "Fortran": lambda x: DenseBlock(np.asfortranarray(x)),
    "CSR": lambda x: CSRBlock(sp.csr_array(x)),
}
each_kind = pytest.mark.parametrize("kind", KINDS)
each_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])
each_penalty = pytest.mark.parametrize("penalty", [(0.0, 0.0), (0.5, 0.0), (0.0, 2.0), (0.5, 2.0)])


def data(rows: int, n: int, k: int, dtype: Any = np.float64, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Counts with many zeros, and factors with some: X, a start for F, and G."""
    rng = np.random.default_rng(seed)
    X = rng.poisson(2 * rng.gamma(0.4, size=(rows, k)) @ rng.gamma(0.4, size=(k, n)))
    F = rng.random((rows, k)) * (rng.random((rows, k)) < 0.8) + 1e-3
    G = rng.random((n, k)) * (rng.random((n, k)) < 0.7)
    G[~G.any(axis=1), 0] = 0.1  # else some entries could not be explained at all
    return X.astype(dtype), F.astype(dtype), G.astype(dtype)


def lowered(block: Block, F: np.ndarray, G: np.ndarray, plan: Plan, penalty: tuple[float, float] = (0, 0)) -> Any:
    return NewtonDescent().update(Entries(block, G).plus(*penalty), F, plan)


@each_kind
@each_dtype
@each_penalty
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_no_row_ever_rises(kind: str, dtype: type, penalty: tuple[float, float], scale: float) -> None:
    """Also from starts that are far too small or too large, where Newton's steps pass the minimum."""
    X, F, G = data(150, 40, 5, dtype)
    F = (scale * F).astype(dtype)
    for plan in (Plan(1), Plan(1), Plan(3), Plan(20, 0.01)):
        before = divergence(X, F, G, *penalty)
        F, _ = lowered(KINDS[kind](X), F, G, plan, penalty)
        assert (F >= 0).all()
        rounding = 1e3 * np.finfo(dtype).eps * (1 + X.sum(axis=1) + abs(before))
        assert (divergence(X, F, G, *penalty) <= before + rounding).all()


@each_kind
@each_penalty
@pytest.mark.parametrize("k", [1, 2, 6])
def test_led_to_the_end_it_finds_the_minimum(kind: str, penalty: tuple[float, float], k: int) -> None:
    X, F, G = data(12, 30, k)
    new, _ = lowered(KINDS[kind](X), F, G, TO_THE_END, penalty)
    expected = descent(X, F, G, *penalty)
    np.testing.assert_allclose(divergence(X, new, G, *penalty), divergence(X, expected, G, *penalty), rtol=1e-9)
    slopes = gradient(X, new, G, *penalty) / (G.sum(axis=0) + 1e-300)
    seen = X.sum(axis=1) > 0
    assert slopes[seen].min() > -1e-6
    assert abs(slopes * new)[seen].max() < 1e-5
    assert Entries(KINDS[kind](X), G).plus(*penalty).residual(new) < 1e-10 * X.sum()


@each_dtype
def test_a_component_alone_is_solved_by_one_step(dtype: type) -> None:
    X, _, G = data(50, 30, 1, dtype)
    for start in (1e-6, 1.0, 1e2):
        new, _ = lowered(CSRBlock(sp.csr_array(X)), np.full((50, 1), start, dtype), G, Plan(1))
        assert new[:, 0] == pytest.approx(X.sum(axis=1) / G.sum(), rel=1e4 * float(np.finfo(dtype).eps))


@each_dtype
def test_storages_agree(dtype: type) -> None:
    X, F, G = data(200, 45, 6, dtype)
    for plan in (Plan(1), Plan(5, 0.01)):
        dense, fortran, stored = (lowered(KINDS[kind](X), F, G, plan)[0] for kind in KINDS)
        np.testing.assert_array_equal(fortran, dense)
        tolerance = 1e3 * float(np.finfo(dtype).eps)
        np.testing.assert_allclose(stored, dense, rtol=tolerance, atol=tolerance)


def test_single_precision_is_near_double_precision() -> None:
    X, F, G = data(200, 45, 6)
    single = lowered(CSRBlock(sp.csr_array(X.astype(np.float32))), F.astype(np.float32), G, Plan(10))[0]
    double = lowered(CSRBlock(sp.csr_array(X)), F, G, Plan(10))[0]
    assert single.dtype == np.float32
    np.testing.assert_allclose(divergence(X, single, G), divergence(X, double, G), rtol=1e-4, atol=1e-4)


@each_kind
@each_dtype
def test_a_row_is_lowered_to_the_same_bits_whatever_stands_beside_it(kind: str, dtype: type) -> None:
    X, F, G = data(300, 40, 7, dtype)
    together = lowered(KINDS[kind](X), F, G, Plan(20, 0.01))[0]
    order = np.random.RandomState(0).permutation(300)
    for part in (order, order[:70], np.array([7])):
        np.testing.assert_array_equal(lowered(KINDS[kind](X[part]), F[part], G, Plan(20, 0.01))[0], together[part])


@each_kind
@each_dtype
def test_the_bits_do_not_depend_on_threads(kind: str, dtype: type) -> None:
    X, F, G = data(900, 30, 5, dtype)
    found = set()
    for n_threads in (1, 2, 3):
        with threads(n_threads):
            new, work = lowered(KINDS[kind](X), F, G, Plan(20, 0.01))
        found.add((new.tobytes(), work))
    assert len(found) == 1


@each_kind
def test_the_input_stays_as_it_is(kind: str) -> None:
    X, F, G = data(100, 20, 4)
    kept = [part.copy() for part in (X, F, G)]
    for part in (X, F, G):
        part.flags.writeable = False
    new, work = lowered(KINDS[kind](X), F, G, Plan(2))
    assert (new.shape, new.dtype, new.flags.c_contiguous, work.rows) == (F.shape, F.dtype, True, 100)
    for part, copy in zip((X, F, G), kept, strict=True):
        np.testing.assert_array_equal(part, copy)


@each_kind
def test_a_row_without_entries_is_zero(kind: str) -> None:
    X, F, G = data(20, 15, 4)
    X[3] = 0
    new, _ = lowered(KINDS[kind](X), F, G, Plan(1))
    assert not new[3].any()


@each_kind
def test_a_component_whose_partner_is_zero_is_left_alone_but_for_penalties(kind: str) -> None:
    X, F, G = data(20, 15, 4)
    G[:, 2] = 0
    np.testing.assert_array_equal(lowered(KINDS[kind](X), F, G, Plan(9))[0][:, 2], F[:, 2])
    assert not lowered(KINDS[kind](X), F, G, Plan(9), (0.1, 0.0))[0][:, 2].any()
    np.testing.assert_array_equal(Entries(KINDS[kind](X), G).alive, [True, True, False, True])


@each_kind
@each_dtype
def test_a_start_that_explains_nothing_recovers(kind: str, dtype: type) -> None:
    X, F, G = data(40, 15, 4, dtype)
    new, _ = lowered(KINDS[kind](X), np.zeros_like(F), G, TO_THE_END)
    expected, _ = lowered(KINDS[kind](X), F, G, TO_THE_END)
    reached = divergence(X, new, G)
    assert np.isfinite(reached).all()
    np.testing.assert_allclose(reached, divergence(X, expected, G), rtol=1e-3, atol=1e-3)


@each_kind
def test_the_measured_loss_is_that_of_the_new_factor_without_penalties(kind: str) -> None:
    X, F, G = data(40, 15, 4)
    subproblem = Entries(KINDS[kind](X), G).plus(0.3, 0.2)
    new, _ = NewtonDescent().update(subproblem, F, Plan(2))
    measured, loss = subproblem.measure(F, new)
    assert measured is new
    assert loss == pytest.approx(divergence(X, new, G).sum(), rel=1e-10)


def test_work_counts_sweeps_and_gains_without_units_of_the_factors() -> None:
    X, F, G = data(60, 20, 4)
    block = CSRBlock(sp.csr_array(X))
    one = lowered(block, F, G, Plan(1))[1]
    assert (one.sweeps, one.first) == (60, one.last)
    moved = lowered(block, F / 8, G * 8, Plan(1))[1]
    assert moved == Work(pytest.approx(one.first), pytest.approx(one.last), 60, one.moved, 60)
    larger = lowered(CSRBlock(sp.csr_array(16 * X)), 16 * F, G, Plan(1))[1]
    assert larger.first == pytest.approx(16 * one.first)


small = st.integers(0, 3).map(float)


@given(drawn=st.data(), n=st.integers(1, 11), k=st.integers(1, 4))
def test_whatever_zeros_there_are_no_row_rises_or_leaves_the_numbers(drawn: st.DataObject, n: int, k: int) -> None:
    X = drawn.draw(hnp.arrays(np.float64, (3, n), elements=small))
    F = drawn.draw(hnp.arrays(np.float64, (3, k), elements=small))
    G = drawn.draw(hnp.arrays(np.float64, (n, k), elements=small))
    penalty = drawn.draw(st.sampled_from([(0.0, 0.0), (0.5, 0.0), (0.0, 1.0)]))
    dense, _ = lowered(DenseBlock(X), F, G, Plan(7), penalty)
    stored, _ = lowered(CSRBlock(sp.csr_array(X)), F, G, Plan(7), penalty)
    for new in (dense, stored):
        assert np.isfinite(new).all()
        assert (new >= 0).all()
        assert (divergence(X, new, G, *penalty) <= divergence(X, F, G, *penalty) + 1e-9).all()
