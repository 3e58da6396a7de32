"""Records: exact, deterministic, and safe to open."""

import json
import math
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from partwise import io
from partwise._errors import FileError, ParameterError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text() | st.sampled_from(["$float", "$$", "$"]), values),
    max_leaves=12,
)
DTYPES = (
    hnp.floating_dtypes(endianness="?")
    | hnp.integer_dtypes(endianness="?")
    | hnp.boolean_dtypes()
    | hnp.unicode_string_dtypes()
)


def same(a, b) -> bool:
    """Equal in type and value, where NaN equals NaN and -0.0 is not 0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return a == b


@pytest.fixture
def record(tmp_path):
    path = tmp_path / "model.npz"
    io.write_record(path, {"W": np.arange(6.0).reshape(2, 3), "names": np.array(["ä", "b"])}, {"seed": 7})
    return path


def rewritten(path: Path, change) -> Path:
    """Return a copy of the record whose members have gone through ``change``."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    copy = path.with_name("changed.npz")
    with zipfile.ZipFile(copy, "w") as archive:
        for name, content in change(members).items():
            archive.writestr(name, content)
    return copy


def with_head(**changes):
    def change(members):
        head = {**json.loads(members["partwise.json"]), **changes}
        return {**members, "partwise.json": json.dumps(head)}

    return change


@settings(max_examples=60)
@given(meta=st.dictionaries(st.text(), JSON))
def test_json_comes_back_exactly(meta, tmp_path_factory):
    path = tmp_path_factory.mktemp("record") / "m.npz"
    io.write_record(path, {}, meta)
    assert same(io.read_record(path)[1], meta)


@given(array=hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, min_side=0)), fortran=st.booleans())
def test_arrays_come_back_bit_by_bit(array, fortran, tmp_path_factory):
    path = tmp_path_factory.mktemp("record") / "m.npz"
    array = np.asfortranarray(array) if fortran else array
    io.write_record(path, {"x": array}, {})
    back = io.read_record(path)[0]["x"]
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tobytes() == array.tobytes()


def test_undecodable_file_names_survive(tmp_path):
    io.write_record(tmp_path / "m.npz", {}, {"source": "caf\udce9.csv"})
    assert io.read_record(tmp_path / "m.npz")[1] == {"source": "caf\udce9.csv"}


def test_the_same_content_gives_the_same_bytes(record, tmp_path):
    io.write_record(tmp_path / "again.npz", *io.read_record(record))
    assert (tmp_path / "again.npz").read_bytes() == record.read_bytes()


def test_numpy_opens_it_without_pickle(record):
    with np.load(record, allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["W"], np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize("meta", [{"a": {1, 2}}, {"a": [object()]}, {"a": {1: 2}}, {"a": np.int64(3)}, {"a": b"x"}])
def test_what_json_cannot_hold_is_named(meta, tmp_path):
    with pytest.raises(ParameterError, match=r"^meta\['a'\].* JSON cannot hold"):
        io.write_record(tmp_path / "m.npz", {}, meta)
    assert list(tmp_path.iterdir()) == []


def test_objects_are_not_written(tmp_path):
    with pytest.raises(ParameterError, match="array 'x' holds Python objects"):
        io.write_record(tmp_path / "m.npz", {"x": np.array([None])}, {})


def test_every_truncation_is_a_sentence(record):
    content = record.read_bytes()
    for length in range(len(content)):
        record.write_bytes(content[:length])
        with pytest.raises(FileError, match=r"model\.npz"):
            io.read_record(record)


def test_a_flipped_bit_is_a_sentence_or_changes_nothing(record):
    content, original = record.read_bytes(), io.read_record(record)
    for position in range(len(content)):
        record.write_bytes(content[:position] + bytes([content[position] ^ 4]) + content[position + 1 :])
        try:
            arrays, meta = io.read_record(record)
        except FileError:
            continue
        assert meta == original[1]
        assert {name: a.tobytes() for name, a in arrays.items()} == {
            name: a.tobytes() for name, a in original[0].items()
        }


def test_foreign_files_are_refused(record, tmp_path):
    np.savez(tmp_path / "foreign.npz", X=np.eye(2))
    (tmp_path / "text.npz").write_text("hello")
    for name in ("foreign.npz", "text.npz"):
        with pytest.raises(FileError, match=name):
            io.read_record(tmp_path / name)
    for head in ({"format": "other"}, {"format": None}):
        with pytest.raises(FileError, match=r"not written by partwise"):
            io.read_record(rewritten(record, with_head(**head)))
    with pytest.raises(FileError, match=r"not written by partwise"):
        io.read_record(rewritten(record, lambda members: {**members, "partwise.json": "[]"}))
    with pytest.raises(FileNotFoundError):
        io.read_record(tmp_path / "absent.npz")
    with pytest.raises(FileError):
        io.read_record(tmp_path)


def test_a_newer_format_says_what_to_install(record):
    newer = rewritten(record, with_head(format_version=2, partwise="9.1.0"))
    with pytest.raises(FileError, match=r"written by partwise 9\.1\.0 in a newer format \(2; this version knows 1\)"):
        io.read_record(newer)


@pytest.mark.parametrize("change", [{"format_version": "x"}, {"arrays": 3}, {"meta": []}, {"arrays": [{}]}])
def test_a_head_that_makes_no_sense_is_a_sentence(change, record):
    with pytest.raises(FileError):
        io.read_record(rewritten(record, with_head(**change)))


def test_members_that_are_not_listed_are_refused(record):
    with pytest.raises(FileError, match="members are not those"):
        io.read_record(rewritten(record, lambda members: {**members, "extra.npy": b""}))
    with pytest.raises(FileError, match="members are not those"):
        io.read_record(rewritten(record, lambda members: {k: v for k, v in members.items() if k != "W.npy"}))


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self):
        return (Path.touch, (self.witness,))


def test_a_malicious_pickle_is_never_run(record, tmp_path):
    from io import BytesIO

    witness = tmp_path / "witness"
    stream = BytesIO()
    np.save(stream, np.array([Bomb(witness)], dtype=object), allow_pickle=True)
    for content in (stream.getvalue(), pickle.dumps(Bomb(witness))):
        evil = rewritten(record, lambda members, content=content: {**members, "W.npy": content})
        with pytest.raises(FileError):
            io.read_record(evil)
    assert not witness.exists()
    pickle.loads(pickle.dumps(Bomb(witness)))  # the bomb is a real one
    assert witness.exists()


def test_members_beyond_the_limit_are_not_expanded(tmp_path):
    io.write_record(tmp_path / "m.npz", {"x": np.zeros(1_000_000)}, {})
    assert (tmp_path / "m.npz").stat().st_size < 20_000
    with pytest.raises(FileError, match="limit of 1,000 bytes"):
        io.read_record(tmp_path / "m.npz", max_bytes=1_000)


def test_json_beyond_its_limit_is_not_parsed(record, monkeypatch):
    from partwise.io import records

    monkeypatch.setattr(records, "_MAX_JSON_BYTES", 10)
    with pytest.raises(FileError, match="limit of 10 bytes"):
        io.read_record(record)


def test_an_archive_packed_otherwise_is_refused(record):
    copy = record.with_name("copy.npz")
    with zipfile.ZipFile(record) as archive, zipfile.ZipFile(copy, "w", zipfile.ZIP_BZIP2) as other:
        for name in archive.namelist():
            other.writestr(name, archive.read(name))
    with pytest.raises(FileError, match="packed in a way"):
        io.read_record(copy)
