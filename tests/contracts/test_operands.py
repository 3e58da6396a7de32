"""What every storage promises, on every storage that is registered."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from partwise.arrays import OPERANDS, memory
from partwise.arrays.block import Block
from partwise.arrays.operand import Operand, Rows
from partwise.kernels.threads import threads
from partwise.subproblems import NormalEquations
from tests.contracts.storages import CASES, KINDS, stored

M, N, K = 203, 31, 5


@pytest.fixture(params=[np.float64, np.float32])
def X(request: pytest.FixtureRequest, rng: np.random.Generator) -> np.ndarray:
    return (rng.random((M, N)) * (rng.random((M, N)) < 0.4)).astype(request.param)


@pytest.fixture(params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param


@pytest.fixture
def operand(X: np.ndarray, case: tuple[str, str]) -> Operand:
    return stored(X, *case)


def tolerance(x: np.ndarray) -> float:
    return 50 * float(np.finfo(x.dtype).eps)


def all_blocks(operand: Operand) -> list[Block]:
    """The blocks in the order in which their reports are joined."""
    return list(operand.sweep(lambda block, rows: (None, (block,)), None)[1])


def test_every_storage_is_tested() -> None:
    assert set(KINDS) == set(OPERANDS)


def test_shape_and_dtype(operand: Operand, X: np.ndarray) -> None:
    assert operand.shape == X.shape
    assert operand.dtype == X.dtype


def test_serves_normal_equations(operand: Operand) -> None:
    assert NormalEquations.name in operand.serves


def test_a_sweep_visits_each_row_once_in_order(operand: Operand) -> None:
    blocks = all_blocks(operand)
    bounds = [block.start for block in blocks] + [M]
    assert bounds[0] == 0
    assert [block.shape for block in blocks] == [(b - a, N) for a, b in pairwise(bounds)]


def test_a_sweep_hands_over_rows_and_keeps_the_new_ones(operand: Operand, rng: np.random.Generator) -> None:
    first, second = rng.random((M, K)), np.arange(M)

    def visit(block: Block, rows: Rows) -> tuple[Rows, int]:
        a, (b, nothing) = rows
        here = slice(block.start, block.start + block.shape[0])
        np.testing.assert_array_equal(a, first[here])
        np.testing.assert_array_equal(b, second[here])
        assert nothing is None
        return (2 * a, (b + 1, None)), len(b)

    placed = operand.place((first, (second, None)))
    rows, count = operand.sweep(visit, placed)
    a, (b, nothing) = operand.gather(rows)
    np.testing.assert_array_equal(a, 2 * first)
    np.testing.assert_array_equal(b, second + 1)
    assert (count, nothing) == (M, None)


def test_placed_rows_come_back(operand: Operand, rng: np.random.Generator) -> None:
    rows = rng.random((M, K))
    np.testing.assert_array_equal(operand.gather(operand.place(rows)), rows)


class Tree:
    """A report that remembers how it was added."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __add__(self, other: "Tree") -> "Tree":
        return Tree(f"({self.text} {other.text})")


def test_the_order_of_sums_does_not_depend_on_threads(operand: Operand) -> None:
    found = set()
    for n_threads in (1, 2, 5):
        with threads(n_threads):
            found.add(operand.sweep(lambda block, rows: (None, Tree(str(block.start))), None)[1].text)
    assert len(found) == 1


def test_products(operand: Operand, X: np.ndarray, rng: np.random.Generator) -> None:
    for dtype in (X.dtype, np.float64):
        B = rng.random((N, K)).astype(dtype)
        C = rng.random((M, K)).astype(dtype)
        for block in all_blocks(operand):
            x = X[block.start : block.start + block.shape[0]]
            c = C[block.start : block.start + block.shape[0]]
            product = block.times(B)
            assert product.dtype == np.result_type(X.dtype, dtype)
            assert product.flags.c_contiguous
            np.testing.assert_allclose(product, x.astype(float) @ B, rtol=tolerance(X))
            np.testing.assert_allclose(block.T.times(c), x.T.astype(float) @ c, rtol=tolerance(X))


def test_products_with_rows_of_any_layout(operand: Operand, X: np.ndarray, rng: np.random.Generator) -> None:
    wide = rng.random((N, 2 * K)).astype(X.dtype)
    for B in (np.asfortranarray(wide), wide[:, ::2], wide[::-1, ::-1]):
        products = [block.times(B) for block in all_blocks(operand)]
        np.testing.assert_allclose(np.vstack(products), X.astype(float) @ B, rtol=tolerance(X))


def test_the_transpose_is_made_once(operand: Operand, X: np.ndarray) -> None:
    for block in all_blocks(operand):
        assert block.T is block.T
        assert block.T.shape == block.shape[::-1]
        x = X[block.start : block.start + block.shape[0]]
        np.testing.assert_array_equal(block.T.rows(np.arange(N)), x.T)


def test_the_other_orientation(operand: Operand, X: np.ndarray) -> None:
    if operand.T is None:
        return
    assert operand.T.shape == (N, M)
    rows = [block.rows(np.arange(block.shape[0])) for block in all_blocks(operand.T)]
    np.testing.assert_array_equal(np.vstack(rows), X.T)


