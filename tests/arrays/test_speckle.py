"""A speckle is a fair mask, the same one as when it is written out, and never stored."""

import tracemalloc
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import partwise
from partwise import NMF, Speckle
from partwise._errors import ParameterError
from partwise.arrays.observed import observed
from partwise.arrays.speckle import Speckle as Home
from partwise.kernels.threads import threads
from tests.arrays.weighted_cases import kept_zeros, parts

M, N = 600, 500
ALL = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


def mixed(z: int) -> int:
    """The finaliser of SplitMix64 in whole numbers."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & ALL
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & ALL
    return z ^ (z >> 31)


def number(seed: int, i: int, j: int) -> float:
    """u(i, j)."""
    row = mixed((mixed(seed) + (i + 1) * GOLDEN) & ALL)
    return (mixed((row + (j + 1) * GOLDEN) & ALL) >> 16) / 2**48


def held(share: float = 0.2, fold: int = 0, seed: int = 0, m: int = M, n: int = N) -> np.ndarray:
    """What is held out."""
    return ~Speckle(share, fold, seed).rows(0, m, n)


def assert_uncorrelated(a: np.ndarray, b: np.ndarray) -> None:
    """To five standard errors of a correlation of independent numbers."""
    r = np.corrcoef(a.ravel(), b.ravel())[0, 1]
    assert abs(r) < 5 / np.sqrt(a.size)


def test_it_is_public() -> None:
    assert partwise.Speckle is Home


def test_the_finaliser_is_that_of_splitmix64() -> None:
    """Its well-known first numbers from 1234567."""
    first = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [mixed((1234567 + i * GOLDEN) & ALL) for i in (1, 2, 3)] == first


@pytest.mark.parametrize("seed", [0, 5, 2**64 - 1])
@pytest.mark.parametrize(("share", "fold"), [(0.1, 2), (1 / 3, 2), (1.0, 0)])
def test_it_is_the_hash_that_it_says(seed: int, share: float, fold: int) -> None:
    mask = Speckle(share, fold, seed).rows(7, 27, 15)
    u = np.array([[number(seed, i, j) for j in range(15)] for i in range(7, 27)])
    np.testing.assert_array_equal(mask, ~((fold * share <= u) & (u < (fold + 1) * share)))


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_every_question_has_the_same_answer(inverted: bool, n_threads: int) -> None:
    speckle = Speckle(0.3, 1, 4)
    speckle = speckle.complement if inverted else speckle
    whole = speckle.rows(0, 3000, 70)
    places = np.arange(3000 * 70).reshape(3000, 70)
    with threads(n_threads):
        np.testing.assert_array_equal(speckle.rows(100, 2900, 70), whole[100:2900])
        np.testing.assert_array_equal(speckle.rows(0, 3000, 20), whole[:, :20])
        np.testing.assert_array_equal(speckle.at(*np.divmod(places.ravel(), 70)), whole.ravel())
        assert speckle.count((3000, 70)) == whole.sum()
        for value in (False, True):
            found = speckle.places(500, 2500, 70, value)
            assert found.dtype == np.int64
            np.testing.assert_array_equal(found, places[500:2500][whole[500:2500] == value])
    np.testing.assert_array_equal(speckle.complement.rows(0, 3000, 70), ~whole)
    assert speckle.complement.complement == speckle
    assert speckle.rows(5, 5, 70).shape == (0, 70)
    assert speckle.places(5, 5, 70, True).shape == (0,)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(5))
def test_as_much_is_held_out_as_is_asked_for(share: float, seed: int) -> None:
    """In all, in every row, column and diagonal: to six standard deviations of the binomial distribution."""
    taken = held(share, seed=seed)
    diagonals = np.stack([np.diagonal(np.tile(taken, 2), d)[:N] for d in range(N)])
    for counts, of in [(taken.sum(), M * N), (taken.sum(1), N), (taken.sum(0), M), (diagonals.sum(1), N)]:
        assert np.abs(counts - share * of).max() < 6 * np.sqrt(of * share * (1 - share)) + 1


@pytest.mark.parametrize("shape", [(100_000, 1), (1, 100_000), (100_000, 2)])
def test_of_thin_matrices_too(shape: tuple[int, int]) -> None:
    taken = held(0.2, m=shape[0], n=shape[1])
    assert abs(taken.mean() - 0.2) < 6 * np.sqrt(0.16 / taken.size)


def test_neighbours_transposes_and_seeds_know_nothing_of_each_other() -> None:
    taken = held()
    assert_uncorrelated(taken[1:], taken[:-1])
    assert_uncorrelated(taken[:, 1:], taken[:, :-1])
    assert_uncorrelated(taken[1:, 1:], taken[:-1, :-1])
    assert_uncorrelated(taken[1:, :-1], taken[:-1, 1:])
    square = taken[:N]
    above = np.triu_indices(N, 1)
    assert_uncorrelated(square[above], square.T[above])
    for seed in (1, 2, 2**32, 2**63, GOLDEN):
        assert_uncorrelated(taken, held(seed=seed))


def test_row_and_column_counts_vary_as_those_of_independent_entries() -> None:
    taken = held()
    for counts, of in [(taken.sum(1), N), (taken.sum(0), M)]:
        assert 0.8 < counts.var() / (of * 0.16) < 1.25


@pytest.mark.parametrize("folds", [1, 3, 7, 10, 49])
def test_folds_hold_out_each_entry_once(folds: int) -> None:
    times = sum(held(1 / folds, fold, 3, 60, 50).astype(int) for fold in range(folds))
    np.testing.assert_array_equal(times, 1)


@pytest.mark.parametrize("share", [0, 1.1, -0.1, np.nan, np.inf, "0.1", True, None])
def test_a_share_that_cannot_be(share: Any) -> None:
    with pytest.raises(ParameterError, match="share"):
        Speckle(share)


@pytest.mark.parametrize(("fold", "seed"), [(-1, 0), (0.5, 0), (True, 0), (5, 0), (0, -1), (0, 2**64), (0, 1.0)])
def test_a_fold_or_a_seed_that_cannot_be(fold: Any, seed: Any) -> None:
    with pytest.raises(ParameterError, match=r"fold|seed"):
        Speckle(0.2, fold, seed)


def test_numpy_numbers_do_and_nothing_changes() -> None:
    speckle = Speckle(np.float32(0.25), np.int64(3), np.uint64(9))
    np.testing.assert_array_equal(speckle.rows(0, 9, 9), Speckle(0.25, 3, 9).rows(0, 9, 9))
    with pytest.raises(FrozenInstanceError):
        speckle.share = 0.5  # type: ignore[misc]


# -- as a mask ---------------------------------------------------------------------------------------------------------

SPECKLES = {
    "few held out": Speckle(0.2, 1, 3),
    "few observed": Speckle(0.2, 1, 3).complement,
    "most held out": Speckle(0.8, 0, 3),
    "half": Speckle(0.5, 1, 3),
}
CONTAINERS: dict[str, Any] = {
    "dense": np.asarray,
    "Fortran": np.asfortranarray,
    "CSR": sp.csr_array,
    "CSC": sp.csc_array,
    "masked": lambda X: np.ma.MaskedArray(X, X == 2),
    "NaN": lambda X: np.where(X == 2, X.dtype.type(np.nan), X),
}


def assert_same_operand(a: Any, b: Any) -> None:
    for one, other in [(a.x, b.x), (a.weights.entries, b.weights.entries), (a.weights.rows, b.weights.rows)]:
        if sp.issparse(one):
            np.testing.assert_array_equal(one.indptr, other.indptr)
            np.testing.assert_array_equal(one.indices, other.indices)
            one, other = one.data, other.data
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_array_equal(one, other)
    assert a.weights.absent == b.weights.absent


@pytest.mark.parametrize("speckle", SPECKLES.values(), ids=SPECKLES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighed", ["", "entries", "sparse entries", "rows"])
def test_an_operand_is_that_of_the_mask_written_out(speckle: Speckle, dtype: Any, weighed: str) -> None:
    X, _, E, r = parts(60, 40, 0.5, dtype=dtype)
    weights = {"": None, "entries": E, "sparse entries": sp.csr_array(E), "rows": r}[weighed]
    mask = speckle.rows(0, 60, 40)
    for x in (X, sp.csr_array(X)):
        assert_same_operand(observed(x, speckle, weights), observed(x, mask, weights))
    for x in (sp.csr_array(X), kept_zeros(X, X < 2)):
        given = (weights if weighed != "entries" else sp.csr_array(E),)
        assert_same_operand(
            observed(x, speckle, *given, absent_missing=True), observed(x, mask, *given, absent_missing=True)
        )


@pytest.mark.parametrize("speckle", SPECKLES.values(), ids=SPECKLES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("zeros", ["observed", "missing"])
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.filterwarnings("ignore:.*have no observed entry")
def test_fits_are_those_of_the_mask_written_out(speckle: Speckle, dtype: Any, zeros: str, container: str) -> None:
    X = CONTAINERS[container](parts(60, 40, 0.5, dtype=dtype)[0])
    mask = speckle.rows(0, 60, 40)
    model = NMF(2, init="random", random_state=0, max_iter=20, tol=0, implicit_zeros=zeros)
    W, written = model.fit_transform(X, mask=speckle), NMF(**model.get_params())
    np.testing.assert_array_equal(W, written.fit_transform(X, mask=mask))
    np.testing.assert_array_equal(model.components_, written.components_)
    other = speckle.complement
    np.testing.assert_array_equal(model.transform(X, mask=other), model.transform(X, mask=~mask))
    assert model.score(X, mask=other) == model.score(X, mask=~mask)


def test_replicates_take_it() -> None:
    X, speckle = parts(30, 20, 0.5)[0], Speckle(0.1)
    estimator = NMF(2, n_init=2, random_state=0, max_iter=20, tol=0)
    one, other = (partwise.replicates(estimator, X, mask=mask) for mask in (speckle, speckle.rows(0, 30, 20)))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.H, b.H)


def test_of_sparse_data_only_what_is_held_out_is_made() -> None:
    """A dense mask would take 32 MB."""
    X = sp.random_array((8000, 4000), density=1e-3, rng=np.random.default_rng(0), format="csr")
    speckle = Speckle(1e-3)
    observed(X[:5], speckle)
    tracemalloc.start()
    held_out, only = observed(X, speckle), observed(X, speckle.complement)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6
    assert held_out.x.nnz < 1.2 * X.nnz + 1.2e-3 * 32e6
    assert only.x.nnz == speckle.complement.count(X.shape) < 1.2e-3 * 32e6
