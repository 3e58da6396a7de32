"""One fit, from the operand and the checked parameters to the result."""

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from sklearn.utils import check_random_state

from partwise._errors import ParameterError
from partwise._types import Array
from partwise.arrays import Operand
from partwise.arrays.memory import MemoryOperand
from partwise.arrays.observed import observed
from partwise.arrays.sample import line_counts
from partwise.engine.compose import check_fits, solver_named
from partwise.engine.loop import Finish, OnStep, run
from partwise.engine.problem import Problem
from partwise.engine.result import Result
from partwise.engine.stopping import Stop
from partwise.estimators.parameters import Parameters
from partwise.init import INITS, fitted_scale
from partwise.losses import WEIGHTED
from partwise.models.bilinear import Bilinear
from partwise.models.coarse import Coarse
from partwise.models.rows import transform
from partwise.models.window import Window, any_window, window
from partwise.penalties import Elastic
from partwise.solvers import Solver


@dataclass(frozen=True)
class Start:
    """A start for the factors, both tall, the order in which its components stand, and which entries may move."""

    W: Array
    H: Array
    order: Array
    free_W: Array | None
    free_H: Array | None


@dataclass(frozen=True)
class Held:
    """A factor, tall, of which the entries where ``fixed`` is true are given and stay."""

    values: Array
    fixed: Array

    def into(self, F: Array) -> Array:
        """F with these entries in place."""
        return np.where(self.fixed, self.values, F)


HeldFactors = tuple[Held | None, Held | None]
"""What is held of W and of H."""


def problem_of(operand: Operand, parameters: Parameters) -> Problem:
    """The problem, its data judged, and what is NaN in them left out."""
    problem = _stated(operand, parameters)
    found = problem.survey.not_finite
    if found is not None and isinstance(operand, MemoryOperand) and operand.is_nan(*found):
        problem = _stated(observed(operand.x), parameters)
    problem.check()
    solver_of(problem, parameters)
    return problem


def _stated(operand: Operand, parameters: Parameters) -> Problem:
    """Penalties are scaled as in scikit-learn: W's by n_features, H's by n_samples."""
    m, n = operand.shape
    ratio = parameters.l1_ratio
    return Problem(
        operand,
        WEIGHTED[parameters.loss.name]() if operand.weighted and parameters.loss.name in WEIGHTED else parameters.loss,
        Elastic(n * parameters.alpha_W * ratio, n * parameters.alpha_W * (1 - ratio)),
        Elastic(m * parameters.alpha_H * ratio, m * parameters.alpha_H * (1 - ratio)),
    )


def solver_of(problem: Problem, parameters: Parameters) -> Solver:
    """The solver that was asked for, in the form that the loss has on these data."""
    solver = solver_named(parameters.solver.name, problem.loss)
    check_fits(solver, problem)
    return solver


def starts_of(
    problem: Problem, k: int, parameters: Parameters, custom: tuple[Array, Array] | None, held: HeldFactors
) -> list[Start]:
    """``n_init`` starts, drawn one after the other from the random state."""
    parameters.check_weights(k)
    problem.check_seen()
    rng = check_random_state(parameters.random_state)
    drawn = [custom or _drawn(problem, k, parameters, rng) for _ in range(parameters.n_init)]
    if problem.survey.missing:
        seen = line_counts(problem.operand)
        drawn = [(_seen(W, seen[0]), _seen(H, seen[1])) for W, H in drawn]
    return [_ordered(W, H, held, rng if parameters.shuffle else None) for W, H in drawn]


