"""Figures of a search of the number of parts and of replicates."""

import copy

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from partwise import plot
from partwise._errors import ParameterError
from partwise.plot._style import LIGHT
from partwise.selection import Consensus, RankSearch, Verdict
from tests.searches import search_of_three, search_without_replicates, three_parts

mpl.use("agg")  # before the settings are compared: pyplot would choose a backend later

FIGURES = {
    **{name: lambda search, name=name, **k: plot.rank_criterion(search, name, **k) for name in plot._rank.CURVES},
    "objectives": plot.objectives,
    "map": lambda search, **k: plot.consensus(search.replicates_[4], names=three_parts().row_names, **k),
    "stability bars": lambda search, **k: plot.stability(search.replicates_[4], **k),
    "matched": lambda search, **k: plot.matched(search.replicates_[4], **k),
    "one part": lambda search, **k: plot.stability(search.replicates_[1], **k),
}


@pytest.fixture(scope="module")
def search():
    return search_of_three()


def lines_of(ax):
    return {line.get_label(): line for line in ax.lines}


def ring_of(ax):
    (ring,) = (line for line in ax.lines if line.get_fillstyle() == "none")
    return ring


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_figure_draws_and_leaves_pyplot_and_settings_alone(search, name, theme, tmp_path):
    before = mpl.rcParams.copy()
    FIGURES[name](search, theme=theme).figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 1000
    assert plt.get_fignums() == []
    assert mpl.rcParams == before


@pytest.mark.parametrize("name", FIGURES)
def test_a_given_axes_is_drawn_on(search, name):
    ax = Figure().add_subplot()
    assert FIGURES[name](search, ax=ax) is ax


@pytest.mark.parametrize(
    ("name", "label", "key"),
    [
        ("stability", "mean of the parts", "silhouette_mean"),
        ("stability", "least stable part", "silhouette_min"),
        ("consensus", "cophenetic correlation", "cophenetic"),
        ("consensus", "dispersion", "dispersion"),
        ("elbow", "data", "error"),
        ("elbow", "columns permuted", "error_permuted"),
        ("bic", "bic", "bic"),
    ],
)
def test_curves_are_the_figures_of_the_search(search, name, label, key):
    line = lines_of(plot.rank_criterion(search, name))[label]
    np.testing.assert_array_equal(line.get_xdata(), search.results_["rank"])
    np.testing.assert_array_equal(line.get_ydata(), search.results_[key])


@pytest.mark.parametrize("name", plot._rank.CURVES)
def test_the_ring_is_at_what_the_criterion_supports(search, name):
    rank = search.verdicts_[name].rank
    assert ring_of(plot.rank_criterion(search, name)).get_xdata().tolist() == [rank]


def test_a_criterion_that_supports_nothing_has_no_ring(search):
    other = copy.copy(search)
    other.verdicts_ = {"bic": Verdict("bic", None, "", "")}
    assert len(ring_of(plot.rank_criterion(other, "bic")).get_xdata()) == 0


@pytest.mark.parametrize("name", ["held_out", "bi_cross_validation"])
def test_the_ringed_number_is_the_smallest_whose_bar_reaches_the_dashed_line(search, name):
    ax = plot.rank_criterion(search, name)
    (bars,) = (bars for bars in ax.containers if hasattr(bars, "has_yerr"))
    low = np.array([segment[0, 1] for segment in bars.lines[2][0].get_segments()])
    (dashed,) = (line for line in ax.lines if line.get_linestyle() == "--")
    best = dashed.get_ydata()[0]
    assert best == search.results_[f"{name}_mean"].min()
    reach = search.results_["rank"][low <= best * (1 + 1e-12)]
    assert ring_of(ax).get_xdata().tolist() == [reach[0]]


def test_the_band_is_at_the_number_recommended(search):
    for name in plot._rank.CURVES:
        bands = [line for line in plot.rank_criterion(search, name).lines if line.get_linewidth() == 6]
        assert [set(band.get_xdata()) for band in bands] == [{search.best_rank_}]


def test_all_curves_share_one_axis_of_ranks(search):
    axes = [plot.rank_criterion(search, name) for name in plot._rank.CURVES] + [plot.objectives(search)]
    assert {tuple(ax.get_xlim()) for ax in axes} == {(0.5, 5.5)}
    assert {tuple(ax.get_xticks()) for ax in axes} == {(1, 2, 3, 4, 5)}


def test_many_ranks_are_not_all_named(search):
    other = copy.copy(search)
    ranks = np.arange(1, 41)
    other.results_ = {"rank": ranks, "bic": ranks.astype(float)}
    ax = plot.rank_criterion(other, "bic")
    ax.figure.canvas.draw()
    ticks = ax.get_xticks()
    assert len(ticks) < 12
    assert all(float(tick).is_integer() for tick in ticks)


