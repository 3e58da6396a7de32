"""The coarse stage: a start from a sample."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from partwise import NMF, ParameterError
from partwise.arrays import as_operand
from partwise.arrays.rows import RowBlocks
from partwise.arrays.sample import sample_rows
from partwise.engine.problem import Problem
from partwise.losses import Frobenius
from partwise.models import coarse
from partwise.models.coarse import sample_size
from partwise.penalties import Elastic

K = 6


def tall(m: int = 4000, n: int = 30, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    W = rng.gamma(0.5, size=(m, K)) * (rng.random((m, K)) < 0.5)
    return W @ rng.gamma(0.5, size=(K, n)) + 0.05 * rng.random((m, n))


def fit(X: Any, **options: Any) -> NMF:
    return NMF(K, **{"init": "random", "random_state": 0, **options}).fit(X)


def problem(X: Any) -> Problem:
    return Problem(as_operand(X), Frobenius(), Elastic(), Elastic())


@pytest.mark.parametrize(
    ("shape", "size"),
    [((60_000, 100), 400), ((100, 60_000), 400), ((60_000, 10), 30 * 9), ((6_000, 2_000), None), ((300, 20), None)],
)
def test_the_size_follows_from_the_shape_and_k(shape: tuple[int, int], size: int | None) -> None:
    assert sample_size(problem(np.ones(shape, np.float32)), 9) == size


def test_it_does_not_depend_on_the_container() -> None:
    X = (np.random.default_rng(0).random((20_000, 50)) < 0.3).astype(float)
    assert sample_size(problem(X), 40) == sample_size(problem(sp.csr_array(X)), 40) == 1200


@pytest.mark.parametrize("kind", ["dense", "csr", "rows"])
def test_a_sample_holds_those_rows(kind: str) -> None:
    X = tall(50) * (tall(50, seed=1) > 0.5)
    data = {"dense": X, "csr": sp.csr_array(X), "rows": [X[:20], sp.csr_array(X[20:23]), X[23:]]}[kind]
    index = np.array([0, 3, 19, 20, 22, 49])
    sample = sample_rows(as_operand(data), index)
    np.testing.assert_array_equal(sample.blocks[0].rows(np.arange(6)), X[index])


@pytest.mark.filterwarnings("ignore:The fit stopped at max_iter")
@pytest.mark.parametrize("shape", ["tall", "wide"])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("penalties", [{}, {"alpha_W": 1e-4, "alpha_H": 1e-6, "l1_ratio": 0.5}])
def test_it_ends_no_worse_than_without(shape: str, container: Any, penalties: dict[str, float]) -> None:
    X = tall() if shape == "tall" else tall().T
    ratios = []
    for seed in range(5):
        options = {"random_state": seed, "max_iter": 300, **penalties}
        with_, without = (fit(container(X), coarse=choice, **options) for choice in (True, False))
        ratios.append(with_.history_["objective"][-1] / without.history_["objective"][-1])
    assert np.median(ratios) <= 1.001


def test_it_needs_fewer_iterations_on_everything() -> None:
    X = tall(20_000)
    with_, without = (fit(X, coarse=choice, max_iter=5, tol=0) for choice in (True, False))
    assert with_.history_["objective"][1] < without.history_["objective"][-1]
    assert with_.n_iter_ == without.n_iter_ == 5


def test_a_good_start_is_left_as_it_is() -> None:
    X = tall()
    good = fit(X, max_iter=300)
    W = good.transform(X)
    again = [
        NMF(K, init="custom", coarse=choice, max_iter=3, tol=0).fit(X, W=W, H=good.components_)
        for choice in (True, False)
    ]
    np.testing.assert_array_equal(again[0].components_, again[1].components_)


def test_bits_do_not_depend_on_the_threads() -> None:
    X = tall()
    one, three = (fit(X, coarse=True, n_threads=n) for n in (1, 3))
    np.testing.assert_array_equal(one.components_, three.components_)


def test_blocks_of_rows_give_what_memory_gives() -> None:
    X = tall()
    whole, blocks = fit(X, coarse=True, max_iter=20), fit(RowBlocks([X[:900], X[900:]]), coarse=True, max_iter=20)
    np.testing.assert_allclose(whole.components_, blocks.components_, rtol=1e-6, atol=1e-9)


def test_restarts_share_the_sample() -> None:
    X = tall()
    best = fit(X, coarse=True, n_init=3, drop_losers=False, max_iter=300)
    rng = np.random.RandomState(0)
    singles = [fit(X, coarse=True, random_state=rng, max_iter=300) for _ in range(3)]
    assert best.reconstruction_err_ == pytest.approx(min(one.reconstruction_err_ for one in singles), rel=1e-9)


@pytest.mark.filterwarnings("ignore:The fit stopped at max_iter")
def test_the_penalty_of_the_held_factor_falls_with_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    original = coarse.run

    def spy(model: Any, *arguments: Any, **options: Any) -> Any:
        seen.append(model.problem)
        return original(model, *arguments, **options)

    monkeypatch.setattr(coarse, "run", spy)
    fit(tall(), coarse=True, alpha_W=1e-4, alpha_H=1e-6, l1_ratio=0.5)
    (small,) = seen
    assert small.operand.shape == (1000, 30)
    assert (small.penalty_W.l1, small.penalty_W.l2) == pytest.approx((1e-4 * 30 * 0.5,) * 2)
    assert (small.penalty_H.l1, small.penalty_H.l2) == pytest.approx((1e-6 * 1000 * 0.5,) * 2)


def test_ctrl_c_inside_it_leaves_a_fitted_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(coarse, "run", interrupt)
    model = NMF(K, init="random", random_state=0, coarse=True)
    with pytest.raises(KeyboardInterrupt):
        model.fit(tall())
    assert model.status_ == "interrupted"
    assert model.components_.shape == (K, 30)


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_what_it_is_not(value: object) -> None:
    with pytest.raises(ParameterError, match="coarse="):
        fit(tall(60), coarse=value)


def test_wide_blocks_of_rows_cannot_be_sampled_by_columns() -> None:
    blocks = RowBlocks([tall().T[:10], tall().T[10:]])
    fit(blocks)
    with pytest.raises(ParameterError, match="columns"):
        fit(blocks, coarse=True)
