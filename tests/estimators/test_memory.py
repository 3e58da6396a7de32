"""What a fit needs beyond the data, as NumPy's allocations are traced."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from partwise import NMF
from tests.reference.matrices import noisy

MB = 2**20


def peak(work: Callable[[], Any]) -> int:
    """Bytes allocated at the highest point of ``work``, over what there was before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def model(**options: Any) -> NMF:
    return NMF(**{"n_components": 10, "random_state": 0, "tol": 0, "max_iter": 4, "n_threads": 2, **options})


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    for dtype in (np.float64, np.float32):
        X = noisy(40, 20, 3).astype(dtype)
        for container in (np.ascontiguousarray, np.asfortranarray, sp.csr_array):
            model(n_components=2).fit(container(X)).transform(container(X))


def scattered(m: int, n: int, stored: int) -> sp.csr_array:
    """About ``stored`` random entries. (SciPy's own ``random`` shuffles all m · n positions.)"""
    rng = np.random.default_rng(0)
    place = rng.integers(0, m, stored), rng.integers(0, n, stored)
    return sp.csr_array(sp.coo_array((rng.random(stored), place), shape=(m, n)))


def factors(shape: tuple[int, int], k: int, dtype: Any) -> int:
    return sum(shape) * k * np.dtype(dtype).itemsize


@pytest.mark.parametrize("init", ["nndsvda", "random", "spa"])
@pytest.mark.parametrize("kind", [sp.csr_array, sp.csc_array])
def test_a_sparse_fit_allocates_nothing_of_the_size_of_the_matrix(kind: type, init: str) -> None:
    m = n = 20_000
    X = kind(scattered(m, n, 200_000))
    stored = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    needed = peak(lambda: model(init=init).fit(X))
    assert needed < m * n / 8  # a bit for each entry
    assert needed < 3 * stored + 12 * factors((m, n), 20, np.float64)  # 20: nndsvd takes ten more directions


LOSSES = [(2, "cd"), (2, "bpp"), (2, "mu"), (1, "cd"), (1, "mu"), (1.5, "mu"), (0, "mu")]
# What is given of a sparse matrix X beside it, and how many times that of all given may be held in addition: X and its
# weights are there in both orders, and so are their products.
KINDS = {"zeros": 3, "missing zeros": 4, "mask": 4, "weights": 4, "weights of rows": 4}


def given_with(X: sp.csr_array, kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters of the estimator and of its methods."""
    rng = np.random.default_rng(1)
    parameters = {"implicit_zeros": "observed" if kind in ("zeros", "weights of rows") else "missing"}
    if kind == "mask":
        return parameters, {"mask": sp.csr_array((rng.random(X.nnz) < 0.9, X.indices, X.indptr), X.shape)}
    if kind == "weights":
        return parameters, {"weights": sp.csr_array((rng.random(X.nnz) + 0.1, X.indices, X.indptr), X.shape)}
    return parameters, {"weights": rng.random(X.shape[0]) + 0.1} if kind == "weights of rows" else {}


def stored_bytes(X: Any) -> int:
    parts = (X.data, X.indices, X.indptr) if sp.issparse(X) else (X,)
    return sum(part.nbytes for part in parts)


# Itakura–Saito has no zeros to observe.
MEASURED = [
    (beta, solver, kind)
    for beta, solver in LOSSES
    for kind in KINDS
    if beta > 0 or kind not in ("zeros", "weights of rows")
]


@pytest.mark.parametrize(("beta", "solver", "kind"), MEASURED)
def test_no_loss_makes_as_many_numbers_as_there_are_entries_times_components(
    beta: float, solver: str, kind: str
) -> None:
    """What scikit-learn's multiplicative updates did (its issue 15242): 64 MB here, where nothing but X is 7 MB."""
    X, k = scattered(3000, 3000, 600_000), 20
    X.data += 0.1
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    parameters, more = given_with(X, kind)
    given = sum(map(stored_bytes, [X, *more.values()]))
    allowed = KINDS[kind] * given + 12 * factors(X.shape, k, np.float64)
    assert allowed < X.nnz * k * X.dtype.itemsize
    fitted = model(n_components=k, beta_loss=beta, solver=solver, init="random", **parameters)
    fitted.fit(X, **more)  # compiles
    assert peak(lambda: fitted.fit(X, **more)) < allowed
    assert peak(lambda: fitted.transform(X, **more)) < allowed


def test_transforming_and_scoring_sparse_data_too() -> None:
    X = scattered(20_000, 20_000, 200_000)
    fitted = model().fit(X)
    assert peak(lambda: fitted.transform(X)) < X.shape[0] * X.shape[1] / 8
    assert peak(lambda: fitted.score(X)) < X.shape[0] * X.shape[1] / 8


@pytest.mark.parametrize(("dtype", "share"), [(np.float64, 0.3), (np.float32, 0.6)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(16_000, 800), (800, 16_000)], ids=["tall", "wide"])
def test_a_dense_fit_needs_no_copy_of_the_data(shape: tuple[int, int], order: str, dtype: type, share: float) -> None:
    """About 100 MB (50 in float32, whose last solve is done in float64, a part of the rows at a time)."""
    X = np.asarray(np.random.default_rng(0).random(shape, dtype=dtype), order=order)
    needed = peak(lambda: model(init="random").fit(X))
    assert needed < share * X.nbytes + 3 * factors(shape, 10, dtype), f"{needed / X.nbytes:.2f} of the data"
