"""What weighted blocks are asked for, against formulas, for every way to say what is observed."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from partwise.arrays import memory
from partwise.arrays.memory import MemoryOperand
from partwise.arrays.observed import observed
from partwise.arrays.operand import Rows
from partwise.arrays.weighted import WeightedBlock
from partwise.kernels.threads import threads
from tests.arrays.weighted_cases import WAYS, parts, ways
from tests.reference.beta import beta_divergence

K = 3
BETAS = (-1.0, 0.0, 0.5, 1.0, 1.5, 3.0)

each_way = pytest.mark.parametrize("way", WAYS)
each_share = pytest.mark.parametrize("seen", [0.9, 0.2])


def sides(operand: MemoryOperand, x: np.ndarray, v: np.ndarray) -> list[tuple[WeightedBlock, np.ndarray, np.ndarray]]:
    """The only block, and that of the transpose."""
    (block,), (turned,) = operand.blocks, operand.T.blocks
    assert isinstance(block, WeightedBlock)
    assert isinstance(turned, WeightedBlock)
    return [(block, x, v), (turned, x.T, v.T)]


def factors(x: np.ndarray, dtype: Any = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """All positive, so that every divergence is finite."""
    rng = np.random.default_rng(7)
    return tuple((rng.random((rows, K)) + 0.1).astype(dtype) for rows in x.shape)


def assert_is(block: WeightedBlock, x: np.ndarray, v: np.ndarray, rtol: float) -> None:
    """All methods but the divergence, against their formulas."""
    F, G = factors(x, x.dtype)
    f, g, x = F.astype(float), G.astype(float), x.astype(float)
    y, atol = f @ g.T, rtol * (1 + float(v.max(initial=0)))
    np.testing.assert_allclose(block.weighted_times(G), (v * x) @ g, rtol, atol)
    np.testing.assert_allclose(block.times(G), x @ g, rtol, atol)
    np.testing.assert_allclose(np.broadcast_to(block.weights_times(G), F.shape), v @ g, rtol, atol)
    np.testing.assert_allclose(block.model_times(F, G), (v * y) @ g, rtol, 10 * atol)
    grams = np.einsum("ij,jk,jl->ikl", v, g, g)
    np.testing.assert_allclose(block.grams(G)(0, len(F)), grams, rtol, 10 * atol)
    np.testing.assert_allclose(block.grams(G)(len(F) // 2, len(F)), grams[len(F) // 2 :], rtol, 10 * atol)
    np.testing.assert_allclose(block.residual_squares(F, G), (v * (x - y) ** 2).sum(axis=1), rtol, atol)
    index = np.array([len(F) - 1, 0, 0])
    np.testing.assert_allclose(np.broadcast_to(block.weights_of(index), x[index].shape), v[index], rtol, 1e-7)
    np.testing.assert_array_equal(block.rows(index), x[index])
    np.testing.assert_array_equal(block.counts, (v > 0).sum(axis=1))
    taken = block.taken(index)
    np.testing.assert_array_equal(taken.rows(np.arange(3)), x[index])
    np.testing.assert_array_equal(taken.counts, (v[index] > 0).sum(axis=1))
    np.testing.assert_allclose(taken.weighted_times(G), (v * x)[index] @ g, rtol, atol)
    np.testing.assert_allclose(np.broadcast_to(taken.weights_times(G), (3, g.shape[1])), v[index] @ g, rtol, atol)


def assert_surveyed(block: WeightedBlock, x: np.ndarray, v: np.ndarray, rtol: float) -> None:
    survey, x = block.survey, x.astype(float)
    assert (survey.size, survey.missing) == ((v > 0).sum(), (v == 0).sum())
    assert survey.nonzeros == ((v > 0) & (x != 0)).sum()
    assert [survey.total, survey.sumsq, survey.whole] == pytest.approx(
        [(v * x).sum(), (v * x**2).sum(), v.sum()], rel=rtol, abs=rtol
    )
    assert survey.mean == pytest.approx((v * x).sum() / (v.sum() or 1), rel=rtol)
    assert survey.clean


def assert_diverges(block: WeightedBlock, x: np.ndarray, v: np.ndarray, beta: float, rtol: float) -> None:
    F, G = factors(x, x.dtype)
    f, g, x = F.astype(float), G.astype(float), x.astype(float)
    y = f @ g.T
    negative, positive, value = block.divergence(F, G, beta)
    some = v > 0
    held = np.where(some, x, 1.0)
    np.testing.assert_allclose(negative, np.where(some, v * x * y ** (beta - 2), 0) @ g, rtol, rtol)
    np.testing.assert_allclose(np.broadcast_to(positive, F.shape), (v * y ** (beta - 1)) @ g, rtol, 10 * rtol)
    terms = [
        v[i, j] * beta_divergence(held[i : i + 1, j : j + 1], y[i : i + 1, j : j + 1], beta)
        for i, j in np.argwhere(some)
    ]
    assert value == pytest.approx(sum(terms), rel=rtol, abs=rtol)


def allowed(beta: float, x: np.ndarray, v: np.ndarray) -> bool:
    """Whether no observed entry is zero, where that may not be."""
    return beta > 0 or not ((v > 0) & (x == 0)).any()


@each_way
@each_share
def test_products_grams_and_residuals(way: str, seen: float) -> None:
    operand, x, v = ways(*parts(37, 23, seen))[way]()
    for block, a, b in sides(operand, x, v):
        assert_is(block, a, b, 1e-10)
        assert_surveyed(block, a, b, 1e-12)


@each_way
@pytest.mark.parametrize("beta", BETAS)
def test_divergences(way: str, beta: float) -> None:
    X, M, E, r = parts(17, 12, 0.6)
    operand, x, v = ways(X + (beta <= 0), M, E, r)[way]()
    if not allowed(beta, x, v):
        assert way.startswith(("CSR", "CSC", "COO"))
        return
    for block, a, b in sides(operand, x, v):
        assert_diverges(block, a, b, beta, 1e-9)


@settings(max_examples=100)
@given(
    way=st.sampled_from(WAYS),
    shape=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    seen=st.sampled_from([0.0, 0.05, 0.3, 0.7, 0.97, 1.0]),
    beta=st.sampled_from(BETAS),
    seed=st.integers(0, 10**6),
    dtype=st.sampled_from([np.float64, np.float32]),
    scale=st.sampled_from([1e-6, 1.0, 1e5]),
)
def test_any_shape_and_pattern(
    way: str, shape: tuple[int, int], seen: float, beta: float, seed: int, dtype: Any, scale: float
) -> None:
    X, M, E, r = parts(*shape, seen, seed, dtype)
    operand, x, v = ways(X + (beta <= 0), M, E * dtype(scale), r * dtype(scale))[way]()
    assert operand.dtype == dtype
    assume(operand.weighted)
    rtol = 1e-9 if dtype == np.float64 else 2e-3
    v = v.astype(float)
    for block, a, b in sides(operand, x, v):
        assert_is(block, a, b, rtol)
        assert_surveyed(block, a, b, rtol)
        if allowed(beta, a, b):
            assert_diverges(block, a, b, beta, rtol)


@each_way
def test_the_first_observed_zero_is_named(way: str) -> None:
    X, M, E, r = parts(37, 23, 0.6)
    X, r = X + 1, np.where(np.arange(37) < 3, 0, 1.0)
    E[:3] = M[:3] = 0
    X[1, 4] = X[9, 20] = X[12, 2] = 0
    E[9, 20] = M[9, 20] = 1
    operand, x, v = ways(X, M, E, r)[way]()
    zeros = np.argwhere((v > 0) & (x == 0))
    assert operand.blocks[0].survey.zero == (tuple(zeros[0].tolist()) if len(zeros) else None)


def test_rows_of_one_matrix_in_many_blocks_are_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    X, M, E, r = parts(200, 23, 0.6)
    G = factors(X)[1]

    def fold(operand: MemoryOperand) -> tuple[np.ndarray, np.ndarray, Any]:
        def visit(block: Any, rows: Rows) -> tuple[Rows, Any]:
            return block.weighted_times(G), block.T.weights_times(np.ones((block.shape[0], 1)))

        rows, sums = operand.sweep(visit, None)
        return rows, sums, operand.sweep(lambda block, rows: (None, block.survey), None)[1]

    for way in ("NaN", "dense, mask, weights", "Fortran, mask, row weights"):
        whole = fold(ways(X, M, E, r)[way]()[0])
        with monkeypatch.context() as patch:
            patch.setattr(memory, "BLOCK_ROWS", 20)
            cut = ways(X, M, E, r)[way]()[0]
            assert len(cut.blocks) == 10
            found = fold(cut)
        for a, b in zip(whole[:2], found[:2], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
        assert whole[2].sumsq == pytest.approx(found[2].sumsq)
        assert (whole[2].zero, whole[2].missing) == (found[2].zero, found[2].missing)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("way", ["NaN", "CSR, mask", "CSR, sparse weights", "CSR, row weights", "stored zeros"])
def test_residuals_of_an_exact_fit_do_not_cancel(way: str, scale: float, rng: np.random.Generator) -> None:
    F, G = (rng.random((rows, K)) * (rng.random((rows, K)) < 0.5) for rows in (60, 40))
    _, M, E, r = parts(60, 40, 0.7)
    operand, x, v = ways(F @ G.T, M, scale * (E + (E > 0)), scale * (r + (r > 0)))[way]()
    moved = F * (1 + 1e-6)
    for block, a, b, f, g in ((*sides(operand, x, v)[0], moved, G), (*sides(operand, x, v)[1], G, moved)):
        expected = (b * (a - f @ g.T) ** 2).sum(axis=1)
        np.testing.assert_allclose(block.residual_squares(f, g), expected, rtol=1e-4, atol=1e-22 * scale)


def test_a_row_of_which_little_is_observed_keeps_its_digits() -> None:
    """What is missing is taken off what all entries give; in float32 that may not leave rounding alone."""
    n = 60_000
    X = sp.csr_array(np.ones((12, n), np.float32))
    M = np.ones((12, n), bool)
    M[4, 3:] = False
    M[5] = False
    (block,) = observed(X, M).blocks
    assert isinstance(block, WeightedBlock)
    G = np.random.default_rng(0).random((n, K)).astype(np.float32)
    np.testing.assert_allclose(block.weights_times(G)[4], G[:3].sum(axis=0), rtol=1e-6)
    np.testing.assert_allclose(block.grams(G)(4, 6), [G[:3].T @ G[:3], np.zeros((K, K))], rtol=1e-5)
    np.testing.assert_array_equal(block.counts[3:7], [n, 3, 0, n])


@pytest.mark.parametrize("way", ["NaN", "CSR, mask", "CSR, mask, row weights", "CSR, sparse weights", "stored"])
def test_the_bits_do_not_depend_on_threads(way: str) -> None:
    case = ways(*parts(1500, 200, 0.7, dtype=np.float32))[way]
    F, G = (np.random.default_rng(1).random((rows, K)).astype(np.float32) for rows in (1500, 200))
    found = set()
    for n_threads in (1, 2, 3):
        with threads(n_threads):
            operand = case()[0]
            block = operand.blocks[0]
            assert isinstance(block, WeightedBlock)
            arrays = (
                block.weighted_times(G),
                block.weights_times(G),
                block.model_times(F, G),
                *block.divergence(F, G, 1.5),
            )
            found.add((b"".join(np.asarray(part).tobytes() for part in arrays), block.survey))
    assert len(found) == 1
