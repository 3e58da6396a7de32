"""A fit: what it writes, prints and passes on."""

import errno
import inspect
import os
import shlex
from dataclasses import fields

import numpy as np
import pytest

from partwise import NMF, load, read
from partwise.cli.options import Fitting, Reading
from partwise.io import ReadOptions
from tests.cli.harness import assert_one_sentence, assert_refused, partwise, write_table


@pytest.fixture
def table(tmp_path):
    return write_table(tmp_path / "table.csv")


def test_everything_asked_for_is_written_where_it_was_asked_for(table, tmp_path):
    folder = tmp_path / "new" / "folder"
    files = {"out": "m.npz", "report": "r.html", "w": "W.tsv.gz", "h": "H.parquet"}
    flags = [word for option, name in files.items() for word in (f"--{option}", folder / name)]
    fit = partwise("fit", table, "-k", 3, *flags, "--json")
    assert (fit.code, fit.err) == (0, "")
    assert fit.json["written"] == {option: str(folder / name) for option, name in files.items()}
    model, data = load(folder / "m.npz"), read(table)
    H, W = read(folder / "H.parquet"), read(folder / "W.tsv.gz")
    np.testing.assert_array_equal(H.X, model.components_)
    assert (H.row_names, H.column_names) == (("nmf0", "nmf1", "nmf2"), data.column_names)
    assert (W.row_names, W.column_names) == (data.row_names, ("nmf0", "nmf1", "nmf2"))
    np.testing.assert_array_equal(W.X, NMF(3, random_state=0).fit_transform(data))
    page = (folder / "r.html").read_text()
    assert "column 7" in page
    assert fit.json["command"].startswith("partwise fit ")


def test_json_tells_what_the_model_tells(table):
    facts = partwise("fit", table, "-k", 3, "--json").json
    model = NMF(3, random_state=0).fit(read(table))
    assert facts["shape"] == [30, 8]
    assert facts["n_components"] == 3
    assert facts["n_iter"] == model.n_iter_
    assert facts["status"] == model.status_ == "converged"
    assert facts["reason"] == model.stop_reason_
    assert facts["relative_error"] == model.relative_error_
    assert facts["objective"] == model.history_["objective"][-1]
    assert [part["share"] for part in facts["parts"]] == model.shares_.tolist()
    top = [[(word["feature"], word["weight"]) for word in part["top"]] for part in facts["parts"]]
    assert top == model.top_features(10)
    assert facts["written"] == {}


def test_people_read_a_summary(table, tmp_path):
    fit = partwise("fit", table, "-k", 3, "--out", tmp_path / "m.npz")
    assert (fit.code, fit.err) == (0, "")
    for words in ("30 rows × 8 columns in 3 parts", "Relative error", "converged", "nmf2", "column 7", "m.npz"):
        assert words in fit.out
    assert "Nothing was written" in partwise("fit", table, "-k", 3).out


def test_what_was_recognised_is_told_by_fit_and_info(tmp_path):
    table = tmp_path / "genes.tsv"
    table.write_text("gene\t1\t2\t3\nTP53\t5\t0\t2\nMYC\t0\t1\t1\nKRAS\t2\t2\t2\n")
    fit = ["fit", table, "-k", 1, "--out", tmp_path / "m.npz"]
    assert partwise(*fit, "--json").json["recognised"] == {"header": "yes", "row names": "from 'gene'"}
    for shown in (partwise(*fit), partwise("info", tmp_path / "m.npz")):
        assert "header: yes, row names: from 'gene'" in shown.out


def test_small_parts_are_summed_up(tmp_path):
    table = write_table(tmp_path / "wide.csv", (40, 30))
    fit = partwise("fit", table, "-k", 15, "--max-iter", 5)
    assert "and 3 more with" in fit.out


def test_the_command_kept_with_the_model_repeats_the_fit(tmp_path):
    table = write_table(tmp_path / "odd $name; 'x'.csv")
    model = tmp_path / "model.npz"
    partwise("fit", table, "-k", 3, "--init", "random", "--out", model, "--report", tmp_path / "r.html")
    first = model.read_bytes()
    command = load(model).origin_["command"]
    assert partwise(*shlex.split(command)[1:]).code == 0
    second = load(model)
    assert second.components_.tobytes() == load_bytes(first, tmp_path).components_.tobytes()


