"""The coarse stage: a start from a sample."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from partwise import NMF, ParameterError
from partwise.arrays import as_operand
from partwise.arrays.rows import RowBlocks
from partwise.arrays.sample import line_squares, sample_rows
from partwise.models import coarse, window

K = 6


def tall(m: int = 4000, n: int = 30, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    W = rng.gamma(0.5, size=(m, K)) * (rng.random((m, K)) < 0.5)
    return W @ rng.gamma(0.5, size=(K, n)) + 0.05 * rng.random((m, n))


def words(m: int = 6000, n: int = 900, rate: float = 30) -> np.ndarray:
    """Counts in which a few columns hold most of the squares."""
    rng = np.random.default_rng(0)
    H = rng.gamma(0.3, size=(K, n)) / np.arange(1, n + 1)
    return rng.poisson(rate * rng.gamma(0.5, size=(m, K)) @ H).astype(float)


def fit(X: Any, **options: Any) -> NMF:
    return NMF(**{"n_components": K, "init": "random", "random_state": 0, **options}).fit(X)


@pytest.mark.parametrize("kind", ["dense", "csr", "rows"])
def test_a_sample_holds_those_rows(kind: str) -> None:
    X = tall(50) * (tall(50, seed=1) > 0.5)
    data = {"dense": X, "csr": sp.csr_array(X), "rows": [X[:20], sp.csr_array(X[20:23]), X[23:]]}[kind]
    index = np.array([0, 3, 19, 20, 22, 49])
    sample = sample_rows(as_operand(data), index)
    np.testing.assert_array_equal(sample.blocks[0].rows(np.arange(6)), X[index])


@pytest.mark.parametrize("kind", ["dense", "csr", "rows"])
def test_squares_are_those_of_the_rows_and_the_columns(kind: str) -> None:
    X = tall(50) * (tall(50, seed=1) > 0.5)
    data = {"dense": X, "csr": sp.csr_array(X), "rows": [X[:20], sp.csr_array(X[20:23]), X[23:]]}[kind]
    rows, columns = line_squares(as_operand(data))
    np.testing.assert_allclose(rows, (X**2).sum(axis=1))
    np.testing.assert_allclose(columns, (X**2).sum(axis=0))


@pytest.mark.filterwarnings("ignore:Maximum number of iterations")
@pytest.mark.parametrize("shape", ["tall", "wide"])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("penalties", [{}, {"alpha_W": 1e-4, "alpha_H": 1e-6, "l1_ratio": 0.5}])
def test_it_ends_no_worse_than_without(shape: str, container: Any, penalties: dict[str, float]) -> None:
    X = tall() if shape == "tall" else tall().T
    ratios = []
    for seed in range(5):
        # Three parts: with more, penalised fits have optima that lie a tenth apart, and chance decides between them.
        options = {"n_components": 3, "random_state": seed, "max_iter": 300, **penalties}
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


@pytest.mark.filterwarnings("ignore:Maximum number of iterations")
def test_a_good_start_is_left_as_it_is_where_the_sample_errs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "SMALLEST_WORK", 0.0)
    X = words(rate=1)
    good = fit(X, max_iter=300)
    W = good.transform(X)
    again = [
        NMF(K, init="custom", coarse=choice, max_iter=3, tol=0).fit(X, W=W, H=good.components_)
        for choice in ("auto", False)
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


@pytest.mark.filterwarnings("ignore:Maximum number of iterations")
def test_the_penalty_of_the_held_factor_falls_with_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    original = coarse.run

    def spy(model: Any, *arguments: Any, **options: Any) -> Any:
        seen.append(model.problem)
        return original(model, *arguments, **options)

    monkeypatch.setattr(coarse, "run", spy)
    X = tall()
    fit(X, coarse=True, alpha_W=1e-4, alpha_H=1e-6, l1_ratio=0.5)
    (small,) = seen
    assert small.operand.shape == (1000, 30)
    share = (small.operand.x**2).sum() / (X**2).sum()
    assert (small.penalty_W.l1, small.penalty_W.l2) == pytest.approx((1e-4 * 30 * 0.5,) * 2)
    assert (small.penalty_H.l1, small.penalty_H.l2) == pytest.approx((share * 1e-6 * 4000 * 0.5,) * 2)


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


def test_wide_blocks_of_rows_are_sampled_by_rows() -> None:
    X = tall().T
    blocks = RowBlocks([X[:10], X[10:]])
    assert fit(blocks, coarse=True).reconstruction_err_ <= 1.05 * fit(X, coarse=False).reconstruction_err_


@pytest.mark.filterwarnings("ignore:Maximum number of iterations")
@pytest.mark.parametrize("penalties", [{}, {"alpha_W": 1e-5, "alpha_H": 1e-5, "l1_ratio": 0.5}])
def test_a_sample_of_both_sides_begins_as_low_as_ten_iterations_end(
    monkeypatch: pytest.MonkeyPatch, penalties: dict[str, float]
) -> None:
    monkeypatch.setattr(window, "SMALLEST_WORK", 0.0)
    X = sp.csr_array(words())
    with_, without = (fit(X, coarse=choice, max_iter=10, tol=0, **penalties) for choice in (True, False))
    assert with_.history_["objective"][0] < 1.01 * without.history_["objective"][-1]


@pytest.mark.filterwarnings("ignore:Maximum number of iterations")
def test_with_penalties_it_has_to_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "SMALLEST_WORK", 0.0)
    X = sp.csr_array(words())
    penalties = {"alpha_W": 1e-5, "alpha_H": 1e-5}
    auto, without = (fit(X, coarse=choice, max_iter=3, **penalties) for choice in ("auto", False))
    np.testing.assert_array_equal(auto.components_, without.components_)


@pytest.mark.filterwarnings("ignore:Maximum number of iterations")
def test_its_seconds_count_among_those_of_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    stops = []
    original = coarse.run

    def spy(model: Any, states: Any, stop: Any, **options: Any) -> Any:
        results = original(model, states, stop, **options)
        stops.append(results[0].history.seconds[0])
        return results

    monkeypatch.setattr(coarse, "run", spy)
    fitted = fit(tall(), coarse=True, max_iter=3)
    assert 0 < stops[0] < fitted.history_["seconds"][0]


@pytest.mark.filterwarnings("ignore:The fit stopped at max_time")
def test_no_time_leaves_it_one_iteration() -> None:
    fitted = fit(tall(), coarse=True, max_time=0)
    assert (fitted.n_iter_, fitted.status_) == (1, "max_time")


@pytest.mark.filterwarnings("ignore:Maximum number of iterations")
def test_a_sample_of_both_sides_takes_its_lines_of_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "SMALLEST_WORK", 0.0)
    X, rng = words(), np.random.default_rng(0)
    W, H = rng.random((len(X), K)), rng.random((K, X.shape[1]))
    seen = []
    original = coarse.run

    def spy(model: Any, states: Any, *arguments: Any, **options: Any) -> Any:
        seen.append((model.problem.operand, states[0]))
        return original(model, states, *arguments, **options)

    monkeypatch.setattr(coarse, "run", spy)
    NMF(K, init="custom", max_iter=2).fit(X, W=W, H=H)
    ((sample, state),) = seen
    m, n = sample.shape
    assert 0 < m < len(X)
    assert n == 10 * K
    rows = [np.flatnonzero((one == W).all(axis=1)).item() for one in state.W]
    columns = [np.flatnonzero((one == H.T).all(axis=1)).item() for one in state.H]
    np.testing.assert_array_equal(sample.x, X[np.ix_(rows, columns)])


@pytest.mark.filterwarnings("ignore:All entries of X are zero")
def test_all_zero_data_can_be_sampled() -> None:
    assert fit(np.zeros((400, 30)), coarse=True).reconstruction_err_ == 0
