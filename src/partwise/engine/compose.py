"""Which solver fits which loss, penalties and storage, or the sentence why none does."""

from collections.abc import Iterable
from numbers import Real

import numpy as np

from partwise._errors import ParameterError
from partwise.engine.problem import Problem
from partwise.losses import LOSSES, BetaDivergence, Loss
from partwise.solvers import SOLVERS, Solver

AUTO = {"frobenius": "cd", "kullback-leibler": "cd", "itakura-saito": "mu", "beta": "mu"}
"""The solver that ``solver="auto"`` means, by loss: coordinate descent where there is one."""


def loss_named(beta_loss: object) -> Loss:
    """The loss that ``beta_loss`` names, or the β that it is."""
    if isinstance(beta_loss, str) and beta_loss in LOSSES:
        return LOSSES[beta_loss]()
    if isinstance(beta_loss, Real) and not isinstance(beta_loss, bool) and np.isfinite(float(beta_loss)):
        named = {loss().beta: loss for loss in LOSSES.values()}.get(float(beta_loss))
        return BetaDivergence(float(beta_loss)) if named is None else named()
    raise ParameterError(f"beta_loss={beta_loss!r} is not a loss of partwise: give {names(LOSSES)} or a number β.")


def solver_named(solver: object, loss: Loss) -> Solver:
    """The solver for the loss that ``solver`` names; ``"auto"`` is the fastest there is."""
    known = _each_name(SOLVERS.values())
    if not isinstance(solver, str) or solver not in ("auto", *known):
        raise ParameterError(f"solver={solver!r} is not a solver of partwise. There are: 'auto', {names(known)}.")
    name = AUTO[loss.name] if solver == "auto" else solver
    able = [other for other in SOLVERS.values() if other.form in loss.forms]
    found = next((other for other in able if other.name == name), None)
    if found is None:
        raise ParameterError(
            f"Invalid beta_loss parameter: solver {solver!r} does not handle beta_loss = {_named(loss)}. Solvers that "
            f"do: 'auto', {names(_each_name(able))}."
        )
    return found()


def _named(loss: Loss) -> str:
    """The ``beta_loss`` that means this loss."""
    return repr(loss.name if loss.name in LOSSES else loss.beta)


def _each_name(solvers: Iterable[type[Solver]]) -> list[str]:
    return list(dict.fromkeys(solver.name for solver in solvers))


def check_fits(solver: Solver, problem: Problem) -> None:
    """Refuse a solver that cannot lower this problem."""
    form = solver.form
    if form.name not in problem.operand.serves:
        raise ParameterError(
            f"solver={solver.name!r} needs {form.__name__}, which data of this kind cannot feed: "
            "choose another solver, or load the data into memory."
        )
    if not form.additive and problem.operand.T is None:
        raise ParameterError(
            f"solver={solver.name!r} reads the {problem.loss.name} loss by rows and by columns, and these data have no "
            "columns at hand: use solver='mu', or load the data into memory as one matrix."
        )
    for penalty in (problem.penalty_W, problem.penalty_H):
        if penalty.active and penalty.scope not in solver.scopes:
            raise ParameterError(
                f"solver={solver.name!r} cannot join the {penalty.name} penalty, which couples a whole "
                f"{penalty.scope}: choose a solver for that scope."
            )


def names(what: Iterable[str]) -> str:
    """'a', 'b', 'c'."""
    return ", ".join(repr(name) for name in what)
