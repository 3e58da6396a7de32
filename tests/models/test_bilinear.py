"""The step, the certificate, revival and the end, each alone."""

from dataclasses import replace

import numpy as np
import pytest

from partwise.engine.compose import loss_named
from partwise.engine.problem import Problem
from partwise.engine.state import State
from partwise.kernels.threads import threads
from partwise.losses import Frobenius
from partwise.models import bilinear
from partwise.models.bilinear import Bilinear
from partwise.models.rows import Near
from partwise.penalties import Elastic
from partwise.solvers import SOLVERS, Plan
from tests.contracts.storages import CASES, stored
from tests.reference.matrices import low_rank, noisy
from tests.reference.nmf import objective, optimality, side_residual, solve_by_supports
from tests.support import FROBENIUS_SOLVERS

M, N, K = 90, 21, 4
NO_PENALTY = (Elastic(), Elastic())


def model(
    X: np.ndarray,
    case: tuple[str, str] = ("memory", "C"),
    solver: str = "cd",
    penalties: tuple[Elastic, Elastic] = NO_PENALTY,
    settles: bool = True,
) -> Bilinear:
    problem = Problem(stored(X, *case), Frobenius(), *penalties)
    return Bilinear(problem, SOLVERS[solver](), Plan(20, 0.01), settles)


def multiplicative(beta: float, X: np.ndarray) -> Bilinear:
    problem = Problem(stored(X, "memory", "C"), loss_named(beta), *NO_PENALTY)
    return Bilinear(problem, SOLVERS["mu"](), Plan(), settles=True)


def start(dtype: type = np.float64, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.random((M, K)).astype(dtype), rng.random((N, K)).astype(dtype)


def stepped(a: Bilinear, steps: int, dtype: type = np.float64) -> list[State]:
    states = [a.start(*start(dtype))]
    for _ in range(steps):
        states.append(a.step([states[-1]])[0])
    return states


def value(a: Bilinear, state: State, X: np.ndarray) -> float:
    W, H = (part.astype(float) for part in a.factors(state))
    return objective(X.astype(float), W, H.T) + a.problem.penalty_W.value(W) + a.problem.penalty_H.value(H)


@pytest.mark.parametrize("solver", FROBENIUS_SOLVERS)
@pytest.mark.parametrize("case", CASES, ids="-".join)
@pytest.mark.parametrize("penalties", [NO_PENALTY, (Elastic(0.1, 0.2), Elastic(0.3, 0.1))])
def test_each_state_carries_the_objective_of_exactly_its_pair(
    solver: str, case: tuple[str, str], penalties: tuple[Elastic, Elastic]
) -> None:
    X = noisy(M, N, K)
    a = model(X, case, solver, penalties)
    states = stepped(a, 30)
    for state in states[1:]:
        assert state.objective == pytest.approx(value(a, state, X), rel=1e-9)
    objectives = [state.objective for state in states]
    assert (np.diff(objectives[1:]) <= 0).all()
    assert objectives[-1] < 0.9 * objectives[1]


def test_a_step_leaves_the_old_state_valid() -> None:
    a = model(noisy(M, N, K))
    old = stepped(a, 5)[-1]
    kept = [array.copy() for array in (old.W, old.W_base, old.H, old.H_look)]
    first = a.step([old])[0]
    for array, before in zip((old.W, old.W_base, old.H, old.H_look), kept, strict=True):
        np.testing.assert_array_equal(array, before)
    again = a.step([old])[0]
    np.testing.assert_array_equal(first.W, again.W)
    np.testing.assert_array_equal(first.H, again.H)


def test_a_rise_goes_back_and_takes_a_plain_step() -> None:
    a = model(noisy(M, N, K))
    good = stepped(a, 8)[-1]
    impossible = replace(good, lowest=0.0)
    back = a.step([impossible])[0]
    np.testing.assert_array_equal(back.W, good.W)
    np.testing.assert_array_equal(back.H, good.H)
    assert back.momentum.plain
    assert back.n_iter == good.n_iter + 1
    assert a.step([replace(back, lowest=0.0)])[0].stalled == 1


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_states_stepped_together_go_the_way_they_go_alone(case: tuple[str, str]) -> None:
    """To the bit where the products are our own; BLAS may sum a wide product in another order."""
    a = model(noisy(M, N, K), case)
    rtol = 0.0 if case[1] == "CSR" else 1e-10
    states = [a.start(*start(seed=seed)) for seed in range(3)]
    for _ in range(6):
        alone = [a.step([state])[0] for state in states]
        states = a.step(states)
        for one, other in zip(states, alone, strict=True):
            np.testing.assert_allclose(one.W, other.W, rtol=rtol, atol=rtol)
            np.testing.assert_allclose(one.H, other.H, rtol=rtol, atol=rtol)
            assert one.objective == pytest.approx(other.objective, rel=rtol)


@pytest.mark.parametrize("solver", FROBENIUS_SOLVERS)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-8), (np.float32, 2e-3)])
def test_storages_walk_the_same_way(solver: str, dtype: type, rtol: float) -> None:
    X = noisy(M, N, K).astype(dtype)
    reference = stepped(model(X, solver=solver), 12, dtype)[-1]
    for case in CASES:
        state = stepped(model(X, case, solver), 12, dtype)[-1]
        np.testing.assert_allclose(state.W, reference.W, rtol=rtol, atol=rtol)
        np.testing.assert_allclose(state.H, reference.H, rtol=rtol, atol=rtol)
        assert state.objective == pytest.approx(reference.objective, rel=rtol)


