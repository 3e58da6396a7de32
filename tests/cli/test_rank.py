"""``partwise rank``: the library's search on the command line."""

import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from partwise import NMF, load, read
from partwise.cli.options import _ranks
from partwise.selection import RankSearch
from tests.cli.harness import PROGRAM, assert_refused, partwise, process, write_table

QUICK = ("--replicates", 3, "--folds", 5, "--max-iter", 2000)
RANK = ("rank", "table.csv", "--ranks", "1:4", *QUICK)


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_table(Path("table.csv"), (40, 12))


@pytest.fixture
def search():
    """The same in Python."""
    found = RankSearch(NMF(random_state=0, max_iter=2000), ranks=range(1, 5), n_replicates=3, random_state=0)
    return found.fit(read("table.csv"))


def test_the_command_gives_what_the_library_gives(search):
    done = partwise(*RANK, "--json")
    assert (done.code, done.err) == (0, "")
    facts = done.json
    assert facts["best_rank"] == search.best_rank_ == 3
    assert facts["sentences"] == search.recommendation_.sentences
    assert (facts["source"], facts["shape"], facts["seed"], facts["written"]) == ("table.csv", [40, 12], 0, {})
    assert {name: one["rank"] for name, one in facts["verdicts"].items()} == {
        name: one.rank for name, one in search.verdicts_.items()
    }
    for name, values in search.results_.items():
        given = [np.nan if value is None else value for value in facts["results"][name]]
        np.testing.assert_array_equal(given, values)


def test_all_figures_fit_on_a_narrow_terminal():
    criteria = "held_out,bi_cross_validation,stability,consensus,elbow,bic"
    loss = ("--loss", "kullback-leibler", "--criteria", criteria)
    done = process(*map(str, RANK), *loss, COLUMNS="72")
    assert done.code == 0, done.err
    assert "…" not in done.out


def test_people_read_the_recommendation_a_line_for_each_criterion_and_a_table(search):
    shown = partwise(*RANK).out
    assert shown.startswith("table.csv: 40 rows × 12 columns\n")
    assert search.recommendation_.sentences in shown
    for line in ("  Held-out error: 3 ", "  Stability of the parts: 3 ", "  Consensus of the clusters: "):
        assert line in shown
    lines = shown.splitlines()
    head = next(i for i, line in enumerate(lines) if line.split()[:2] == ["Parts", "Held-out"])
    assert [line.split()[:2] for line in lines[head + 1 : head + 5]][2] == [">", "3"]
    first = lines[head + 1].split()
    assert float(first[1]) == pytest.approx(search.results_["held_out_mean"][0], rel=1e-3)
    assert "…" not in shown
    assert "Nothing was written: --report FILE.html" in shown


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.parquet"])
def test_the_figures_are_written_as_a_table(search, name):
    assert partwise(*RANK, "--out", name).code == 0
    reading = {"csv": pd.read_csv, "tsv": lambda path: pd.read_csv(path, sep="\t"), "parquet": pd.read_parquet}
    table = reading[name[2:]](name).reset_index().set_index("rank")[list(search.results_)[1:]]
    pd.testing.assert_frame_equal(table, search.to_frame(), check_exact=True)


def test_the_model_and_the_report_are_written(search):
    done = partwise(*RANK, "--model", "m.npz", "--report", "r.html", "--json")
    assert done.json["written"] == {"model": "m.npz", "report": "r.html"}
    model = load("m.npz")
    np.testing.assert_array_equal(model.components_, search.best_estimator_.components_)
    assert (model.origin_["source"], model.origin_["n_samples"]) == ("table.csv", 40)
    page = Path("r.html").read_text(encoding="utf-8")
    assert "How many parts are in table.csv?" in page
    assert "partwise rank table.csv --ranks 1:4" in page
    assert "row 39" in page
    assert partwise("transform", "m.npz", "table.csv", "--out", "W.csv").code == 0


def test_criteria_and_parameters_of_the_fit_reach_the_search():
    flags = ("--criteria", "bic,held-out", "--loss", "kullback-leibler", "--seed", 7, "--warm-start", "--jobs", 1)
    facts = partwise("rank", "table.csv", "--ranks", "2,3", *QUICK, *flags, "--held-out-share", 0.2, "--json").json
    estimator = NMF(beta_loss="kullback-leibler", max_iter=2000, random_state=7)
    search = RankSearch(
        estimator, ranks=(2, 3), criteria=("bic", "held_out"), n_replicates=3, folds=5, held_out_share=0.2,
        warm_start=True, random_state=7,
    ).fit(read("table.csv"))  # fmt: skip
    assert facts["decided_by"] == "bic"
    assert facts["seed"] == 7
    for name, values in search.results_.items():
        np.testing.assert_array_equal(facts["results"][name], values)


def test_what_is_missing_or_weighted_counts_as_for_a_fit():
    data = read("table.csv")
    rng = np.random.default_rng(1)
    mask, weights = rng.random(data.shape) < 0.9, rng.uniform(0.5, 2.0, data.shape)
    np.save("mask.npy", mask)
    np.save("weights.npy", weights)
    flags = ("--mask", "mask.npy", "--weights", "weights.npy", "--criteria", "elbow", "--replicates", 2)
    facts = partwise("rank", "table.csv", "--ranks", "1:2", *flags, "--max-iter", 2000, "--json").json
    search = RankSearch(
        NMF(max_iter=2000, random_state=0), ranks=(1, 2), criteria=("elbow",), n_replicates=2, random_state=0
    )
    search.fit(data, mask=mask, weights=weights)
    np.testing.assert_array_equal(facts["results"]["error"], search.results_["error"])


