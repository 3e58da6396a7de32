"""Tables out and in again, and files that survive a failure."""

import csv
import errno
import gzip
import os
import stat
import subprocess

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from partwise import io
from partwise._errors import FileError, ParameterError
from partwise.io.writing import WRITERS
from tests.support import skip_or_fail

NAMED = [suffix for suffix in WRITERS if suffix != ".npy"]


@pytest.mark.parametrize("suffix", NAMED)
@settings(max_examples=40)
@given(
    values=hnp.arrays(
        st.sampled_from([np.float64, np.float32]),
        hnp.array_shapes(min_dims=2, max_dims=2),
        elements={"allow_nan": False, "allow_infinity": False, "min_value": 0},
    )
)
def test_tables_come_back_exactly(suffix, values, tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / f"W{suffix}"
    rows, columns = [f"r{i}" for i in range(len(values))], [f"c{i}" for i in range(values.shape[1])]
    io.write_table(path, values, rows, columns)
    data = io.read(path)
    np.testing.assert_array_equal(data.X.astype(values.dtype), values)
    assert (data.row_names, data.column_names) == (tuple(rows), tuple(columns))


def test_npy_keeps_the_values_alone(tmp_path):
    io.write_table(tmp_path / "W.npy", np.eye(2, dtype=np.float32), ["a", "b"])
    assert np.load(tmp_path / "W.npy").dtype == np.float32


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".parquet"])
def test_names_are_optional(suffix, tmp_path):
    for rows in (None, ["x", "y"]):
        for columns in (None, ["a", "b"]):
            io.write_table(tmp_path / f"W{suffix}", np.array([[0.5, 2], [3, 4]]), rows, columns)
            data = io.read(tmp_path / f"W{suffix}")
            np.testing.assert_array_equal(data.X, [[0.5, 2], [3, 4]])
            assert data.row_names == (rows and tuple(rows))
            if suffix != ".parquet":
                assert data.column_names == (columns and tuple(columns))


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz"])
def test_names_that_look_like_formulas_are_guarded_and_numbers_are_not(suffix, tmp_path):
    signs = ["=1+1", "+1", "-1", "@A1", "\tx", "\rx", "\nx", "a=b", "é", 'say "x", y', ""]
    io.write_table(tmp_path / f"W{suffix}", -np.ones((len(signs), len(signs))), signs, signs)
    opener = gzip.open if suffix.endswith(".gz") else open
    with opener(tmp_path / f"W{suffix}", "rt", encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream, delimiter="\t" if "tsv" in suffix else ",")
    guarded = ["'=1+1", "'+1", "'-1", "'@A1", "'\tx", "'\rx", "'\nx", "a=b", "é", 'say "x", y', ""]
    assert header == ["", *guarded]
    assert [row[0] for row in rows] == guarded
    assert {cell for row in rows for cell in row[1:]} == {"-1.0"}


def test_the_same_table_gives_the_same_bytes(tmp_path):
    for name in ("a.csv.gz", "b.csv.gz"):
        io.write_table(tmp_path / name, np.eye(3))
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


def test_pandas_reads_what_we_write(tmp_path):
    io.write_table(tmp_path / "W.csv", np.array([[0.1, 1e-300]]), ["x"], ["a", "b"])
    frame = pd.read_csv(tmp_path / "W.csv", index_col=0)
    assert frame.loc["x"].to_list() == [0.1, 1e-300]


def test_what_cannot_be_written_is_a_sentence(tmp_path):
    with pytest.raises(FileError, match=r"should end in one of \.csv"):
        io.write_table(tmp_path / "W.xlsx", np.eye(2))
    with pytest.raises(ParameterError, match="matrix of real numbers, not float64 of shape"):
        io.write_table(tmp_path / "W.csv", np.ones(2))
    with pytest.raises(ParameterError, match="There are 1 row names for 2 rows"):
        io.write_table(tmp_path / "W.csv", np.eye(2), ["x"])
    with pytest.raises(FileError, match="several columns of one name"):
        io.write_table(tmp_path / "W.parquet", np.eye(2), None, ["x", "x"])
    assert list(tmp_path.iterdir()) == []


# --- files that survive ---------------------------------------------------------------------------------------------


def failing_writers(tmp_path):
    values = np.random.default_rng(0).random((200, 50))
    writers = {suffix: lambda path: io.write_table(path, values) for suffix in WRITERS}
    return writers | {".npz": lambda path: io.write_record(path, {"W": values}, {"seed": 1})}


SUFFIXES = [*WRITERS, ".npz"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_the_old_file_survives_a_disk_that_fails_late(suffix, step, tmp_path, monkeypatch):
    path = tmp_path / f"old{suffix}"
    path.write_text("precious")

    def fail(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(FileError, match=r"cannot be written \(No space left on device\); .* unchanged"):
        failing_writers(tmp_path)[suffix](path)
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory):
    path = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(path)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small disk needs root on Linux")
    yield path
    subprocess.run(["umount", str(path)], check=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_old_file_survives_a_disk_that_is_really_full(suffix, small_disk):
    path = small_disk / f"old{suffix}"
    path.write_text("precious")
    with pytest.raises(FileError, match=r"cannot be written \(.*No space left on device\)"):
        failing_writers(small_disk)[suffix](path)
    assert path.read_text() == "precious"
    assert list(small_disk.iterdir()) == [path]
    path.unlink()


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".npz"])
def test_the_old_file_survives_a_file_that_may_not_grow(suffix, tmp_path):
    """A limit of file size acts like a full disk, and needs no root."""
    resource = pytest.importorskip("resource")
    import signal

    path = tmp_path / f"old{suffix}"
    path.write_text("precious")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(FileError, match=r"cannot be written \(File too large\)"):
            failing_writers(tmp_path)[suffix](path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, ParameterError])
def test_other_errors_pass_and_leave_nothing_behind(error, tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("precious")

    def write_half():
        with io.atomic_write(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_rights_of_any_new_file(tmp_path):
    (tmp_path / "ordinary").write_text("")
    with io.atomic_write(tmp_path / "x") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_a_replaced_file_keeps_its_rights_and_a_link_its_place(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    with io.atomic_write(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_the_longest_name_that_the_file_system_allows_is_fine(tmp_path):
    path = tmp_path / ("ä" * 125 + ".txt")
    with io.atomic_write(path) as temporary:
        temporary.write_text("x")
    assert path.read_text() == "x"


def test_places_that_cannot_be_written_to_are_sentences(tmp_path):
    with pytest.raises(FileError, match="No such file or directory"), io.atomic_write(tmp_path / "no" / "x"):
        pass
    with pytest.raises(FileError, match="no ordinary file"), io.atomic_write(tmp_path):
        pass
    with pytest.raises(FileError, match="no ordinary file"), io.atomic_write(os.devnull):
        pass


def test_a_write_protected_file_is_not_replaced(tmp_path):
    if os.geteuid() != 0:
        skip_or_fail("only root can act as another user")
    tmp_path.chmod(0o777)
    path = tmp_path / "x"
    path.write_text("precious")
    path.chmod(0o444)
    os.seteuid(65534)
    try:
        with pytest.raises(FileError), io.atomic_write(path) as temporary:
            temporary.write_text("new")
    finally:
        os.seteuid(0)
    assert path.read_text() == "precious"


def test_a_pipe_is_no_place_for_a_file():
    reader, writer = os.pipe()
    try:
        name = f"/dev/fd/{writer}"  # as /dev/stdout is one in a pipeline
        with pytest.raises(FileError, match=f"{name} is no ordinary file"), io.atomic_write(name):
            pass
    finally:
        os.close(reader)
        os.close(writer)
