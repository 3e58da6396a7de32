"""Bad input: exit code 2 and one sentence on the standard error, nothing lost."""

import numpy as np
import pytest
from PIL import Image
from scipy import sparse

from partwise import read
from partwise.cli import work
from tests.cli.harness import assert_one_sentence, assert_refused, partwise, write_table


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def array(**changes):
    X = np.arange(1.0, 13.0).reshape(4, 3)
    for place, value in changes.items():
        X[int(place[1]), int(place[2])] = value
    np.save("X.npy", X)
    return "X.npy"


def text(name, content):
    with open(name, "w") as stream:
        stream.write(content)
    return name


def truncated():
    np.savez("X.npz", np.ones((50, 50)))
    with open("X.npz", "r+b") as stream:
        stream.truncate(2000)
    return "X.npz"


def pictures():
    for name, shape in (("a.png", (4, 4)), ("b.png", (4, 5))):
        Image.fromarray(np.zeros(shape, np.uint8)).save(name)
    return "."


def saved(X):
    np.save("X.npy", X)
    return "X.npy"


def sparse_negative():
    sparse.save_npz("X.npz", sparse.csr_array(np.array([[0, 1.0], [-2, 0]])))
    return "X.npz"


def objects():
    np.save("X.npy", np.array([[1, "a"]], dtype=object), allow_pickle=True)
    return "X.npy"