def test_single_rows(operand: Operand, X: np.ndarray) -> None:
    for block in all_blocks(operand):
        index = np.array([block.shape[0] - 1, 0, 0])
        rows = block.rows(index)
        assert isinstance(rows, np.ndarray)
        np.testing.assert_array_equal(rows, X[block.start + index])
        rows[:] = -1  # a copy
        np.testing.assert_array_equal(block.rows(index), X[block.start + index])
        taken = block.taken(index)
        assert (taken.start, taken.shape, taken.dtype) == (0, (3, N), block.dtype)
        np.testing.assert_array_equal(taken.rows(np.arange(3)), X[block.start + index])


def test_residual_squares(operand: Operand, X: np.ndarray, rng: np.random.Generator) -> None:
    F, G = rng.random((M, K)).astype(X.dtype), rng.random((N, K)).astype(X.dtype)
    expected = np.sum((X.astype(float) - F.astype(float) @ G.T.astype(float)) ** 2, axis=1)
    for block in all_blocks(operand):
        here = slice(block.start, block.start + block.shape[0])
        found = block.residual_squares(F[here], G)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, expected[here], rtol=tolerance(X))


def test_residual_squares_of_an_exact_fit_do_not_cancel(case: tuple[str, str], rng: np.random.Generator) -> None:
    F, G = rng.random((M, K)) * (rng.random((M, K)) < 0.5), rng.random((N, K)) * (rng.random((N, K)) < 0.5)
    x = F @ G.T
    moved = F * (1 + 1e-6)  # the residual is a millionth of X, its square far below the rounding of ‖X‖²
    for block in all_blocks(stored(x, *case)):
        here = slice(block.start, block.start + block.shape[0])
        expected = np.sum((x[here] - moved[here] @ G.T) ** 2, axis=1)
        np.testing.assert_allclose(block.residual_squares(moved[here], G), expected, rtol=1e-4, atol=1e-24)


def survey_of(operand: Operand) -> Any:
    return operand.sweep(lambda block, rows: (None, block.survey), None)[1]


def test_survey(operand: Operand, X: np.ndarray) -> None:
    survey = survey_of(operand)
    assert (survey.size, survey.nonzeros, survey.largest) == (X.size, np.count_nonzero(X), X.max())
    assert survey.total == pytest.approx(X.sum(dtype=float), rel=1e-12)
    assert survey.sumsq == pytest.approx((X.astype(float) ** 2).sum(), rel=1e-12)
    assert (survey.negative, survey.not_finite) == (None, None)
    assert survey.mean == pytest.approx(X.mean(dtype=float))
    assert survey.zeros == pytest.approx(np.mean(X == 0))


@pytest.mark.parametrize("value", [-1.0, -np.inf, np.inf, np.nan])
def test_survey_names_the_first_bad_entry(case: tuple[str, str], X: np.ndarray, value: float) -> None:
    for i, j in [(150, 3), (60, 30), (60, 7)]:
        X[i, j] = value
    survey = survey_of(stored(X, *case))
    assert survey.negative == ((60, 7) if value < 0 else None)
    assert survey.not_finite == (None if np.isfinite(value) else (60, 7))


def test_all_zero_data(case: tuple[str, str]) -> None:
    operand = stored(np.zeros((M, N)), *case)
    survey = survey_of(operand)
    assert (survey.nonzeros, survey.total, survey.sumsq, survey.largest) == (0, 0, 0, 0)
    for block in all_blocks(operand):
        assert not block.times(np.ones((N, K))).any()


def fold(operand: Operand, W: np.ndarray, G: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """XG kept by rows and XᵀW summed, as a step does both."""

    def visit(block: Block, rows: Rows) -> tuple[Rows, np.ndarray]:
        return block.times(G), block.T.times(rows)

    rows, total = operand.sweep(visit, operand.place(W))
    return operand.gather(rows), total


def test_the_bits_do_not_depend_on_threads(operand: Operand, X: np.ndarray, rng: np.random.Generator) -> None:
    W, G = rng.random((M, K)).astype(X.dtype), rng.random((N, K)).astype(X.dtype)
    found = set()
    for n_threads in (1, 2, 3):
        with threads(n_threads):
            found.add(b"".join(part.tobytes() for part in fold(operand, W, G)))
    assert len(found) == 1


def test_data_of_many_blocks_agree_with_one(monkeypatch: pytest.MonkeyPatch, X: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    W, G = rng.random((M, K)).astype(X.dtype), rng.random((N, K)).astype(X.dtype)
    whole = stored(X, "memory", "C")
    monkeypatch.setattr(memory, "BLOCK_ROWS", 20)
    cut = stored(X, "memory", "C")
    assert len(all_blocks(whole)) == 1
    assert len(all_blocks(cut)) == 10
    for a, b in zip(fold(whole, W, G), fold(cut, W, G), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance(X))
    assert survey_of(cut).sumsq == pytest.approx(survey_of(whole).sumsq, rel=1e-12)


def test_large_dense_data_are_cut_and_never_copied() -> None:
    x = np.ones((memory.BLOCK_ROWS * memory.MIN_BLOCKS, 2))
    blocks = all_blocks(OPERANDS["memory"](x))
    assert len(blocks) == memory.MIN_BLOCKS
    assert all(np.shares_memory(block.x, x) for block in blocks)