@pytest.mark.parametrize("penalties", [NO_PENALTY, (Elastic(0.1, 0.2), Elastic(0.3, 0.1))])
@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_the_certificate_is_the_natural_residual(case: tuple[str, str], penalties: tuple[Elastic, Elastic]) -> None:
    X = noisy(M, N, K)
    a = model(X, case, penalties=penalties)
    for state in stepped(a, 3)[1:]:
        W, H = a.factors(state)
        expected = residuals(X, W, H, *penalties)
        assert a.certify(state) == pytest.approx(max(expected), rel=1e-9)


def residuals(X: np.ndarray, W: np.ndarray, H: np.ndarray, of_W: Elastic, of_H: Elastic) -> tuple[float, float]:
    gradient_W = (W @ H.T - X) @ H + of_W.l1 + of_W.l2 * W
    gradient_H = (W @ H.T - X).T @ W + of_H.l1 + of_H.l2 * H
    norm = float(np.linalg.norm(X))
    return (
        side_residual(W, gradient_W, np.linalg.norm(H, axis=0)) / norm,
        side_residual(H, gradient_H, np.linalg.norm(W, axis=0)) / norm,
    )


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_the_end_solves_w_and_measures_that_pair(case: tuple[str, str]) -> None:
    X = noisy(M, N, K)
    a = model(X, case)
    state = a.finish(stepped(a, 7)[-1], converged=True)
    W, H = a.factors(state)
    np.testing.assert_allclose(W, [solve_by_supports(c, H.T @ H) for c in X @ H], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(H.sum(axis=0), 1, rtol=1e-12)
    share = W.sum(axis=0) * H.sum(axis=0)
    assert (np.diff(share) <= 1e-9 * share.sum()).all()
    assert state.objective == pytest.approx(objective(X, W, H.T), rel=1e-9)
    assert state.optimality == pytest.approx(max(optimality(X, W, H.T)), rel=1e-6)
    assert optimality(X, W, H.T)[0] < 1e-13


@pytest.mark.parametrize(("n_iter", "cut_off"), [(1, 1), (3, 1), (4, 1), (40, 10)])
def test_rows_that_are_solved_by_steps_take_no_more_than_the_fit_has_earned(
    n_iter: int, cut_off: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []

    def near(W: np.ndarray, steps: int) -> Near:
        taken.append(steps)
        return Near(W, steps)

    monkeypatch.setattr(bilinear, "Near", near)
    a = multiplicative(0.0, noisy(M, N, K) + 0.1)
    state = replace(stepped(a, 2)[-1], n_iter=n_iter)
    ends = [a.finish(state, converged).objective for converged in (True, False)]
    assert taken == [n_iter, cut_off]
    assert ends[0] <= ends[1] < state.objective


def test_penalties_and_custom_starts_keep_their_scale() -> None:
    X = noisy(M, N, K)
    for a in (model(X, penalties=(Elastic(0, 0.1), Elastic(0, 0.1))), model(X, settles=False)):
        before = stepped(a, 3)[-1]
        after = a.finish(before, converged=True)
        assert sorted(after.H.sum(axis=0)) == pytest.approx(sorted(before.H.sum(axis=0)), rel=1e-12)


def dead_start() -> tuple[np.ndarray, np.ndarray]:
    W, H = start()
    W[:, 2] = H[:, 2] = 0
    return W, H


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_a_dead_component_is_noticed_and_revived_at_a_lower_objective(case: tuple[str, str]) -> None:
    X = noisy(M, N, K)
    a = model(X, case)
    state = a.step([a.start(*dead_start())])[0]
    assert state.dead == (2,)
    revived = a.revive(state)
    assert revived is not None
    assert revived.dead == ()
    assert revived.objective == pytest.approx(value(a, revived, X), rel=1e-9)
    assert revived.objective < state.objective
    assert a.step([revived])[0].objective <= revived.objective


def test_nothing_is_revived_for_nothing() -> None:
    X, W, H = low_rank(M, N, 3)
    a = model(X)
    zero = np.zeros((M, 1)), np.zeros((N, 1))
    state = a.step([a.start(np.hstack([W, zero[0]]), np.hstack([H.T, zero[1]]))])[0]
    assert state.dead == (3,)
    assert a.revive(state) is None


@pytest.mark.parametrize("solver", FROBENIUS_SOLVERS)
@pytest.mark.parametrize("case", [("memory", "C"), ("memory", "CSR"), ("rows", "mixed")], ids="-".join)
def test_the_bits_do_not_depend_on_threads(solver: str, case: tuple[str, str]) -> None:
    found = set()
    for n_threads in (1, 2, 3):
        with threads(n_threads):
            a = model(noisy(M, N, K), case, solver)
            state = a.finish(stepped(a, 15)[-1], converged=True)
            found.add((state.W.tobytes(), state.H.tobytes(), state.objective, state.optimality))
    assert len(found) == 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_factors_that_drift_apart_are_brought_back_and_walk_the_same_way(dtype: type) -> None:
    a = multiplicative(0.5, noisy(M, N, K).astype(dtype) + dtype(0.1))
    W, H = start(dtype)
    apart = dtype(2) ** np.array([0, 30, -30, 5], dtype)
    states = a.step([a.start(W, H), a.start(W * apart, H / apart)])
    for _ in range(20):
        near, far = states
        W_near, W_far = (np.asarray(a.factors(state)[0]) for state in states)
        assert near.objective == far.objective
        moved = far.H / near.H
        np.testing.assert_array_equal(moved, np.broadcast_to(moved[0], moved.shape))
        np.testing.assert_array_equal(W_far * moved[0], W_near)
        assert np.abs(np.log2(W_far.max(axis=0) / far.H.max(axis=0))).max() < 26
        states = a.step(states)


@pytest.mark.parametrize(("dtype", "power"), [(np.float64, 530), (np.float32, 64)])
def test_factors_whose_quotient_leaves_the_range_are_brought_back_too(dtype: type, power: int) -> None:
    a = multiplicative(0.5, noisy(M, N, K).astype(dtype) + dtype(0.1))
    W, H = start(dtype)
    state = a.step([a.start(np.ldexp(W, power), np.ldexp(H, -power))])[0]
    W_new, H_new = a.factors(state)
    assert np.isfinite(W_new).all()
    assert abs(np.log2(W_new.max(axis=0)) - np.log2(H_new.max(axis=0))).max() < 26
    assert a.step([state])[0].objective <= state.objective


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.5, 3.0])
def test_looking_ahead_takes_multiplicative_steps_to_where_plain_ones_come_much_later(beta: float) -> None:
    a = multiplicative(beta, noisy(M, N, K) + 0.1)
    plain = ahead = a.step([a.start(*start())])[0]
    for _ in range(150):
        plain = a.step([replace(plain, momentum=type(plain.momentum)())])[0]
    lowest = [ahead.objective]
    for _ in range(75):
        ahead = a.step([ahead])[0]
        lowest.append(ahead.objective)
    assert (np.diff(lowest) <= 0).all()
    assert lowest[-1] <= plain.objective


def test_the_end_is_not_above_the_last_step_where_a_bold_one_rose() -> None:
    a = multiplicative(0.5, noisy(M, N, K) + 0.1)
    state = a.start(*start())
    for _ in range(10):
        state = a.step([state])[0]
    for held in (None, np.ones((M, K), bool)):
        bad = replace(state, H_base=state.H * np.linspace(0.1, 10, N)[:, None], free_W=held)
        finished = a.finish(bad, converged=True)
        assert finished.objective <= state.objective * (1 + 1e-12)
        W, H = a.factors(finished)
        assert finished.objective == pytest.approx(a.problem.objective(W, H), rel=1e-12)
