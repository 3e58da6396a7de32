"""The figures: what they draw, and what they leave alone."""

import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from matplotlib.figure import Figure
from sklearn.exceptions import NotFittedError

from partwise import NMF, Dataset, plot
from partwise._errors import DataError, ParameterError
from partwise.io import Layout
from partwise.plot._errors import draw_column_errors, draw_row_errors
from partwise.plot._loss import Measure
from partwise.plot._style import LIGHT

mpl.use("agg")  # before the settings are compared: pyplot would choose a backend later

FIGURES = {
    "parts": lambda model, X: plot.parts(model),
    "convergence": lambda model, X: plot.convergence(model),
    "optimality": lambda model, X: plot.convergence(model, measure="optimality"),
    "composition": lambda model, X: plot.composition(model, X, 3),
    "row_errors": plot.row_errors,
    "column_errors": plot.column_errors,
    "memberships": plot.memberships,
}


def dataset(kind):
    X = np.random.default_rng(1).gamma(0.6, 2.0, (30, 12))
    names = tuple(f"${name}_{{" for name in "abcdefghijkl")  # broken mathtext, were it read as mathtext
    return {
        "picture": Dataset(X, layout=Layout("image", (3, 4))),
        "colour picture": Dataset(X, layout=Layout("image", (2, 2, 3))),
        "named": Dataset(X, column_names=names, row_names=tuple(f"row ${i}" for i in range(30))),
        "bare": Dataset(X),
        "sparse text": Dataset(sp.csr_array(np.floor(X)), column_names=names, layout=Layout("text")),
    }[kind]


def fitted(data, k=3):
    return NMF(k, init="random", random_state=0, tol=1e-3, max_iter=1000).fit(data)


def axes_of(drawn):
    return list(np.ravel(np.array(drawn, dtype=object)))


@pytest.mark.parametrize("kind", ["picture", "colour picture", "named", "bare", "sparse text"])
@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_figure_draws_every_kind_of_data_and_leaves_pyplot_and_settings_alone(kind, name, theme, tmp_path):
    data = dataset(kind)
    model, before = fitted(data), mpl.rcParams.copy()
    axes = axes_of(FIGURES[name](model, data))
    axes[0].figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 1000
    assert plt.get_fignums() == []
    assert mpl.rcParams == before


def test_parts_of_pictures_show_the_components_each_on_its_own_scale():
    model = fitted(dataset("picture"))
    shown = [ax.images[0].get_array() for ax in plot.parts(model)]
    expected = model.components_ / model.components_.max(axis=1, keepdims=True)
    np.testing.assert_allclose(shown, expected.reshape(3, 3, 4))


def test_named_parts_show_the_heaviest_columns_under_their_names():
    model = fitted(dataset("named"))
    for ax, top in zip(plot.parts(model, n_features=5), model.top_features(5), strict=True):
        assert [text.get_text() for text in ax.get_yticklabels()] == [name for name, _ in top]
        np.testing.assert_allclose([bar.get_width() for bar in ax.patches], [weight for _, weight in top])


def test_every_part_carries_its_share_and_sparseness():
    model = fitted(dataset("named"))
    titles = [ax.get_title(loc="left") for ax in plot.parts(model)]
    assert [float(title.split(" · ")[1].rstrip(" %")) for title in titles] == pytest.approx(
        100 * model.shares_, abs=0.05
    )
    assert all("sparseness 0." in title for title in titles)


def test_a_part_is_called_by_the_same_name_in_every_figure():
    data = dataset("named")
    model = fitted(data)
    assert [ax.get_title(loc="left").split(" · ")[0] for ax in plot.parts(model)] == ["part 0", "part 1", "part 2"]
    bars = [text.get_text() for text in plot.composition(model, data, 0)[3].get_yticklabels()]
    assert set(bars) <= {"part 0", "part 1", "part 2"}


def test_composition_splits_a_row_into_reconstruction_and_residual():
    data = dataset("picture")
    model = fitted(data)
    original, mix, residual, _ = plot.composition(model, data, -1)
    x, w = data.X[-1], model.transform(data)[-1]
    top = x.max()
    np.testing.assert_allclose(np.ravel(original.images[0].get_array()), x / top)
    np.testing.assert_allclose(
        np.ravel(mix.images[0].get_array()), np.clip(w @ model.components_ / top, 0, 1), atol=1e-5
    )
    np.testing.assert_allclose(np.ravel(residual.images[0].get_array()), x - w @ model.components_, atol=1e-4)


def test_convergence_draws_the_history_against_seconds():
    model = fitted(dataset("bare"))
    line = plot.convergence(model, measure="optimality").lines[0]
    np.testing.assert_array_equal(line.get_xdata(), model.history_["seconds"])
    np.testing.assert_array_equal(line.get_ydata(), model.history_["optimality"])


