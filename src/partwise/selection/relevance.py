r"""Automatic relevance determination: of many parts those that the data do not need fade away (Tan & Févotte 2013).

Each part has a scale λ_k that its column of W and its row of H share: the entries of both are exponential with mean
λ_k, and λ_k is inverse gamma with parameters a and b. Up to a constant minus the logarithm of the posterior is

.. math::

    \tfrac{1}{\phi} D(X | WH)
    + \sum_k \Big[ \tfrac{1}{\lambda_k} \big(\|w_k\|_1 + \|h_k\|_1 + b\big) + c \log \lambda_k \Big]

with c = m + n + a + 1 and φ the dispersion of the noise: σ² for squares, 1 for counts. For given factors the best λ_k
is (‖w_k‖₁ + ‖h_k‖₁ + b)/c; for given λ it is an NMF with an L1 penalty for each part, whose steps the public estimator
does. Both lower the same function. Parts that are not needed end at the lower bound b/c of their scale.

Each start has a φ of its own, so between starts ½ N log φ counts too, with N observed entries: D is half a deviance,
and this its extended quasi-likelihood (Nelder & Pregibon 1987, Biometrika 74, 221-232). Without it the start whose
first fit was the poorest would win.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from partwise._types import Array, Float64
from partwise.selection._fits import quiet_fit
from partwise.selection._tasks import Arrays, Task
from partwise.selection.question import Question

# The shape a of the prior; small beside m + n it hardly matters (Tan & Févotte discuss the choice).
_SHAPE = 10.0
# Steps of the factors between two of the scales; turns at most; the change of all scales at which it ends.
_STEPS, _TURNS, _STILL = 10, 200, 1e-4
# How far above its lower bound the scale of a part lies that the data need, as a share of the bound.
_ABOVE = 0.05
# Starts; that of the highest posterior counts.
_STARTS = 5
# Places of seeds.
_FITS = 8


@dataclass(frozen=True)
class Relevance:
    """What became of the parts.

    Parameters
    ----------
    relevance : ndarray of shape (k,), float64
        λ_k / (b/c) − 1, largest first: 0 for a part that has faded away.
    dispersion : float
        The φ that was taken.
    """

    relevance: Float64
    dispersion: float

    @property
    def rank(self) -> int:
        """How many parts the data need, at least 1."""
        return max(1, int((self.relevance > _ABOVE).sum()))


def relevance_tasks(question: Question, k: int) -> list[Task]:
    """One for each start."""
    return [Task(f"relevance-k{k}-{start}", partial(_fade, question, k, start)) for start in range(_STARTS)]


def gather_relevance(k: int, done: Mapping[str, Arrays]) -> Relevance:
    """The start of the highest posterior."""
    found = [done[f"relevance-k{k}-{start}"] for start in range(_STARTS)]
    best = min(found, key=lambda one: float(one["posterior"][0] + one["spread"][0]))
    return Relevance(np.sort(best["relevance"])[::-1], float(best["dispersion"][0]))


def _fade(question: Question, k: int, start: int) -> Arrays:
    m, n = question.shape
    free = question.estimator(k, _FITS, start, alpha_W=0.0, alpha_H=0.0, init="random", n_init=1)
    W, H = quiet_fit(free, question.X, **question.counting)
    phi = _dispersion(question, free.history_["objective"][-1], k)
    c = m + n + _SHAPE + 1
    b = _scale_parameter(question, k)
    W, H = _balanced(W, H)
    scale = (_size(W, H) + b) / c
    loss = np.inf
    for _ in range(_TURNS):
        W, H, loss = _steps(question, W, H, phi / scale)
        W, H = _balanced(W, H)
        before, scale = scale, (_size(W, H) + b) / c
        if np.max(np.abs(scale / before - 1)) < _STILL:
            break
    size = _size(W, H)
    posterior = loss / phi + float(np.sum((size + b) / scale + c * np.log(scale)))
    return {
        "relevance": scale / (b / c) - 1,
        "posterior": np.array([posterior]),
        "dispersion": np.array([phi]),
        "spread": np.array([0.5 * question.n_observed * np.log(phi)]),
    }


def _dispersion(question: Question, objective: float, k: int) -> float:
    """Twice the loss for each degree of freedom: σ² for squares; of counts at least 1, which is Poisson's."""
    m, n = question.shape
    freedom = max(1, question.n_observed - k * (m + n - k))
    estimate = 2.0 * objective / freedom
    return max(1.0, estimate) if question.beta == 1 and question.whole else estimate or np.finfo(float).tiny


def _scale_parameter(question: Question, k: int) -> float:
    """The b at which the prior's mean of X is that of the data (the method of moments)."""
    return float(np.sqrt((_SHAPE - 1) * (_SHAPE - 2) * question.mean / k))


def _steps(question: Question, W: Array, H: Array, each: Float64) -> tuple[Array, Array, float]:
    """Some steps of the factors with the weights ``each`` of their parts, and the loss alone at their end."""
    m, n = question.shape
    estimator = question.estimator(
        len(H),
        _FITS,
        init="custom",
        n_init=1,
        shuffle=False,
        max_iter=_STEPS,
        alpha_W=each / n,
        alpha_H=each / m,
        l1_ratio=1.0,
    )
    W, H = quiet_fit(estimator, question.X, W=W, H=H, **question.counting)
    return W, H, 0.5 * estimator.reconstruction_err_**2


def _size(W: Array, H: Array) -> Float64:
    """‖w_k‖₁ + ‖h_k‖₁ of each part."""
    return np.asarray(W.sum(axis=0, dtype=np.float64) + H.sum(axis=1, dtype=np.float64))


def _balanced(W: Array, H: Array) -> tuple[Array, Array]:
    """The same product at the lowest ‖w_k‖₁ + ‖h_k‖₁: scale moved until both are equal."""
    w, h = W.sum(axis=0, dtype=np.float64), H.sum(axis=1, dtype=np.float64)
    alive = (w > 0) & (h > 0)
    factor = np.sqrt(np.divide(h, w, out=np.ones_like(w), where=alive))
    return (W * factor).astype(W.dtype), (H / factor[:, None]).astype(H.dtype)
