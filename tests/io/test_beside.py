"""Weights and masks that stand in files of their own."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import sparse
from scipy.io import mmwrite

from partwise import DataError, Dataset, FileError
from partwise.io import ReadOptions, read, read_mask, read_weights

DATA = Dataset(np.ones((2, 3)), ("Mon", "Tue"), ("a", "b", "c"), source="data.csv")
V = np.array([[0.0, 1.0, 2.5], [4.0, 0.5, 1.0]])
BITS = np.array([[0, 1, 1], [1, 0, 1]])


def table(X, rows=DATA.row_names, columns=DATA.column_names):
    lines = [",".join(("", *columns)), *(",".join((name, *map(str, row))) for name, row in zip(rows, X, strict=True))]
    return "\n".join(lines)


def market(path, X):
    with open(path, "wb") as stream:
        mmwrite(stream, sparse.coo_array(X))


WRITERS = {
    "v.npy": lambda path, X: np.save(path, X),
    "v.npz": lambda path, X: np.savez(path, X),
    "s.npz": lambda path, X: sparse.save_npz(path, sparse.csc_array(X)),
    "v.csv": lambda path, X: path.write_text(table(X)),
    "v.tsv": lambda path, X: path.write_text(table(X).replace(",", "\t")),
    "v.txt": lambda path, X: path.write_text(table(X)),
    "v.mtx": market,
    "v.parquet": lambda path, X: pd.DataFrame(X, DATA.row_names, DATA.column_names).to_parquet(path),
}


def filled(X):
    return X.toarray() if sparse.issparse(X) else X


@pytest.mark.parametrize("name", WRITERS)
def test_weights_and_masks_come_in_every_kind_of_file_that_holds_numbers(name, tmp_path):
    WRITERS[name](tmp_path / name, V)
    np.testing.assert_array_equal(filled(read_weights(tmp_path / name, DATA)), V)
    WRITERS[name](tmp_path / name, BITS)
    mask = read_mask(tmp_path / name, DATA)
    assert mask.dtype == bool
    np.testing.assert_array_equal(filled(mask), BITS == 1)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("w.txt", "1\n0\n"),
        ("w.csv", "1,0\n"),
        ("w.csv", "w\n1\n0\n"),
        ("w.csv", "day,w\nMon,1\nTue,0\n"),
        ("w.tsv", "1\t0\n"),
    ],
)
def test_one_column_or_row_is_for_the_rows(name, text, tmp_path):
    (tmp_path / name).write_text(text)
    assert read_weights(tmp_path / name, DATA).tolist() == [1.0, 0.0]
    np.testing.assert_array_equal(read_mask(tmp_path / name, DATA), [[True] * 3, [False] * 3])


@pytest.mark.parametrize("X", [np.array([1, 0]), np.array([[1, 0]]), np.array([[1], [0]]), sparse.csr_array([[1, 0]])])
def test_arrays_for_the_rows_may_lie_or_stand(X, tmp_path):
    path = tmp_path / "w.npz"
    sparse.save_npz(path, X) if sparse.issparse(X) else np.savez(path, X)
    assert read_weights(path, DATA).tolist() == [1, 0]


def test_pictures_can_be_masks(tmp_path):
    pixels = np.array([[0, 255, 255], [255, 0, 255]], np.uint8)
    for i, row in enumerate(pixels):
        Image.fromarray(row[None]).save(tmp_path / f"{i}.png")
    np.testing.assert_array_equal(read_mask(tmp_path, DATA), pixels == 255)


def test_what_says_how_the_data_are_written_is_heeded(tmp_path):
    path = tmp_path / "v.csv"
    path.write_text("1|2\n3|4\n5|6\n")
    options = ReadOptions(transpose=True, delimiter="|", header=False, stop_words="english", key="X", missing=True)
    np.testing.assert_array_equal(read_weights(path, DATA, options), [[1, 3, 5], [2, 4, 6]])
    np.save(tmp_path / "v.npy", V.T)
    np.testing.assert_array_equal(read_weights(tmp_path / "v.npy", DATA, options), V)


def saved(X):
    return lambda path: np.save(path / "w.npy", X)


def text(content, name="w.csv"):
    return lambda path: (path / name).write_text(content)


BAD = {
    "another shape": (saved(np.ones((3, 2))), r"w\.npy holds 3 × 2 weights, and data\.csv has 2 × 3 entries: give one"),
    "as many as columns": (saved(np.ones(3)), "3 × 1 weights, .* or one for each of the 2 rows"),
    "three dimensions": (saved(np.ones((2, 3, 1))), "no matrix"),
    "negative": (saved(V - 1), r"the weight -1 in row 0, column 0 \(counted from 0"),
    "NaN": (saved(np.where(V > 2, np.nan, V)), "the weight nan in row 0, column 2"),
    "infinite": (saved(np.where(V == 4, np.inf, V)), "the weight inf in row 1, column 0"),
    "all zero": (saved(np.zeros(2)), r"All weights in .*w\.npy are zero"),
    "an empty cell": (text(table(V).replace("2.5", "")), "the weight nan in row 0, column 2 .*row 'Mon', column 'c'"),
    "words": (text("x,y,z\n1,a,2\n3,4,5"), "holds 'a', which is not a number"),
    "text": (text('{"text": "apple"}', "w.jsonl"), "holds text, where numbers are needed"),
    "another order of columns": (
        text(table(V, columns="bac")),
        "columns in another order: column 0 is 'b', and 'a' in",
    ),
    "another order of rows": (text(table(V, rows=("Tue", "Mon"))), "rows in another order: row 0 is 'Tue', and 'Mon'"),
}


@pytest.mark.parametrize("what", BAD)
def test_weights_that_cannot_be_are_refused_with_a_sentence(what, tmp_path):
    write, sentence = BAD[what]
    write(tmp_path)
    (path,) = tmp_path.iterdir()
    with pytest.raises(FileError, match=sentence):
        read_weights(path, DATA)


@pytest.mark.parametrize("X", [V, np.where(BITS, 1, np.nan), -BITS, sparse.csr_array(V)])
def test_a_mask_holds_ones_and_zeros(X, tmp_path):
    path = tmp_path / "m.npz"
    sparse.save_npz(path, X) if sparse.issparse(X) else np.savez(path, X)
    with pytest.raises(FileError, match=r"m\.npz holds .* in row 0, column \d .*in a mask 1 is an observed entry"):
        read_mask(path, DATA)


def test_arrays_with_nan_have_to_be_called_so(tmp_path):
    np.save(tmp_path / "x.npy", np.where(V > 2, np.nan, V))
    with pytest.raises(FileError, match=r"x\.npy has no value \(NaN\) in row 0, column 2 .*: if .*say missing=True"):
        read(tmp_path / "x.npy")
    (tmp_path / "names.txt").write_text("a\nb\nc\n")
    with pytest.raises(FileError, match=r"row 0, column 2 \(counted from 0; column 'c'\)"):
        read(tmp_path / "x.npy", column_names_from=tmp_path / "names.txt")
    assert np.isnan(read(tmp_path / "x.npy", missing=True).X).sum() == 2


def test_a_column_has_one_dimension_only_where_that_is_said(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(3.0))
    assert read(tmp_path / "x.npy", column=True).shape == (3, 1)
    with pytest.raises(FileError, match="no matrix"):
        read(tmp_path / "x.npy")


def test_names_of_a_dataset_have_places():
    with pytest.raises(DataError):
        Dataset(V, ("a",))
    assert DATA.place(1, 2) == "row 1, column 2 (counted from 0; row 'Tue', column 'c')"
