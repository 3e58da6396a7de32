"""The divergence of each row, against its definition and against the sum that fits lower."""

import numpy as np
import pytest
import scipy.sparse as sp

from partwise.arrays.convert import as_operand
from partwise.arrays.observed import observed

BETAS = (-0.5, 0.0, 0.5, 1.0, 1.5, 3.0)


def definition(x, y, beta):
    if beta == 0:
        return x / y - np.log(x / y) - 1
    if beta == 1:
        return np.where(x > 0, x * np.log(np.where(x > 0, x, 1) / y), 0) - x + y
    return (x**beta + (beta - 1) * y**beta - beta * x * y ** (beta - 1)) / (beta * (beta - 1))


def operands(X, mask, rows):
    """The same data in every container, whole and with weights, and the weights."""
    holes = np.where(mask, X, np.nan)
    stored = sp.csr_array(np.where(mask, X + 1, 0.0))
    stored.data -= 1  # zeros that are stored are observed
    yield "dense", as_operand(X), np.ones(X.shape)
    yield "sparse", as_operand(sp.csr_array(X)), np.ones(X.shape)
    yield "dense with holes", observed(holes), 1.0 * mask
    yield "sparse with a mask", observed(sp.csr_array(X), mask), 1.0 * mask
    yield "sparse, absent missing", observed(stored, absent_missing=True), 1.0 * mask
    yield "weights of rows", observed(sp.csr_array(X), weights=rows), np.repeat(rows[:, None], X.shape[1], 1)
    yield "holes and weights", observed(holes, weights=rows), rows[:, None] * mask


@pytest.mark.parametrize("beta", BETAS)
def test_the_divergence_of_each_row_is_its_definition_and_its_sum_the_loss(beta, rng):
    X = rng.gamma(0.7, 2.0, (9, 7))
    if beta > 0:
        X[rng.random(X.shape) < 0.4] = 0
    mask, rows = rng.random(X.shape) < 0.7, np.arange(9.0)
    mask[2] = False
    F, G = rng.random((9, 3)) + 0.1, rng.random((7, 3)) + 0.1
    each = definition(X, F @ G.T, beta)
    for name, operand, v in operands(X, mask, rows):
        block = operand.blocks[0]
        expected = (v * np.where(v > 0, each, 0)).sum(axis=1)
        found = block.divergences(F, G, beta)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12, err_msg=name)
        by_column = block.T.divergences(G, F, beta)
        np.testing.assert_allclose(by_column.sum(), found.sum(), rtol=1e-9, err_msg=name)
        np.testing.assert_allclose(block.divergence(F, G, beta)[2], found.sum(), rtol=1e-9, err_msg=name)


def test_an_exact_fit_and_a_model_of_nothing(rng):
    F, G = rng.random((4, 2)), rng.random((5, 2))
    for container in (np.asarray, sp.csr_array):
        block = as_operand(container(F @ G.T)).blocks[0]
        for beta in BETAS:
            np.testing.assert_allclose(block.divergences(F, G, beta), 0, atol=1e-13)
            assert np.isfinite(block.divergences(0 * F, G, beta)).all()
