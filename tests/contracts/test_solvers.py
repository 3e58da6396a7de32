"""What every solver promises, on every solver that is registered."""

from dataclasses import replace

import numpy as np
import pytest

from partwise.kernels.threads import threads
from partwise.losses import LOSSES
from partwise.solvers import SOLVERS, Plan, Solver, Work
from partwise.subproblems import NormalEquations
from tests.reference.nmf import hals_sweep, quadratic, solve_by_supports

EXHAUSTIVE = Plan(sweeps=20000, gain=0.0)
ONE = Plan(sweeps=1)

CASES: dict[str, list[tuple[str, Plan, Plan]]] = {
    "cd": [("lanes", ONE, EXHAUSTIVE), ("rows", Plan(1, sparse=True), Plan(20000, 0.0, sparse=True))],
    "bpp": [("pivots", ONE, ONE)],
}
"""Solver → its kernels, each with a plan of one step and a plan that leads to the end. One without a case fails."""

each_kernel = pytest.mark.parametrize(
    ("name", "step", "to_the_end"),
    [pytest.param(name, *plans, id=f"{name}-{kernel}") for name, cases in CASES.items() for kernel, *plans in cases],
)
each_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def problem(
    rows: int, k: int, dtype: type = np.float64, seed: int = 0, linear: float = 0.0, ridge: float = 0.0
) -> tuple[NormalEquations, np.ndarray]:
    """Normal equations whose solutions have zeros, and an F to start from, also with zeros."""
    rng = np.random.default_rng(seed)
    G = rng.random((3 * k, k))
    X = rng.random((rows, 3 * k)) - 0.3
    F = rng.random((rows, k)) * (rng.random((rows, k)) < 0.7)
    equations = NormalEquations((X @ G).astype(dtype), G.T @ G, 0.5 * float(np.sum(X**2)), linear, ridge)
    return equations, F.astype(dtype)


def values(equations: NormalEquations, F: np.ndarray) -> np.ndarray:
    """The objective of each row, in float64."""
    cross, gram = equations.penalised_cross.astype(float), equations.penalised_gram
    return np.array([quadratic(f, c, gram) for f, c in zip(F.astype(float), cross, strict=True)])


def test_every_solver_of_normal_equations_is_tested() -> None:
    """Those of other forms are tested in tests/solvers."""
    assert set(CASES) == {name for name, solver in SOLVERS.items() if solver.form is NormalEquations}


@pytest.mark.parametrize("name", CASES)
def test_the_promises_are_stated(name: str) -> None:
    solver = SOLVERS[name]
    assert solver.name == name
    assert any(solver.form in loss.forms for loss in LOSSES.values())
    assert solver.scopes <= {"entry", "row", "matrix"}
    assert solver.monotone is True
    assert issubclass(solver, Solver)


@each_kernel
@each_dtype
@pytest.mark.parametrize("penalty", [(0.0, 0.0), (0.5, 0.0), (0.0, 2.0), (0.5, 2.0)])
def test_no_row_ever_rises(name: str, step: Plan, to_the_end: Plan, dtype: type, penalty: tuple[float, float]) -> None:
    equations, F = problem(300, 6, dtype, linear=penalty[0], ridge=penalty[1])
    before = values(equations, F)
    for plan in (step, Plan(5, 0.01, step.sparse), to_the_end):
        new, _ = SOLVERS[name]().update(equations, F, plan)
        assert (values(equations, new) <= before + 1e3 * np.finfo(dtype).eps).all()


@each_kernel
@each_dtype
def test_the_input_stays_as_it_is(name: str, step: Plan, to_the_end: Plan, dtype: type) -> None:
    equations, F = problem(140, 9, dtype)
    kept = [equations.cross.copy(), equations.gram.copy(), F.copy()]
    for array in (equations.cross, equations.gram, F):
        array.flags.writeable = False
    new, work = SOLVERS[name]().update(equations, F, step)
    assert (new.shape, new.dtype) == (F.shape, F.dtype)
    assert new.flags.c_contiguous
    assert (new >= 0).all()
    assert work.rows == len(F)
    for array, copy in zip((equations.cross, equations.gram, F), kept, strict=True):
        np.testing.assert_array_equal(array, copy)


@each_kernel
@pytest.mark.parametrize("k", [1, 2, 5, 8, 9])
@pytest.mark.parametrize("penalty", [(0.0, 0.0), (0.4, 1.0)])
def test_led_to_the_end_it_finds_the_exact_solution(
    name: str, step: Plan, to_the_end: Plan, k: int, penalty: tuple[float, float]
) -> None:
    equations, F = problem(12, k, linear=penalty[0], ridge=penalty[1])
    new, _ = SOLVERS[name]().update(equations, F, to_the_end)
    expected = [solve_by_supports(c, equations.penalised_gram) for c in equations.penalised_cross]
    np.testing.assert_allclose(new, expected, rtol=1e-7, atol=1e-9)


@each_kernel
@each_dtype
def test_a_row_alone_gives_the_bits_that_it_gives_among_others(
    name: str, step: Plan, to_the_end: Plan, dtype: type
) -> None:
    solver = SOLVERS[name]()
    equations, F = problem(300, 7, dtype)
    for plan in (step, Plan(20, 0.01, step.sparse)):
        together, _ = solver.update(equations, F, plan)
        for i in (0, 77, 127, 128, 299):
            alone = NormalEquations(equations.cross[i : i + 1], equations.gram, 0.0)
            np.testing.assert_array_equal(solver.update(alone, F[i : i + 1], plan)[0], together[i : i + 1])


