"""What is done with a saved model: transform, info, report."""

import re
import zipfile

import numpy as np
import pytest
import sklearn

from partwise import NMF, load, read, save
from tests.cli.harness import assert_refused, partwise, write_table

TRAIN = ["the apple and the pear", "apple apple pear", "plum and pear", "the plum plum", "cherry and plum"]
NEW = ["apple plum unheard", "cherry"]


@pytest.fixture
def table(tmp_path):
    return write_table(tmp_path / "table.csv")


@pytest.fixture
def model(table, tmp_path):
    path = tmp_path / "model.npz"
    assert partwise("fit", table, "-k", 3, "--seed", 5, "--out", path).code == 0
    return path


def test_new_rows_are_expressed_under_their_names(model, tmp_path):
    new, W = write_table(tmp_path / "new.csv", (4, 8), seed=1), tmp_path / "deep" / "W.csv"
    done = partwise("transform", model, new, "--out", W, "--json")
    assert done.code == 0, done.err
    assert done.json["shape"] == [4, 3]
    assert done.json["written"] == {"out": str(W)}
    written = read(W)
    assert written.row_names == ("row 0", "row 1", "row 2", "row 3")
    assert written.column_names == ("nmf0", "nmf1", "nmf2")
    np.testing.assert_array_equal(written.X, load(model).transform(read(new)))
    assert "4 rows" in partwise("transform", model, new, "--out", W).out


def test_other_columns_are_refused(model, tmp_path):
    narrow = write_table(tmp_path / "narrow.csv", (4, 7))
    assert_refused(partwise("transform", model, narrow, "--out", tmp_path / "W.csv"), "7 features", "8 features")
    renamed = tmp_path / "renamed.csv"
    renamed.write_text((tmp_path / "table.csv").read_text().replace("column 3", "other", 1))
    assert_refused(partwise("transform", model, renamed, "--out", tmp_path / "W.csv"), "'other'", "'column 3'")
    assert not (tmp_path / "W.csv").exists()


def test_neither_model_nor_data_is_overwritten(model, table):
    before = model.read_bytes(), table.read_bytes()
    assert_refused(partwise("transform", model, table, "--out", table), "overwrite")
    assert_refused(partwise("report", model, table, "--out", model), "overwrite")
    assert (model.read_bytes(), table.read_bytes()) == before


@pytest.mark.parametrize("weighting", ["tfidf", "counts"])
def test_text_is_read_with_the_words_and_weights_of_the_model(weighting, tmp_path):
    train, new, words = (tmp_path / name for name in ("train.txt", "new.txt", "stop.txt"))
    train.write_text("\n".join(TRAIN))
    new.write_text("\n".join(NEW))
    words.write_text("the and")
    model, W = tmp_path / "m.npz", tmp_path / "W.csv"
    options = ["--weighting", weighting, "--stop-words", words]
    assert partwise("fit", train, *options, "-k", 2, "--out", model).code == 0
    assert partwise("transform", model, new, "--out", W).code == 0
    learnt = read(train, weighting=weighting, stop_words=("the", "and"))
    assert learnt.column_names == ("apple", "cherry", "pear", "plum")
    expected = load(model).transform(read(new, **learnt.recipe))
    np.testing.assert_allclose(read(W).X, expected, rtol=1e-12)
    assert (read(W).X > 0).any()
    assert partwise("report", model, new, "--out", tmp_path / "r.html").code == 0


def test_a_matrix_goes_through_a_model_of_text(tmp_path):
    (tmp_path / "train.txt").write_text("\n".join(TRAIN))
    model = tmp_path / "m.npz"
    partwise("fit", tmp_path / "train.txt", "-k", 2, "--out", model)
    np.save(tmp_path / "X.npy", np.eye(load(model).n_features_in_))
    assert partwise("transform", model, tmp_path / "X.npy", "--out", tmp_path / "W.npy").code == 0


