"""What losses and solvers promise where entries are missing or have weights, on all that are registered."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from partwise.arrays.memory import MemoryOperand
from partwise.arrays.observed import observed
from partwise.kernels.threads import threads
from partwise.losses import LOSSES, WEIGHTED, BetaDivergence, Loss
from partwise.solvers import SOLVERS, Plan
from partwise.subproblems import Entries, GradientParts, RowEquations, Subproblem
from tests.reference.beta import shares_residual
from tests.reference.kullback_leibler import gradient as kl_gradient
from tests.reference.nmf import quadratic, solve_by_supports
from tests.reference.weighted import (
    exact_rows,
    gradient_parts,
    hals_by_rows,
    loss,
    multiplicative_step,
    natural_residual,
    row_equations,
)

M, N, K = 14, 11, 3

ALL: dict[str, Loss] = {name: WEIGHTED.get(name, kind)() for name, kind in LOSSES.items()}
ALL |= {f"β = {beta}": BetaDivergence(beta) for beta in (-1.0, 0.5, 1.5, 3.0)}
"""The losses as they are with weights."""

FORMS = [(name, form) for name, one in ALL.items() for form in sorted(one.forms, key=lambda form: form.__name__)]
each_loss = pytest.mark.parametrize("name", ALL)
each_form = pytest.mark.parametrize(("name", "form"), FORMS)

OBSERVED: dict[str, Callable[[np.ndarray, np.ndarray], MemoryOperand]] = {
    "dense": lambda X, V: observed(X, None, V),
    "sparse": lambda X, V: observed(sp.csr_array(np.where(V > 0, X, 0)), None, sp.csr_array(V)),
    "stored": lambda X, V: observed(sp.csr_array(X), None, V, absent_missing=True),
    "mask": lambda X, V: observed(X, V > 0, V[:, :1].ravel() + 1),
    "sparse mask": lambda X, V: observed(sp.csr_array(X), V > 0, V[:, :1].ravel() + 1),
}
each_kind = pytest.mark.parametrize("kind", OBSERVED)


def data(name: str, kind: str, seed: int = 0) -> tuple[MemoryOperand, np.ndarray, np.ndarray]:
    """The operand, X and V: a third missing, the other weights different."""
    rng = np.random.default_rng(seed)
    # What sparse data do not store is zero, and may not be where the loss is infinite there.
    positive = ALL[name].beta <= 0 or kind == "stored"
    X = rng.random((M, N)) * (rng.random((M, N)) < 0.6) + (0.1 if positive else 0.0)
    V = rng.random((M, N)) * (rng.random((M, N)) < 0.7)
    operand = OBSERVED[kind](X, V)
    return operand, X, (V > 0) * (V[:, :1] + 1) if kind.endswith("mask") else V


def factors(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.random((M, K)), rng.random((N, K))


def subproblem(name: str, form: type[Subproblem], operand: MemoryOperand, F: np.ndarray, G: np.ndarray) -> Any:
    (block,) = operand.blocks
    return ALL[name].around(form, [G])(block, [F])[0]


def gradient(sub: Any, F: np.ndarray) -> np.ndarray:
    parts = sub if isinstance(sub, GradientParts) else sub.parts(F)
    return np.asarray(parts.penalised_positive(F, slice(None)) - parts.negative)


def test_every_loss_with_weights_and_every_solver_of_them_is_tested() -> None:
    assert set(WEIGHTED) <= set(LOSSES) <= set(ALL)
    assert {form for _, form in FORMS} == {RowEquations, GradientParts, Entries}
    assert {name for name, solver in SOLVERS.items() if solver.form is RowEquations} == set(ROW_SOLVERS)


@each_form
@each_kind
def test_the_value_and_the_gradient_are_those_of_the_entries(name: str, form: type[Subproblem], kind: str) -> None:
    operand, X, V = data(name, kind)
    W, H = factors()
    beta = ALL[name].beta
    for data_of, x, v, F, G in ((operand, X, V, W, H), (operand.T, X.T, V.T, H, W)):
        sub = subproblem(name, form, data_of, F, G)
        factor, value = sub.measure(F, F)
        np.testing.assert_array_equal(factor, F)
        assert value == pytest.approx(loss(x, v, F, G, beta), rel=1e-10)
        assert ALL[name].between(data_of, F, G) == pytest.approx(value, rel=1e-10)
        negative, positive = gradient_parts(x, v, F, G, beta)
        np.testing.assert_allclose(gradient(sub.plus(0.3, 0.7), F), positive - negative + 0.3 + 0.7 * F, atol=1e-9)


@each_form
@each_kind
def test_the_gradient_is_that_of_finite_differences(name: str, form: type[Subproblem], kind: str) -> None:
    operand, _, _ = data(name, kind)
    F, G = factors()
    step, expected = 1e-5, np.empty_like(F)
    for entry in np.ndindex(F.shape):
        moved = np.zeros_like(F)
        moved[entry] = step
        ends = [ALL[name].between(operand, F + sign * moved, G) for sign in (1, -1)]
        expected[entry] = (ends[0] - ends[1]) / (2 * step)
    np.testing.assert_allclose(gradient(subproblem(name, form, operand, F, G), F), expected, rtol=1e-5, atol=1e-6)


@each_form
@each_kind
def test_the_residual_is_the_natural_one(name: str, form: type[Subproblem], kind: str) -> None:
    operand, X, V = data(name, kind)
    F, G = factors()
    F[::3] = 0
    F[1, 2] = 0
    G[:, 1] = 0
    if ALL[name].beta < 2:
        F[::3] += 1e-3  # where all of a model is zero the loss is infinite
    found = np.sqrt(subproblem(name, form, operand, F, G).residual(F))
    parts = gradient_parts(X, V, F, G, ALL[name].beta)
    expected = natural_residual(X, V, F, G) if ALL[name].beta == 2 else shares_residual(F, *parts)
    assert found == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("name", [name for name in ALL if GradientParts in ALL[name].forms])
@each_kind
def test_subproblems_of_blocks_add_up(name: str, kind: str) -> None:
    operand, _, _ = data(name, kind)
    W, H = factors()
    whole = subproblem(name, GradientParts, operand.T, H, W)
    x, v = operand.blocks[0].rows(np.arange(M)), operand.blocks[0].weights_of(np.arange(M))
    v = np.broadcast_to(v, x.shape)
    pieces = [observed(x[rows], None, v[rows]).T for rows in (slice(0, 5), slice(5, 14))]
    parts = [subproblem(name, GradientParts, piece, H, w) for piece, w in zip(pieces, (W[:5], W[5:]), strict=True)]
    total = parts[0] + parts[1]
    assert total.measure(H, H)[1] == pytest.approx(whole.measure(H, H)[1], rel=1e-10)
    assert total.residual(H) == pytest.approx(whole.residual(H), rel=1e-8)
    np.testing.assert_allclose(gradient(total, H), gradient(whole, H), atol=1e-9)


@each_loss
def test_scale_and_residual_follow_the_weights(name: str) -> None:
    """Twice the weights is twice the loss, and no other optimality."""
    operand, X, V = data(name, "dense")
    F, G = factors()
    one = ALL[name]
    ratios = []
    for factor in (1.0, 64.0):
        operand = observed(X, None, factor * V)
        sub = subproblem(name, one.certificate, operand, F, G)
        ratios.append(np.sqrt(sub.residual(F)) / one.scale(operand.blocks[0].survey))
    assert one.between(operand, F, G) == pytest.approx(64 * loss(X, V, F, G, one.beta), rel=1e-10)
    assert ratios[1] == pytest.approx(ratios[0], rel=1e-8)


ROW_SOLVERS = {"row_cd": (Plan(1), Plan(20000, 0.0)), "row_bpp": (Plan(), Plan())}
"""Solvers with a Gram for each row: a plan of one step, and one that leads to the end."""
each_solver = pytest.mark.parametrize("solver", ROW_SOLVERS)
each_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])
each_penalty = pytest.mark.parametrize("penalty", [(0.0, 0.0), (0.1, 0.0), (0.0, 0.5), (0.1, 0.5)])


def equations(
    kind: str, dtype: type = np.float64, k: int = K, penalty: tuple[float, float] = (0.0, 0.0)
) -> tuple[RowEquations, np.ndarray]:
    """Row equations whose solutions have zeros, and an F to start from, also with zeros."""
    operand, _, V = data("frobenius", kind)
    (block,) = operand.blocks
    x = block.rows(np.arange(M)).astype(dtype)
    rng = np.random.default_rng(3)
    G = rng.random((N, k)).astype(dtype)
    F = (rng.random((M, k)) * (rng.random((M, k)) < 0.7)).astype(dtype)
    moved = OBSERVED["stored" if kind == "stored" else "dense"](x, V.astype(dtype)) if dtype == np.float32 else operand
    (sub,) = ALL["frobenius"].around(RowEquations, [G])(moved.blocks[0], [F])
    return sub.plus(*penalty), F


def values(sub: RowEquations, F: np.ndarray) -> np.ndarray:
    cross, grams = (part.astype(float) for part in sub.equations(0, len(F)))
    return np.array([quadratic(f, c, gram) for f, c, gram in zip(F.astype(float), cross, grams, strict=True)])


@each_solver
@each_dtype
@each_penalty
@pytest.mark.parametrize("kind", ["dense", "sparse mask"])
def test_no_row_ever_rises(solver: str, dtype: type, penalty: tuple[float, float], kind: str) -> None:
    sub, F = equations(kind, dtype, penalty=penalty)
    before = values(sub, F)
    for plan in (*ROW_SOLVERS[solver], Plan(5, 0.01)):
        new, work = SOLVERS[solver]().update(sub, F, plan)
        assert (new.shape, new.dtype, work.rows) == (F.shape, F.dtype, M)
        assert (new >= 0).all()
        assert (values(sub, new) <= before + 1e3 * np.finfo(dtype).eps).all()


@each_solver
@each_kind
@each_penalty
@pytest.mark.parametrize("k", [1, 3, 5])
def test_led_to_the_end_it_finds_the_exact_solution(
    solver: str, kind: str, penalty: tuple[float, float], k: int
) -> None:
    sub, F = equations(kind, k=k, penalty=penalty)
    sub = replace(sub, steeper=1e-9)  # rows with fewer entries than parts have one solution then
    new, _ = SOLVERS[solver]().update(sub, F, ROW_SOLVERS[solver][1])
    cross, grams = sub.equations(0, M)
    best = np.array([solve_by_supports(c, gram) for c, gram in zip(cross, grams, strict=True)])
    np.testing.assert_allclose(values(sub, new), values(sub, best), rtol=1e-8, atol=1e-12)


@each_kind
@each_penalty
def test_the_equations_are_those_of_the_entries(kind: str, penalty: tuple[float, float]) -> None:
    _, X, V = data("frobenius", kind)
    sub, _ = equations(kind, penalty=penalty)
    cross, grams = row_equations(X, V, sub.G)
    found = sub.equations(0, M)
    np.testing.assert_allclose(found[0], cross - penalty[0], atol=1e-12)
    np.testing.assert_allclose(found[1], grams + penalty[1] * np.eye(K), atol=1e-12)


@each_kind
def test_one_sweep_of_coordinate_descent_is_that_of_the_book(kind: str) -> None:
    _, X, V = data("frobenius", kind)
    sub, F = equations(kind)
    new, work = SOLVERS["row_cd"]().update(sub, F, Plan(1))
    expected = hals_by_rows(X, V, F, sub.G)
    np.testing.assert_allclose(new, expected, rtol=1e-9, atol=1e-12)
    diagonals = np.einsum("rjj->rj", sub.equations(0, M)[1])
    gain = float((diagonals * (expected - F) ** 2).sum())
    assert (work.first, work.last, work.sweeps) == (pytest.approx(gain), pytest.approx(gain), M)


@each_kind
def test_pivoting_is_trying_every_support(kind: str) -> None:
    _, X, V = data("frobenius", kind)
    sub, F = equations(kind)
    new, _ = SOLVERS["row_bpp"]().update(sub, F, Plan())
    np.testing.assert_allclose(new, exact_rows(X, V, sub.G), rtol=1e-7, atol=1e-9)


@each_loss
@each_kind
def test_one_multiplicative_step_is_that_of_the_book(name: str, kind: str) -> None:
    operand, X, V = data(name, kind)
    F, G = factors()
    new, _ = SOLVERS["mu"]().update(subproblem(name, GradientParts, operand, F, G), F, Plan())
    np.testing.assert_allclose(new, multiplicative_step(X, V, F, G, ALL[name].beta), rtol=1e-9)


@each_kind
def test_newton_steps_end_where_the_gradient_of_the_entries_vanishes(kind: str) -> None:
    operand, X, V = data("kullback-leibler", kind)
    F, G = factors()
    sub = subproblem("kullback-leibler", Entries, operand, F, G).plus(0.05, 0.1)
    new, _ = SOLVERS["kl_cd"]().update(sub, F, Plan(5000, 1e-18))
    negative, positive = gradient_parts(X, V, new, G, 1.0)
    slope = positive - negative + 0.05 + 0.1 * new
    assert np.abs(np.minimum(new, slope)).max() < 1e-7
    before = loss(X, V, F, G, 1.0) + 0.05 * F.sum() + 0.05 * (F**2).sum()
    assert loss(X, V, new, G, 1.0) + 0.05 * new.sum() + 0.05 * (new**2).sum() < before


def test_the_reference_agrees_with_that_for_all_entries() -> None:
    _, X, _ = data("kullback-leibler", "dense")
    F, G = factors()
    negative, positive = gradient_parts(X, np.ones(X.shape), F, G, 1.0)
    np.testing.assert_allclose(positive - negative, kl_gradient(X, F, G), atol=1e-12)


@each_solver
@each_dtype
def test_a_row_alone_gives_the_bits_that_it_gives_among_others(solver: str, dtype: type) -> None:
    sub, F = equations("dense", dtype)
    together, _ = SOLVERS[solver]().update(sub, F, Plan(20, 0.01))
    X, v = sub.block.rows(np.arange(M)), np.broadcast_to(sub.block.weights_of(np.arange(M)), (M, N))
    for i in (0, 5, M - 1):
        (block,) = observed(X[i : i + 1], None, v[i : i + 1].astype(dtype)).blocks
        alone = replace(sub, block=block, cross=sub.cross[i : i + 1])
        np.testing.assert_array_equal(SOLVERS[solver]().update(alone, F[i : i + 1], Plan(20, 0.01))[0][0], together[i])


@each_solver
@each_dtype
def test_the_bits_do_not_depend_on_threads(solver: str, dtype: type) -> None:
    rng = np.random.default_rng(0)
    X, V = rng.random((700, 30)).astype(dtype), (rng.random((700, 30)) < 0.6).astype(dtype)
    F, G = rng.random((700, 6)).astype(dtype), rng.random((30, 6)).astype(dtype)
    found = set()
    for n_threads in (1, 2, 3):
        with threads(n_threads):
            (sub,) = ALL["frobenius"].around(RowEquations, [G])(observed(X, None, V).blocks[0], [F])
            new, work = SOLVERS[solver]().update(sub, F, Plan(20, 0.01))
        found.add((new.tobytes(), work))
    assert len(found) == 1


@each_solver
def test_inputs_stay_as_they_are(solver: str) -> None:
    sub, F = equations("sparse")
    kept = [part.copy() for part in (sub.cross, sub.G, F)]
    for array in (sub.cross, sub.G, F):
        array.flags.writeable = False
    SOLVERS[solver]().update(sub.plus(0.1, 0.2), F, Plan())
    for array, copy in zip((sub.cross, sub.G, F), kept, strict=True):
        np.testing.assert_array_equal(array, copy)


@each_solver
@each_kind
def test_what_nothing_is_known_of_is_left_alone(solver: str, kind: str) -> None:
    """A component whose partner is zero, and all of a row without entries."""
    rng = np.random.default_rng(0)
    X, V = rng.random((M, N)), rng.random((M, N)) * (rng.random((M, N)) < 0.8)
    V[4] = 0
    F, G = factors()
    G[:, 1] = 0
    (sub,) = ALL["frobenius"].around(RowEquations, [G])(OBSERVED[kind](X, V).blocks[0], [F])
    new, _ = SOLVERS[solver]().update(sub, F, ROW_SOLVERS[solver][1])
    np.testing.assert_array_equal(new[:, 1], F[:, 1])
    np.testing.assert_array_equal(new[4], F[4])
    with_penalty, _ = SOLVERS[solver]().update(sub.plus(0.1, 0.0), F, ROW_SOLVERS[solver][1])
    assert not with_penalty[:, 1].any()
    assert not with_penalty[4].any()
    np.testing.assert_array_equal(sub.alive, [True, False, True])


@each_solver
def test_equal_components_are_no_obstacle(solver: str) -> None:
    sub, _ = equations("dense")
    G = sub.G[:, [0, 1, 2, 0, 1]]
    F = np.random.default_rng(5).random((M, 5))
    (twice,) = ALL["frobenius"].around(RowEquations, [G])(sub.block, [F])
    new, _ = SOLVERS[solver]().update(twice, F, ROW_SOLVERS[solver][1])
    cross, grams = twice.equations(0, M)
    best = np.array([solve_by_supports(c, gram) for c, gram in zip(cross, grams, strict=True)])
    np.testing.assert_allclose(values(twice, new), values(twice, best), rtol=1e-7, atol=1e-12)


def test_the_grams_of_a_thread_stay_small_where_rows_are_short() -> None:
    """Ranges hold equal numbers of entries, and so may hold very many rows without any."""
    X = sp.csr_array(([1.0], ([0], [0])), shape=(300_000, 3))
    G = np.ones((3, 30))
    (sub,) = ALL["frobenius"].around(RowEquations, [G])(observed(X, absent_missing=True).blocks[0], [G])
    ranges = sub.ranges
    assert (ranges[0], ranges[-1]) == (0, 300_000)
    assert max(np.diff(ranges)) * 30**2 <= 1 << 20
    assert min(np.diff(ranges)) > 0
