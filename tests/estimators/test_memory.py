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
