"""β-divergences, stated by both parts of their gradients."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.decomposition._nmf import _beta_divergence

from partwise._errors import DataError
from partwise.arrays import Operand
from partwise.arrays.block import Block, CSRBlock
from partwise.arrays.operand import Rows
from partwise.engine.compose import loss_named
from partwise.kernels.threads import threads
from partwise.losses import BetaDivergence, Loss
from partwise.losses.kullback_leibler import KullbackLeibler
from partwise.subproblems import GradientParts
from tests.contracts.storages import CASES, stored
from tests.reference.beta import BETAS, beta_divergence, positive_data, shares_residual

M, N, K = 40, 17, 3

each_beta = pytest.mark.parametrize("beta", BETAS)
each_case = pytest.mark.parametrize("case", CASES, ids="-".join)


@pytest.fixture
def W(rng: np.random.Generator) -> np.ndarray:
    return rng.random((M, K)) + 0.1


@pytest.fixture
def H(rng: np.random.Generator) -> np.ndarray:
    """Tall, n × k, as everything inside."""
    return rng.random((N, K)) + 0.1


def of_columns(loss: Loss, operand: Operand, W: np.ndarray, H: np.ndarray) -> GradientParts:
    """The subproblem of H at W, summed over the blocks."""

    def visit(block: Block, rows: Rows) -> tuple[Rows, GradientParts]:
        assert isinstance(rows, np.ndarray)
        return None, loss.around(GradientParts, [rows])(block.T, [H])[0]

    return operand.sweep(visit, operand.place(W))[1]


def gradient(parts: GradientParts, F: np.ndarray) -> np.ndarray:
    return parts.penalised_positive(F, slice(None)) - parts.negative


@each_beta
@each_case
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_every_storage_gives_the_value_of_the_definition(
    beta: float, case: tuple[str, str], dtype: type, rtol: float, W: np.ndarray, H: np.ndarray, rng: np.random.Generator
) -> None:
    X, W, H = (part.astype(dtype) for part in (positive_data(rng, (M, N), beta), W, H))
    loss, operand = loss_named(beta), stored(X, *case)
    expected = beta_divergence(X.astype(float), W.astype(float) @ H.T.astype(float), beta)
    between = loss.between(operand, operand.place(W), H)
    assert between == pytest.approx(expected, rel=1e-11 if dtype is np.float64 else 1e-6)  # in float64 all the same
    parts = of_columns(loss, operand, W, H)
    factor, value = parts.measure(H, 2 * H)
    assert value == pytest.approx(expected, rel=rtol)
    np.testing.assert_array_equal(factor, H)  # it is known at the old factor
    assert parts.negative.dtype == dtype
    assert parts.alive.all()


@each_beta
@pytest.mark.parametrize("sparse", [False, True])
def test_the_value_is_that_of_scikit_learn(
    beta: float, sparse: bool, W: np.ndarray, H: np.ndarray, rng: np.random.Generator
) -> None:
    X = positive_data(rng, (M, N), beta)
    X = sp.csr_array(X) if sparse else X
    operand = stored(X.toarray() if sparse else X, "memory", "CSR" if sparse else "C")
    expected = _beta_divergence(X, W, H.T.copy(), beta)
    assert loss_named(beta).between(operand, W, H) == pytest.approx(expected, rel=1e-11)


@each_beta
def test_subproblems_of_blocks_add_up(beta: float, W: np.ndarray, H: np.ndarray, rng: np.random.Generator) -> None:
    X = positive_data(rng, (M, N), beta)
    one, many = (of_columns(loss_named(beta), stored(X, "rows", kind), W, H) for kind in ("one", "mixed"))
    assert GradientParts.additive
    assert many.value == pytest.approx(one.value, rel=1e-11)
    np.testing.assert_allclose(many.negative, one.negative, rtol=1e-11)
    np.testing.assert_allclose(many.positive, one.positive, rtol=1e-11)


@each_beta
def test_the_gradient_is_that_of_the_definition(
    beta: float, W: np.ndarray, H: np.ndarray, rng: np.random.Generator
) -> None:
    linear, ridge, step = 0.3, 0.7, 1e-5
    X = positive_data(rng, (M, N), beta)
    parts = of_columns(loss_named(beta), stored(X, "memory", "C"), W, H).plus(0.1, ridge).plus(0.2, 0.0)

    def value(F: np.ndarray) -> float:
        return beta_divergence(X, W @ F.T, beta) + linear * float(F.sum()) + 0.5 * ridge * float(np.sum(F**2))

    expected = np.empty_like(H)
    for entry in np.ndindex(H.shape):
        moved = np.zeros_like(H)
        moved[entry] = step
        expected[entry] = (value(H + moved) - value(H - moved)) / (2 * step)
    np.testing.assert_allclose(gradient(parts, H), expected, rtol=1e-5, atol=1e-6)


@each_beta
def test_the_residual_is_free_of_scale_and_has_the_unit_of_the_loss(
    beta: float, W: np.ndarray, H: np.ndarray, rng: np.random.Generator
) -> None:
    X = positive_data(rng, (M, N), beta)
    loss, scale = loss_named(beta), np.array([4.0, 1.0, 0.25])

    def residual(x: np.ndarray, w: np.ndarray, h: np.ndarray) -> float:
        operand = stored(x, "memory", "C")
        return float(np.sqrt(of_columns(loss, operand, w, h).residual(h))) / loss.scale(operand.blocks[0].survey)

    expected = residual(X, W, H)
    assert residual(X, W * scale, H / scale) == pytest.approx(expected, rel=1e-9)
    assert residual(64 * X, W, 64 * H) == pytest.approx(expected, rel=1e-9)
    parts = of_columns(loss, stored(X, "memory", "C"), W, H).plus(0.1, 0.2)
    positive = parts.penalised_positive(H, slice(None))
    assert np.sqrt(parts.residual(H)) == pytest.approx(shares_residual(H, parts.negative, positive), rel=1e-10)


@pytest.mark.parametrize("beta", [0.0, 1.0, 2.0])
def test_the_scale_is_exact_where_the_survey_knows_it(beta: float, rng: np.random.Generator) -> None:
    X = positive_data(rng, (M, N), beta)
    survey = stored(X, "memory", "C").blocks[0].survey
    assert loss_named(beta).scale(survey) ** 2 == pytest.approx(float(np.sum(X[X > 0] ** beta)))
    assert loss_named(beta).scale(stored(0 * X, "memory", "C").blocks[0].survey) == 0


@each_case
def test_the_first_zero_is_refused_where_the_loss_is_infinite(case: tuple[str, str], rng: np.random.Generator) -> None:
    X = rng.random((M, N)) + 0.1

    def check(x: np.ndarray, beta: float) -> None:
        loss_named(beta).check(stored(x, *case).sweep(lambda block, rows: (None, block.survey), None)[1])

    for beta in BETAS:
        check(X, beta)
    bad = X.copy()
    bad[33, 2] = bad[12, 9] = bad[12, 11] = 0
    check(bad, 0.5)
    for beta in (0.0, -1.0):
        with pytest.raises(DataError, match=r"3 of the 680 entries are zero, the first in row 12, column 9\b.*floor"):
            check(bad, beta)
    bad[12, 9] = -1
    for beta in BETAS:
        with pytest.raises(DataError, match=r"row 12, column 9\b"):
            check(bad, beta)


def test_a_floor_as_the_error_says_is_accepted(rng: np.random.Generator) -> None:
    X = positive_data(rng, (M, N), 1)
    BetaDivergence(0).check(stored(X + X[X > 0].min() * 1e-3, "memory", "C").blocks[0].survey)


def test_kullback_leibler_is_that_of_beta_1(W: np.ndarray, H: np.ndarray, rng: np.random.Generator) -> None:
    X = positive_data(rng, (M, N), 1)
    operand = stored(X, "memory", "CSR")
    assert KullbackLeibler().between(operand, W, H) == BetaDivergence(1.0).between(operand, W, H)
    assert KullbackLeibler.name == "kullback-leibler"


@each_beta
def test_the_bits_do_not_depend_on_threads(beta: float, rng: np.random.Generator) -> None:
    X = positive_data(rng, (900, 700), beta)
    F, G = rng.random((900, 20)) + 0.1, rng.random((700, 20)) + 0.1
    for kind in ("C", "Fortran", "CSR"):
        block, found = stored(X, "memory", kind).blocks[0], set()
        for n_threads in (1, 2, 3):
            with threads(n_threads):
                parts = loss_named(beta).around(GradientParts, [G])(block, [F])[0]
            found.add((parts.negative.tobytes(), parts.positive.tobytes(), parts.value))
        assert len(found) == 1


@pytest.mark.parametrize("beta", [1.0, 1.5])
def test_sparse_data_are_never_made_dense_nor_wide(beta: float, rng: np.random.Generator) -> None:
    m, n, k, entries = 5000, 6000, 20, 400_000
    place = rng.integers(0, m, entries), rng.integers(0, n, entries)
    block = CSRBlock(sp.csr_array(sp.coo_array((np.ones(entries), place), shape=(m, n))))
    F, G = rng.random((m, k)) + 0.1, rng.random((n, k)) + 0.1
    loss = loss_named(beta)
    loss.around(GradientParts, [G[:9]])(CSRBlock(block.x[:9, :9]), [F[:9]])
    with threads(2):
        tracemalloc.start()
        loss.around(GradientParts, [G])(block, [F])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 3 * (block.x.data.nbytes + block.x.indices.nbytes) + 2 * (F.nbytes + G.nbytes)
    assert peak < entries * k * 8 / 3
    assert peak < m * n * 8 / 10