def _drawn(problem: Problem, k: int, parameters: Parameters, rng: np.random.RandomState) -> tuple[Array, Array]:
    smallest = min(problem.operand.shape)
    init = parameters.init or ("nndsvda" if k <= smallest and parameters.n_init == 1 else "random")
    if init.startswith("nndsvd") and k > smallest:
        raise ParameterError(
            f"init = '{init}' can only be used when n_components <= min(n_samples, n_features): {k} components of a "
            f"matrix of shape {problem.operand.shape} have no singular pairs to start from. Use init='random'."
        )
    W, H = INITS[init](problem.operand, problem.survey.mean, k, rng)
    if W is None:
        if parameters.solver.floor == 0:
            return transform(problem, H), H
        # Multiplicative steps cannot leave a zero, of which rows of X may have many.
        H = _lifted(H)
        return _lifted(transform(problem, H)), H
    return (W, H) if not problem.operand.weighted else fitted_scale(problem.operand, W, H)


def _lifted(F: Array) -> Array:
    """A factor whose zeros have become a tenth of the mean of their component; from a hundredth β = −1 got stuck."""
    return np.where(F > 0, F, F.dtype.type(0.1) * F.mean(axis=0))


def _seen(F: Array, counts: Array) -> Array:
    """A factor, zero in the lines of which nothing is observed: nothing would ever move it there."""
    return np.where(counts[:, None] > 0, F, F.dtype.type(0))


def _ordered(W: Array, H: Array, held: HeldFactors, rng: np.random.RandomState | None) -> Start:
    k = H.shape[1]
    order = np.arange(k) if rng is None else rng.permutation(k)
    W, H = (F if side is None else side.into(F) for F, side in zip((W, H), held, strict=True))
    free = (None if side is None else np.ascontiguousarray(~side.fixed[:, order]) for side in held)
    return Start(np.ascontiguousarray(W[:, order]), np.ascontiguousarray(H[:, order]), order, *free)


def _window_of(problem: Problem, k: int, parameters: Parameters, held: bool) -> Window | None:
    """The sample of the coarse stage, also where it is asked for but may not pay; None to go without."""
    if (problem.operand.weighted or held) and parameters.coarse is True:
        raise ParameterError(
            "coarse=True cannot be with missing entries, weights or fixed entries of the factors: use coarse='auto'."
        )
    if parameters.coarse is False or problem.operand.weighted or held or not parameters.samples:
        return None
    found = window(problem, k) if parameters.coarse is True or problem.free_scale else None
    return any_window(problem) if found is None and parameters.coarse is True else found


def best_fit(
    problem: Problem,
    parameters: Parameters,
    custom: tuple[Array, Array] | None,
    held: HeldFactors,
    k: int,
    on_step: OnStep | None,
) -> Result:
    """The result of the best start; components that the user gave come back in their order. The clock counts all."""
    begun = perf_counter()
    starts = starts_of(problem, k, parameters, custom, held)
    result = _run(problem, parameters, starts, on_step, begun, "best")[0]
    if not parameters.custom and held == (None, None):
        return result
    back = np.argsort(starts[0].order)
    return replace(result, W=np.ascontiguousarray(result.W[:, back]), H=np.ascontiguousarray(result.H[:, back]))


def each_fit(problem: Problem, parameters: Parameters, k: int, on_step: OnStep | None) -> list[Result]:
    """The results of all starts, each run to its own end and finished."""
    begun = perf_counter()
    return _run(problem, parameters, starts_of(problem, k, parameters, None, (None, None)), on_step, begun, "all")


def _run(
    problem: Problem,
    parameters: Parameters,
    starts: list[Start],
    on_step: OnStep | None,
    begun: float,
    finish: Finish,
) -> list[Result]:
    solver = solver_of(problem, parameters)
    held = starts[0].free_W is not None or starts[0].free_H is not None
    model = Bilinear(problem, solver, solver.plan, settles=not (parameters.custom or held or parameters.each_weighted))
    stop = Stop(parameters.tol, parameters.max_iter, parameters.max_time)
    sample = _window_of(problem, starts[0].H.shape[1], parameters, held)
    prepare = None if sample is None else Coarse(model, sample, begun, parameters.max_time)
    states = [model.start(start.W, start.H, start.free_W, start.free_H) for start in starts]
    drop = parameters.drop_losers and finish == "best"
    return run(model, states, stop, on_step, prepare=prepare, begun=begun, drop=drop, finish=finish)