@pytest.mark.parametrize(("last", "from_zero"), [(0.95, False), (0.71, False), (0.69, True), (0.2, True)])
def test_a_small_fall_fills_the_axis_and_a_large_one_starts_at_zero(last, from_zero):
    model = fitted(dataset("bare"))
    steps = np.array([8.0, 8 * (1 + last) / 2, 8 * last])
    model.history_ = {"iteration": np.arange(3), "seconds": np.arange(3.0), "objective": steps, "optimality": steps}
    low, high = plot.convergence(model).get_ylim()
    assert bool(low == 0) is from_zero
    assert (1 - last) / (high - low) > (0.25 if from_zero else 0.8)


def test_a_tolerance_of_zero_is_not_drawn_on_a_logarithmic_axis(tmp_path):
    X = np.random.default_rng(0).random((30, 12))
    ax = plot.convergence(NMF(3, tol=0, max_iter=60, random_state=0).fit(X), measure="optimality")
    assert ax.get_yscale() == "log"
    assert not ax.texts
    ax.figure.savefig(tmp_path / "figure.png")  # a mark at minus infinity made the layout collapse, with a warning


@pytest.mark.parametrize(
    "optimality", [(3.2e-16, 1.8e-16), (0.0, 0.0), (1e-17, 0.0), (5e-5, 2e-5), (0.9, 0.5)], ids=str
)
def test_the_tolerance_is_in_sight_however_far_the_optimality_is_from_it(optimality, tmp_path):
    model = fitted(dataset("bare"))
    model.history_ = {"seconds": np.arange(2.0), "optimality": np.array(optimality)}
    ax = plot.convergence(model, measure="optimality")
    low, high = ax.get_ylim()
    assert low < model.tol < high
    ax.figure.savefig(tmp_path / "figure.png")  # its words far outside made the layout collapse, with a warning


def test_row_errors_count_every_row_once():
    data = dataset("bare")
    bars = plot.row_errors(fitted(data), data).patches
    assert sum(bar.get_height() for bar in bars) == 30


@pytest.mark.parametrize("error", [0.0, 1e-4, 0.4584, 1.0, 30.0])
@pytest.mark.parametrize("draw", [draw_row_errors, draw_column_errors])
def test_errors_equal_to_rounding_are_one_bar_and_no_error_is_below_zero(draw, error, tmp_path):
    ax = draw(np.array([error, np.nextafter(error, np.inf), error]), Measure(2.0), None, LIGHT)
    bars = [bar for bar in ax.patches if bar.get_height()]
    assert [bar.get_height() for bar in bars] == [3]
    assert abs(bars[0].get_center()[0] - error) < bars[0].get_width()
    assert min(bar.get_x() for bar in ax.patches) >= 0
    ax.figure.savefig(tmp_path / "figure.png")


def with_holes(kind):
    """The same data with a tenth of the entries missing, one row and one column among them."""
    data = dataset(kind)
    mask = np.random.default_rng(2).random((30, 12)) < 0.9
    mask[7], mask[4], mask[:, 5] = True, False, False
    return data, mask


@pytest.mark.parametrize("kind", ["picture", "colour picture", "named", "bare", "sparse text"])
@pytest.mark.parametrize("name", sorted(set(FIGURES) - {"parts", "convergence", "optimality"}))
@pytest.mark.parametrize("beta_loss", ["frobenius", "kullback-leibler"])
@pytest.mark.filterwarnings("ignore:1 of 30 rows and 1 of 12 columns:UserWarning")
def test_every_figure_copes_with_missing_entries_and_with_every_loss(kind, name, beta_loss, tmp_path):
    data, mask = with_holes(kind)
    model = NMF(3, init="random", random_state=0, tol=1e-3, max_iter=1000, beta_loss=beta_loss).fit(data, mask=mask)
    draw = (lambda row: plot.composition(model, data, row, mask=mask)) if name == "composition" else None
    drawn = [draw(3), draw(4)] if draw else [getattr(plot, name)(model, data, mask=mask)]
    for figure in drawn:
        axes_of(figure)[0].figure.savefig(tmp_path / "figure.png")