def test_objectives_are_shares_above_the_lowest(search):
    points = [line for line in plot.objectives(search).lines if line.get_marker() == "o"]
    for (k, found), drawn in zip(search.replicates_.items(), points, strict=True):
        assert set(drawn.get_xdata()) == {k}
        np.testing.assert_allclose(drawn.get_ydata(), found.objective / found.objective.min() - 1, atol=1e-15)


def test_the_consensus_is_drawn_in_its_order_under_the_names(search):
    found, names = search.replicates_[3].consensus, three_parts().row_names
    ax = plot.consensus(found, names=names)
    np.testing.assert_array_equal(ax.images[0].get_array(), found.matrix[np.ix_(found.order, found.order)])
    assert [text.get_text() for text in ax.get_yticklabels()] == [names[i] for i in found.order]


def test_replicates_and_their_consensus_give_the_same_picture(search):
    found = search.replicates_[4]
    first, second = (plot.consensus(each).images[0].get_array() for each in (found, found.consensus))
    np.testing.assert_array_equal(first, second)


def test_groups_are_a_strip_of_colours_in_the_order_of_the_samples(search):
    found = search.replicates_[3].consensus
    groups = np.repeat(["ill", "well"], 18)
    ax = plot.consensus(found, groups=groups)
    shown = {"ill": to_rgba(LIGHT.groups[0])[:3], "well": to_rgba(LIGHT.groups[1])[:3]}
    np.testing.assert_allclose(ax.images[1].get_array()[0], [shown[groups[i]] for i in found.order])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["ill", "well"]


def test_a_sample_of_many_is_named_by_its_own_places():
    samples = np.array([5, 9, 2])
    found = Consensus(np.eye(3), samples, 1.0, 1.0, np.array([2, 0, 1]))
    ax = plot.consensus(found, names=[f"row {i}" for i in range(10)])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["row 2", "row 5", "row 9"]
    assert ax.get_xlabel() == "3 samples drawn at random"


def test_many_samples_are_drawn_as_means_of_neighbours(rng):
    matrix = rng.random((90, 90))
    found = Consensus(matrix, np.arange(90), 1.0, 1.0, np.arange(90))
    ax = plot.consensus(found, names=[str(i) for i in range(90)], max_cells=30)
    np.testing.assert_allclose(ax.images[0].get_array(), matrix.reshape(30, 3, 30, 3).mean(axis=(1, 3)))
    assert len(ax.get_yticks()) == 0


def test_stability_draws_both_figures_of_each_part(search):
    found = search.replicates_[4]
    ax = plot.stability(found)
    np.testing.assert_array_equal([bar.get_width() for bar in ax.patches], found.stability)
    np.testing.assert_array_equal(lines_of(ax)["silhouette"].get_xdata(), found.silhouettes)


def test_matched_parts_are_ordered_by_objective_and_say_their_cosines(search):
    found = search.replicates_[4]
    ax = plot.matched(found)
    expected = found.similarity[np.argsort(found.objective)]
    np.testing.assert_array_equal(ax.images[0].get_array(), expected)
    assert [text.get_text() for text in ax.texts] == [f"{value:.2f}" for value in expected.ravel()]
    np.testing.assert_allclose(expected[0], 1.0)


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (
            lambda s: plot.rank_criterion(s, "elbows"),
            "no criterion 'elbows': choose one of those it was asked for, 'held_out'",
        ),
        (lambda s: plot.rank_criterion(s, "bic", theme="blue"), "theme='blue' is not known"),
        (lambda s: plot.consensus(s.replicates_[3], names=["a"]), "There are 1 names and more samples"),
        (lambda s: plot.consensus(s.replicates_[3], groups=range(36)), "36 groups cannot be told apart by 10 colours"),
        (lambda s: plot.objectives(search_without_replicates()), "no replicates to compare: ask for a criterion"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_sentence(search, draw, words):
    with pytest.raises(ParameterError, match=words):
        draw(search)


def test_a_criterion_without_a_curve_says_where_its_answer_is(search):
    other = copy.copy(search)
    other.verdicts_ = {"relevance": Verdict("relevance", 3, "", "")}
    with pytest.raises(ParameterError, match="has no curve: read search"):
        plot.rank_criterion(other, "relevance")


def test_a_search_has_to_be_fitted():
    with pytest.raises(ValueError, match="not fitted"):
        plot.rank_criterion(RankSearch(ranks=(1, 2)), "held_out")
