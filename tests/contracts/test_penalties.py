"""What every penalty promises, on every penalty that is registered."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from partwise.penalties import PENALTIES, Elastic, Penalty
from partwise.solvers import SOLVERS

Formula = Callable[[np.ndarray], float]


def elastic(l1: float, l2: float) -> tuple[Penalty, Formula]:
    return Elastic(l1, l2), lambda F: float(l1 * F.sum() + 0.5 * l2 * (F**2).sum())


CASES = [elastic(0, 0), elastic(0.7, 0), elastic(0, 1.3), elastic(0.7, 1.3)]
"""Penalties with their formulas. One registered without a case fails the contract."""

each_case = pytest.mark.parametrize(("penalty", "formula"), CASES, ids=[str(penalty) for penalty, _ in CASES])
factors = hnp.arrays(np.float64, (4, 3), elements=st.floats(0, 100, allow_subnormal=False))


def touching(penalty: Penalty, F: np.ndarray, at: np.ndarray) -> float:
    """The quadratic at ``at``, up to the constant that makes it touch there."""
    linear, ridge = penalty.quadratic(at)
    return float(linear * F.sum() + 0.5 * ridge * (F**2).sum())


def test_every_penalty_is_tested() -> None:
    assert {type(penalty) for penalty, _ in CASES} == set(PENALTIES.values())


@each_case
@given(F=factors)
def test_the_value_is_the_formula(penalty: Penalty, formula: Formula, F: np.ndarray) -> None:
    assert penalty.value(F) == pytest.approx(formula(F), rel=1e-12)


@each_case
def test_values_of_float32_are_summed_in_float64(penalty: Penalty, formula: Formula) -> None:
    F = np.full((3000, 40), 1 / 3, np.float32)
    assert penalty.value(F) == pytest.approx(formula(F.astype(float)), rel=1e-9)


@each_case
@given(F=factors, at=factors)
def test_the_quadratic_touches_and_majorises(penalty: Penalty, formula: Formula, F: np.ndarray, at: np.ndarray) -> None:
    rise = touching(penalty, F, at) - touching(penalty, at, at)
    assert rise >= formula(F) - formula(at) - 1e-9 * (1 + formula(F) + formula(at))


@each_case
@given(F=hnp.arrays(np.float64, (4, 3), elements=st.floats(-100, 100)))
def test_projection_is_the_nearest_point_within_the_bounds(penalty: Penalty, formula: Formula, F: np.ndarray) -> None:
    low, high = penalty.bounds
    projected = penalty.project(F)
    assert ((projected >= low) & (projected <= high)).all()
    np.testing.assert_array_equal(projected, np.clip(F, low, high))
    np.testing.assert_array_equal(penalty.project(projected), projected)


@each_case
def test_active_says_whether_it_is_anything_but_zero(penalty: Penalty, formula: Formula) -> None:
    assert penalty.active == (formula(np.ones((2, 2))) != 0)


@each_case
def test_some_solver_can_join_it(penalty: Penalty, formula: Formula) -> None:
    assert any(penalty.scope in solver.scopes for solver in SOLVERS.values())
