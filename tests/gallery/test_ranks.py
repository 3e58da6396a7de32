"""The arithmetic of the page about the number of parts."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.records import Records
from docs.gallery import __main__ as gallery
from docs.gallery import cells, leukaemia, nulls, searches, signatures, swimmer, topics
from partwise.plot import rank_criterion
from partwise.selection import RankSearch


@pytest.fixture(scope="module")
def search() -> RankSearch:
    rng = np.random.default_rng(0)
    data = rng.random((40, 2)) ** 4 @ rng.random((2, 20)) ** 4 + 0.01 * rng.random((40, 20))
    return RankSearch(ranks=(1, 2, 3), criteria=("held_out", "stability", "elbow"), n_replicates=3, random_state=0).fit(
        data
    )


def test_a_search_comes_back_from_its_record(search: RankSearch) -> None:
    back = searches.restored(json.loads(json.dumps(searches.kept(search))))
    assert back.verdicts_ == search.verdicts_
    assert back.best_rank_ == search.best_rank_
    for name, column in back.results_.items():
        np.testing.assert_array_equal(column, search.results_[name])
    assert rank_criterion(back, "held_out").get_xlabel() == "number of parts"


def test_a_table_has_a_line_for_each_criterion(search: RankSearch) -> None:
    found = searches.kept(search)
    for lines in (searches.verdicts(found), searches.verdicts_of({"a": found, "b": found})):
        assert [line.split(" | ")[0] for line in lines.splitlines()[2:]] == [
            "| Held-out error (`held_out`)",
            "| Stability of the parts (`stability`)",
            "| Error of the fit (`elbow`)",
        ]


def test_drawn_counts_have_the_mean_of_their_signatures() -> None:
    rows = np.eye(3)[:, [0, 0, 1, 1, 2, 2]] / 2
    X = signatures.drawn(rows, 1000)
    assert X.mean(axis=0).sum() == pytest.approx(1000 * np.exp(0.125), rel=0.1)
    np.testing.assert_allclose(X[:, ::2].sum(axis=0), X[:, 1::2].sum(axis=0), rtol=0.02)
    assert signatures.inside(np.zeros(4), np.ones(4), np.array([0.5, 1.0, 2.0, -1.0])) == 0.5


def test_the_torso_is_what_all_pictures_have() -> None:
    np.testing.assert_array_equal(swimmer.always(np.array([[1, 1, 0], [1, 0, 1]])), [True, False, False])


def test_diagnoses_and_clusters_of_samples() -> None:
    names = ["ALL_1_B-cell", "ALL_2_B-cell", "ALL_3_T-cell", "AML_1", "AML_2"]
    assert [leukaemia.diagnosis(name) for name in names] == ["ALL-B", "ALL-B", "ALL-T", "AML", "AML"]
    placed = leukaemia._placed(names, [0, 0, 0, 1, 0])
    assert list(placed.values()) == ["ALL-B", "ALL-B", "ALL-B", "AML", "ALL-B"]
    rows = leukaemia._clusters({"names": names, "clusters": {"2": [0, 0, 0, 1, 0]}})
    assert rows == [["2", "0", "2", "1", "1", "AML_2"], ["2", "1", "0", "0", "1", ""]]


def test_calls_of_more_than_one_part_are_counted() -> None:
    assert nulls._calls([1, None, 2, 3, 2]) == "3 of 5 (2: 2, 3: 1)"
    assert nulls._calls([1, 1]) == "0 of 2"


def test_the_share_of_messages_in_the_main_group_of_their_topic() -> None:
    groups = np.array(["a", "a", "b", "b", "b"])
    assert topics.main_group(groups) == ("b", 0.6, 5)
    assert topics.main_group(groups[:0]) == ("–", 0.0, 0)
    assert topics.purity(np.array([0, 0, 0, 1, 1]), groups) == pytest.approx(4 / 5)


def test_a_kind_of_cell_needs_two_markers() -> None:
    assert cells.kind(["CD79A", "MS4A1", "CD3D"]) == "B"
    assert cells.kind(["CD79A", "CD3D"]) == "–"
    H = np.array([[1.0, 1.0, 8.0], [1.0, 8.0, 1.0]])
    assert [genes[0] for genes in cells.programs(H, ["x", "y", "z"])] == ["z", "y"]


def test_a_page_of_nothing_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "RESULTS", tmp_path)
    for name in gallery.PAGES:
        gallery.write_page(name, Records(tmp_path / "none.jsonl"))
    assert not list(tmp_path.iterdir())