def load_bytes(content, folder):
    (folder / "before.npz").write_bytes(content)
    return load(folder / "before.npz")


def test_parameters_reach_the_estimator(table, tmp_path):
    flags = "--seed 3 --init random --solver bpp --n-init 2 --max-iter 50 --max-time 60 --tol 0.001 "
    flags += "--alpha-w 0.01 --alpha-h 0.02 --l1-ratio 0.5 --threads 1 --coarse no --no-drop-losers"
    fit = partwise("fit", table, "-k", 2, *flags.split(), "--out", tmp_path / "m.npz")
    assert fit.code == 0, fit.err
    expected = {
        **{"n_components": 2, "random_state": 3, "init": "random", "solver": "bpp", "n_init": 2, "max_iter": 50},
        **{"max_time": 60.0, "tol": 0.001, "alpha_W": 0.01, "alpha_H": 0.02, "l1_ratio": 0.5, "n_threads": 1},
        **{"beta_loss": "frobenius", "verbose": 0, "shuffle": False, "coarse": False, "drop_losers": False},
        "implicit_zeros": "observed",
    }
    assert load(tmp_path / "m.npz").get_params() == expected


def test_coarse_takes_three_answers(table):
    assert partwise("fit", table, "-k", 2, "--coarse", "yes").code == 0
    assert_refused(partwise("fit", table, "-k", 2, "--coarse", "perhaps"), "choose auto, yes or no")


def test_the_options_are_those_of_the_library_with_its_defaults():
    names = {"loss": "beta_loss", "seed": "random_state", "alpha_w": "alpha_W", "alpha_h": "alpha_H"}
    names["threads"] = "n_threads"
    ours = {names.get(field.name, field.name): field.default for field in fields(Fitting)}
    library = inspect.signature(NMF).parameters
    told_by_missing = {"implicit_zeros"}
    assert ours.keys() == library.keys() - {"n_components", "verbose", "shuffle"} - told_by_missing
    assert ours.pop("random_state") == 0  # a command that is given again should give the same again
    assert ours == {name: library[name].default for name in ours}


def test_the_reading_options_are_those_of_the_library_with_its_defaults():
    taken_from_the_model, of_weights = {"vocabulary", "idf"}, {"column"}
    known = {field.name for field in fields(ReadOptions)}
    assert {field.name for field in fields(Reading)} == known - taken_from_the_model - of_weights
    assert Reading().options() == ReadOptions()


def test_reading_options_reach_the_reader(tmp_path):
    words = tmp_path / "stop.txt"
    words.write_text("the\nof\n")
    flags = Reading(
        image_shape="4x5x3",
        min_df="0.5",
        max_df="7",
        norm="none",
        stop_words=str(words),
        ngram_range=(1, 2),
        header=False,
    )
    expected = ReadOptions(
        image_shape=(4, 5, 3),
        min_df=0.5,
        max_df=7,
        norm=None,
        stop_words=("the", "of"),
        ngram_range=(1, 2),
        header=False,
    )
    assert flags.options() == expected


def test_warnings_are_lines_and_no_errors(table):
    fit = partwise("fit", table, "-k", 9, "--json")
    assert fit.code == 0
    assert fit.err.count("\n") == 1
    assert fit.err.startswith("warning: -k 9 exceeds min(n_samples, n_features) = 8")
    assert fit.json["n_components"] == 9


def test_a_zero_matrix_fits_with_one_warning(tmp_path):
    np.save(tmp_path / "zeros.npy", np.zeros((4, 3)))
    fit = partwise("fit", tmp_path / "zeros.npy", "-k", 2, "--json")
    assert fit.code == 0
    assert fit.err == "warning: All entries of X are zero: so are all parts and coefficients.\n"
    assert fit.json["relative_error"] == 0
    shown = partwise("fit", tmp_path / "zeros.npy", "-k", 2)
    assert shown.code == 0
    assert "nothing to explain" in shown.out
    assert "100" not in shown.out


def test_limits_are_told_in_the_result_and_not_twice(table):
    fit = partwise("fit", table, "-k", 3, "--max-iter", 1)
    assert (fit.code, fit.err) == (0, "")
    assert "max_iter" in fit.out


