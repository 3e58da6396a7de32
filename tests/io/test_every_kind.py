"""What holds for every kind of source."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from partwise import io
from partwise._errors import FileError, MissingExtraError, ParameterError, PartwiseError
from partwise.io.files import too_large
from partwise.io.options import MAX_BYTES, default_limit
from partwise.io.reading import FILES, FOLDERS
from tests.io.samples import SAMPLES

KINDS = sorted(SAMPLES)
FILE_KINDS = sorted(FILES)


def dense(X: object) -> np.ndarray:
    return X.toarray() if sparse.issparse(X) else np.asarray(X)


def files_of(path: Path) -> list[Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]


def assert_a_sentence_about(path: Path, error: pytest.ExceptionInfo[PartwiseError]) -> None:
    message = str(error.value)
    assert path.name in message
    assert message.endswith(".")
    assert "\n" not in message


def test_every_registered_kind_has_a_sample():
    assert set(SAMPLES) == set(FILES) | set(FOLDERS)


@pytest.mark.parametrize("kind", KINDS)
def test_values_and_names_come_in(kind, tmp_path):
    sample = SAMPLES[kind]
    path = sample.make(tmp_path, kind)
    data = io.read(path, **sample.options)
    np.testing.assert_array_equal(dense(data.X), sample.X)
    assert (data.row_names, data.column_names) == (sample.row_names, sample.column_names)
    assert data.source == str(path)


@pytest.mark.parametrize("kind", KINDS)
def test_transpose_swaps_values_and_names(kind, tmp_path):
    sample = SAMPLES[kind]
    data = io.read(sample.make(tmp_path, kind), transpose=True, **sample.options)
    np.testing.assert_array_equal(dense(data.X), sample.X.T)
    assert (data.column_names, data.row_names) == (sample.row_names, sample.column_names)
    assert data.layout == io.Layout()
    assert not sparse.issparse(data.X) or isinstance(data.X, sparse.csr_array)


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_source_is_a_sentence_and_a_file_not_found_error(kind, tmp_path):
    path = tmp_path / f"absent{kind}"
    with pytest.raises(FileNotFoundError) as error:
        io.read(path, **SAMPLES[kind].options)
    assert isinstance(error.value, FileError)
    assert_a_sentence_about(path, error)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_source_is_a_sentence(kind, tmp_path):
    path = SAMPLES[kind].make(tmp_path, kind)
    for file in files_of(path):
        file.write_bytes(b"")
    with pytest.raises(PartwiseError) as error:
        io.read(path, **SAMPLES[kind].options)
    assert_a_sentence_about(path, error)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith((".csv", ".tsv", ".txt", "texts"))])
@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_truncated_source_is_a_sentence(kind, share, tmp_path):
    path = SAMPLES[kind].make(tmp_path, kind)
    for file in files_of(path):
        content = file.read_bytes()
        file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(FileError) as error:
        io.read(path, **SAMPLES[kind].options)
    assert_a_sentence_about(path, error)


@pytest.mark.parametrize("kind", [".csv.gz", ".tsv.gz", ".txt.gz", ".jsonl.gz", ".mtx.gz", ".npz", ".parquet"])
def test_a_source_that_lacks_its_last_bytes_is_a_sentence(kind, tmp_path):
    path = SAMPLES[kind].make(tmp_path, kind)
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(FileError, match="may be truncated") as error:
        io.read(path, **SAMPLES[kind].options)
    assert_a_sentence_about(path, error)


@pytest.mark.parametrize("kind", KINDS)
def test_the_limit_of_size_is_kept_and_said(kind, tmp_path):
    path = SAMPLES[kind].make(tmp_path, kind)
    with pytest.raises(FileError, match="limit of 12 bytes") as error:
        io.read(path, max_bytes=12, **SAMPLES[kind].options)
    assert_a_sentence_about(path, error)


@pytest.mark.parametrize("kind", FILE_KINDS)
@pytest.mark.parametrize("noise", [b"\x00" * 4000, b"\x1f\x8b\x08" + b"\xff" * 300, bytes(range(256)) * 20])
def test_noise_under_any_suffix_is_a_sentence(kind, noise, tmp_path):
    path = tmp_path / f"noise{kind}"
    path.write_bytes(noise)
    with pytest.raises(PartwiseError) as error:
        io.read(path, **SAMPLES[kind].options)
    assert_a_sentence_about(path, error)


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_kind_overrides_the_name(kind, tmp_path):
    path = SAMPLES[kind].make(tmp_path, kind).rename(tmp_path / "named.otherwise")
    data = io.read(path, kind=kind, **SAMPLES[kind].options)
    np.testing.assert_array_equal(dense(data.X), SAMPLES[kind].X)


def test_capital_suffixes_are_the_same_kinds(tmp_path):
    path = SAMPLES[".csv"].make(tmp_path, ".csv").rename(tmp_path / "TABLE.CSV")
    assert io.read(path).shape == (2, 3)


def test_an_unknown_kind_names_the_known_ones(tmp_path):
    (tmp_path / "x.docx").write_text("")
    with pytest.raises(FileError, match=r"no known kind \(\.npy, \.npz"):
        io.read(tmp_path / "x.docx")


def test_an_unknown_option_names_the_known_ones(tmp_path):
    with pytest.raises(ParameterError, match=r"no option colour .*grey"):
        io.read(tmp_path, colour=True)


def test_an_option_of_another_kind_is_refused(tmp_path):
    path = SAMPLES[".npy"].make(tmp_path, ".npy")
    with pytest.raises(ParameterError, match="a NumPy array, which field does not concern"):
        io.read(path, field="text")


@pytest.mark.parametrize(
    ("kind", "option", "sentence"),
    [
        (".csv", {"delimiter": "::"}, "delimiter '::' cannot separate cells"),
        (".csv", {"encoding": "klingon"}, "no encoding 'klingon'"),
        (".txt", {"encoding": "klingon"}, "no encoding 'klingon'"),
    ],
)
def test_values_of_options_that_cannot_be_are_sentences(kind, option, sentence, tmp_path):
    with pytest.raises(ParameterError, match=sentence):
        io.read(SAMPLES[kind].make(tmp_path, kind), **option)


@pytest.mark.parametrize(
    ("kind", "module"), [(".csv", "pandas"), (".parquet", "pyarrow.parquet"), ("images", "PIL.Image")]
)
def test_a_missing_package_names_the_extra(kind, module, tmp_path, monkeypatch):
    path = SAMPLES[kind].make(tmp_path, kind)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r'pip install "partwise\[io\]"'):
        io.read(path)


def test_importing_the_room_imports_no_optional_package():
    # scikit-learn imports pandas where there is one.
    code = (
        "import sys, sklearn.decomposition; old = set(sys.modules); import partwise.io; print(*set(sys.modules) - old)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "partwise.io.reading" in run.stdout
    assert not {"pandas", "pyarrow", "PIL", "polars", "sklearn.feature_extraction.text"} & set(run.stdout.split())


def test_options_come_as_one_value_or_by_name(tmp_path):
    path = SAMPLES[".csv"].make(tmp_path, ".csv")
    together = io.read(path, io.ReadOptions(transpose=True))
    assert together.row_names == io.read(path, transpose=True).row_names
    assert io.read(path, io.ReadOptions(transpose=True), transpose=False).row_names == ("first", "second")


def test_names_come_from_files_beside(tmp_path):
    path = SAMPLES[".npz"].make(tmp_path, ".npz")
    (tmp_path / "rows.txt").write_text("x\ny\n")
    (tmp_path / "columns.txt").write_text("ä\nb c\n\n", encoding="utf-8")
    data = io.read(path, row_names_from=tmp_path / "rows.txt", column_names_from=tmp_path / "columns.txt")
    assert (data.row_names, data.column_names) == (("x", "y"), ("ä", "b c", ""))
    with pytest.raises(FileError, match=r"rows\.txt holds 2 names for 3 columns"):
        io.read(path, column_names_from=tmp_path / "rows.txt")


def test_the_encoding_is_that_of_the_names_too(tmp_path):
    (tmp_path / "columns.txt").write_bytes("ä\nb\nc\n".encode("latin-1"))
    for kind in (".npy", ".csv"):
        path = SAMPLES[kind].make(tmp_path, kind)
        with pytest.raises(FileError, match=r"columns\.txt holds bytes that are not utf-8"):
            io.read(path, column_names_from=tmp_path / "columns.txt")
        data = io.read(path, column_names_from=tmp_path / "columns.txt", encoding="latin-1")
        assert data.column_names == ("ä", "b", "c")


@pytest.mark.parametrize(("memory", "limit"), [(64 * 2**30, 16 * 2**30), (8 * 2**30, 4 * 2**30), (None, 16 * 2**30)])
def test_the_limit_is_within_the_memory(memory, limit):
    assert default_limit(memory) == limit


def test_the_sentence_says_where_the_default_limit_comes_from(tmp_path):
    assert "(16 GiB, or half of the memory of this machine)" in str(too_large(tmp_path, MAX_BYTES))
    assert "GiB" not in str(too_large(tmp_path, 1000))


def test_rows_of_a_table_can_be_pictures(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((5, 6)))
    assert io.read(tmp_path / "x.npy", image_shape=(2, 3)).layout == io.Layout("image", (2, 3))
    with pytest.raises(PartwiseError, match=r"Pictures of shape \(2, 2\) have 4 values, not 6"):
        io.read(tmp_path / "x.npy", image_shape=(2, 2))


def test_a_pipe_is_refused_rather_than_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(FileError, match="neither a file nor a folder"):
        io.read(tmp_path / "pipe.csv")


def test_an_empty_folder_says_what_it_should_hold(tmp_path):
    with pytest.raises(FileError, match=r"nothing that can be read: there should be .*\.png.*\.txt files"):
        io.read(tmp_path)


def test_a_folder_of_both_pictures_and_texts_needs_a_choice(tmp_path):
    folder = SAMPLES["images"].make(tmp_path, "images")
    (folder / "about.txt").write_text("apple")
    with pytest.raises(FileError, match=r"both pictures and documents, such as 1\.png .* and about\.txt"):
        io.read(folder)
    assert io.read(folder, kind="images").shape == (2, 4)
    assert io.read(folder, kind="texts").column_names == ("apple",)
    assert io.read(folder, pattern="*.png").shape == (2, 4)
