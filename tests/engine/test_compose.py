"""What fits together, what does not, and data that no problem takes."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from partwise._errors import DataError, ParameterError
from partwise.engine.compose import AUTO, check_fits, loss_named, solver_named
from partwise.engine.momentum import Momentum
from partwise.engine.problem import Problem
from partwise.losses import LOSSES, Frobenius
from partwise.penalties import Elastic
from partwise.solvers import SOLVERS, CoordinateDescent
from tests.contracts.storages import CASES, stored
from tests.reference.matrices import noisy


def problem(X: np.ndarray, case: tuple[str, str] = ("memory", "C")) -> Problem:
    return Problem(stored(X, *case), Frobenius(), Elastic(), Elastic())


def test_every_loss_has_an_automatic_solver_that_fits_it() -> None:
    assert set(AUTO) == {*LOSSES, "beta"}
    for name in LOSSES:
        assert solver_named("auto", loss_named(name)).form in LOSSES[name].forms


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_every_solver_fits_every_storage_that_has_what_it_reads(name: str, case: tuple[str, str]) -> None:
    one = problem(noisy(20, 5, 2), case)
    if SOLVERS[name].form.additive or one.operand.T is not None:
        check_fits(SOLVERS[name](), one)
        return
    with pytest.raises(ParameterError, match=r"no columns at hand: use solver='mu'"):
        check_fits(SOLVERS[name](), one)


def test_what_does_not_fit_is_refused_in_a_sentence() -> None:
    with pytest.raises(ParameterError, match=r"'bpp' does not handle .*'kullback-leibler'\. .* 'auto', 'cd', 'mu'"):
        solver_named("bpp", loss_named("kullback-leibler"))

    class Entrywise(Elastic):
        scope = "matrix"

    coupled = replace(problem(noisy(5, 4, 2)), penalty_W=Entrywise(1.0))
    with pytest.raises(ParameterError, match="couples a whole matrix"):
        check_fits(CoordinateDescent(), coupled)

    bare = problem(noisy(5, 4, 2))

    class Served:
        shape, dtype = bare.operand.shape, bare.operand.dtype
        serves: ClassVar[frozenset[str]] = frozenset({"gradient"})

    with pytest.raises(ParameterError, match="data of this kind cannot feed"):
        check_fits(CoordinateDescent(), replace(bare, operand=Served()))


@pytest.mark.parametrize("case", CASES, ids="-".join)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_named(case: tuple[str, str], value: float) -> None:
    X = noisy(30, 6, 2)
    X[20, 1] = X[11, 4] = value
    with pytest.raises(DataError, match=r"NaN or infinity: the first is in row 11, column 4 "):
        problem(X, case).check()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_whose_squares_leave_the_range_are_refused(dtype: type) -> None:
    X = noisy(10, 6, 2).astype(dtype)
    for factor in (np.finfo(dtype).max / 8, np.finfo(np.float64).tiny if dtype == np.float64 else 1e30):
        with pytest.raises(DataError, match="Multiply the data by a constant"):
            problem((X * dtype(factor)).astype(dtype)).check()
    problem((X * dtype(1e10)).astype(dtype)).check()
    problem((X * dtype(1e-10)).astype(dtype)).check()


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_the_objective_is_loss_and_penalties(case: tuple[str, str], rng: np.random.Generator) -> None:
    X, W, H = noisy(30, 6, 2), rng.random((30, 2)), rng.random((6, 2))
    whole = replace(problem(X, case), penalty_W=Elastic(0.5, 0.0), penalty_H=Elastic(0.0, 3.0))
    expected = 0.5 * np.sum((X - W @ H.T) ** 2) + 0.5 * W.sum() + 1.5 * np.sum(H**2)
    assert whole.objective(W, H) == pytest.approx(expected)
    assert not whole.free_scale
    assert problem(X, case).free_scale


def test_all_zero_data_have_scale_one() -> None:
    assert problem(np.zeros((3, 2))).scale == 1.0


def test_momentum_looks_ahead_but_not_in_plain_steps(rng: np.random.Generator) -> None:
    new, base = rng.random((2, 5000, 3))
    plain = Momentum()
    assert plain.ahead(new, base, (0.0, np.inf), 0.0) is new
    moving = plain.grown()
    expected = np.clip(new + moving.beta * (new - base), 0.0, 1.2)
    np.testing.assert_allclose(moving.ahead(new, base, (0.0, 1.2), 0.0), expected, atol=1e-15)


def test_momentum_follows_the_paper() -> None:
    momentum = Momentum().grown()
    for _ in range(100):
        grown = momentum.grown()
        assert grown.beta == pytest.approx(min(momentum.ceiling, 1.05 * momentum.beta))
        assert grown.ceiling == pytest.approx(min(1.0, 1.01 * momentum.ceiling))
        momentum = grown
    assert momentum.beta <= 1.0
    shrunk = momentum.shrunk()
    assert shrunk.plain
    assert shrunk.beta == pytest.approx(momentum.beta / 1.5)
    assert shrunk.ceiling == momentum.worked