@each_kernel
@each_dtype
def test_the_bits_do_not_depend_on_threads(name: str, step: Plan, to_the_end: Plan, dtype: type) -> None:
    equations, F = problem(1500, 6, dtype)
    found = set()
    for n_threads in (1, 2, 3):
        with threads(n_threads):
            new, work = SOLVERS[name]().update(equations, F, Plan(20, 0.01, step.sparse))
        found.add((new.tobytes(), work))
    assert len(found) == 1


@each_kernel
def test_a_component_whose_partner_is_zero_is_left_alone(name: str, step: Plan, to_the_end: Plan) -> None:
    equations, F = problem(20, 4)
    cross, gram = equations.cross, equations.gram
    cross[:, 2] = gram[2] = gram[:, 2] = 0
    new, _ = SOLVERS[name]().update(equations, F, to_the_end)
    np.testing.assert_array_equal(new[:, 2], F[:, 2])
    others = [0, 1, 3]
    expected = [solve_by_supports(c, gram[np.ix_(others, others)]) for c in cross[:, others]]
    np.testing.assert_allclose(new[:, others], expected, rtol=1e-7, atol=1e-9)


@each_kernel
def test_a_row_of_zeros_is_solved_by_zeros(name: str, step: Plan, to_the_end: Plan) -> None:
    equations, F = problem(5, 6)
    equations.cross[3] = 0
    new, _ = SOLVERS[name]().update(equations, F, to_the_end)
    assert new[3].max() < 1e-14  # rounding of a gradient that is kept up to date, at most


@each_kernel
def test_equal_components_are_no_obstacle(name: str, step: Plan, to_the_end: Plan) -> None:
    rng = np.random.default_rng(3)
    G = rng.random((12, 3))[:, [0, 1, 2, 0, 1]]
    X = rng.random((30, 12))
    equations = NormalEquations(X @ G, G.T @ G, 0.0)
    F = rng.random((30, 5))
    new, _ = SOLVERS[name]().update(equations, F, to_the_end)
    best = values(equations, np.array([solve_by_supports(c, equations.gram) for c in equations.cross]))
    np.testing.assert_allclose(values(equations, new), best, rtol=1e-8)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("rows", [1, 63, 64, 65, 700])
@pytest.mark.parametrize("k", [1, 3, 4, 16, 18, 19])
def test_one_sweep_of_coordinate_descent_is_that_of_the_book(sparse: bool, rows: int, k: int) -> None:
    equations, F = problem(rows, k, linear=0.2, ridge=0.1)
    new, work = SOLVERS["cd"]().update(equations, F, Plan(1, sparse=sparse))
    expected = hals_sweep(F, equations.penalised_cross, equations.penalised_gram)
    np.testing.assert_allclose(new, expected, rtol=1e-9, atol=1e-12)
    gain = np.sum(np.diag(equations.penalised_gram) * (expected - F) ** 2)
    assert (work.first, work.last) == pytest.approx((gain, gain))
    assert work.sweeps == rows
    assert work.moved == np.count_nonzero(F) + np.count_nonzero(expected != F)


@each_dtype
def test_both_kernels_of_coordinate_descent_agree(dtype: type) -> None:
    equations, F = problem(400, 11, dtype)
    eps = float(np.finfo(dtype).eps)
    for plan in (Plan(1), Plan(3), Plan(20, 0.01)):
        lanes, a = SOLVERS["cd"]().update(equations, F, plan)
        rows, b = SOLVERS["cd"]().update(equations, F, Plan(plan.sweeps, plan.gain, sparse=True))
        np.testing.assert_allclose(lanes, rows, rtol=1e4 * eps, atol=1e4 * eps)
        assert a.sweeps == pytest.approx(b.sweeps, rel=0.02)  # a gain at the threshold may round either way


@each_dtype
@pytest.mark.parametrize("sparse", [False, True])
def test_a_row_is_lowered_to_the_same_bits_whatever_stands_beside_it(dtype: type, sparse: bool) -> None:
    equations, F = problem(300, 11, dtype)
    solver, plan = SOLVERS["cd"](), Plan(20, 0.01, sparse)
    together = solver.update(equations, F, plan)[0]
    order = np.random.RandomState(0).permutation(300)
    for part in (order, order[:150], np.array([7])):
        alone = solver.update(replace(equations, cross=equations.cross[part]), F[part], plan)[0]
        np.testing.assert_array_equal(alone, together[part])


def test_the_next_plan_follows_counted_operations() -> None:
    solver, F = SOLVERS["cd"](), np.ones((50, 40))
    few = solver.next_plan(Plan(20, 0.01), Work(sweeps=100, moved=100, rows=50), F)
    many = solver.next_plan(few, Work(sweeps=100, moved=4000, rows=50), F)
    assert (few, many) == (Plan(20, 0.01, sparse=True), Plan(20, 0.01, sparse=False))


def test_work_adds_up() -> None:
    assert Work(1, 2, 3, 4, 5) + Work(10, 20, 30, 40, 50) == Work(11, 22, 33, 44, 55)
