"""One fit, from the operand and the checked parameters to the result."""

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from sklearn.utils import check_random_state

from partwise._errors import ParameterError
from partwise._types import Array
from partwise.arrays import Operand
from partwise.engine.compose import check_fits
from partwise.engine.loop import Finish, OnStep, run
from partwise.engine.problem import Problem
from partwise.engine.result import Result
from partwise.engine.stopping import Stop
from partwise.estimators.parameters import Parameters
from partwise.init import INITS
from partwise.models.bilinear import Bilinear
from partwise.models.coarse import Coarse
from partwise.models.rows import transform
from partwise.models.window import Window, any_window, window
from partwise.penalties import Elastic


@dataclass(frozen=True)
class Start:
    """A start for the factors, both tall, and the order in which its components stand."""

    W: Array
    H: Array
    order: Array


def problem_of(operand: Operand, parameters: Parameters) -> Problem:
    """The problem, its data judged; penalties scaled as in scikit-learn: W's by n_features, H's by n_samples."""
    m, n = operand.shape
    ratio = parameters.l1_ratio
    problem = Problem(
        operand,
        parameters.loss,
        Elastic(n * parameters.alpha_W * ratio, n * parameters.alpha_W * (1 - ratio)),
        Elastic(m * parameters.alpha_H * ratio, m * parameters.alpha_H * (1 - ratio)),
    )
    problem.check()
    check_fits(parameters.solver, problem)
    return problem


def starts_of(problem: Problem, k: int, parameters: Parameters, custom: tuple[Array, Array] | None) -> list[Start]:
    """``n_init`` starts, drawn one after the other from the random state."""
    rng = check_random_state(parameters.random_state)
    drawn = [custom or _drawn(problem, k, parameters, rng) for _ in range(parameters.n_init)]
    return [_ordered(W, H, rng if parameters.shuffle else None) for W, H in drawn]


def _drawn(problem: Problem, k: int, parameters: Parameters, rng: np.random.RandomState) -> tuple[Array, Array]:
    smallest = min(problem.operand.shape)
    init = parameters.init or ("nndsvda" if k <= smallest and parameters.n_init == 1 else "random")
    if init.startswith("nndsvd") and k > smallest:
        raise ParameterError(
            f"init = '{init}' can only be used when n_components <= min(n_samples, n_features): {k} components of a "
            f"matrix of shape {problem.operand.shape} have no singular pairs to start from. Use init='random'."
        )
    W, H = INITS[init](problem.operand, problem.survey.mean, k, rng)
    return (transform(problem, H) if W is None else W), H


def _ordered(W: Array, H: Array, rng: np.random.RandomState | None) -> Start:
    k = H.shape[1]
    order = np.arange(k) if rng is None else rng.permutation(k)
    return Start(np.ascontiguousarray(W[:, order]), np.ascontiguousarray(H[:, order]), order)


def _window_of(problem: Problem, k: int, parameters: Parameters) -> Window | None:
    """The sample of the coarse stage, also where it is asked for but may not pay; None to go without."""
    if parameters.coarse is False or not parameters.samples:
        return None
    found = window(problem, k) if parameters.coarse is True or problem.free_scale else None
    return any_window(problem) if found is None and parameters.coarse is True else found


def best_fit(
    problem: Problem, parameters: Parameters, custom: tuple[Array, Array] | None, k: int, on_step: OnStep | None
) -> Result:
    """The result of the best start; a custom start's components come back in the user's order. The clock counts all."""
    begun = perf_counter()
    starts = starts_of(problem, k, parameters, custom)
    result = _run(problem, parameters, starts, on_step, begun, "best")[0]
    if not parameters.custom:
        return result
    back = np.argsort(starts[0].order)
    return replace(result, W=np.ascontiguousarray(result.W[:, back]), H=np.ascontiguousarray(result.H[:, back]))


def each_fit(problem: Problem, parameters: Parameters, k: int, on_step: OnStep | None) -> list[Result]:
    """The results of all starts, each run to its own end and finished."""
    begun = perf_counter()
    return _run(problem, parameters, starts_of(problem, k, parameters, None), on_step, begun, "all")


def _run(
    problem: Problem,
    parameters: Parameters,
    starts: list[Start],
    on_step: OnStep | None,
    begun: float,
    finish: Finish,
) -> list[Result]:
    model = Bilinear(problem, parameters.solver, parameters.solver.plan, settles=not parameters.custom)
    stop = Stop(parameters.tol, parameters.max_iter, parameters.max_time)
    sample = _window_of(problem, starts[0].H.shape[1], parameters)
    prepare = None if sample is None else Coarse(model, sample, begun, parameters.max_time)
    states = [model.start(start.W, start.H) for start in starts]
    drop = parameters.drop_losers and finish == "best"
    return run(model, states, stop, on_step, prepare=prepare, begun=begun, drop=drop, finish=finish)
