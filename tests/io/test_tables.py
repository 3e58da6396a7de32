"""Tables: what is recognised, and where it says that something is wrong."""

import gzip

import numpy as np
import pandas as pd
import polars as pl
import pytest

from partwise import io
from partwise._errors import FileError


@pytest.fixture
def csv(tmp_path):
    def write(text, name="table.csv", **options):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return io.read(tmp_path / name, **options)

    return write


@pytest.mark.parametrize(
    ("text", "rows", "columns"),
    [
        ("1,2\n3,4\n", None, None),
        ("a,b\n1,2\n3,4\n", None, ("a", "b")),
        (",a,b\nx,1,2\ny,3,4\n", ("x", "y"), ("a", "b")),
        ("a,b\nx,1,2\ny,3,4\n", ("x", "y"), ("a", "b")),
        (",0,1\n0,1,2\n1,3,4\n", ("0", "1"), ("0", "1")),
        ("x,1,2\ny,3,4\n", ("x", "y"), None),
        ("id,a,b\n17,1,2\n4,3,4\n", ("17", "4"), ("a", "b")),
        ("Index,a,b\n17,1,2\n17,3,4\n", None, ("Index", "a", "b")),
        ("day,a,b\n6/1/2005 6:00,1,2\n6/2/2005 3:00,3,4\n", ("6/1/2005 6:00", "6/2/2005 3:00"), ("a", "b")),
        ("day,a,b\n2005-06-01,1,2\n2005-06-02,3,4", ("2005-06-01", "2005-06-02"), ("a", "b")),
        ('"n","a, b","c\nd"\n"x","1","2"\n"y",3,4\n', ("x", "y"), ("a, b", "c\nd")),
        ("a;b\r\n1;2\r\n3;4\r\n", None, ("a", "b")),
        ("\ufeffa,b\n1,2\n\n3,4\n\n", None, ("a", "b")),
        ("\n\na,b\n1, 2\n3 ,4e0\n", None, ("a", "b")),
        ("n,a,b\nNA,1,2\nnan,3,4\n1,0,0", ("NA", "nan", "1"), ("a", "b")),
    ],
)
def test_names_are_recognised(csv, text, rows, columns):
    if rows == ("NA", "nan", "1"):
        with pytest.raises(FileError, match="no value"):
            csv(text)
        data = csv(text, row_names=True)
    else:
        data = csv(text)
    assert (data.row_names, data.column_names) == (rows, columns)
    np.testing.assert_array_equal(data.X[:2, -2:], [[1, 2], [3, 4]])
    assert data.X.dtype == np.float64


@pytest.mark.parametrize(
    ("text", "rows", "columns"),
    [
        ("gene,1,2,3\nTP53,5,0,2\nMYC,0,1,1\nKRAS,2,2,2\n", ("TP53", "MYC", "KRAS"), ("1", "2", "3")),
        ("year,2001,2002,2003\nwheat,5,0,2\nrye,0,1,1\n", ("wheat", "rye"), ("2001", "2002", "2003")),
        ("hour,0,1,6,12,24\na,5,0,2,1,1\nb,0,1,1,1,1\n", ("a", "b"), ("0", "1", "6", "12", "24")),
        ("id,1,2,3\n8,5,0,2\n9,0,1,1\n", ("8", "9"), ("1", "2", "3")),
        ("x,1,2,3\ny,4,5,6\n", ("x", "y"), None),
        ("x,1,3,9\ny,4,1,6\n", ("x", "y"), None),
        ("x,3,2,1\ny,4,1,6\n", ("x", "y"), None),
        ("x,0.1,0.2,0.3\ny,4,1,6\n", ("x", "y"), None),
    ],
)
def test_names_that_are_numbers_are_recognised(csv, text, rows, columns):
    data = csv(text)
    assert (data.row_names, data.column_names) == (rows, columns)


@pytest.mark.parametrize(
    ("text", "header", "names"),
    [
        ("gene,1,2,3\nTP53,5,0,2\nMYC,0,1,1\n", "yes", "from 'gene'"),
        (",a,b\nx,1,2\ny,3,4\n", "yes", "from the first column"),
        ("a,b\nx,1,2\ny,3,4\n", "yes", "from the first column"),
        ("x,1,2\ny,3,4\n", "no", "from the first column"),
        ("a,b\n1,2\n3,4\n", "yes", "no"),
    ],
)
def test_what_is_recognised_is_told(csv, text, header, names):
    assert csv(text).recognised == {"header": header, "row names": names}


@pytest.mark.parametrize("text", ["n,a\n1,2\n2,4\n3,0\n", "0,2\n1,4\n2,0\n"])
def test_a_first_column_that_counts_the_rows_is_warned_of(csv, text):
    with pytest.warns(UserWarning, match=r"table\.csv counts its rows, and is taken for data: .*row_names=True"):
        assert csv(text).shape == (3, 2)
    assert csv(text, row_names=True).shape == (3, 1)
    assert csv(text, row_names=False).shape == (3, 2)


