"""What every loss promises, on every loss that is registered."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from partwise._errors import DataError
from partwise.arrays import Operand
from partwise.arrays.block import Block
from partwise.arrays.operand import Rows
from partwise.losses import LOSSES, Loss
from partwise.subproblems import GradientParts, NormalEquations, Subproblem
from tests.contracts.storages import CASES, stored
from tests.reference.beta import beta_divergence, shares_residual
from tests.reference.nmf import side_residual

M, N, K = 40, 17, 3

DEFINITIONS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "frobenius": lambda X, Y: beta_divergence(X, Y, 2.0),
    "kullback-leibler": lambda X, Y: beta_divergence(X, Y, 1.0),
    "itakura-saito": lambda X, Y: beta_divergence(X, Y, 0.0),
}
"""D(X | Y) by its formula. A loss registered without one fails the contract."""

GRADIENTS: dict[type[Subproblem], Callable[[Any, np.ndarray], np.ndarray]] = {
    NormalEquations: lambda subproblem, F: F @ subproblem.penalised_gram - subproblem.penalised_cross,
    GradientParts: lambda subproblem, F: subproblem.penalised_positive(F, slice(None)) - subproblem.negative,
}
"""The gradient that a form of subproblem states."""

REFUSED: dict[str, list[float]] = {"frobenius": [-1.0], "kullback-leibler": [-1.0], "itakura-saito": [-1.0, 0.0]}
"""Entries outside the domain."""

each_loss = pytest.mark.parametrize("name", DEFINITIONS)
ADDITIVE = [
    (name, form)
    for name, loss in LOSSES.items()
    for form in sorted(loss.forms, key=str)
    if form.additive  # Entries have a contract of their own, in test_kullback_leibler.py
]
each_form = pytest.mark.parametrize(("name", "form"), ADDITIVE)
each_case = pytest.mark.parametrize("case", CASES, ids="-".join)


@pytest.fixture
def X(name: str, rng: np.random.Generator) -> np.ndarray:
    zeros = 0.0 in REFUSED[name]
    return rng.random((M, N)) * (rng.random((M, N)) < 0.6) + (0.1 if zeros else 0.0)


@pytest.fixture
def W(rng: np.random.Generator) -> np.ndarray:
    return rng.random((M, K))


@pytest.fixture
def H(rng: np.random.Generator) -> np.ndarray:
    """Tall, n × k, as everything inside."""
    return rng.random((N, K))


def whole(loss: Loss, form: type[Subproblem], operand: Operand, W: np.ndarray, H: np.ndarray) -> Any:
    """The subproblem of H at W, summed over the blocks."""

    def visit(block: Block, rows: Rows) -> tuple[Rows, Any]:
        return None, loss.around(form, [rows])(block.T, [H])[0]

    return operand.sweep(visit, operand.place(W))[1]


def test_every_loss_and_every_form_is_tested() -> None:
    assert set(DEFINITIONS) == set(REFUSED) == set(LOSSES)
    assert {form for _, form in ADDITIVE} == set(GRADIENTS)


@each_form
@each_case
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_the_value_is_the_definition(
    name: str,
    form: type[Subproblem],
    case: tuple[str, str],
    dtype: type,
    rtol: float,
    X: np.ndarray,
    W: np.ndarray,
    H: np.ndarray,
) -> None:
    X, W, H = X.astype(dtype), W.astype(dtype), H.astype(dtype)
    loss, operand = LOSSES[name](), stored(X, *case)
    expected = DEFINITIONS[name](X.astype(float), W.astype(float) @ H.T.astype(float))
    assert loss.between(operand, operand.place(W), H) == pytest.approx(expected, rel=rtol)
    subproblem = whole(loss, form, operand, W, H)
    factor, value = subproblem.measure(H, H)
    assert value == pytest.approx(DEFINITIONS[name](X.astype(float), W.astype(float) @ factor.T), rel=rtol)


@each_form
def test_subproblems_of_blocks_add_up(
    name: str, form: type[Subproblem], X: np.ndarray, W: np.ndarray, H: np.ndarray
) -> None:
    loss = LOSSES[name]()
    one, many = (whole(loss, form, stored(X, "rows", kind), W, H) for kind in ("one", "mixed"))
    assert type(one).additive
    assert many.measure(H, H)[1] == pytest.approx(one.measure(H, H)[1], rel=1e-12)
    gradient = GRADIENTS[type(one)]
    np.testing.assert_allclose(gradient(many, H), gradient(one, H), rtol=1e-10, atol=1e-12)


@each_form
def test_the_gradient_is_that_of_the_definition(
    name: str, form: type[Subproblem], X: np.ndarray, W: np.ndarray, H: np.ndarray
) -> None:
    linear, ridge, step = 0.3, 0.7, 1e-5
    subproblem = whole(LOSSES[name](), form, stored(X, "memory", "C"), W, H).plus(linear, ridge)

    def value(F: np.ndarray) -> float:
        return DEFINITIONS[name](X, W @ F.T) + linear * float(F.sum()) + 0.5 * ridge * float(np.sum(F**2))

    expected = np.empty_like(H)
    for entry in np.ndindex(H.shape):
        moved = np.zeros_like(H)
        moved[entry] = step
        expected[entry] = (value(H + moved) - value(H - moved)) / (2 * step)
    np.testing.assert_allclose(GRADIENTS[type(subproblem)](subproblem, H), expected, rtol=1e-6, atol=1e-8)


@each_form
def test_the_residual_is_the_natural_one(
    name: str, form: type[Subproblem], X: np.ndarray, W: np.ndarray, H: np.ndarray
) -> None:
    H[::3] = 0
    W[:, 1] = 0
    subproblem = whole(LOSSES[name](), form, stored(X, "memory", "C"), W, H).plus(0.1, 0.2)
    if form is GradientParts:
        expected = shares_residual(H, subproblem.negative, subproblem.penalised_positive(H, slice(None)))
    else:
        expected = side_residual(H, GRADIENTS[form](subproblem, H), np.linalg.norm(W, axis=0))
    assert np.sqrt(subproblem.residual(H)) == pytest.approx(expected, rel=1e-10)


@each_loss
@each_case
def test_the_domain_is_checked_by_entry(name: str, case: tuple[str, str], X: np.ndarray) -> None:
    loss = LOSSES[name]()

    def check(x: np.ndarray) -> None:
        loss.check(stored(x, *case).sweep(lambda block, rows: (None, block.survey), None)[1])

    check(X)
    for value in REFUSED[name]:
        bad = X.copy()
        bad[33, 2] = bad[12, 9] = bad[12, 11] = value
        with pytest.raises(DataError, match=r"row 12, column 9\b"):
            check(bad)


@each_loss
def test_the_scale_is_homogeneous(name: str, X: np.ndarray, W: np.ndarray, H: np.ndarray) -> None:
    loss = LOSSES[name]()
    scales = []
    for factor in (1.0, 64.0):
        survey = stored(factor * X, "memory", "C").blocks[0].survey
        residual = whole(loss, loss.certificate, stored(factor * X, "memory", "C"), factor * W, H).residual(H)
        scales.append((loss.scale(survey), np.sqrt(residual)))
    assert scales[1][0] == pytest.approx(64 ** (loss.beta / 2) * scales[0][0])
    assert scales[1][1] == pytest.approx(64 ** (loss.beta / 2) * scales[0][1])
