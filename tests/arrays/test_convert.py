"""From containers to operands: one canonical form, no needless copy, nothing of the user's changed."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from partwise._errors import DataError
from partwise.arrays import as_operand
from partwise.arrays.convert import canonical
from partwise.arrays.memory import MemoryOperand
from partwise.arrays.operand import TreeSum
from partwise.arrays.rows import RowBlocks
from partwise.kernels.threads import even_ranges
from tests.contracts.test_operands import Tree
from tests.reference.matrices import counts


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x,
        np.asfortranarray,
        lambda x: x.T,
        lambda x: x[3:17],
        lambda x: x[:, 2:9],
        lambda x: np.asfortranarray(x)[2:9],
        lambda x: x[::2],
    ],
)
def test_what_blas_can_read_is_not_copied(view, rng: np.random.Generator) -> None:
    x = view(rng.random((20, 12)))
    assert np.shares_memory(canonical(x), x)


@pytest.mark.parametrize(
    "view", [lambda x: x[:, ::2], lambda x: x[::-1], lambda x: x[:, ::-1], lambda x: np.broadcast_to(x[:1], x.shape)]
)
def test_other_views_become_a_copy(view, rng: np.random.Generator) -> None:
    x = view(rng.random((20, 12)))
    found = canonical(x)
    np.testing.assert_array_equal(found, x)
    assert found.flags.c_contiguous


def test_a_canonical_sparse_array_is_not_copied() -> None:
    x = counts(30, 20).astype(float)
    found = canonical(x)
    assert found is not x  # SciPy caches what it finds out on the object
    assert np.shares_memory(found.data, x.data)
    assert np.shares_memory(found.indices, x.indices)


def test_the_buffers_of_csc_serve_as_the_transpose() -> None:
    x = sp.csc_array(counts(30, 20).astype(float))
    operand = as_operand(x)
    assert operand.shape == x.shape
    assert np.shares_memory(operand.blocks[0].T.x.data, x.data)
    np.testing.assert_array_equal(operand.blocks[0].x.toarray(), x.toarray())
    assert operand.T.blocks[0] is operand.blocks[0].T


def messy(rng: np.random.Generator) -> sp.csr_array:
    """Unsorted indices, duplicates and stored zeros, the last entry far from the others."""
    indptr = np.array([0, 5, 5, 9])
    indices = np.array([4, 1, 4, 0, 3, 2, 2, 2, 0])
    data = np.array([1.0, 2, 3, 0, 5, 1, 0, 2, 4])
    return sp.csr_array((data, indices, indptr), shape=(3, 6))


def test_messy_sparse_data_become_canonical_in_a_copy(rng: np.random.Generator) -> None:
    x = messy(rng)
    dense, bits = x.toarray(), (x.data.copy(), x.indices.copy(), x.indptr.copy())
    flags = dict(vars(x))
    found = canonical(x)
    assert found.has_canonical_format
    assert (found.data != 0).all()
    np.testing.assert_array_equal(found.toarray(), dense)
    for array, before in zip((x.data, x.indices, x.indptr), bits, strict=True):
        np.testing.assert_array_equal(array, before)
    assert set(vars(x)) == set(flags)


def test_duplicates_that_cancel_leave_no_entry() -> None:
    x = sp.csr_array((np.array([2.0, -2.0, 1.0]), np.array([1, 1, 0]), np.array([0, 3])), shape=(1, 3))
    assert canonical(x).nnz == 1


def test_buffers_longer_than_needed_are_not_read_to_their_end() -> None:
    x = sp.csr_array(np.eye(3))
    x.data = np.append(x.data, [-7.0, np.nan])
    x.indices = np.append(x.indices, [0, 0]).astype(x.indices.dtype)
    survey = as_operand(x).blocks[0].survey
    assert (survey.nonzeros, survey.negative, survey.not_finite) == (3, None, None)


def test_long_indices_become_short_ones_where_they_fit() -> None:
    x = counts(30, 20).astype(float)
    x.indices, x.indptr = x.indices.astype(np.int64), x.indptr.astype(np.int64)
    found = canonical(x)
    assert (found.indices.dtype, found.indptr.dtype) == (np.int32, np.int32)
    np.testing.assert_array_equal(found.toarray(), x.toarray())


def test_as_operand_takes_matrices_lists_and_operands() -> None:
    x = np.ones((4, 3))
    assert isinstance(as_operand(x), MemoryOperand)
    rows = as_operand([x, sp.csr_array(x)])
    assert isinstance(rows, RowBlocks)
    assert rows.shape == (8, 3)
    assert as_operand(rows) is rows


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([], "without any row"),
        ([np.ones((2, 3)), np.ones((2, 4))], r"\[3, 4\] columns"),
        ([np.ones((2, 3)), np.ones((2, 3), np.float32)], r"'float32', 'float64'"),
    ],
)
def test_row_blocks_must_fit_together(blocks: list[np.ndarray], message: str) -> None:
    with pytest.raises(DataError, match=message):
        RowBlocks(blocks)


@given(m=st.integers(1, 300_000))
def test_ranges_cover_all_rows_and_are_long_enough(m: int) -> None:
    bounds = even_ranges(m, 10**9)
    lengths = np.diff(bounds)
    assert (bounds[0], bounds[-1]) == (0, m)
    assert lengths.max() <= 2048
    assert lengths.min() >= min(m, 64)
    assert lengths.max() - lengths.min() <= 1


@given(count=st.integers(1, 70))
def test_a_tree_sum_keeps_order_and_pairs_equals(count: int) -> None:
    def expected(texts: list[str]) -> str:
        """The largest full binary tree on the left, the rest on the right."""
        if len(texts) == 1:
            return texts[0]
        half = 1 << (len(texts) - 1).bit_length() - 1
        return f"({expected(texts[:half])} {expected(texts[half:])})"

    texts = [str(i) for i in range(count)]
    total: TreeSum[Tree] = TreeSum()
    for text in texts:
        total.add(Tree(text))
        assert len(total._partial) <= 7
    assert total.result().text == expected(texts)
