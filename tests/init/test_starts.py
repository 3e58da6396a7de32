"""Every start that is registered, on every storage."""

import numpy as np
import pytest
from sklearn.decomposition._nmf import _initialize_nmf

from partwise.init import DETERMINISTIC, INITS
from partwise.kernels.threads import threads
from tests.contracts.storages import CASES, stored
from tests.reference.matrices import noisy
from tests.reference.nmf import nndsvd, successive_projection

K = 4
CLOSE = {"random": 0.0, "nndsvd": 1e-6, "nndsvda": 1e-6, "nndsvdar": 1e-6, "spa": 0.0}
"""How far starts from equal data in other storages may lie apart. A start without a number fails."""

each_start = pytest.mark.parametrize("name", CLOSE)


def drawn(name: str, x: np.ndarray, case: tuple[str, str] = ("memory", "C"), seed: int = 0, k: int = K):
    return INITS[name](stored(x, *case), float(x.mean(dtype=float)), k, np.random.RandomState(seed))


@pytest.fixture
def X() -> np.ndarray:
    return noisy(60, 25, K)


def test_every_start_is_tested() -> None:
    assert set(CLOSE) == set(INITS)
    assert set(INITS) >= DETERMINISTIC


@each_start
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_starts_are_tall_non_negative_and_of_the_dtype(
    name: str, case: tuple[str, str], dtype: type, X: np.ndarray
) -> None:
    W, H = drawn(name, X.astype(dtype), case)
    for factor, rows in ((W, 60), (H, 25)):
        if factor is not None:
            assert (factor.shape, factor.dtype) == ((rows, K), dtype)
            assert np.isfinite(factor).all()
            assert (factor >= 0).all()
            assert (factor.max(axis=0) > 0).all()


@each_start
@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_the_storage_makes_no_difference(name: str, case: tuple[str, str], X: np.ndarray) -> None:
    for a, b in zip(drawn(name, X), drawn(name, X, case), strict=True):
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=CLOSE[name])


@each_start
def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads(name: str) -> None:
    X = noisy(900, 40, K)
    found = set()
    for n_threads in (1, 2, 3):
        with threads(n_threads):
            found.add(b"".join(factor.tobytes() for factor in drawn(name, X) if factor is not None))
    assert len(found) == 1


@each_start
def test_only_starts_that_depend_on_the_seed_differ_by_it(name: str, X: np.ndarray) -> None:
    X[:, :3] = np.eye(60, 3)  # so that singular vectors have zeros to fill
    a, b = drawn(name, X, seed=1)[1], drawn(name, X, seed=2)[1]
    assert np.allclose(a, b, rtol=1e-5, atol=1e-6) == (name in DETERMINISTIC)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_random_is_the_start_of_scikit_learn(dtype: type, X: np.ndarray) -> None:
    X = X.astype(dtype)
    W, H = drawn("random", X, seed=7)
    expected_W, expected_H = _initialize_nmf(X, K, init="random", random_state=7)
    np.testing.assert_allclose(W, expected_W, rtol=1e-6 if dtype == np.float32 else 1e-14)
    np.testing.assert_allclose(H.T, expected_H, rtol=1e-6 if dtype == np.float32 else 1e-14)


@pytest.mark.parametrize("shape", [(60, 25), (25, 60)])
def test_nndsvd_is_that_of_the_full_decomposition(shape: tuple[int, int]) -> None:
    X = noisy(*shape, K, noise=0.01)
    W, H = drawn("nndsvd", X)
    expected_W, expected_H = nndsvd(X, K)
    np.testing.assert_allclose(W, expected_W, atol=1e-5)
    np.testing.assert_allclose(H.T, expected_H, atol=1e-5)


def test_nndsvda_and_nndsvdar_fill_the_zeros_and_nothing_else(X: np.ndarray) -> None:
    plain = drawn("nndsvd", X)
    for name, low, high in (("nndsvda", X.mean(), X.mean()), ("nndsvdar", 0, X.mean() / 20)):
        for before, after in zip(plain, drawn(name, X), strict=True):
            zero = before == 0
            np.testing.assert_array_equal(after[~zero], before[~zero])
            assert zero.any()
            assert ((after[zero] >= low) & (after[zero] <= high)).all()


def test_spa_is_successive_projection(X: np.ndarray) -> None:
    W, H = drawn("spa", X)
    rows = X / X.sum(axis=1, keepdims=True)
    assert W is None  # it is solved for this H
    np.testing.assert_allclose(H.T, rows[successive_projection(X, K)], rtol=1e-10)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_spa_finds_the_pure_rows(case: tuple[str, str], rng: np.random.Generator) -> None:
    pure = np.eye(K, 12) + 0.2 * rng.random((K, 12))
    X = rng.dirichlet(np.ones(K), 70) @ pure * rng.uniform(0.1, 10, (70, 1))
    where = [3, 21, 40, 69]
    X[where] = pure * [[5], [0.01], [1], [30]]
    X[10] = 0
    found = drawn("spa", X, case)[1].T
    expected = pure / pure.sum(axis=1, keepdims=True)
    assert {int(np.argmin(np.linalg.norm(expected - row, axis=1))) for row in found} == set(range(K))
    assert max(np.linalg.norm(expected - row, axis=1).min() for row in found) < 1e-9


def test_spa_beyond_the_rank_still_has_parts_that_can_learn(rng: np.random.Generator) -> None:
    X = np.outer(rng.random(20), rng.random(8)) + 0
    H = drawn("spa", X)[1]
    assert (H.max(axis=0) > 0).all()


@each_start
def test_all_zero_data(name: str) -> None:
    W, H = drawn(name, np.zeros((7, 6)), k=2)
    assert all(np.isfinite(factor).all() for factor in (W, H) if factor is not None)
