"""Every error about a parameter is raised here, as a sentence."""

import sys
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from sklearn.utils import check_random_state

from partwise._errors import ParameterError
from partwise._types import PerComponent
from partwise.engine.compose import loss_named, names, solver_named
from partwise.init import DETERMINISTIC, INITS
from partwise.losses import Loss
from partwise.solvers import Solver


@dataclass(frozen=True)
class Parameters:
    """The checked parameters of an estimator."""

    n_components: int | Literal["auto"]
    init: str | None
    solver: Solver
    loss: Loss
    tol: float
    max_iter: int
    max_time: float | None
    random_state: Any
    alpha_W: PerComponent
    alpha_H: PerComponent
    l1_ratio: float
    verbose: int
    shuffle: bool
    n_init: int
    drop_losers: bool
    n_threads: int | None
    coarse: bool | Literal["auto"]
    implicit_zeros: Literal["observed", "missing"]

    @property
    def custom(self) -> bool:
        """Whether the start is the user's own."""
        return self.init == "custom"

    @property
    def samples(self) -> bool:
        """Whether a sample can be fitted first: lines are chosen by squares, and others than its own begin at zero."""
        return self.loss.beta == 2 and self.solver.floor == 0

    @property
    def each_weighted(self) -> bool:
        """Whether components have penalties of their own, which belong to their positions."""
        return isinstance(self.alpha_W, np.ndarray) or isinstance(self.alpha_H, np.ndarray)

    def check_weights(self, k: int) -> None:
        """Refuse penalties of another number of components than k."""
        for name, alpha in (("alpha_W", self.alpha_W), ("alpha_H", self.alpha_H)):
            if isinstance(alpha, np.ndarray) and len(alpha) != k:
                raise ParameterError(
                    f"{name} has {len(alpha)} weights, and there are {k} components: give one number for each, or one "
                    "for all."
                )


def checked(estimator: Any) -> Parameters:
    """The parameters of ``estimator``, checked one by one and against each other.

    Raises
    ------
    ParameterError
        If one of them cannot be; the sentence says which, and what can.
    """
    get = _Getter(estimator)
    loss = loss_named(estimator.beta_loss)
    alpha_W = get.weights("alpha_W")
    parameters = Parameters(
        n_components=_n_components(get),
        init=_init(estimator.init),
        solver=solver_named(estimator.solver, loss),
        loss=loss,
        tol=get.real("tol", 0, np.inf),
        max_iter=get.integer("max_iter", 1),
        max_time=None if estimator.max_time is None else get.real("max_time", 0, np.inf),
        random_state=_random_state(get),
        alpha_W=alpha_W,
        alpha_H=alpha_W
        if isinstance(estimator.alpha_H, str) and estimator.alpha_H == "same"
        else get.weights("alpha_H"),
        l1_ratio=get.real("l1_ratio", 0, 1),
        verbose=get.integer("verbose", 0),
        shuffle=get.truth("shuffle"),
        n_init=get.integer("n_init", 1),
        drop_losers=get.truth("drop_losers"),
        n_threads=None if estimator.n_threads is None else get.integer("n_threads", 1),
        coarse="auto" if isinstance(estimator.coarse, str) and estimator.coarse == "auto" else get.truth("coarse"),
        implicit_zeros=_implicit_zeros(get),
    )
    _check_restarts(parameters)
    if parameters.each_weighted and parameters.shuffle:
        raise ParameterError(
            "shuffle=True with a penalty for each component cannot be: the penalties belong to the positions that "
            "shuffling changes. Use shuffle=False."
        )
    if parameters.coarse is True and not parameters.samples:
        raise ParameterError(
            f"coarse=True with beta_loss={estimator.beta_loss!r} and solver={estimator.solver!r} cannot be: samples "
            "are for the Frobenius loss, and leave zeros that solver='mu' cannot leave. Use coarse='auto' or False."
        )
    return parameters


class _Getter:
    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        self.name = type(estimator).__name__

    def truth(self, parameter: str) -> bool:
        value = getattr(self.estimator, parameter)
        if not isinstance(value, bool | np.bool_):
            raise ParameterError(f"{parameter}={value!r} cannot be used by {self.name}: give True or False.")
        return bool(value)

    def integer(self, parameter: str, low: int) -> int:
        value = getattr(self.estimator, parameter)
        if isinstance(value, bool | np.bool_) and parameter == "verbose":
            return int(value)
        if not isinstance(value, Integral) or isinstance(value, bool) or value < low:
            raise ParameterError(f"{parameter}={value!r} cannot be used by {self.name}: give an integer ≥ {low}.")
        return int(value)

    def real(self, parameter: str, low: float, high: float = sys.float_info.max) -> float:
        value = getattr(self.estimator, parameter)
        span = f"between {low} and {high}" if high < sys.float_info.max else f"≥ {low}"
        if not isinstance(value, Real) or isinstance(value, bool) or not low <= float(value) <= high:
            raise ParameterError(f"{parameter}={value!r} cannot be used by {self.name}: give a number {span}.")
        return float(value)

    def weights(self, parameter: str) -> PerComponent:
        """A number ≥ 0, or an array of them."""
        value = getattr(self.estimator, parameter)
        if isinstance(value, str | Real) or not np.iterable(value):
            return self.real(parameter, 0)
        try:
            weights = np.array(value, np.float64)
        except (TypeError, ValueError):
            weights = np.full(1, np.nan)
        if weights.ndim != 1 or not (np.isfinite(weights) & (weights >= 0)).all():
            raise ParameterError(
                f"{parameter}={value!r} cannot be used by {self.name}: give a number ≥ 0, or one for each component."
            )
        return weights


def _random_state(get: _Getter) -> Any:
    value = get.estimator.random_state
    try:
        check_random_state(value)
    except ValueError as error:
        raise ParameterError(
            f"random_state={value!r} cannot be used by {get.name}: give None, an integer from 0 to 2³² − 1, or a "
            "numpy.random.RandomState."
        ) from error
    return value


def _n_components(get: _Getter) -> int | Literal["auto"]:
    value = get.estimator.n_components
    if value is None or (isinstance(value, str) and value == "auto"):
        return "auto"
    if isinstance(value, str):
        raise ParameterError(f"n_components={value!r} cannot be used by {get.name}: give an integer ≥ 1, or 'auto'.")
    return get.integer("n_components", 1)


def _implicit_zeros(get: _Getter) -> Literal["observed", "missing"]:
    value = get.estimator.implicit_zeros
    if value == "observed":
        return "observed"
    if value == "missing":
        return "missing"
    raise ParameterError(
        f"implicit_zeros={value!r} cannot be used by {get.name}: give 'observed', if what sparse data do not store is "
        "zero, or 'missing'."
    )


def _init(init: object) -> str | None:
    if init is None or (isinstance(init, str) and (init == "custom" or init in INITS)):
        return init
    raise ParameterError(
        f"init={init!r} is not a start of partwise. There are: {names(list(INITS))}, 'custom' and None."
    )


def _check_restarts(parameters: Parameters) -> None:
    if parameters.n_init == 1:
        return
    if parameters.custom:
        raise ParameterError(
            f"n_init={parameters.n_init} with init='custom' would repeat one fit from one start: use n_init=1."
        )
    if parameters.init in DETERMINISTIC:
        raise ParameterError(
            f"n_init={parameters.n_init} with init={parameters.init!r} would repeat one fit, since that start does not "
            "depend on the seed: use n_init=1, or init='random' or 'nndsvdar'."
        )
