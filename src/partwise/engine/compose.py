"""Which solver fits which loss, penalties and storage, or the sentence why none does."""

from collections.abc import Iterable
from numbers import Real

from partwise._errors import ParameterError
from partwise.engine.problem import Problem
from partwise.losses import LOSSES, Loss
from partwise.solvers import SOLVERS, Solver

AUTO = {"frobenius": "cd"}
"""The solver that ``solver="auto"`` means, by loss: coordinate descent wins on every data set of the benchmarks."""


def loss_named(beta_loss: object) -> Loss:
    """The loss that ``beta_loss`` names."""
    if isinstance(beta_loss, str) and beta_loss in LOSSES:
        return LOSSES[beta_loss]()
    if isinstance(beta_loss, Real) and beta_loss == 2:
        return LOSSES["frobenius"]()
    raise ParameterError(f"beta_loss={beta_loss!r} is not a loss of partwise. There is: {names(LOSSES)}.")


def solver_named(solver: object, loss: Loss) -> Solver:
    """The solver that ``solver`` names, ``"auto"`` by the loss."""
    if isinstance(solver, str) and (solver == "auto" or solver in SOLVERS):
        return SOLVERS[AUTO[loss.name] if solver == "auto" else solver]()
    raise ParameterError(f"solver={solver!r} is not a solver of partwise. There are: 'auto', {names(SOLVERS)}.")


def check_fits(solver: Solver, problem: Problem) -> None:
    """Refuse a solver that cannot lower this problem."""
    form = solver.form
    if form not in problem.loss.forms:
        able = [name for name, other in SOLVERS.items() if other.form in problem.loss.forms]
        raise ParameterError(
            f"solver={solver.name!r} needs {form.__name__}, which the {problem.loss.name} loss cannot state. "
            f"Solvers that fit it: {names(able)}."
        )
    if form.name not in problem.operand.serves:
        raise ParameterError(
            f"solver={solver.name!r} needs {form.__name__}, which data of this kind cannot feed: "
            "choose another solver, or load the data into memory."
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
