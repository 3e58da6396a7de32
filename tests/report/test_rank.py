"""The report of a search of the number of parts: what it answers, what it carries, how it looks in a browser."""

import copy
import html
import re
from dataclasses import replace

import numpy as np
import pytest

from partwise import NMF
from partwise._errors import DataError, FileError
from partwise.report import write_rank_report
from partwise.report._rank import _ranges
from partwise.report._rank_evidence import recommended, results_table
from partwise.selection import CRITERIA, RankSearch
from tests.report.conftest import HOSTILE, KINDS, make_data
from tests.searches import search_of_three, search_without_replicates, three_parts

HEADINGS = [
    "What each criterion says",
    "The criteria side by side",
    "Whether the same rows stay together",
    "The 3 parts recommended",
    "All figures",
    "How to repeat it",
]


@pytest.fixture(scope="module")
def search():
    return search_of_three()


@pytest.fixture(scope="module")
def written(search, tmp_path_factory):
    """The report of the search, of the same without its data, and of one without replicates."""
    folder = tmp_path_factory.mktemp("ranks")
    return {
        "all": write_rank_report(search, folder / "all.html", three_parts()),
        "no data": write_rank_report(search, folder / "no-data.html"),
        "no replicates": write_rank_report(search_without_replicates(), folder / "no-replicates.html"),
    }


WRITTEN = ("all", "no data", "no replicates")


def text_of(path):
    return path.read_text(encoding="utf-8")


def words_of(path):
    """What a reader reads: no tags, plain spaces."""
    body = text_of(path).partition("<body>")[2]
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body)))


@pytest.mark.parametrize("which", WRITTEN)
def test_the_questions_are_answered_in_their_order(written, which):
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", text_of(written[which])) == HEADINGS


@pytest.mark.parametrize("which", WRITTEN)
def test_the_page_needs_nothing_from_anywhere(written, which):
    page = text_of(written[which])
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert "url(" not in re.sub(r"url\(#", "", page)
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page


@pytest.mark.parametrize("which", WRITTEN)
def test_every_id_is_unique_and_every_link_of_the_bar_leads_somewhere(written, which):
    page = text_of(written[which])
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([a-z]+)"', page)) <= set(ids)


def test_the_recommendation_and_every_verdict_are_there(written, search):
    words = words_of(written["all"])
    assert search.recommendation_.sentences in words
    for verdict in search.verdicts_.values():
        assert CRITERIA[verdict.criterion].title in words
        assert verdict.reading in words
        assert verdict.assumes in words


def test_what_was_searched_is_told(written):
    words = words_of(written["all"])
    for told in (
        "three.csv, 36\u00a0rows",
        "14\u00a0columns",
        "Kullback–Leibler divergence",
        "1 to 5",
        "5 for each",
        "4, held",
    ):
        assert told.replace("\u00a0", " ") in words.replace("\u00a0", " ")


def test_the_marks_show_what_each_criterion_supports(written, search):
    marks = re.findall(r'<span class="marks".*?</span>', text_of(written["all"]), re.DOTALL)
    supported = [re.findall(r'class="[a-z]* on" title="(\d+)"', mark) for mark in marks]
    assert supported == [[str(verdict.rank)] for verdict in search.verdicts_.values()]
    assert all(
        f'class="best{" on" * (supports == ["3"])}" title="3"' in mark
        for mark, supports in zip(marks, supported, strict=True)
    )


def test_a_map_for_each_number_above_one_and_the_names_in_their_clusters(written):
    page = text_of(written["all"])
    assert re.findall(r"<h3>(\d) parts</h3>", page) == ["2", "3", "4", "5"]
    clusters = re.findall(r'<span class="members">(.*?)</span>', page)
    named = [set(cluster.split(", ")) for cluster in clusters]
    truth = [{f"row {i}" for i in range(a, a + 12)} for a in (0, 12, 24)]
    assert sorted(map(sorted, named)) == sorted(map(sorted, truth))
    assert "Two of them fall together in 100\u00a0% of the replicates." in page
    assert "row 7" not in words_of(written["no data"])


def test_without_replicates_the_page_says_what_they_would_add(written):
    words = words_of(written["no replicates"])
    assert "This section needs replicates" in words
    assert "Stability of each part" not in words


def test_the_table_holds_the_figures_of_the_search(search):
    table = results_table(search)
    assert [row["k"] for row in table["rows"]] == [1, 2, 3, 4, 5]
    assert sum(width for _, width in table["groups"]) == len(table["names"])
    held_out = [float(row["values"][0].replace("−", "-")) for row in table["rows"]]
    np.testing.assert_allclose(held_out, search.results_["held_out_mean"], rtol=1e-3)
    assert table["rows"][0]["values"][4] == "–"  # one part has no silhouette
    assert all(row["values"][-1] == "5 of 5" for row in table["rows"])


def test_the_replicates_shown_are_in_the_order_of_the_model(search):
    turned = copy.copy(search)
    turned.best_estimator_ = copy.copy(search.best_estimator_)
    turned.best_estimator_.components_ = search.best_estimator_.components_[[2, 0, 1]]
    found, given = recommended(turned), search.replicates_[3]
    np.testing.assert_array_equal(found.H, given.H[:, [2, 0, 1]])
    np.testing.assert_array_equal(found.W, given.W[..., [2, 0, 1]])
    np.testing.assert_array_equal(found.similarity, given.similarity[:, [2, 0, 1]])


