"""One product for the factors of many fits."""

import numpy as np
import pytest

from partwise.losses.wide import ROW_BYTES, Wide, apart, side_by_side
from tests.contracts.storages import CASES, stored

M, N = 60, 23


@pytest.mark.parametrize("case", CASES, ids="-".join)
@pytest.mark.parametrize("count", [1, 2, 30])
def test_each_factor_has_its_own_product(case: tuple[str, str], count: int, rng: np.random.Generator) -> None:
    """Thirty factors of five columns of float64 need two products."""
    assert ROW_BYTES < 30 * 5 * 8
    X = rng.random((M, N)) * (rng.random((M, N)) < 0.5)
    factors = [rng.random((N, 5)) for _ in range(count)]
    start = 0
    for block in stored(X, *case).blocks:
        part = X[start : start + block.shape[0]]
        start += block.shape[0]
        products = Wide(factors).products(block)
        assert len(products) == count
        for product, factor in zip(products, factors, strict=True):
            assert product.flags.c_contiguous
            np.testing.assert_allclose(product, part @ factor, rtol=1e-12, atol=1e-14)


def test_a_factor_wider_than_a_row_may_be_has_a_product_of_its_own(rng: np.random.Generator) -> None:
    width = ROW_BYTES // 8 + 1
    X = rng.random((M, N))
    factors = [rng.random((N, width)) for _ in range(2)]
    for product, factor in zip(Wide(factors).products(stored(X, "memory", "C").blocks[0]), factors, strict=True):
        np.testing.assert_allclose(product, X @ factor, rtol=1e-12)


def test_a_single_factor_is_not_copied(rng: np.random.Generator) -> None:
    factor = rng.random((N, 4))
    assert side_by_side([factor]) is factor
    assert apart(factor, [4])[0] is factor


def test_side_by_side_and_apart_again(rng: np.random.Generator) -> None:
    factors = [rng.random((3000, width)).astype(np.float32) for width in (2, 1, 4)]
    wide = side_by_side(factors)
    np.testing.assert_array_equal(wide, np.hstack(factors))
    for factor, again in zip(factors, apart(wide, [2, 1, 4]), strict=True):
        np.testing.assert_array_equal(again, factor)
