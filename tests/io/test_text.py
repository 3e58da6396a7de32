"""Documents, and further documents with the same columns."""

import json

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from partwise import io
from partwise._errors import DataError, FileError, ParameterError

DOCUMENTS = ["The cat sat on the mat", "A dog and a cat", "Dogs and CATS, café!", "", "the mat the mat"]


@pytest.fixture
def lines(tmp_path):
    (tmp_path / "documents.txt").write_text("\n".join(DOCUMENTS), encoding="utf-8")
    return tmp_path / "documents.txt"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stop_words": "english", "sublinear_tf": True},
        {"stop_words": ("the", "and"), "norm": "l1", "smooth_idf": False},
        {"ngram_range": (1, 2), "min_df": 2, "max_df": 0.9},
        {"max_features": 3, "lowercase": False, "use_idf": False},
        {"token_pattern": r"(?u)\b\w+\b", "strip_accents": "unicode", "binary": True},
        {"analyzer": "char_wb", "ngram_range": (2, 3)},
    ],
)
@pytest.mark.parametrize("weighting", ["tfidf", "counts"])
def test_options_reach_the_vectorizer(weighting, options, lines):
    tfidf_only = {"norm", "use_idf", "smooth_idf", "sublinear_tf"}
    if weighting == "counts":
        options = {name: value for name, value in options.items() if name not in tfidf_only}
    sklearns = (
        {**options, "stop_words": list(options["stop_words"])}
        if isinstance(options.get("stop_words"), tuple)
        else options
    )
    vectorizer = (TfidfVectorizer if weighting == "tfidf" else CountVectorizer)(**sklearns)
    expected = vectorizer.fit_transform([text for text in DOCUMENTS if text])
    data = io.read(lines, weighting=weighting, **options)
    np.testing.assert_array_equal(data.X.toarray(), expected.toarray())
    assert data.column_names == tuple(vectorizer.get_feature_names_out())
    assert data.row_names == ("line 1", "line 2", "line 3", "line 5")
    assert data.layout == io.Layout("text")


@pytest.mark.parametrize("options", [{}, {"weighting": "counts"}, {"ngram_range": (1, 2)}, {"use_idf": False}])
def test_the_recipe_gives_further_documents_the_same_columns(options, lines, tmp_path):
    data = io.read(lines, **options)
    recipe = json.loads(json.dumps(data.recipe))
    again = io.read(lines, **recipe)
    np.testing.assert_array_equal(again.X.toarray(), data.X.toarray())
    assert again.column_names == data.column_names
    (tmp_path / "new.jsonl").write_text(json.dumps({"t": DOCUMENTS[0]}) + "\n" + json.dumps({"t": "unheard words"}))
    new = io.read(tmp_path / "new.jsonl", field="t", **recipe)
    np.testing.assert_array_equal(new.X.toarray()[0], data.X.toarray()[0])
    assert new.X.toarray()[1].sum() == 0


def test_folders_are_read_with_the_folders_in_them(tmp_path):
    for name in ("b/2.txt", "b/10.txt", "a.TXT"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("some words")
    (tmp_path / "b/ignored.log").write_text("other")
    data = io.read(tmp_path)
    assert data.row_names == ("a.TXT", "b/2.txt", "b/10.txt")
    assert data.column_names == ("some", "words")


def test_a_byte_order_mark_is_no_word(tmp_path):
    (tmp_path / "x.txt").write_bytes("\ufeffword\nword\n".encode())
    assert io.read(tmp_path / "x.txt", token_pattern=r"\S+").column_names == ("word",)


def test_another_encoding_is_named(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "x.txt").write_bytes("café crème".encode("latin-1"))
    with pytest.raises(FileError, match=r"x\.txt holds bytes that are not utf-8 .*encoding='latin-1'"):
        io.read(folder)
    assert io.read(folder, encoding="latin-1").column_names == ("café", "crème")


@pytest.mark.parametrize(
    ("content", "options", "sentence"),
    [
        ('{"a": "x", "b": 1}', {}, "with the fields 'a', 'b': choose one with field"),
        ('{"a": "xx"}\n\n{"b": "yy"}', {"field": "a"}, "line 3 has no field 'a': it has 'b'"),
        ('{"a": "xx"}\n{"a": null}', {"field": "a"}, "line 2: the field 'a' holds no text"),
        ('{"a": "xx"}', {"field": "a", "id_field": "id"}, "line 1 has no field 'id': it has 'a'"),
        ('{"a": "xx"}\n{"a": ', {"field": "a"}, "line 2 is no JSON "),
        ("[1, 2]", {"field": "a"}, "line 1 is no JSON object"),
        ("[" * 100_000, {"field": "a"}, "line 1 is no JSON "),
    ],
)
def test_json_lines_say_what_is_wrong(content, options, sentence, tmp_path):
    (tmp_path / "x.jsonl").write_text(content)
    with pytest.raises((FileError, ParameterError), match=sentence):
        io.read(tmp_path / "x.jsonl", **options)


def test_no_documents_and_no_words_are_sentences(tmp_path):
    (tmp_path / "x.txt").write_text("\n \n")
    with pytest.raises(DataError, match=r"x\.txt holds no documents"):
        io.read(tmp_path / "x.txt")
    (tmp_path / "x.txt").write_text("the\nand\n")
    with pytest.raises(ParameterError, match=r"x\.txt cannot be turned into term weights .*empty vocabulary"):
        io.read(tmp_path / "x.txt", stop_words="english")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"weighting": "bm25"}, "no weighting 'bm25': choose 'tfidf' or 'counts'"),
        ({"weighting": "counts", "sublinear_tf": True}, "does not go with sublinear_tf"),
        ({"min_df": -1}, "min_df"),
        ({"ngram_range": (2, 1)}, "ngram_range"),
    ],
)
def test_options_that_cannot_be_are_sentences(options, sentence, lines):
    with pytest.raises(ParameterError, match=sentence):
        io.read(lines, **options)