def test_the_python_lines_repeat_the_search(written, search):
    lines = html.unescape(re.search(r"<pre><code>(.*?)</code></pre>", text_of(written["all"]), re.DOTALL)[1])
    again = {"X": three_parts()}
    exec(lines, again)
    assert again["search"].results_.keys() == search.results_.keys()
    for name, values in search.results_.items():
        np.testing.assert_array_equal(again["search"].results_[name], values)


def test_a_command_and_a_title_stand_for_the_own_ones(search, tmp_path):
    page = text_of(write_rank_report(search, tmp_path / "r.html", command="partwise rank X.npy", title="Blood"))
    assert "<code>partwise rank X.npy</code>" in page
    assert "<title>Blood</title>" in page


def test_two_reports_of_one_search_differ_in_their_date_only(search, written, tmp_path):
    pair = [written["all"], write_rank_report(search, tmp_path / "again.html", three_parts())]
    first, second = (re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "", text_of(path)) for path in pair)
    assert first == second


@pytest.mark.parametrize("kind", KINDS)
def test_the_parts_are_shown_as_what_they_are(kind, tmp_path):
    data = make_data(kind)
    search = RankSearch(NMF(tol=1e-3, max_iter=2000), ranks=(2, 4), criteria=("held_out",), folds=3, random_state=0)
    page = text_of(write_rank_report(search.fit(data), tmp_path / "r.html", data))
    look = {"image": "image", "colour": "image", "values": "values"}.get(kind, "names")
    assert f'class="gallery gallery-{look}"' in page


def test_one_part_makes_no_clusters(rng, tmp_path):
    X = np.outer(rng.random(20) + 0.1, rng.random(9) + 0.1)
    search = RankSearch(ranks=(1, 2), criteria=("held_out", "consensus"), n_replicates=3, random_state=0).fit(X)
    assert search.best_rank_ == 1
    words = words_of(write_rank_report(search, tmp_path / "r.html", X))
    assert "The 1 part recommended" in words
    assert "With 1 parts" not in words


def test_what_nothing_supports_is_not_said_to_be_recommended(search, tmp_path):
    other = copy.copy(search)
    other.recommendation_ = replace(
        search.recommendation_, decided_by="", sentences="No number can be recommended. None."
    )
    page = text_of(write_rank_report(other, tmp_path / "r.html"))
    assert "<b>?</b>" in page
    assert "The 3 parts</h2>" in page
    assert '<i class="best' not in page


def test_a_page_of_many_samples_and_ranks_stays_small(rng, tmp_path):
    X = rng.random((2300, 12))
    estimator = NMF(max_iter=400, tol=1e-2)
    search = RankSearch(estimator, ranks=range(2, 10), criteria=("consensus",), n_replicates=5, random_state=0).fit(X)
    path = write_rank_report(search, tmp_path / "r.html", X)
    assert path.stat().st_size < 3e6
    assert "2000 samples drawn at random" in text_of(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.ones((36, 3)), "have 3 columns, but the model was fitted on 14"),
        (np.ones((7, 14)), "have 7 rows, but the search saw 36"),
    ],
)
def test_other_data_are_refused(search, data, words, tmp_path):
    with pytest.raises(DataError, match=words):
        write_rank_report(search, tmp_path / "r.html", data)


def test_a_place_that_cannot_be_written_is_told(search, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="file"):
        write_rank_report(search, tmp_path / "file" / "r.html")


def test_ranks_in_words():
    assert _ranges([1, 2, 3]) == "1 to 3"
    assert _ranges([2, 4, 8]) == "2, 4, 8"
    assert _ranges([5]) == "5"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A report on data whose every name tries to be markup."""
    data = three_parts(HOSTILE)
    criteria = ("consensus", "bi_cross_validation")
    search = RankSearch(
        NMF(tol=1e-3, max_iter=2000), ranks=(1, 2, 3), criteria=criteria, n_replicates=3, random_state=0
    )
    return write_rank_report(search.fit(data), tmp_path_factory.mktemp("hostile") / "r.html", data)


def test_names_are_never_markup(hostile):
    page = text_of(hostile)
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1100])
def test_the_page_fits_its_window_and_only_the_table_scrolls(visit, written, hostile, width, scheme):
    for path in (*written.values(), hostile):
        page = visit(path, width, scheme).page
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        shown = page.locator(".light-only:visible").count(), page.locator(".dark-only:visible").count()
        assert (shown[0] > 0, shown[1] > 0) == (scheme == "light", scheme == "dark")
    table = visit(written["all"], 375, scheme).page.locator(".scroll")
    assert table.evaluate("element => element.scrollWidth > element.clientWidth")


@pytest.mark.browser
def test_the_theme_is_switched_by_its_button_and_the_paper_is_white(visit, written):
    page = visit(written["all"]).page
    page.click("#theme")
    assert page.locator(".dark-only:visible").count() > 0
    page.emulate_media(media="print")
    assert page.locator(".dark-only:visible").count() == 0
    assert page.locator(".bar").is_hidden()
