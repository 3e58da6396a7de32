"""Parts that the data do not need fade, and what is lowered is the posterior."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from partwise import NMF
from partwise.selection import relevance as room
from partwise.selection._tasks import run_tasks
from partwise.selection.question import Question
from partwise.selection.relevance import gather_relevance, relevance_tasks
from tests.reference.beta import beta_divergence
from tests.selection.test_rank import known


def question(data: Any, loss: Any = "frobenius", mask: Any = None) -> Question:
    return Question.of(NMF(beta_loss=loss, max_iter=500), data, mask, None, 0)


def gaussian(k: int = 4) -> np.ndarray:
    rng = np.random.default_rng(0)
    exact = rng.random((100, k)) ** 4 @ rng.random((k, 60)) ** 4
    return np.maximum(exact + 0.03 * rng.standard_normal(exact.shape), 0)


@pytest.mark.parametrize(
    ("data", "loss", "k"), [(known(), "kullback-leibler", 3), (gaussian(), "frobenius", 4)], ids=["counts", "squares"]
)
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_the_needed_parts_stay(data: np.ndarray, loss: str, k: int, container: Any) -> None:
    found = gather_relevance(8, run_tasks(relevance_tasks(question(container(data), loss), 8)))
    assert found.rank == k
    assert (np.diff(found.relevance) <= 0).all()
    assert found.relevance[k - 1] > 1
    np.testing.assert_allclose(found.relevance[k:], 0, atol=1e-6)


@pytest.mark.parametrize("loss", [1.0, 2.0])
def test_the_posterior_falls(loss: float, monkeypatch: pytest.MonkeyPatch) -> None:
    data = known() if loss == 1 else gaussian()
    m, n = data.shape
    asked, course = question(data, loss), []
    steps = room._steps

    def watched(asked: Question, W: np.ndarray, H: np.ndarray, each: np.ndarray) -> Any:
        W, H, value = steps(asked, W, H, each)
        course.append((W, H, value))
        return W, H, value

    monkeypatch.setattr(room, "_steps", watched)
    found = room._fade(asked, 6, 0)
    a, phi = room._SHAPE, found["dispersion"][0]
    c, b = m + n + a + 1, np.sqrt((a - 1) * (a - 2) * data.mean() / 6)

    def posterior(W: np.ndarray, H: np.ndarray) -> float:
        """The one of the paper, at the best scales."""
        size = W.sum(axis=0) + H.sum(axis=1)
        scale = (size + b) / c
        return beta_divergence(data, W @ H, loss) / phi + float(np.sum((size + b) / scale + c * np.log(scale)))

    values = [posterior(W, H) for W, H, _ in course]
    assert len(values) > 3
    assert (np.diff(values) <= 1e-6 * np.abs(values[0])).all()
    assert found["posterior"][0] <= values[-1] + 1e-6 * abs(values[-1])
    for W, H, value in course[::5]:
        assert value == pytest.approx(beta_divergence(data, W @ H, loss), rel=1e-6)


def test_balancing_keeps_the_product_and_lowers_the_sizes() -> None:
    rng = np.random.default_rng(0)
    W, H = 100 * rng.random((8, 3)), rng.random((3, 5))
    W[:, 2] = 0
    w, h = room._balanced(W, H)
    np.testing.assert_allclose(w @ h, W @ H)
    assert (room._size(w, h) <= room._size(W, H) + 1e-12).all()


def test_missing_entries() -> None:
    data = known()
    mask = np.random.default_rng(0).random(data.shape) < 0.9
    asked = question(np.where(mask, data, 1e4), "kullback-leibler", mask)
    assert gather_relevance(6, run_tasks(relevance_tasks(asked, 6))).rank == 3


def test_the_dispersion_of_counts_is_one_and_of_squares_the_variance() -> None:
    assert room._fade(question(known(m=200, n=100), "kullback-leibler"), 4, 0)["dispersion"][0] == pytest.approx(
        1, rel=0.1
    )
    exact = np.random.default_rng(1).random((100, 3)) @ (2 + np.random.default_rng(2).random((3, 60)))
    noisy = exact + 0.1 * np.random.default_rng(0).standard_normal(exact.shape)
    assert room._fade(question(noisy), 3, 0)["dispersion"][0] == pytest.approx(0.01, rel=0.1)


def test_of_starts_with_the_same_parts_the_better_fit_is_taken() -> None:
    """A larger dispersion alone lowers D/φ: it may not decide."""
    poor, good = (
        {"relevance": np.array([r, 0.0]), "dispersion": np.array([phi]), "posterior": np.array([100 / phi]), **spread}
        for r, phi in ((1.0, 2.0), (3.0, 1.0))
        for spread in [{"spread": np.array([0.5 * 200 * np.log(phi)])}]
    )
    done = {f"relevance-k2-{start}": good if start == 3 else poor for start in range(room._STARTS)}
    assert gather_relevance(2, done).relevance[0] == 3


def test_the_dispersion_of_a_start_has_its_price() -> None:
    found = room._fade(question(gaussian()), 4, 0)
    assert found["spread"][0] == pytest.approx(0.5 * 6000 * np.log(found["dispersion"][0]))


def test_shuffling_is_left_out_where_parts_have_penalties_of_their_own() -> None:
    asked = Question.of(NMF(shuffle=True, max_iter=500), gaussian(), None, None, 0)
    assert gather_relevance(6, run_tasks(relevance_tasks(asked, 6))).rank == 4
