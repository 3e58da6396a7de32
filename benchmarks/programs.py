"""The programs that are compared: each fits a task and gives W, H and its iterations back."""

import io
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp


@dataclass(frozen=True)
class Task:
    """A matrix, a start, and limits; a limit that is None is the program's own default."""

    X: Any
    W: Any
    H: Any
    seed: int = 0
    max_iter: int | None = None
    tol: float | None = None

    @property
    def k(self) -> int:
        """The number of components."""
        return int(self.W.shape[1])

    def limits(self, max_iter: str = "max_iter", tol: str = "tol") -> dict[str, Any]:
        """The limits that are given, under the names that the program has for them."""
        return {name: value for name, value in ((max_iter, self.max_iter), (tol, self.tol)) if value is not None}


Factors = tuple[Any, Any, int | None]


@dataclass(frozen=True)
class Program:
    """A program: the package on PyPI, what it does, what it takes, and the fewest iterations that it can do."""

    package: str
    algorithm: str
    fit: Callable[[Task], Factors]
    sparse: bool = True
    same_start: bool = True
    float64: bool = True
    least: int = 1


def _null(task: Task) -> Factors:
    return task.W, task.H, 0


def _partwise(task: Task) -> Factors:
    from partwise import NMF

    return _estimator(NMF(task.k, init="custom", **task.limits()), task)


def _sklearn_cd(task: Task) -> Factors:
    from sklearn.decomposition import NMF

    return _estimator(NMF(task.k, init="custom", **task.limits()), task)


def _sklearn_mu(task: Task) -> Factors:
    from sklearn.decomposition import NMF

    return _estimator(NMF(task.k, init="custom", solver="mu", **task.limits()), task)


def _estimator(model: Any, task: Task) -> Factors:
    W = model.fit_transform(task.X, W=task.W, H=task.H)
    return W, model.components_, model.n_iter_


def _nimfa(task: Task) -> Factors:
    import nimfa

    # It wants all matrices of one kind.
    X, W, H = _alike(task.X, task.W, task.H)
    model = nimfa.Nmf(X, rank=task.k, W=W, H=H, **task.limits(tol="min_residuals"))
    fit = model().fit
    return _dense(fit.basis()), _dense(fit.coef()), fit.n_iter


def _alike(*matrices: Any) -> Any:
    return matrices if all(isinstance(one, np.ndarray) for one in matrices) else map(sp.csr_matrix, matrices)


def _dense(factor: Any) -> Any:
    return np.asarray(factor) if isinstance(factor, np.ndarray) else factor.toarray()


def _torchnmf(task: Task) -> Factors:
    import torch
    from torchnmf.nmf import NMF

    # It writes X ≈ H Wᵀ, and it changes the factors it is given.
    model = NMF(W=torch.from_numpy(task.H.T.copy()), H=torch.from_numpy(task.W.copy()))
    n_iter = model.fit(_tensor(task.X), beta=2, **task.limits())
    return model.H.detach().numpy(), model.W.detach().numpy().T, n_iter


def _tensor(X: Any) -> Any:
    import torch

    if isinstance(X, np.ndarray):
        return torch.from_numpy(X)
    coo = X.tocoo()
    places = torch.from_numpy(np.stack([coo.row, coo.col]).astype(np.int64))
    return torch.sparse_coo_tensor(places, torch.from_numpy(coo.data), X.shape).coalesce()


def _nmf_torch(task: Task) -> Factors:
    from nmf import run_nmf

    precision = "double" if task.X.dtype == np.float64 else "float"
    limits = task.limits(max_iter="batch_max_iter")
    W, H, _ = run_nmf(task.X, task.k, init="random", random_state=task.seed, fp_precision=precision, n_jobs=2, **limits)
    return W, H, None


def _nn_fac(task: Task) -> Factors:
    from nn_fac.nmf import nmf

    W, H = nmf(
        task.X,
        task.k,
        init="custom",
        U_0=task.W.copy(),
        V_0=task.H.copy(),
        update_rule="hals_acc",
        **task.limits(max_iter="n_iter_max"),
    )
    return W, H, None


def _tensorly(task: Task) -> Factors:
    from tensorly.cp_tensor import CPTensor
    from tensorly.decomposition import non_negative_parafac_hals

    start = CPTensor((np.ones(task.k, task.X.dtype), [task.W.copy(), task.H.T.copy()]))
    weights, (W, H) = non_negative_parafac_hals(task.X, task.k, init=start, **task.limits(max_iter="n_iter_max"))
    return W * weights, H.T, None


PROGRAMS = {
    "null": Program("", "returns its start: what the harness itself costs", _null),
    "partwise": Program("partwise", "defaults", _partwise),
    "scikit-learn cd": Program("scikit-learn", "coordinate descent, its default", _sklearn_cd),
    "scikit-learn mu": Program("scikit-learn", "multiplicative updates", _sklearn_mu),
    "nimfa": Program("nimfa", "multiplicative updates", _nimfa),
    "torchnmf": Program("torchnmf", "multiplicative updates, gradients by PyTorch", _torchnmf, float64=False),
    "nmf-torch": Program("nmf-torch", "HALS with inner sweeps", _nmf_torch, sparse=False, same_start=False, least=10),
    "nn-fac": Program("nn-fac", "accelerated HALS", _nn_fac, sparse=False),
    "tensorly": Program("tensorly", "HALS for CP of order two", _tensorly, sparse=False),
}


def quietly(program: Program, task: Task) -> Factors:
    """The fit, without the warnings that every limit brings, and without what it prints."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return program.fit(task)