def test_further_texts_are_read_from_the_field_of_the_fit(tmp_path):
    train, new, lines = (tmp_path / name for name in ("train.jsonl", "new.jsonl", "new.txt"))
    train.write_text("\n".join(f'{{"body": "{text}", "n": {i}}}' for i, text in enumerate(TRAIN)))
    new.write_text("\n".join(f'{{"body": "{text}", "other": "{text} plum"}}' for text in NEW))
    lines.write_text("\n".join(NEW))
    model, first, second, other = (tmp_path / name for name in ("m.npz", "1.csv", "2.csv", "3.csv"))
    assert partwise("fit", train, "--field", "body", "-k", 2, "--out", model).code == 0
    for source, W in ((new, first), (lines, second)):
        done = partwise("transform", model, source, "--out", W)
        assert done.code == 0, done.err
    np.testing.assert_array_equal(read(first).X, read(second).X)
    assert partwise("transform", model, new, "--field", "other", "--out", other).code == 0
    assert (read(other).X != read(first).X).any()
    assert partwise("report", model, new, "--out", tmp_path / "r.html").code == 0


def test_info_tells_people_of_dead_parts(model, tmp_path):
    assert re.search(r"Dead parts +none *\n", partwise("info", model).out)
    np.save(tmp_path / "X.npy", np.zeros((3, 4)))
    assert partwise("fit", tmp_path / "X.npy", "-k", 2, "--out", tmp_path / "dead.npz").code == 0
    assert re.search(r"Dead parts +nmf0, nmf1 *\n", partwise("info", tmp_path / "dead.npz").out)


def test_info_shows_what_the_model_holds(model, table):
    facts = partwise("info", model, "--json").json
    fitted = load(model)
    assert facts["parameters"] == fitted.get_params()
    assert facts["shape"] == [30, 8]
    assert facts["source"] == str(table)
    assert facts["status"] == fitted.status_
    assert facts["versions"]["scikit-learn"] == sklearn.__version__
    assert facts["versions"]["partwise"]
    assert [part["top"][0]["feature"] for part in facts["parts"]] == [top[0][0] for top in fitted.top_features(1)]
    shown = partwise("info", model).out
    for words in ("30 rows × 8 columns in 3 parts", "random_state=5", "numpy", "converged", "nmf2", "partwise fit"):
        assert words in shown


def test_info_of_a_model_made_in_python(tmp_path):
    save(NMF(2, random_state=np.random.RandomState(0)).fit(np.eye(3) + 1), tmp_path / "m.npz")
    shown = partwise("info", tmp_path / "m.npz")
    assert shown.code == 0, shown.err
    assert "3 columns in 2 parts" in shown.out
    assert partwise("info", tmp_path / "m.npz", "--json").json["shape"] == [3, 3]


def test_report_is_written_with_and_without_data(model, table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert partwise("report", model).code == 0
    alone = (tmp_path / "report.html").read_text()
    done = partwise("report", model, table, "--out", "full.html", "--json")
    assert done.json == {"written": {"out": "full.html"}}
    full = (tmp_path / "full.html").read_text()
    assert "row 29" in full
    assert "row 29" not in alone
    assert "partwise fit" in alone


def test_a_report_on_other_rows_shows_them_as_the_pictures_of_the_model(tmp_path):
    first, other, model = tmp_path / "first.npy", tmp_path / "other.npy", tmp_path / "m.npz"
    rng = np.random.default_rng(0)
    np.save(first, rng.random((9, 20)))
    np.save(other, rng.random((7, 20)))
    assert partwise("fit", first, "--image-shape", "4x5", "-k", 2, "--out", model).code == 0
    for data in (first, other):
        assert partwise("report", model, data, "--out", tmp_path / "r.html").code == 0
        page = " ".join((tmp_path / "r.html").read_text().split())  # some of its spaces are narrow ones
        assert "5 × 4 pixels" in page
        assert str(first) in page
        assert "9 pictures × 20 pixel values" in page
        assert ("7 pictures" in page) == (data == other)


def test_no_model_is_refused(table, tmp_path):
    not_fitted, broken, foreign = (tmp_path / name for name in ("plain.npz", "broken.npz", "foreign.npz"))
    save(NMF(2), not_fitted)
    partwise("fit", table, "-k", 2, "--out", broken)
    broken.write_bytes(broken.read_bytes()[:-100])
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("X", "1")
    W, saved = tmp_path / "W.csv", "choose a model that partwise has saved"
    for path, word in ((not_fitted, "not been fitted"), (broken, "broken.npz"), (foreign, saved)):
        assert_refused(partwise("info", path), word)
        assert_refused(partwise("transform", path, table, "--out", W), word)
        assert_refused(partwise("report", path, "--out", tmp_path / "r.html"), word)
    assert_refused(partwise("info", tmp_path / "none.npz"), "none.npz")
