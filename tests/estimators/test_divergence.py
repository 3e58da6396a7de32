"""The loss of any two factors is a sum over entries, whatever they come in."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import partwise
from partwise import NMF, DataError, ParameterError, Speckle, divergence
from partwise.arrays.rows import RowBlocks
from tests.arrays.weighted_cases import kept_zeros, parts
from tests.reference.weighted import loss

BETAS: dict[Any, float] = {"frobenius": 2.0, "kullback-leibler": 1.0, "itakura-saito": 0.0, 0.5: 0.5, 1.5: 1.5, 3: 3.0}
CONTAINERS: dict[str, Any] = {
    "dense": np.asarray,
    "Fortran": np.asfortranarray,
    "CSR": sp.csr_array,
    "CSC": sp.csc_array,
}


def factors(m: int, n: int, k: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """With zeros, but none in their product."""
    rng = np.random.default_rng(1)
    W, H = rng.random((m, k)) * (rng.random((m, k)) < 0.7), rng.random((k, n)) * (rng.random((k, n)) < 0.7)
    W[:, 0] += 0.01
    H[0] += 0.01
    return W, H


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("beta_loss", BETAS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seen", ["all", "mask", "speckle", "complement", "mask, weights", "row weights", "missing"])
def test_a_loop_over_entries_agrees(container: str, beta_loss: Any, dtype: Any, seen: str) -> None:
    beta = BETAS[beta_loss]
    X, M, E, r = parts(23, 17, 0.7, dtype=dtype)
    X += beta <= 0
    W, H = factors(23, 17)
    speckle = Speckle(0.2, 1, 5)
    S = speckle.rows(0, 23, 17)
    ones = np.ones(X.shape)
    V, given = {
        "all": (ones, {}),
        "mask": (M * 1.0, {"mask": M}),
        "speckle": (S * 1.0, {"mask": speckle}),
        "complement": (~S * 1.0, {"mask": speckle.complement}),
        "mask, weights": (M * E, {"mask": M, "weights": E}),
        "row weights": (ones * r[:, None], {"weights": r}),
        "missing": ((X != 0) * 1.0, {"implicit_zeros": "missing"}),
    }[seen]
    x = CONTAINERS[container](X)
    V = V if seen != "missing" or sp.issparse(x) else ones
    kept = X.copy(), W.copy(), H.copy()
    found = divergence(x, W, H, beta_loss=beta_loss, **given)
    assert type(found) is float
    assert found == pytest.approx(loss(X.astype(float), V, W, H.T, beta), rel=1e-6 if dtype == np.float32 else 1e-11)
    for a, b in zip(kept, (X, W, H), strict=True):
        np.testing.assert_array_equal(a, b)


def test_stored_zeros_nan_masked_arrays_and_blocks_of_rows() -> None:
    X, M, _, _ = parts(23, 17, 0.7)
    W, H = factors(23, 17)
    expected = loss(X, M * 1.0, W, H.T, 1)
    for x, given in [
        (np.where(M, X, np.nan), {}),
        (np.ma.MaskedArray(X, ~M), {}),
        (kept_zeros(X, M), {"implicit_zeros": "missing"}),
    ]:
        assert divergence(x, W, H, beta_loss=1, **given) == pytest.approx(expected, rel=1e-12)
    assert divergence(RowBlocks([X[:9], X[9:]]), W, H) == pytest.approx(divergence(X, W, H), rel=1e-12)


@pytest.mark.parametrize("beta_loss", ["frobenius", "kullback-leibler", 0.5])
def test_it_is_what_a_fit_reports_and_threads_change_no_bit(beta_loss: Any) -> None:
    X = parts(60, 40, 1.0)[0] + 0.5
    model = NMF(3, beta_loss=beta_loss, init="random", random_state=0, max_iter=30, tol=0)
    W = model.fit_transform(X)
    found = [divergence(X, W, model.components_, beta_loss=beta_loss, n_threads=n) for n in (1, 2)]
    assert found[0] == found[1] == pytest.approx(0.5 * model.reconstruction_err_**2, rel=1e-10)
    if beta_loss != 0.5:  # whose rows of W are solved by steps, not to the last digit
        assert -found[0] / X.size == pytest.approx(model.score(X), rel=1e-9)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("beta_loss", BETAS)
def test_infinite_where_an_entry_has_no_model(container: str, beta_loss: Any) -> None:
    beta = BETAS[beta_loss]
    X = np.array([[2.0, 1.0, 3.0], [1.0, 2.0, 0.5], [4.0, 1.0, 0.0 if beta > 0 else 1.0]])
    x = CONTAINERS[container](X)
    W, H = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 1.0, 1.0], [2.0, 1.0, 0.0]])
    zero = np.array([[0, 0, 0], [0, 0, 0], [0, 0, 1]])  # of WH
    finite = beta > 1 or X[2, 2] == 0
    found = divergence(x, W, H, beta_loss=beta_loss)
    assert found == (pytest.approx(loss(X, np.ones((3, 3)), W, H.T, beta)) if beta > 1 else found)
    assert np.isfinite(found) == finite
    seen = divergence(x, W, H, beta_loss=beta_loss, mask=zero == 0)
    assert seen == pytest.approx(loss(X, 1.0 - zero, W, H.T, beta))
    nothing = divergence(x, 0 * W, H, beta_loss=beta_loss)
    assert nothing == (pytest.approx(loss(X, np.ones((3, 3)), 0 * W, H.T, beta)) if beta > 1 else np.inf)


def test_nothing_observed_and_nothing_there() -> None:
    X, W, H = np.ones((4, 3)), np.ones((4, 2)), np.ones((2, 3))
    assert divergence(X, W, H, mask=np.zeros((4, 3), bool)) == 0
    assert divergence(X, W, H / 2) == 0
    assert divergence(0 * X, 0 * W, H, beta_loss="kullback-leibler") == pytest.approx(0, abs=1e-200)
    assert divergence(X, W, H / 2, beta_loss="kullback-leibler") == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("W", "H", "match"),
    [
        (np.ones((3, 2)), np.ones((2, 3)), r"W of shape \(3, 2\).*give W of shape \(4, k\)"),
        (np.ones((4, 2)), np.ones((2, 4)), r"H of shape \(2, 4\).*give W of shape \(4, k\)"),
        (np.ones((4, 2)), np.ones((3, 3)), "with one k"),
        (np.ones(4), np.ones((1, 3)), "1D array"),
        (-np.ones((4, 2)), np.ones((2, 3)), "W is -1 in row 0, column 0"),
        (np.ones((4, 2)), np.array([[1, 1, 1], [1, np.nan, 1]]), "H is nan in row 1, column 1"),
        (np.full((4, 2), np.inf), np.ones((2, 3)), "W is inf"),
        (np.full((4, 2), 1e200), np.full((2, 3), 1e200), "leave the range"),
        ("words", np.ones((2, 3)), "W is no dense matrix of numbers"),
        (np.ones((4, 2)), sp.csr_array(np.ones((2, 3))), "H is no dense matrix of numbers"),
    ],
)
def test_factors_that_cannot_be(W: Any, H: Any, match: str) -> None:
    with pytest.raises(ParameterError, match=match):
        divergence(np.ones((4, 3)), W, H)


def test_what_else_cannot_be() -> None:
    X, W, H = np.ones((4, 3)), np.ones((4, 2)), np.ones((2, 3))
    with pytest.raises(ParameterError, match="beta_loss"):
        divergence(X, W, H, beta_loss="l1")
    with pytest.raises(ParameterError, match="implicit_zeros"):
        divergence(X, W, H, implicit_zeros="maybe")
    with pytest.raises(DataError, match="mask has shape"):
        divergence(X, W, H, mask=np.ones((3, 3), bool))
    with pytest.raises(DataError, match="Negative"):
        divergence(-X, W, H)
    assert partwise.divergence is divergence