@pytest.mark.filterwarnings("ignore:1 of 30 rows and 1 of 12 columns:UserWarning")
def test_what_is_missing_is_hatched_and_in_the_legend_and_only_then():
    data, mask = with_holes("picture")
    model = NMF(3, init="random", random_state=0, tol=1e-3, max_iter=1000).fit(data, mask=mask)
    for ax in (plot.column_errors(model, data, mask=mask), plot.composition(model, data, 3, mask=mask)[0]):
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["missing"]
        assert ax.patch.get_hatch()
        hidden = np.isnan(np.ma.filled(ax.images[0].get_array().astype(float), np.nan))
        assert hidden.any()
        assert not hidden.all()
    original, mix, residual, _ = plot.composition(model, data, 3, mask=mask)
    shown = [np.ma.filled(ax.images[0].get_array().astype(float), np.nan).ravel() for ax in (original, mix, residual)]
    assert (np.isnan(shown[0]) == ~mask[3]).all()
    assert np.isfinite(shown[1]).all()  # a model fills in what is missing
    assert (np.isnan(shown[2]) == ~mask[3]).all()
    whole = fitted(data)
    assert plot.column_errors(whole, data).get_legend() is None
    assert plot.composition(whole, data, 3)[0].get_legend() is None


def test_missing_entries_of_frames_and_files_need_no_mask():
    data = dataset("named")
    X = data.X.copy()
    X[3, 2] = np.nan
    model = fitted(Dataset(X, column_names=data.column_names))
    axes = plot.composition(model, pd.DataFrame(X, columns=data.column_names), 3)
    assert axes[0].get_legend()
    np.testing.assert_allclose(sum(bar.get_height() for bar in plot.row_errors(model, X).patches), 30)


def test_errors_are_told_in_the_loss_that_was_fitted():
    data = dataset("bare")
    model = NMF(3, init="random", random_state=0, tol=1e-3, max_iter=1000, beta_loss="kullback-leibler").fit(data)
    y = model.inverse_transform(model.transform(data.X))
    each = data.X * np.log(data.X / y) - data.X + y
    for ax, means in (
        (plot.row_errors(model, data), each.mean(axis=1)),
        (plot.column_errors(model, data), each.mean(axis=0)),
    ):
        assert ax.get_xlabel().startswith("divergence per entry of a ")
        edges = [ax.patches[0].get_x(), ax.patches[-1].get_x() + ax.patches[-1].get_width()]
        assert edges == pytest.approx([means.min(), means.max()], rel=0.1)
        assert f"median {np.median(means):.3g}" in [text.get_text() for text in ax.texts]
    picture = plot.column_errors(model, data, image_shape=(3, 4)).images[0].get_array()
    np.testing.assert_allclose(np.ravel(picture), each.mean(axis=0))


def test_memberships_are_a_staircase():
    data = dataset("bare")
    shown = plot.memberships(fitted(data), data).images[0].get_array()
    assert (np.diff(np.argmax(shown, axis=1)) >= 0).all()


def test_axes_and_figures_given_are_used():
    model, figure = fitted(dataset("bare")), Figure()
    ax = figure.add_subplot()
    assert plot.convergence(model, ax=ax) is ax
    assert plot.parts(model, image_shape=(4, 3), fig=Figure())[0].images


@pytest.mark.parametrize("frame", [pd.DataFrame, lambda X, columns: pl.DataFrame(X, schema=columns)])
def test_frames_bring_their_names(frame):
    columns = [f"column {j}" for j in range(12)]
    data = frame(dataset("bare").X, columns=columns)
    model = fitted(data)
    labels = [text.get_text() for text in plot.composition(model, data, 0)[0].get_yticklabels()]
    assert set(labels) <= set(columns)
    assert plot.row_errors(model, data).patches


def test_rows_are_found_by_name():
    data = dataset("named")
    assert plot.composition(fitted(data), data, "row $7")[0].get_title(loc="left") == "row $7"


@pytest.mark.parametrize(
    ("draw", "error", "words"),
    [
        (lambda model, X: plot.parts(model, image_shape=(5, 5)), ParameterError, "does not lay out 12 columns"),
        (lambda model, X: plot.parts(model, max_parts=0), ParameterError, "max_parts=0"),
        (lambda model, X: plot.parts(model, theme="sepia"), ParameterError, "choose 'light' or 'dark'"),
        (
            lambda model, X: plot.convergence(model, measure="loss"),
            ParameterError,
            "choose 'objective' or 'optimality'",
        ),
        (lambda model, X: plot.composition(model, X, 30), ParameterError, "have 30 rows"),
        (lambda model, X: plot.composition(model, X, "nobody"), ParameterError, "no row named 'nobody'"),
        (lambda model, X: plot.row_errors(model, X.X[:, :5]), DataError, "5 columns"),
        (lambda model, X: plot.row_errors(model, X.X[0]), DataError, "1 dimensions"),
        (lambda model, X: plot.parts(NMF(3)), NotFittedError, "not fitted"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_sentence(draw, error, words):
    data = dataset("bare")
    with pytest.raises(error, match=words):
        draw(fitted(data), data)


def test_importing_the_room_does_not_import_matplotlib():
    program = (
        "import sys, partwise.plot, partwise.report; sys.exit('matplotlib' in sys.modules or 'jinja2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