BAD = {
    "a negative entry": (lambda: array(_12=-3.0), ["egative", "row 1, column 2"]),
    "a negative entry of a sparse matrix": (sparse_negative, ["egative", "row 1, column 0"]),
    "NaN": (lambda: array(_20=np.nan), ["X.npy has no value (NaN) in row 2, column 0", "say --missing;"]),
    "an empty cell": (lambda: text("t.csv", ",a,b\nr,1,2\ns,,4\n"), ["t.csv, line 3", "'a'", "say --missing;"]),
    "infinity": (lambda: array(_01=np.inf), ["inf", "row 0, column 1"]),
    "no rows": (lambda: saved(np.ones((0, 3))), ["X.npy", "empty"]),
    "no columns": (lambda: saved(np.ones((3, 0))), ["X.npy", "empty"]),
    "one dimension": (lambda: saved(np.ones(3)), ["X.npy", "no matrix"]),
    "strings": (lambda: saved(np.array([["a", "b"]])), ["X.npy", "not real numbers"]),
    "complex numbers": (lambda: saved(np.ones((2, 2), complex)), ["X.npy", "not real numbers"]),
    "Python objects": (objects, ["X.npy", "objects"]),
    "a ragged table": (lambda: text("t.csv", "a,b,c\n1,2,3\n4,5\n"), ["t.csv", "ragged", "line 3"]),
    "a bad cell": (lambda: text("t.csv", ",a,b\nr,1,2\ns,3,x4\n"), ["t.csv", "line 3", "'s'", "'b'", "'x4'"]),
    "an empty table": (lambda: text("t.csv", ""), ["t.csv", "empty"]),
    "a truncated archive": (truncated, ["X.npz", "truncated"]),
    "a missing file": (lambda: "nowhere.csv", ["nowhere.csv", "no file"]),
    "an unknown kind": (lambda: text("t.xyz", "1"), ["t.xyz", "no known kind"]),
    "a folder of nothing": (lambda: ".", ["holds nothing"]),
    "pictures of mixed sizes": (pictures, ["a.png", "b.png", "4 × 4", "5 × 4"]),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_data_is_refused_with_a_sentence(what, tmp_path):
    make, words = BAD[what]
    target = tmp_path / "model.npz"
    target.write_text("old")
    assert_refused(partwise("fit", make(), "-k", 1, "--out", target), *words)
    assert target.read_text() == "old"


def test_a_bad_entry_is_named_in_the_words_of_its_source():
    with open("t.csv", "w") as stream:
        stream.write("n,a,b\na,1,2\nb,3,-4\n")
    refused = partwise("fit", "t.csv", "-k", 1)
    assert_refused(refused, "Negative values in data", "row 1, column 1", "In t.csv it is row 'b', column 'b'.")
    assert_refused(partwise("fit", sparse_negative(), "-k", 1), "row 1, column 0", "It was read from X.npz.")
    assert_refused(partwise("fit", array(_12=-3.0, _20=np.inf), "-k", 1), "row 2, column 0", "read from X.npy.")
    refused = partwise("fit", array(_12=-3.0, _00=np.nan), "-k", 1, "--missing")
    assert_refused(refused, "row 1, column 2", "read from X.npy.")
    with open("columns.txt", "w") as stream:
        stream.write("x\ny\n")
    refused = partwise("fit", sparse_negative(), "-k", 1, "--column-names-from", "columns.txt")
    assert_refused(refused, "In X.npz it is column 'x'.")
    np.save("good.npy", np.ones((2, 3)))
    assert partwise("fit", "good.npy", "-k", 1, "--out", "m.npz").code == 0
    assert_refused(partwise("transform", "m.npz", array(_12=-3.0), "--out", "W.csv"), "It was read from X.npy.")
    assert_refused(partwise("report", "m.npz", "X.npy"), "It was read from X.npy.")


ODD = {
    "k of zero": (["-k", 0], ["-k", "1"]),
    "k that is no number": (["-k", "few"], ["-k", "it should be a whole number (see"]),
    "a tolerance that is no number": (["-k", 1, "--tol", "x"], ["--tol", "it should be a number (see"]),
    "a negative seed": (["-k", 1, "--seed", -4], ["--seed", "it should be at least 0 (see"]),
    "no kind of weights": (["-k", 1, "--weighting", "x"], ["--weighting': 'x' is not one of 'tfidf', 'counts' (see"]),
    "no k": ([], ["-k"]),
    "an unknown start": (["-k", 1, "--init", "best"], ["--init best", "nndsvda"]),
    "an unknown solver": (["-k", 1, "--solver", "best"], ["best", "bpp"]),
    "an unknown loss": (["-k", 1, "--loss", "best"], ["best", "frobenius"]),
    "a start without its factors": (["-k", 1, "--init", "custom"], ["--init custom is no start", "spa, or"]),
    "restarts of one start": (
        ["-k", 1, "--init", "nndsvd", "--n-init", 3],
        ["--n-init 3", "--init nndsvd ", "use --n-init 1, or --init random or nndsvdar."],
    ),
    "a weight that is no number": (["-k", 1, "--alpha-h", "much"], ["--alpha-h much"]),
    "a negative weight": (["-k", 1, "--alpha-h", "-1"], ["--alpha-h -1"]),
    "a share beyond one": (["-k", 1, "--l1-ratio", 2], ["--l1-ratio"]),
    "a frequency that is none": (["-k", 1, "--min-df", "some"], ["--min-df some"]),
    "a shape that is none": (["-k", 1, "--image-shape", "4x"], ["--image-shape 4x", "112x92"]),
    "a shape of another size": (["-k", 1, "--image-shape", "4x4"], ["(4, 4)", "8"]),
    "an option of another kind": (["-k", 1, "--grey", "--min-df", 2], ["which --grey, --min-df does not concern"]),
    "an unknown option": (["-k", 1, "--quick"], ["--quick", "partwise fit --help"]),
    "a kind that is none": (["-k", 1, "--kind", "foo"], ["is a file", "no kind '.foo' of files", ".csv, "]),
    "a kind of folders": (["-k", 1, "--kind", "images"], ["no kind '.images' of files"]),
    "names that are missing": (["-k", 1, "--row-names-from", "names.txt"], ["names.txt"]),
    "stop words that are missing": (["-k", 1, "--stop-words", "german"], ["german"]),
}


@pytest.mark.parametrize("what", ODD)
def test_bad_options_are_refused_with_a_sentence(what, tmp_path):
    arguments, words = ODD[what]
    assert_refused(partwise("fit", write_table(tmp_path / "table.csv"), *arguments), *words)


@pytest.mark.parametrize(
    "arguments", [["fit"], ["fits"], ["transform", "m.npz"], ["demo"], ["demo", "cats"], ["--quick"]]
)
def test_bad_use_is_refused_with_a_sentence_that_names_the_help(arguments):
    assert_refused(partwise(*arguments), "--help")


def test_sentences_speak_of_options_of_the_command(tmp_path):
    np.savez("X.npz", faces=np.ones((2, 4, 5)), other=np.ones(3))
    assert_refused(partwise("fit", "X.npz", "-k", 1), "faces, other", "with --key.")
    assert_refused(partwise("fit", "X.npz", "-k", 1, "--key", "faces"), "say --image-shape 4x5.")
    assert partwise("fit", "X.npz", "-k", 1, "--key", "faces", "--image-shape", "4x5").code == 0
    text("t.jsonl", '{"title": "a", "body": "apple pear"}\n')
    assert_refused(partwise("fit", "t.jsonl", "-k", 1), "'title', 'body'", "with --field.")


def test_names_with_line_ends_and_escapes_stay_on_one_line():
    assert_refused(partwise("fit", "no\n\x1b[31mfile\u202e.csv", "-k", 1), "no\\n\\x1b[31mfile\\u202e.csv")


@pytest.mark.parametrize("name", ["tol=0.1/missing.csv", "two  spaces.csv", "key=a, with key.csv", "n_init=3.csv"])
def test_words_of_the_user_stay_as_they_are(name):
    assert_refused(partwise("fit", name, "-k", 1), f"There is no file or folder {name}: ")


def test_names_in_the_data_stay_as_they_are():
    text("t.csv", "tol=0.1,b\\n1,2\\n3,x  y\\n".replace("\\n", chr(10)))
    assert_refused(partwise("fit", "t.csv", "-k", 1), "column 2 ('b') holds 'x  y'", "with --row-names and --header.")
    assert_refused(partwise("fit", "t.csv", "--kind", "txt", "-k", 1, "--min-df", 9), "change --min-df, --max-df")


def test_names_that_no_encoding_can_write_are_escaped(tmp_path):
    pixels = np.arange(16, dtype=np.uint8).reshape(4, 4)
    for name in (b"\xff.png", b"a.png"):
        with open(name, "wb") as stream:
            Image.fromarray(pixels).save(stream, format="PNG")
    folder = tmp_path / "results"
    targets = {"out": "m.npz", "h": "H.csv", "w": "W.csv", "report": "r.html"}
    flags = [word for option, name in targets.items() for word in (f"--{option}", folder / name)]
    fit = partwise("fit", ".", "-k", 1, *flags, "--pattern", "*.png")
    assert (fit.code, fit.err) == (0, "")
    assert read(folder / "W.csv").row_names == ("a.png", "\\udcff.png")
    assert "udcff.png" in (folder / "r.html").read_text()
    odd = text("odd\udcff.csv", "n,a,b\nx,1,2\ny,2,1\n")
    assert partwise("fit", odd, "-k", 1, *flags).code == 0
    assert partwise("report", folder / "m.npz", odd, "--out", folder / "r.html").code == 0
    documents = (("\\ud800", "apple pear"), ("b", "pear plum"), ("c", "plum"))
    text("t.jsonl", "\n".join(f'{{"id": "{name}", "text": "{words}"}}' for name, words in documents))
    assert partwise("fit", "t.jsonl", "--field", "text", "--id-field", "id", "-k", 1, *flags).code == 0
    assert read(folder / "W.csv").row_names == ("\\ud800", "b", "c")


def test_a_name_that_a_kind_of_file_cannot_hold_keeps_no_other_file_from_being_written(monkeypatch):
    def refuse(*_):
        raise UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed")

    monkeypatch.setattr(work, "write_table", refuse)
    fit = partwise("fit", array(), "-k", 2, "--out", "m.npz", "--w", "W.csv", "--report", "r.html", "--json")
    assert fit.code == 2
    assert_one_sentence(fit.err, "W.csv cannot be written", "surrogates")
    assert set(fit.json["written"]) == {"out", "report"}