def test_what_is_recognised_can_be_overruled(csv):
    assert csv("1,2\n3,4\n", header=True).column_names == ("1", "2")
    assert csv("1,2\n3,4\n", row_names=True).row_names == ("1", "3")
    assert csv("2001,1,2\n2002,3,4\n", header=False, row_names=True).row_names == ("2001", "2002")
    assert csv("1|2\n3|4\n", delimiter="|").shape == (2, 2)
    assert csv("a b\n1 2\n", "table.dat", kind="csv", delimiter=" ").column_names == ("a", "b")
    with pytest.raises(FileError, match=r"line 1, column 1 holds 'a', which is not a number"):
        csv("a,b\n1,2\n", header=False, row_names=False)


@pytest.mark.parametrize(
    ("text", "rows", "X"),
    [
        ("a,b\n1,\n,4\n", None, [[1, np.nan], [np.nan, 4]]),
        ("n,a,b\nx,NA,2.5\nNA,n/a, NULL \n", ("x", "NA"), [[np.nan, 2.5], [np.nan, np.nan]]),
        ("n,a,b\nx,.,0.1\ny,NaN,<NA>\n", ("x", "y"), [[np.nan, 0.1], [np.nan, np.nan]]),
        ("n,a,b\nx,true,\ny,false,1e-300\n", ("x", "y"), [[1, np.nan], [0, 1e-300]]),
        ("a,b\nnan,1\n2,3\n", None, [[np.nan, 1], [2, 3]]),
    ],
)
def test_cells_without_a_value_are_missing_where_that_is_said(csv, text, rows, X):
    data = csv(text, missing=True)
    assert data.row_names == rows
    np.testing.assert_array_equal(data.X, X)
    with pytest.raises(FileError, match=r"has no value .*missing=True"):
        csv(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b,c\n1,,3\n4,5\n", "is ragged: line 3 has 2 cells where 3 were expected"),
        ("a,b\n1,\n3,x\n", r"line 3, column 2 \('b'\) holds 'x', which is not a number"),
        ("a,b\n1,\n3,1_0\n", "holds '1_0', which is not a number"),
        ("a,b\n1,\n3,inf\n", "holds 'inf', which is not finite"),
    ],
)
def test_beside_missing_cells_others_are_still_looked_at(csv, text, sentence):
    with pytest.raises(FileError, match=sentence):
        csv(text, missing=True)


def test_cells_of_frames_may_be_missing(tmp_path):
    frame = pd.DataFrame({"n": ["x", "y"], "a": [1.5, None], "b": [None, None], "c": pd.array([1, None], "Int64")})
    frame.to_parquet(tmp_path / "x.parquet")
    data = io.read(tmp_path / "x.parquet", missing=True)
    assert (data.row_names, data.column_names) == (("x", "y"), ("a", "b", "c"))
    np.testing.assert_array_equal(data.X, [[1.5, np.nan, 1], [np.nan] * 3])
    with pytest.raises(FileError, match=r"row 2, column 'a' has no value: .*missing=True"):
        io.read(tmp_path / "x.parquet")


