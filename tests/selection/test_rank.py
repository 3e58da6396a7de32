"""The search: known ranks, nulls, criteria that disagree, and what it keeps."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning

from partwise import NMF, Dataset
from partwise._errors import DataError, ParameterError
from partwise.selection import CRITERIA, ConsensusNMF, RankSearch, Verdict, last_real_fall, match, rank
from partwise.selection.elbow import permuted
from partwise.selection.question import Question
from partwise.selection.recommendation import recommend
from tests.reference.matrices import noisy

KL = NMF(beta_loss="kullback-leibler", max_iter=500)
ALL = tuple(CRITERIA)


def parts(k: int, n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    H = rng.random((k, n)) ** 4
    return H / H.sum(axis=1, keepdims=True)


def known(k: int = 3, m: int = 80, n: int = 40, seed: int = 0, mean: float = 400) -> np.ndarray:
    """Poisson counts of k parts."""
    rng = np.random.default_rng(seed)
    return rng.poisson(mean * rng.gamma(0.5, 1, (m, k)) @ parts(k, n)).astype(float)


@pytest.fixture(scope="module")
def found() -> RankSearch:
    return RankSearch(KL, ranks=range(1, 6), criteria=ALL, n_replicates=8, random_state=0).fit(known())


def test_every_criterion_is_asked(found: RankSearch) -> None:
    assert set(found.verdicts_) == set(CRITERIA)
    assert all(verdict.reading and verdict.assumes.startswith("Assumes") for verdict in found.verdicts_.values())


@pytest.mark.parametrize("name", ["held_out", "bi_cross_validation", "stability", "elbow", "bic", "relevance"])
def test_the_known_rank_is_found(found: RankSearch, name: str) -> None:
    assert found.verdicts_[name].rank == 3


def test_the_recommendation_is_that_of_the_first_criterion(found: RankSearch) -> None:
    assert found.best_rank_ == found.recommendation_.rank == 3
    assert found.recommendation_.decided_by == "held_out"
    assert found.recommendation_.confident
    assert found.recommendation_.sentences.count(". ") == 1
    assert set(found.recommendation_.agree) | set(found.recommendation_.differ) == set(CRITERIA) - {"held_out"}


def test_the_parts_are_found(found: RankSearch) -> None:
    assert match(parts(3, 40), found.best_estimator_.components_)[1].min() > 0.99


def test_results_are_arrays_over_the_ranks(found: RankSearch) -> None:
    assert all(isinstance(column, np.ndarray) and column.shape == (5,) for column in found.results_.values())
    assert found.results_["rank"].tolist() == [1, 2, 3, 4, 5]
    names = set(found.results_)
    assert {"held_out_mean", "held_out_se", "held_out_fold4", "bi_cross_validation_fold8", "bic", "error"} <= names
    assert {"replicate7_objective", "replicate7_n_iter", "replicate7_converged", "cophenetic", "dispersion"} <= names
    table = found.to_frame()
    assert isinstance(table, pd.DataFrame)
    assert table.index.tolist() == [1, 2, 3, 4, 5]
    assert not any(name.startswith("_") for name in table.columns)


def test_results_are_those_of_the_replicates(found: RankSearch) -> None:
    for place, k in enumerate(range(1, 6)):
        each = found.replicates_[k]
        assert found.results_["replicate3_objective"][place] == each.objective[3]
        assert found.results_["cophenetic"][place] == each.consensus.cophenetic
        assert found.results_["stability_mean"][place] == each.stability.mean()
    best = np.array([found.replicates_[k].objective.min() for k in range(1, 6)])
    np.testing.assert_allclose(found.results_["error"], best / best[0])
    k = np.arange(1, 6)
    np.testing.assert_allclose(found.results_["bic"], 2 * best + k * (80 + 40 - k) * np.log(80 * 40))


def test_the_best_estimator_is_the_best_replicate(found: RankSearch) -> None:
    model = found.best_estimator_
    assert isinstance(model, NMF)
    assert model.n_components_ == 3
    objective = 0.5 * model.reconstruction_err_**2
    assert objective <= found.replicates_[3].objective.min() * (1 + 1e-9)
    assert model.transform(known()).shape == (80, 3)
    assert model.get_params() == clone(KL).set_params(n_components=3).get_params() | {
        "random_state": model.random_state
    }
    assert clone(model).fit(known(seed=1)).n_components_ == 3


def test_a_seed_repeats_bit_for_bit(found: RankSearch) -> None:
    again = RankSearch(KL, ranks=range(1, 6), criteria=ALL, n_replicates=8, random_state=0, n_jobs=2).fit(known())
    assert all(np.array_equal(found.results_[name], again.results_[name], equal_nan=True) for name in found.results_)
    np.testing.assert_array_equal(found.best_estimator_.components_, again.best_estimator_.components_)


def test_ranks_do_not_touch_each_other(found: RankSearch) -> None:
    few = RankSearch(KL, ranks=[3], criteria=("held_out", "stability"), n_replicates=8, random_state=0).fit(known())
    for name in ("held_out_fold2", "replicate5_objective", "silhouette_min"):
        assert few.results_[name][0] == found.results_[name][2]


def test_the_prototype_stays_as_it_is() -> None:
    prototype = NMF(9, n_init=4, max_iter=400)
    search = RankSearch(prototype, ranks=[1, 2], criteria=("held_out",), folds=2, random_state=0)
    before = clone(prototype).get_params()
    search.fit(known())
    assert prototype.get_params() == before
    assert not hasattr(prototype, "components_")
    assert search.replicates_ == {}
    assert search.best_estimator_.get_params()["max_iter"] == 400


def test_a_consensus_estimator_is_a_prototype_too() -> None:
    prototype = ConsensusNMF(beta_loss="kullback-leibler", n_replicates=5, max_iter=500)
    search = RankSearch(prototype, ranks=[2, 3, 4], criteria=("held_out", "stability"), n_replicates=5, random_state=0)
    search.fit(known())
    assert isinstance(search.best_estimator_, ConsensusNMF)
    assert search.best_estimator_.n_components_ == search.best_rank_ == 3


@pytest.mark.parametrize(
    "container", [sp.csr_array, sp.csc_matrix, pd.DataFrame, Dataset], ids=lambda one: one.__name__
)
def test_containers_agree(container: Any) -> None:
    data = known(m=40, n=20)
    search = RankSearch(KL, ranks=[2, 3], n_replicates=3, folds=3, held_out_share=0.2, random_state=0)
    dense, other = (clone(search).fit(x) for x in (data, container(data)))
    assert other.best_rank_ == dense.best_rank_
    for name in ("held_out_mean", "replicate1_objective", "error_permuted"):
        np.testing.assert_allclose(other.results_[name], dense.results_[name], rtol=1e-3)


def test_names_of_features_are_kept() -> None:
    frame = pd.DataFrame(known(m=30, n=4), columns=list("abcd"))
    search = RankSearch(ranks=[1], criteria=("stability",), n_replicates=2, random_state=0).fit(frame)
    assert search.feature_names_in_.tolist() == list("abcd")
    assert not hasattr(search.fit(frame.to_numpy()), "feature_names_in_")


@pytest.mark.parametrize("what", ["mask", "NaN", "weights"])
def test_masks_and_weights(what: str) -> None:
    data = known(m=60, n=30)
    mask = np.random.default_rng(0).random(data.shape) < 0.9
    given = {"mask": {"mask": mask}, "weights": {"weights": mask.astype(float)}, "NaN": {}}[what]
    data = np.where(mask, data, np.nan if what == "NaN" else 1e5)
    criteria = tuple(name for name in ALL if name != "consensus")
    search = RankSearch(KL, ranks=[1, 2, 3, 4], criteria=criteria, n_replicates=4, random_state=0).fit(data, **given)
    assert search.verdicts_["held_out"].rank == search.verdicts_["elbow"].rank == 3
    assert search.best_estimator_.n_missing_ == (~mask).sum()


# --- no structure -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_counts_of_one_profile_have_one_part(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = rng.poisson(np.outer(rng.gamma(2, 200, 100), rng.dirichlet(np.ones(50)))).astype(float)
    criteria = ("held_out", "bi_cross_validation", "elbow", "bic", "relevance")
    search = RankSearch(KL, ranks=range(1, 5), criteria=criteria, n_replicates=4, random_state=0).fit(data)
    assert [verdict.rank for verdict in search.verdicts_.values()] == [1, 1, 1, 1, 1]
    assert search.recommendation_.confident
    assert search.recommendation_.sentences.startswith("One part is recommended")
    assert "Of 4 parts 1 stays" in search.verdicts_["relevance"].reading


def test_one_rank_is_compared_with_no_other() -> None:
    reading = RankSearch(ranks=[2], criteria=("held_out",), random_state=0).fit(known()).verdicts_["held_out"].reading
    assert "predict worse" not in reading
    assert "by more than" not in reading


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("first", [1, 2])
def test_a_matrix_without_structure_has_no_confident_rank(seed: int, first: int) -> None:
    data = np.random.default_rng(seed).random((80, 50))
    search = RankSearch(ranks=range(first, 5), criteria=("held_out", "elbow"), n_replicates=4, random_state=0).fit(data)
    assert search.best_rank_ == first
    assert search.verdicts_["elbow"].rank == (1 if first == 1 else None)
    assert search.recommendation_.confident == (first == 1)
    assert "more parts predict worse" in search.verdicts_["held_out"].reading
    if first == 2:
        assert "not with confidence" in search.recommendation_.sentences
        assert "there may be none" in search.verdicts_["held_out"].reading


# --- what the figures mean --------------------------------------------------------------------------------------------


def test_permuting_keeps_the_columns_and_loses_what_they_share() -> None:
    data = known()
    mask = np.random.default_rng(0).random(data.shape) < 0.9
    asked = Question.of(KL, data, mask, None, 0)
    null = permuted(asked)
    np.testing.assert_array_equal(np.sort(null.X, axis=0), np.sort(data, axis=0))
    np.testing.assert_array_equal(
        np.sort(np.where(null.mask, null.X, -1), axis=0), np.sort(np.where(mask, data, -1), axis=0)
    )
    spectrum = [np.linalg.svd(x - x.mean(axis=0), compute_uv=False) for x in (data, null.X)]
    assert spectrum[0][0] > 2 * spectrum[1][0]
    sparse = permuted(Question.of(KL, sp.csr_array(data), sp.csr_array(mask), None, 0))
    np.testing.assert_array_equal(sparse.X.toarray(), null.X)
    np.testing.assert_array_equal(sparse.mask.toarray(), null.mask)


def test_weights_move_with_their_rows() -> None:
    data = known()
    null = permuted(Question.of(KL, data, None, data.sum(axis=1), 0))
    for j in range(data.shape[1]):
        pairs = {(x, v) for x, v in zip(null.X[:, j], null.weights[:, j], strict=True)}
        assert pairs == {(x, v) for x, v in zip(data[:, j], data.sum(axis=1), strict=True)}


def test_falls_count_as_shares_of_what_is_left() -> None:
    null = np.array([1.0, 0.95, 0.90, 0.86])
    assert last_real_fall(np.array([1.0, 0.1, 0.01, 0.0099]), null) == 2
    assert last_real_fall(np.array([1.0, 0.96, 0.5, 0.1]), null) == 0
    assert last_real_fall(np.array([1.0, 0.5, 0.0, 0.0]), null) == 2
    assert last_real_fall(np.array([1.0, 0.5, 1e-12, 1e-14]), null, 1e-9) == 2
    assert last_real_fall(np.array([1e-12, 1e-14, 1e-16, 1e-18]), null, 1e-9) == 0


@pytest.mark.parametrize("data", [np.full((30, 20), 7.0), np.outer(np.arange(1.0, 31), np.arange(1.0, 21))])
def test_exact_data_of_one_part_have_one(data: np.ndarray) -> None:
    search = RankSearch(ranks=range(1, 4), criteria=("elbow", "stability"), n_replicates=3, random_state=0).fit(data)
    assert search.verdicts_["elbow"].rank == 1
    assert RankSearch(ranks=[1], criteria=("stability",), n_replicates=2).fit(data).verdicts_["stability"].rank is None


def verdict(name: str, k: int | None) -> Verdict:
    return Verdict(name, k, "", "")


@pytest.mark.parametrize(
    ("ranks", "said", "expected"),
    [
        ((1, 2, 3, 4), {"held_out": 3, "stability": 3, "elbow": 2}, (3, True)),
        ((1, 2, 3, 4), {"held_out": 3, "stability": 1, "elbow": None}, (3, False)),
        ((1, 2, 3, 4), {"held_out": 4, "stability": 4}, (4, False)),
        ((2, 3, 4), {"held_out": 2, "stability": 2}, (2, False)),
        ((1, 2, 3), {"held_out": 1, "stability": None}, (1, False)),
        ((1, 2, 3), {"held_out": 1, "stability": 2}, (1, False)),
        ((1, 2, 3), {"held_out": 1, "stability": 2, "elbow": 1}, (1, True)),
        ((1, 2, 3), {"held_out": 1, "elbow": 2}, (1, False)),
        ((1, 2, 3, 4), {"stability": None, "elbow": 2}, (2, False)),
        ((2, 3), {"stability": None}, (2, False)),
        ((1, 2, 3), {"held_out": 2}, (2, False)),
    ],
)
def test_confidence_needs_agreement_inside_of_the_range(
    ranks: tuple[int, ...], said: dict[str, int | None], expected: tuple[int, bool]
) -> None:
    found = recommend({name: verdict(name, k) for name, k in said.items()}, ranks)
    assert (found.rank, found.confident) == expected
    assert found.sentences.endswith(".")


def test_a_search_warns_where_replicates_met_a_limit() -> None:
    search = RankSearch(NMF(max_iter=2), ranks=[2], criteria=("stability",), n_replicates=2, random_state=0)
    with pytest.warns(ConvergenceWarning, match="2 of 2 replicates met max_iter before they converged"):
        search.fit(known())


# --- folders ----------------------------------------------------------------------------------------------------------


def test_a_search_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search = RankSearch(KL, ranks=[1, 2, 3], n_replicates=3, folds=3, random_state=0)
    whole = clone(search).fit(known())
    clone(search).set_params(ranks=[1, 2], folder=tmp_path / "kept").fit(known())
    names = []
    run = rank.run_tasks

    def watched(tasks: Any, **options: Any) -> Any:
        names.extend(task.name for task in tasks if options["folder"].get(task.name) is None)
        return run(tasks, **options)

    monkeypatch.setattr(rank, "run_tasks", watched)
    resumed = clone(search).set_params(folder=tmp_path / "kept").fit(known())
    assert names
    assert all("-k3" in name for name in names)
    assert all(np.array_equal(whole.results_[name], resumed.results_[name], equal_nan=True) for name in whole.results_)
    with pytest.raises(DataError, match="holds results of other data"):
        clone(search).set_params(folder=tmp_path / "kept").fit(known(seed=1))
    # The fits of folds begin from that many starts.
    more = clone(KL).set_params(n_init=2)
    with pytest.raises(ParameterError, match="holds results with n_init=1, and n_init=2 is asked for"):
        clone(search).set_params(folder=tmp_path / "kept", estimator=more).fit(known())


# --- bad input --------------------------------------------------------------------------------------------------------

BAD: list[tuple[dict[str, Any], str]] = [
    ({"ranks": []}, r"ranks=\[\] is empty: give numbers of parts"),
    ({"ranks": range(5, 5)}, r"is empty: give numbers of parts"),
    ({"ranks": 3}, r"ranks=3 cannot be: give numbers of parts, such as range\(2, 13\)"),
    ({"ranks": "2:5"}, r"ranks='2:5' cannot be"),
    ({"ranks": [2, 2.5]}, r"2\.5 is no number of parts; give integers ≥ 1"),
    ({"ranks": [0, 1]}, r"0 is no number of parts"),
    ({"ranks": [3, 2]}, r"ranks=\[3, 2\] are not in order: give each number once, the smaller ones first"),
    ({"ranks": [2, 2]}, r"are not in order"),
    ({"ranks": [2, 13]}, r"ranks up to 13 cannot be for a matrix of shape \(20, 12\): .*; end at 12 or before"),
    ({"n_replicates": 1}, r"1 replicates cannot be compared with each other: give an integer ≥ 2"),
    ({"folds": 1}, r"folds=1 cannot be: give an integer ≥ 2"),
    ({"random_state": -1}, r"random_state=-1 cannot be: give None, an integer ≥ 0"),
    ({"random_state": "chance"}, r"random_state='chance' cannot be"),
    ({"held_out_share": "much"}, r"5 folds that each hold out a share of 'much' cannot be"),
    ({"criteria": ("bi_cross_validation",), "block_folds": 3}, r"block_folds=3 cannot be: give groups of rows and of"),
    ({"criteria": ("bi_cross_validation",), "block_folds": (3,)}, r"block_folds=\(3,\) cannot be"),
    (
        {"estimator": NMF(alpha_W=[0.1, 0.2])},
        r"alpha_W has 2 weights, one for each part, which cannot fit ranks=\[1, 2",
    ),
    ({"estimator": NMF(alpha_H=[0.1, 0.2])}, r"alpha_H has 2 weights"),
    ({"held_out_share": 0.5}, r"5 folds that each hold out a share of 0\.5 cannot be"),
    ({"criteria": ()}, r"criteria=\(\) cannot be: give names"),
    ({"criteria": "held_out"}, r"criteria='held_out' cannot be: give names"),
    ({"criteria": ("aic",)}, r"'aic' is no criterion of partwise\. There are: held_out, "),
    ({"criteria": ("bic",)}, r"The criterion 'bic' is for counts and beta_loss='kullback-leibler'"),
    ({"criteria": ("bi_cross_validation",), "block_folds": (1, 3)}, r"1 groups of 20 rows cannot be"),
    ({"estimator": PCA()}, r"PCA is no estimator of partwise: give a partwise\.NMF"),
    ({"estimator": NMF(init="custom")}, r"init='custom' is one start, and replicates need several"),
    ({"estimator": NMF(tol=-1)}, r"tol=-1 cannot be used by NMF"),
]


@pytest.mark.parametrize(("parameters", "message"), BAD, ids=[str(case[0]) for case in BAD])
def test_what_cannot_be_is_said_before_anything_is_fitted(
    parameters: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rank, "run_tasks", lambda *_, **__: pytest.fail("Something was fitted."))
    search = RankSearch(**{"ranks": [1, 2], **parameters})
    with pytest.raises(ParameterError, match=message):
        search.fit(noisy(20, 12, 2))
    assert not hasattr(search, "seed_")


def test_penalties_of_each_part_fit_their_number_of_parts() -> None:
    search = RankSearch(NMF(alpha_W=[0.1, 0.2]), ranks=[2], criteria=("held_out",), random_state=0)
    assert search.fit(noisy(20, 12, 2)).best_rank_ == 2


def test_the_seed_may_be_that_of_the_estimator() -> None:
    search = RankSearch(NMF(random_state=7), ranks=[1, 2], criteria=("held_out",)).fit(noisy(20, 12, 2))
    assert search.seed_ == 7


@pytest.mark.parametrize(
    ("data", "message"),
    [(-np.ones((4, 4)), "Negative values"), (np.full((4, 4), np.inf), "infinity"), (np.ones((0, 4)), "0 sample")],
)
def test_bad_data_are_said(data: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        RankSearch(ranks=[1]).fit(data)