def test_names_that_spreadsheets_would_run_are_guarded(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text(",=SUM(A1),+1,-x,@y\n=cmd,1,2,3,4\n@row,2,3,4,1\nplain,1,0,1,0\n")
    W, H = tmp_path / "W.csv", tmp_path / "H.csv"
    assert partwise("fit", table, "-k", 2, "--w", W, "--h", H).code == 0
    assert [line.split(",")[0] for line in W.read_text().splitlines()[1:]] == ['"\'=cmd"', '"\'@row"', '"plain"']
    assert H.read_text().splitlines()[0] == '"","\'=SUM(A1)","\'+1","\'-x","\'@y"'


HOSTILE = "</script><img src=x onerror=alert(1)>\"'"


def test_hostile_names_are_text_in_the_report_and_harmless_on_a_terminal(tmp_path):
    table = tmp_path / "table.tsv"
    rows = [["", HOSTILE, "b\x1b[31m", "c"], [HOSTILE, "1", "2", "3"], ["two", "3", "2", "1"], ["three", "1", "0", "1"]]
    quoted = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row] for row in rows[:1]]
    lines = quoted + [[f'"{row[0].replace(chr(34), chr(34) * 2)}"', *row[1:]] for row in rows[1:]]
    table.write_text("\n".join(map("\t".join, lines)))
    fit = partwise("fit", table, "-k", 2, "--report", tmp_path / "r.html")
    assert fit.code == 0, fit.err
    page = (tmp_path / "r.html").read_text()
    assert "<img src=x" not in page
    assert "onerror=alert(1)" in page
    assert "\x1b" not in fit.out
    assert "b\\x1b[31m" in fit.out


# --- where it may not write ---------------------------------------------------------------------------------------


def test_the_input_is_never_overwritten(table, tmp_path):
    before = table.read_bytes()
    (tmp_path / "link.csv").symlink_to(table)
    for target in (table, tmp_path / "link.csv", tmp_path / "x" / ".." / "table.csv"):
        (tmp_path / "x").mkdir(exist_ok=True)
        assert_refused(partwise("fit", table, "-k", 2, "--w", target), "overwrite")
    assert table.read_bytes() == before


def test_two_outputs_need_two_files(table, tmp_path):
    assert_refused(
        partwise("fit", table, "-k", 2, "--w", tmp_path / "f.csv", "--h", tmp_path / "f.csv"), "--w and --h are both"
    )


@pytest.mark.parametrize("option", ["--out", "--w", "--h", "--report"])
def test_what_could_not_be_written_is_said_before_the_fit(option, table, tmp_path, monkeypatch):
    monkeypatch.setattr(NMF, "fit_transform", lambda *_, **__: pytest.fail("the fit has begun"))
    suffix, what = {"--out": (".npz", "model"), "--report": (".html", "report")}.get(option, (".csv", "table"))
    (tmp_path / "file").write_text("")
    assert_refused(partwise("fit", table, "-k", 2, option, tmp_path / "file" / f"W{suffix}"), "cannot be made")
    (tmp_path / f"folder{suffix}").mkdir()
    assert_refused(partwise("fit", table, "-k", 2, option, tmp_path / f"folder{suffix}"), "no ordinary file")
    assert_refused(partwise("fit", table, "-k", 2, option, tmp_path / "W.xlsx"), f"not named as a {what}", suffix)


def test_the_old_file_survives_a_full_disk_and_the_others_are_written(table, tmp_path, monkeypatch):
    model, W = tmp_path / "m.npz", tmp_path / "W.csv"
    model.write_text("old")
    flush, calls = os.fsync, []

    def full_at_first(descriptor):
        calls.append(descriptor)
        if len(calls) == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", full_at_first)
    fit = partwise("fit", table, "-k", 2, "--out", model, "--w", W, "--json")
    assert fit.code == 2
    assert_one_sentence(fit.err, "m.npz", "No space left on device")
    assert model.read_text() == "old"
    assert fit.json["written"] == {"w": str(W)}
    assert len(read(W).X) == 30
    assert sorted(path.name for path in tmp_path.iterdir()) == ["W.csv", "m.npz", "table.csv"]