def test_one_column_is_a_matrix(csv):
    assert csv("a\n1\n2\n").X.tolist() == [[1.0], [2.0]]
    assert csv("1\n2\n").X.tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n3\n5,6\n", "is ragged: line 3 has 1 cells where 2 were expected"),
        ("a,b\n1,2\n3,4,5\n5,6\n", "is ragged: line 3 has 3 cells where 2 were expected"),
        ("n,a,b\nx,1,2\ny,3,4,5\n", "is ragged: line 3 has 4 cells where 3 were expected"),
        ("a,b,c\n1,2\n3,4\n", "is ragged: line 2 has 2 cells where 3 were expected"),
        ("1,2\n3,4\n5\n", "is ragged: line 3 has 1 cells where 2 were expected"),
        ("a,b\n1,2\n3,4x\n", r"line 3, column 2 \('b'\) holds '4x', which is not a number"),
        ("n,a,b\nx,1,2\ny,oops,4\n", r"line 3 \(row 'y'\), column 2 \('a'\) holds 'oops', which is not a number"),
        ("1,2,x\n4,5,6\n", "line 1, column 3 holds 'x', which is not a number"),
        ("1,2,3\n4,5,\n", r"line 2, column 3 has no value \(''\): if such cells are missing entries, say missing=True"),
        ("a,b\n1,2\n\n3,NA\n", r"line 4, column 2 \('b'\) has no value \('NA'\): if such cells are missing"),
        ("a,b\n1,2\nnan,3\n", "line 3, column 1 .* has no value"),
        ("a,b\n1,2\n3,inf\n", "line 3, column 2 .* holds 'inf', which is not finite"),
        ("a,b\n1,2\n3,1e999\n", "line 3, column 2 .* holds '1e999', which is not finite"),
        ('a,b\n1,2\n"1,5",2\n', "line 3, column 1 .* holds '1,5': decimal commas are not read, so write it"),
        ("a;b\n1,5;2\n3;4\n", "line 2, column 1 .* holds '1,5': decimal commas are not read, so write it"),
        ("a,b\n1,2\n3,1_0\n", "line 3, column 2 .* holds '1_0', which is not a number"),
        ("a,b\n", "has a header and no rows below it"),
        ("", "is empty"),
        ("\n\n", "is empty"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(csv, text, sentence):
    with pytest.raises(FileError, match=sentence) as error:
        csv(text)
    assert "table.csv" in str(error.value)


def test_a_bad_cell_far_down_is_found(csv):
    lines = ["a,b", *(["1,2"] * 20_000), "3,x", "4,5"]
    with pytest.raises(FileError, match=r"line 20002, column 2 \('b'\) holds 'x'"):
        csv("\n".join(lines))


def test_another_encoding_is_named(csv):
    text = "größe,b\n1,2\n".encode("latin-1")
    with pytest.raises(FileError, match=r"not utf-8 .* encoding='latin-1'"):
        csv(text)
    assert csv(text, encoding="latin-1").column_names == ("größe", "b")


def test_a_gzip_bomb_stops_at_the_limit(csv):
    bomb = gzip.compress(b"1,2\n" * 1_000_000)
    assert len(bomb) < 20_000
    with pytest.raises(FileError, match="limit of 100,000 bytes"):
        csv(bomb, "table.csv.gz", max_bytes=100_000)


def test_wide_tables_are_fine(csv):
    line = ",".join(map(str, range(5000)))
    assert csv(f"{line}\n{line}\n").shape == (2, 5000)


def test_parquet_takes_its_row_names_from_the_index_or_the_first_text_column(tmp_path):
    frame = pd.DataFrame({"gene": ["x", "y"], "a": [1, 2], "b": [0.5, 0.25]})
    frame.to_parquet(tmp_path / "column.parquet")
    frame.set_index("gene").to_parquet(tmp_path / "index.parquet")
    pl.from_pandas(frame).write_parquet(tmp_path / "polars.parquet")
    for name in ("column", "index", "polars"):
        data = io.read(tmp_path / f"{name}.parquet")
        assert (data.row_names, data.column_names) == (("x", "y"), ("a", "b"))
        np.testing.assert_array_equal(data.X, [[1, 0.5], [2, 0.25]])
    frame[["a", "b"]].to_parquet(tmp_path / "numbers.parquet")
    assert io.read(tmp_path / "numbers.parquet").row_names is None


def test_parquet_says_what_is_wrong(tmp_path):
    pd.DataFrame({"a": [1.0, None]}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(FileError, match=r"x\.parquet, row 2, column 'a' has no value"):
        io.read(tmp_path / "x.parquet")
    pd.DataFrame({"a": [1.0], "b": ["text"]}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(FileError, match=r"column 'b' holds .* such as \['text'\], not numbers"):
        io.read(tmp_path / "x.parquet")


def test_a_parquet_bomb_is_found_in_its_metadata(tmp_path):
    pd.DataFrame({"a": np.zeros(1_000_000)}).to_parquet(tmp_path / "x.parquet")
    assert (tmp_path / "x.parquet").stat().st_size < 100_000
    with pytest.raises(FileError, match="limit of 1,000,000 bytes"):
        io.read(tmp_path / "x.parquet", max_bytes=1_000_000)


def test_market_files_say_what_they_are(tmp_path):
    head = "%%MatrixMarket matrix "
    (tmp_path / "x.mtx").write_text(head + "coordinate pattern symmetric\n3 3 2\n2 1\n3 3\n")
    np.testing.assert_array_equal(io.read(tmp_path / "x.mtx").X.toarray(), [[0, 1, 0], [1, 0, 0], [0, 0, 1]])
    (tmp_path / "x.mtx").write_text(head + "array real general\n2 2\n1\n2\n3\n4\n")
    np.testing.assert_array_equal(io.read(tmp_path / "x.mtx").X, [[1, 3], [2, 4]])
    (tmp_path / "x.mtx").write_text(head + "coordinate complex general\n1 1 1\n1 1 1 2\n")
    with pytest.raises(FileError, match="not real numbers"):
        io.read(tmp_path / "x.mtx")
    (tmp_path / "x.mtx").write_text(head + "coordinate real general\n9000000000 9000000000 1\n1 1 1\n")
    with pytest.raises(FileError, match="limit"):
        io.read(tmp_path / "x.mtx")
    (tmp_path / "x.mtx").write_text(head + "coordinate real general\n3 3 2\n1 1 2.5\n")
    with pytest.raises(FileError, match="Truncated file"):
        io.read(tmp_path / "x.mtx")
    (tmp_path / "x.mtx").write_text(head + "coordinate real general\n3 3 1\n7 1 2.5\n")
    with pytest.raises(FileError, match="Row index out of bounds"):
        io.read(tmp_path / "x.mtx")