def test_replicates_that_did_not_converge_are_told():
    shown = partwise("rank", "table.csv", "--ranks", "2", "--criteria", "stability", "--max-iter", 2, "--replicates", 4)
    assert (shown.code, shown.err) == (0, "")
    assert "4 of 4 replicates met a limit before they converged: give a larger --max-iter." in shown.out


@pytest.mark.parametrize(
    ("text", "ranks"),
    [("2:5", [2, 3, 4, 5]), ("5", [5]), ("8,2,4", [2, 4, 8]), ("1:3, 3:4,9", [1, 2, 3, 4, 9]), ("3:3", [3])],
)
def test_numbers_of_parts_are_ranges_or_lists(text, ranks):
    assert _ranks(text) == ranks


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], ["Missing option", "--ranks"]),
        *[
            (["--ranks", text], [f"--ranks {text} names no numbers"])
            for text in ("0:3", "5:2", "two", "2-5", "", "1.5")
        ],
        (["--ranks", "1:13"], ["ranks up to 13 cannot be", "(40, 12)"]),
        (["--ranks", "2", "--criteria", "held_out,elbows"], ["'elbows'", "held_out, bi_cross_validation"]),
        (["--ranks", "2", "--criteria", "bic"], ["--loss kullback-leibler"]),
        (["--ranks", "2", "--solver", "cg"], ["--solver cg"]),
        (["--ranks", "2", "-k", "2"], ["No such option"]),
        (["--ranks", "2", "--replicates", "1"], ["--replicates", "at least 2"]),
        (["--ranks", "2", "--held-out-share", "0.5"], ["5 folds that each hold out a share of 0.5"]),
        (["--ranks", "2", "--out", "r.npy"], ["--out r.npy is not named as a table"]),
        (["--ranks", "2", "--report", "r.txt"], ["--report r.txt is not named as a report"]),
        (["--ranks", "2", "--out", "table.csv"], ["--out table.csv would overwrite"]),
        (["--ranks", "2", "--folder", "."], ["is not a folder of results and not empty"]),
        (["--ranks", "2", "--mask", "none.npy"], ["none.npy"]),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(flags, words):
    assert_refused(partwise("rank", "table.csv", *flags), *words)


def test_a_negative_entry_is_named():
    Path("bad.csv").write_text("a,b\n1,2\n3,-4\n5,6\n")
    assert_refused(partwise("rank", "bad.csv", "--ranks", "1"), "row 1, column 1", "column 'b'")


def test_a_folder_is_gone_on_with_and_belongs_to_one_search():
    flags = ("--criteria", "stability,held_out", "--folder", "kept")
    first = partwise("rank", "table.csv", "--ranks", "2:3", *QUICK, *flags, "--json").json
    times = {path: path.stat().st_mtime_ns for path in Path("kept").iterdir()}
    more = partwise("rank", "table.csv", "--ranks", "2:4", *QUICK, *flags, "--json").json
    assert more["folder"] == "kept"
    assert {path: path.stat().st_mtime_ns for path in times} == times
    del first["results"]["held_out_se_of_difference"]  # from the best, which may be another one among more
    for name, values in first["results"].items():
        assert more["results"][name][:2] == values
    refused = partwise("rank", "table.csv", "--ranks", "2", *QUICK, *flags, "--loss", "kullback-leibler")
    assert_refused(refused, "kept holds results with --loss frobenius, and --loss kullback-leibler is asked for")
    assert_refused(partwise("rank", "table.csv", "--ranks", "2", *QUICK, *flags, "--seed", 1), "--seed 0", "--seed 1")


@pytest.mark.parametrize(
    ("flags", "how"),
    [
        ([], "nothing was kept. With --folder DIR the command goes on where it was when it is repeated."),
        (["--folder", "kept"], "kept keeps the fits that had ended: the same command goes on from there."),
    ],
)
def test_ctrl_c_says_how_to_go_on(flags, how, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(RankSearch, "fit", stop)
    done = partwise(*RANK, *flags, "--report", "r.html")
    assert (done.code, done.out, done.err) == (130, "", f"stopped: Interrupted; {how}\n")
    assert not Path("r.html").exists()


def test_a_search_that_was_stopped_goes_on_to_the_same_end():
    np.save("X.npy", np.random.default_rng(0).random((120, 60)))
    flags = ["--criteria", "stability", "--replicates", "10", "--tol", "0", "--max-iter", "400", "--folder", "kept"]
    command = [str(PROGRAM), "rank", "X.npy", "--ranks", "2:30", *flags]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 100
    while len(list(Path().glob("kept/replicates-*"))) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=100)
    assert (running.returncode, out) == (130, "")
    assert err.endswith("kept keeps the fits that had ended: the same command goes on from there.\n")
    kept = {path: path.stat().st_mtime_ns for path in Path("kept").iterdir()}
    ranks = ("rank", "X.npy", "--ranks", "2:3")
    after = partwise(*ranks, *flags, "--json")
    afresh = partwise(*ranks, *flags[:-2], "--json")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert after.json["results"] == afresh.json["results"]


def test_away_from_a_terminal_there_is_no_bar_and_no_colour():
    done = process("rank", "table.csv", "--ranks", "2", "--criteria", "stability", *map(str, QUICK))
    assert (done.code, done.err) == (0, "")
    assert "\x1b" not in done.out


def test_json_has_null_where_there_is_no_number():
    done = partwise("rank", "table.csv", "--ranks", "1", "--criteria", "stability", *QUICK, "--json")
    assert done.code == 0
    assert json.loads(done.out)["results"]["silhouette_mean"] == [None]
