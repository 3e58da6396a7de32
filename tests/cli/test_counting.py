"""Missing entries, masks and weights on the command line."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.io import mmwrite

from partwise import NMF, load, read
from tests.cli.harness import assert_refused, partwise, write_table


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def whole():
    """A table without holes, and which of its entries are observed."""
    data = read(write_table(Path("whole.csv")))
    return data, np.random.default_rng(3).random(data.shape) < 0.8


@pytest.fixture
def holed(whole):
    """The same table with holes, in a file."""
    data, mask = whole
    frame = pd.DataFrame(np.where(mask, data.X, np.nan), data.row_names, data.column_names)
    frame.to_csv("holes.csv")
    frame.to_parquet("holes.parquet")
    np.save("holes.npy", frame.to_numpy())
    return frame


def ratings(path, seed=0):
    """A sparse matrix of which a third is stored, zeros among it."""
    rng = np.random.default_rng(seed)
    seen = rng.random((30, 8)) < 0.5
    X = rng.integers(0, 4, seen.shape).astype(float)
    stored = sparse.coo_array((X[seen], np.nonzero(seen)), shape=seen.shape)
    mmwrite(path, stored) if path.endswith("mtx") else sparse.save_npz(path, stored.tocsc())
    return X, seen


def test_tables_with_holes_are_fitted_transformed_and_reported_where_that_is_said(whole, holed):
    data, mask = whole
    assert_refused(partwise("fit", "holes.csv", "-k", 3), "has no value", "say --missing;")
    fit = partwise(
        "fit", "holes.csv", "-k", 3, "--missing", "--out", "m.npz", "--w", "W.csv", "--report", "r.html", "--json"
    )
    assert (fit.code, fit.err) == (0, "")
    model = NMF(3, random_state=0, implicit_zeros="missing")
    W = model.fit_transform(data, mask=mask)
    assert fit.json["missing"] == model.n_missing_ == (~mask).sum()
    np.testing.assert_allclose(read("W.csv").X, W, rtol=1e-9)
    saved = load("m.npz")
    assert (saved.implicit_zeros, saved.n_missing_) == ("missing", model.n_missing_)
    assert "Missing entries" in Path("r.html").read_text(encoding="utf-8")
    # The model remembers: new data may have holes too.
    for name in ("holes.csv", "holes.parquet", "holes.npy"):
        done = partwise("transform", "m.npz", name, "--out", "again.csv")
        assert (done.code, done.err) == (0, ""), name
        np.testing.assert_allclose(read("again.csv").X, W, rtol=1e-6, atol=1e-9)
    assert partwise("report", "m.npz", "holes.parquet", "--out", "r.html").code == 0


def test_people_read_what_was_missing(holed):
    shown = partwise("fit", "holes.npy", "-k", 2, "--missing", "--out", "m.npz")
    for words in (shown.out, partwise("info", "m.npz").out):
        assert f"Missing          {np.isnan(holed).sum().sum()} of the entries, " in words


def test_a_model_of_whole_data_takes_new_ones_with_holes_when_told_to(whole, holed):
    data, mask = whole
    assert partwise("fit", "whole.csv", "-k", 3, "--out", "m.npz").code == 0
    assert_refused(partwise("transform", "m.npz", "holes.csv", "--out", "W.csv"), "say --missing;")
    assert partwise("transform", "m.npz", "holes.csv", "--missing", "--out", "W.csv").code == 0
    np.testing.assert_allclose(read("W.csv").X, load("m.npz").transform(data, mask=mask), rtol=1e-9)
    assert load("m.npz").implicit_zeros == "observed"


@pytest.mark.parametrize("name", ["r.mtx", "r.npz"])
def test_what_sparse_files_do_not_store_is_missing_where_that_is_said(name):
    X, seen = ratings(name)
    fit = partwise("fit", name, "-k", 2, "--missing", "--out", "m.npz", "--w", "W.npy", "--json")
    assert (fit.code, fit.err) == (0, "")
    assert fit.json["missing"] == (~seen).sum()
    model = NMF(2, random_state=0).fit(np.where(seen, X, np.nan))
    assert fit.json["relative_error"] == pytest.approx(model.relative_error_, rel=1e-3)
    assert partwise("transform", "m.npz", name, "--out", "again.npy").code == 0
    np.testing.assert_allclose(np.load("again.npy"), np.load("W.npy"), rtol=1e-6)
    assert partwise("fit", name, "-k", 2, "--json").json["missing"] == 0


def test_sparse_data_can_be_missing_for_a_model_of_whole_ones(tmp_path):
    X, seen = ratings("r.mtx")
    assert partwise("fit", "r.mtx", "-k", 2, "--out", "m.npz").code == 0
    np.save("mask.npy", np.arange(8) < 6 + np.zeros((30, 1)))
    model, holes = load("m.npz"), np.where(seen, X, np.nan)
    for flags, kept in (([], seen), (["--mask", "mask.npy"], seen & np.load("mask.npy"))):
        assert partwise("transform", "m.npz", "r.mtx", "--missing", *flags, "--out", "W.npy").code == 0
        np.testing.assert_allclose(
            np.load("W.npy"), model.transform(np.where(kept, holes, np.nan)), rtol=1e-6, atol=1e-9
        )
    assert partwise("report", "m.npz", "r.mtx", "--missing").code == 0
    assert "Missing entries" in Path("report.html").read_text(encoding="utf-8")


def test_a_mask_does_what_holes_do(whole, holed):
    data, mask = whole
    pd.DataFrame(mask.astype(int), data.row_names, data.column_names).to_csv("mask.csv")
    first = partwise(
        "fit", "whole.csv", "-k", 3, "--mask", "mask.csv", "--out", "a.npz", "--report", "r.html", "--json"
    )
    second = partwise("fit", "holes.csv", "-k", 3, "--missing", "--out", "b.npz", "--json")
    assert (first.code, first.err) == (0, "")
    assert first.json["mask"] == "mask.csv"
    assert first.json["missing"] == second.json["missing"] > 0
    # The two tables lie differently in memory, for which some BLAS kernels add up in another order.
    np.testing.assert_allclose(load("a.npz").components_, load("b.npz").components_, rtol=1e-7, atol=1e-9)
    assert partwise("transform", "a.npz", "whole.csv", "--mask", "mask.csv", "--out", "W.csv").err == ""
    np.testing.assert_allclose(read("W.csv").X, load("b.npz").transform(data, mask=mask), rtol=1e-9)


def test_weights_reach_the_fit_the_transform_and_the_report(whole):
    data, _ = whole
    rng = np.random.default_rng(4)
    V, v = rng.random(data.shape) + 0.1, rng.integers(1, 4, 30).astype(float)
    np.save("V.npy", V)
    np.savetxt("v.txt", v)
    for name, weights in (("V.npy", V), ("v.txt", v)):
        fit = partwise("fit", "whole.csv", "-k", 3, "--weights", name, "--out", "m.npz", "--report", "r.html", "--json")
        model = NMF(3, random_state=0).fit(data, weights=weights)
        assert fit.code == 0, fit.err
        assert fit.json["weights"] == name
        np.testing.assert_array_equal(load("m.npz").components_, model.components_)
        assert f"{name}, one for each {'entry' if name == 'V.npy' else 'row'}, " in Path("r.html").read_text(
            encoding="utf-8"
        )
        assert partwise("transform", "m.npz", "whole.csv", "--weights", name, "--out", "W.csv").code == 0
        np.testing.assert_allclose(read("W.csv").X, model.transform(data, weights=weights), rtol=1e-9)
    shown = partwise("fit", "whole.csv", "-k", 3, "--weights", "V.npy").out
    assert "of the weighted sum of squares" in shown
    assert f"{model_squares(data, V):.4g} left" in shown


def model_squares(data, V):
    model = NMF(3, random_state=0)
    W = model.fit_transform(data, weights=V)
    return (V * (data.X - W @ model.components_) ** 2).sum()


def test_data_of_the_fit_without_what_counted_of_them_are_warned_of(whole):
    np.save("mask.npy", whole[1])
    assert partwise("fit", "whole.csv", "-k", 3, "--mask", "mask.npy", "--out", "m.npz").code == 0
    done = partwise("report", "m.npz", "whole.csv")
    assert done.code == 0
    assert done.err.startswith("warning: The model was fitted to whole.csv with --mask mask.npy: say so here too,")
    assert partwise("report", "m.npz", "whole.csv", "--mask", "mask.npy").err == ""
    write_table(Path("other.csv"), seed=1)
    assert partwise("transform", "m.npz", "other.csv", "--out", "W.csv").err == ""


def test_a_transposed_table_has_transposed_weights(whole):
    data, mask = whole
    np.save("X.npy", data.X.T)
    np.save("mask.npy", mask.T)
    fit = partwise("fit", "X.npy", "--transpose", "-k", 2, "--mask", "mask.npy", "--json")
    assert fit.json["missing"] == (~mask).sum()


def test_the_loss_is_told_with_its_divergence(whole):
    data, _ = whole
    fit = ["fit", "whole.csv", "-k", 2, "--loss", "kullback-leibler", "--out", "m.npz"]
    facts = partwise(*fit, "--json").json
    model = NMF(2, random_state=0, beta_loss="kullback-leibler").fit(data)
    whole_loss = model.history_["objective"][-1]
    assert (facts["loss"], facts["beta"]) == ("Kullback–Leibler divergence", 1.0)
    for shown in (partwise(*fit).out, partwise("info", "m.npz").out):
        assert f"{whole_loss:.4g} left, {whole_loss / data.X.size:.3g} per entry (Kullback–Leibler divergence)" in shown


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--weights", "none.npy"], ["none.npy", "no file"]),
        (["--weights", "small.npy"], ["small.npy holds 2 × 2 weights", "whole.csv has 30 × 8 entries", "the 30 rows."]),
        (["--weights", "negative.npy"], ["negative.npy holds the weight -1 in row 0, column 0", "row 'row 0'"]),
        (["--weights", "zero.npy"], ["All weights in zero.npy are zero"]),
        (["--mask", "half.npy"], ["half.npy holds 0.5 in row 0, column 0", "nothing else."]),
        (["--mask", "zero.npy"], ["No entry of X is observed"]),
        (["--mask", "whole.csv", "--coarse", "yes"], ["whole.csv holds", "in a mask"]),
        (["--weights", "one.npy", "--coarse", "yes"], ["--coarse yes cannot be with", "use --coarse auto."]),
        (["--loss", "1", "--coarse", "yes"], ["--coarse yes with --loss 1", "Use --coarse auto or no."]),
    ],
)
@pytest.mark.usefixtures("whole")
def test_what_cannot_count_is_refused_with_a_sentence(flags, words):
    one = np.ones((30, 8))
    saved = {"small": np.ones((2, 2)), "negative": -one, "zero": 0 * one, "half": one / 2, "one": one}
    for name, values in saved.items():
        np.save(f"{name}.npy", values)
    assert_refused(partwise("fit", "whole.csv", "-k", 2, *flags), *words)


def test_a_mask_hides_what_cannot_be(whole):
    data, _ = whole
    X = data.X.copy()
    X[2, 3], X[4, 1] = -1, np.nan
    mask = X > 0
    np.save("X.npy", X)
    np.save("mask.npy", mask)
    assert_refused(partwise("fit", "X.npy", "-k", 2, "--mask", "mask.npy"), "no value", "--missing")
    assert partwise("fit", "X.npy", "-k", 2, "--missing", "--mask", "mask.npy").code == 0
    assert_refused(partwise("fit", "X.npy", "-k", 2, "--missing"), "row 2, column 3", "It was read from X.npy.")


def test_files_of_weights_are_not_overwritten_and_need_data(whole):
    np.savetxt("w.csv", np.ones(30))
    assert_refused(partwise("fit", "whole.csv", "-k", 2, "--weights", "w.csv", "--w", "w.csv"), "overwrite")
    assert partwise("fit", "whole.csv", "-k", 2, "--out", "m.npz").code == 0
    assert_refused(partwise("report", "m.npz", "--weights", "w.csv"), "--weights can only be beside DATA")


def test_text_has_no_missing_entries():
    with open("t.txt", "w") as stream:
        stream.write("apple pear\npear plum\n")
    assert_refused(partwise("fit", "t.txt", "-k", 1, "--missing"), "which --missing does not concern")
