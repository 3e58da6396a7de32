"""Intervals that hold what they promise."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from partwise import NMF
from partwise._errors import DataError, ParameterError
from partwise.selection import Bootstrap, bootstrap
from partwise.selection.bootstrap import _poisson_drawn
from partwise.selection.question import Question
from tests.selection.test_rank import known, parts

KL = NMF(3, beta_loss="kullback-leibler", max_iter=2000, random_state=0)


@pytest.fixture(scope="module")
def fitted() -> tuple[NMF, np.ndarray]:
    data = known(m=150)
    return NMF(3, beta_loss="kullback-leibler", max_iter=2000, random_state=0).fit(data), data


@pytest.fixture(scope="module", params=["rows", "poisson"])
def found(request: pytest.FixtureRequest, fitted: tuple[NMF, np.ndarray]) -> Bootstrap:
    return bootstrap(*fitted, 60, kind=request.param, random_state=0)


def test_draws_are_matched_to_the_model(found: Bootstrap, fitted: tuple[NMF, np.ndarray]) -> None:
    assert found.drawn_components.shape == (60, 3, 40)
    assert found.similarity.min() > 0.98
    np.testing.assert_allclose(found.drawn_components.sum(axis=2), 1)
    np.testing.assert_allclose(found.drawn_shares.sum(axis=1), 1)
    np.testing.assert_array_equal(found.components, fitted[0].components_)


def test_intervals_hold_the_truth_about_as_often_as_they_say(found: Bootstrap) -> None:
    low, high = found.interval(0.95)
    order = np.argmax(found.components @ parts(3, 40).T, axis=1)
    truth = parts(3, 40)[order]
    sure = truth > 0.005
    inside = (low <= truth) & (truth <= high)
    assert 0.8 < inside[sure].mean() <= 1
    low, high = found.share_interval(0.95)
    assert ((low <= found.shares) & (found.shares <= high)).all()


def test_wider_levels_are_wider(found: Bootstrap) -> None:
    (low, high), (lower, higher) = found.interval(0.5), found.interval(0.99)
    assert ((lower <= low) & (high <= higher)).all()
    np.testing.assert_allclose(found.interval(0.5)[0], np.quantile(found.drawn_components, 0.25, axis=0))


def test_more_data_are_surer() -> None:
    widths = []
    for mean in (50, 5000):
        data = known(m=100, mean=mean)
        model = NMF(3, beta_loss="kullback-leibler", max_iter=2000, random_state=0).fit(data)
        low, high = bootstrap(model, data, 20, kind="poisson", random_state=0).interval()
        widths.append((high - low).mean())
    assert widths[1] < widths[0] / 4


def test_the_summary_is_a_table(found: Bootstrap) -> None:
    table = found.summary(n_features=2)
    assert isinstance(table, pd.DataFrame)
    assert list(table.columns) == ["share", "share_low", "share_high", "stability", "stability_low", "features"]
    assert (table["share_low"] <= table["share"]).all()
    assert table["features"].str.count("to").tolist() == [2, 2, 2]


def test_a_model_from_a_start_of_its_own(fitted: tuple[NMF, np.ndarray]) -> None:
    model, data = fitted
    W, H = model.transform(data), model.components_
    again = NMF(3, init="custom", beta_loss="kullback-leibler", max_iter=2000).fit(data, W=W, H=H)
    assert bootstrap(again, data, 2, random_state=0).similarity.min() > 0.9


def test_features_are_named() -> None:
    frame = pd.DataFrame(known(m=60, n=6), columns=list("abcdef"))
    model = NMF(2, max_iter=1000, random_state=0).fit(frame)
    assert set("".join(bootstrap(model, frame, 3, random_state=0).summary()["features"])) & set("abcdef")


@pytest.mark.parametrize("kind", ["rows", "poisson"])
def test_a_seed_repeats_bit_for_bit(kind: Any, fitted: tuple[NMF, np.ndarray]) -> None:
    one, other = (bootstrap(*fitted, 12, kind=kind, random_state=0, n_jobs=jobs) for jobs in (None, 2))
    np.testing.assert_array_equal(one.drawn_components, other.drawn_components)
    few = bootstrap(*fitted, 10, kind=kind, random_state=0)
    np.testing.assert_array_equal(few.drawn_shares, one.drawn_shares[:10])


def test_the_model_stays_as_it_is(fitted: tuple[NMF, np.ndarray]) -> None:
    model, data = fitted
    before, copy = dict(vars(model)), data.copy()
    bootstrap(model, data, 2, random_state=0)
    assert vars(model) == before
    np.testing.assert_array_equal(data, copy)


def test_counts_are_drawn_from_the_model(fitted: tuple[NMF, np.ndarray]) -> None:
    model, data = fitted
    W, H = model.transform(data), model.components_
    for container in (np.asarray, sp.csr_array):
        asked = Question.of(KL, container(data), None, None, 0)
        rng = np.random.default_rng(0)
        draws = [_poisson_drawn(asked, W, H, rng) for _ in range(200)]
        assert all(sp.issparse(one) == sp.issparse(asked.X) for one in draws)
        table = np.array([np.asarray(one.toarray() if sp.issparse(one) else one) for one in draws])
        means = W @ H
        off = np.abs(table.mean(axis=0) - means)
        assert (off <= 6 * np.sqrt(means / 200)).all()
        dispersed = table.var(axis=0)[means > 1] / means[means > 1]
        assert dispersed.mean() == pytest.approx(1, abs=0.02)


def test_missing_entries_stay_missing(fitted: tuple[NMF, np.ndarray]) -> None:
    model, data = fitted
    holes = np.where(np.random.default_rng(0).random(data.shape) < 0.9, data, np.nan)
    asked = Question.of(KL, holes, None, None, 0)
    drawn = _poisson_drawn(asked, model.transform(data), model.components_, np.random.default_rng(0))
    np.testing.assert_array_equal(np.isnan(drawn), np.isnan(holes))
    ratings = Question.of(NMF(implicit_zeros="missing"), sp.csr_array(data), None, None, 0)
    drawn = _poisson_drawn(ratings, model.transform(data), model.components_, np.random.default_rng(0))
    np.testing.assert_array_equal(drawn.indices, ratings.X.indices)
    assert bootstrap(NMF(3, max_iter=2000).fit(holes), holes, 3, random_state=0).similarity.min() > 0.5


@pytest.mark.parametrize("parameters", [{"solver": "mu"}, {"beta_loss": 1.5}, {"solver": "bpp"}, {"alpha_W": 1e-4}])
def test_every_solver(parameters: dict[str, Any]) -> None:
    data = known() + 0.1
    model = NMF(3, max_iter=3000, random_state=0, **parameters).fit(data)
    assert bootstrap(model, data, 3, random_state=0).similarity.min() > 0.9


def test_masks_and_weights(fitted: tuple[NMF, np.ndarray]) -> None:
    _, data = fitted
    mask = np.random.default_rng(0).random(data.shape) < 0.9
    for given in ({"mask": mask}, {"weights": np.arange(1.0, 151)}, {"weights": mask.astype(float)}):
        model = NMF(3, max_iter=3000, random_state=0).fit(data, **given)
        assert bootstrap(model, data, 3, random_state=0, **given).similarity.min() > 0.9


def test_draws_are_resumed(fitted: tuple[NMF, np.ndarray], tmp_path: Path) -> None:
    first = bootstrap(*fitted, 10, random_state=0, folder=tmp_path / "kept")
    both = bootstrap(*fitted, 20, random_state=0, folder=tmp_path / "kept")
    np.testing.assert_array_equal(first.drawn_components, both.drawn_components[:10])
    assert len(list((tmp_path / "kept").glob("bootstrap-*.npz"))) == 2
    with pytest.raises(DataError, match="results of other data"):
        bootstrap(fitted[0], fitted[1] + 1, 20, random_state=0, folder=tmp_path / "kept")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 1}, r"1 draws tell no interval: give an integer ≥ 2"),
        ({"kind": "columns"}, r"kind='columns' cannot be drawn: choose 'rows' or 'poisson'"),
    ],
)
def test_bad_parameters_are_said(arguments: dict[str, Any], message: str, fitted: tuple[NMF, np.ndarray]) -> None:
    with pytest.raises(ParameterError, match=message):
        bootstrap(*fitted, **arguments)


def test_what_is_no_count_cannot_be_drawn_as_one(fitted: tuple[NMF, np.ndarray]) -> None:
    model, data = fitted
    with pytest.raises(ParameterError, match="draws counts, and X holds others than whole numbers"):
        bootstrap(model, data + 0.5, 3, kind="poisson")
    with pytest.raises(ParameterError, match=r"level=95 cannot be: give a share between 0 and 1"):
        bootstrap(model, data, 2, random_state=0).interval(95)
