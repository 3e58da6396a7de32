"""The benchmarks measure what they say, on tiny problems; what they print is made of records as it should be."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from benchmarks import __main__ as command
from benchmarks import kernels, measure, processes, programs, ranks, search
from benchmarks.curves import curves_page
from benchmarks.figures import draw_curves, draw_growth
from benchmarks.growth import exponent, growth_page
from benchmarks.limit import limit_page, measure_limit
from benchmarks.objective import objective
from benchmarks.problems import PROBLEMS, start
from benchmarks.processes import ask
from benchmarks.programs import Program, Task
from benchmarks.records import Records
from benchmarks.targets import REQUIRED, targets_page
from partwise import NMF

TINY = ["tiny", "tiny-sparse"]
MODULES = {"nimfa": "nimfa", "torchnmf": "torchnmf", "nmf-torch": "nmf", "nn-fac": "nn_fac", "tensorly": "tensorly"}


def fits(program: str, problem: str, *limits: tuple[int | None, float | None], dtype: str = "float64") -> list[Any]:
    return list(measure.measure(program, problem, dtype, 0, list(limits), 60))


@pytest.mark.parametrize("problem", TINY)
def test_objective_is_half_the_squared_residual_of_dense_and_sparse_data(problem: str) -> None:
    X = PROBLEMS[problem].matrix()
    W, H = start(X, 4, 0)
    dense = X if isinstance(X, np.ndarray) else X.toarray()
    assert objective(X, W, H) == pytest.approx(0.5 * np.linalg.norm(dense - W @ H) ** 2)


@pytest.mark.parametrize("problem", TINY)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_null_program_returns_the_start(problem: str, dtype: str) -> None:
    X = PROBLEMS[problem].matrix()
    (line,) = fits("null", problem, (None, None), dtype=dtype)
    assert line["objective"] == pytest.approx(objective(X, *start(X.astype(dtype), 4, 0)))
    assert line["n_iter"] == 0


@pytest.mark.parametrize("problem", TINY)
@pytest.mark.parametrize("program", ["partwise", "scikit-learn cd", "scikit-learn mu"])
def test_more_iterations_from_the_same_start_end_lower(program: str, problem: str) -> None:
    few, many = fits(program, problem, (2, 0.0), (30, 0.0))
    (begin,) = fits("null", problem, (1, 0.0))
    assert begin["objective"] > few["objective"] > many["objective"]
    assert (few["n_iter"], many["n_iter"]) == (2, 30)


@pytest.mark.parametrize("program", MODULES)
def test_a_rival_fits_or_says_in_a_sentence_why_not(program: str) -> None:
    pytest.importorskip(MODULES[program])
    (begin,) = fits("null", "tiny-sparse", (1, 0.0))
    request = {"program": program, "problem": "tiny-sparse", "dtype": "float64", "seed": 0}
    line = ask("measure", {**request, "limits": [[20, 0.0]], "budget": 10})[-1]
    assert "failure" in line or line["objective"] < begin["objective"]


@pytest.mark.parametrize("program", ["partwise", "scikit-learn cd", "scikit-learn mu"])
def test_every_fit_begins_at_the_same_start_though_programs_write_into_theirs(program: str) -> None:
    first, second = fits(program, "tiny", (3, 0.0), (3, 0.0))
    assert first["objective"] == second["objective"]


def test_a_dense_program_gets_small_sparse_data_as_an_array_and_refuses_large() -> None:
    dense = Program("", "", lambda task: (task.W, task.H, 0), sparse=False)
    small, large = sp.csr_array((10, 20)), sp.csr_array((100_000, 100_000))
    assert isinstance(measure.given(dense, small, "float64"), np.ndarray)
    assert "dense arrays only" in measure.given(dense, large, "float64")


def test_a_program_that_is_not_installed_or_fails_gives_a_reason(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def absent(task: Task) -> Any:
        import no_such_program  # noqa: F401

    monkeypatch.setitem(programs.PROGRAMS, "absent", Program("", "", absent))
    request = {"program": "absent", "problem": "tiny", "dtype": "float64", "seed": 0, "limits": [[1, 0]], "budget": 1}
    monkeypatch.setattr("sys.argv", ["measure", json.dumps(request)])
    measure.main()
    assert json.loads(capsys.readouterr().out) == {"failure": "no_such_program is not installed."}


def test_a_process_that_breaks_off_gives_a_reason() -> None:
    assert "exit code" in ask("no_such_module", {})[-1]["failure"]


def test_a_child_process_runs_with_the_threads_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    environment = processes.environment()
    assert environment["OMP_NUM_THREADS"] == environment["NUMBA_NUM_THREADS"] == "2"
    assert "OPENBLAS_CORETYPE" not in environment


def test_the_search_finds_the_fewest_iterations() -> None:
    (wanted,) = (line["objective"] for line in fits("partwise", "tiny", (7, 0.0)))
    found, never = search.search("tiny", "float64", 0, [wanted, 0.0])
    assert found["max_iter"] <= 7
    assert found["objective"] <= wanted
    (before,) = fits("partwise", "tiny", (found["max_iter"] - 1, 0.0))
    assert before["objective"] > wanted
    assert never["max_iter"] is None


def in_process(module: str, request: dict[str, Any], timeout: float = 0) -> list[Any]:
    return list({"measure": measure.measure, "search": search.search}[module](**request))


def test_the_command_measures_and_writes_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.targets.ask", in_process)
    monkeypatch.setattr("benchmarks.curves.ask", in_process)
    options = ["--problems", "tiny", "--seeds", "0", "--dtypes", "float64", "--out", str(tmp_path)]
    command.main(["targets", *options])
    command.main(["rivals", *options, "--programs", "null", "scikit-learn cd", "--budget", "0.1"])
    assert "Synthetic 300 × 40" in (tmp_path / "targets.md").read_text(encoding="utf-8")
    assert "scikit-learn cd" in (tmp_path / "rivals.md").read_text(encoding="utf-8")
    assert (tmp_path / "curve-tiny.png").stat().st_size < 200_000


def test_problems_without_data_are_skipped_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any
) -> None:
    monkeypatch.setenv("PARTWISE_DATA", str(tmp_path))
    command.main(["limits", "--problems", "orl", "--out", str(tmp_path)])
    assert "ORL faces skipped" in capsys.readouterr().out


# -- pages of made-up records --------------------------------------------------------------------------------------


def target(problem: str, dtype: str, seed: int, seconds: float, objective: float = 1.0) -> dict[str, Any]:
    ours = {"seconds": seconds, "objective": objective, "n_iter": 20, "extra_mib": 5.0}
    theirs = {"seconds": 10.0, "objective": 1.0, "n_iter": 200, "extra_mib": 7.0}
    key = {"problem": problem, "dtype": dtype, "seed": seed}
    return {**key, "baseline": theirs, "own": theirs, "near": ours, "same": ours, "default": ours}


def test_the_target_page_shows_ratios_medians_and_whether_they_are_met() -> None:
    records = [target("orl", "float64", seed, seconds) for seed, seconds in enumerate((0.5, 1.0, 2.0))]
    page = targets_page([*records, target("cbcl", "float64", 0, 10.0, objective=1.002)])
    orl, cbcl = (next(line for line in page.splitlines() if title in line) for title in ("ORL", "CBCL"))
    assert "| **10.0** | ≥ 8 | yes |" in orl
    assert "| **1** | ≥ 8 | no |" in cbcl
    assert "geometric mean of 2" in page
    assert "1.00200" in page


def test_the_target_page_has_a_geometric_mean_over_all_problems() -> None:
    page = targets_page([target(problem, "float32", 0, 0.5) for problem in REQUIRED])
    assert "| geometric mean |  | float32 |  |  |  |  | **20.0** | ≥ 18 | yes |" in page


def test_the_target_page_says_what_was_not_reached() -> None:
    record = target("orl", "float64", 0, 1.0)
    record["same"] = {"max_iter": None, "objective": 1.0005}
    assert "1.00050 × after" in targets_page([record])


def curve(program: str, points: list[tuple[int, float, float]], **more: Any) -> dict[str, Any]:
    keys = ("max_iter", "seconds", "objective")
    lines = [{**dict(zip(keys, point, strict=True)), "extra_mib": 1.0} for point in points]
    return {"program": program, "problem": "tiny", "dtype": "float64", "seed": 0, "points": lines, **more}


def test_the_rivals_page_shows_times_to_targets_notes_and_failures(tmp_path: Path) -> None:
    records = [
        curve("partwise", [(1, 0.1, 1.04), (5, 0.3, 1.0)]),
        curve("nmf-torch", [(10, 2.0, 1.02)]),
        curve("nimfa", [], failure="nimfa is not installed."),
    ]
    page = curves_page(records, {"tiny": "curve-tiny.png"})
    assert "| partwise | float64 | 0.1 | 0.3 | 0.3 | 0.3 | 5 |" in page
    assert "its own random start" in page
    assert "nimfa is not installed." in page
    draw_curves("tiny", records, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").exists()


def test_the_newest_record_of_a_key_counts(tmp_path: Path) -> None:
    records = Records(tmp_path / "raw.jsonl")
    for ratio in (1.0, 2.0):
        records.add("limit", problem="orl", dtype="float64", ratio=ratio)
    assert [record["ratio"] for record in records.newest("limit")] == [2.0]


def test_growth_is_fitted_and_drawn(tmp_path: Path) -> None:
    records = [{"axis": "rows", "size": size, "seconds": 1e-6 * size} for size in (10_000, 100_000, 1_000_000)]
    assert exponent(records, "rows") == pytest.approx(1.0)
    draw_growth(records, tmp_path / "growth.png")
    assert "**1.00**" in growth_page(records, "growth.png")


@pytest.mark.parametrize("problem", TINY)
def test_the_limit_is_a_ratio_of_an_iteration_to_its_products(problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.limit.ROUNDS", 1)
    line = measure_limit(problem, "float64")
    assert line["ratio"] > 0
    assert PROBLEMS[problem].title in limit_page([{"problem": problem, "dtype": "float64", **line}])


# -- base against head ---------------------------------------------------------------------------------------------


class Fake:
    def __init__(self, *seconds: float) -> None:
        self.answers = list(seconds)

    def seconds(self, case: str) -> float:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer == 0:
            raise RuntimeError("no such kernel")
        return answer


@pytest.mark.parametrize(
    ("base", "head", "slower", "words"),
    [
        (Fake(1.0), Fake(1.1), False, "1.10"),
        (Fake(1.0), Fake(1.5), True, "SLOWER"),
        (Fake(1.0), Fake(*[9.0] * kernels.PAIRS, 1.0), False, "1.00"),
        (Fake(0.0), Fake(1.0), False, "not compared: no such kernel"),
    ],
)
def test_a_kernel_that_stays_slower_is_noticed(base: Any, head: Any, slower: bool, words: str) -> None:
    cells, found = kernels.compare(base, head, "csr_times float64", 1.25)
    assert found is slower
    assert words in " ".join(cells)


def test_a_version_times_its_cases_in_a_process() -> None:
    version = kernels.Version(processes.ROOT)
    assert version.seconds("csr_times float32") > 0
    with pytest.raises(RuntimeError, match="KeyError"):
        version.seconds("nothing float64")
    version.close()


def test_the_time_to_a_median_is_that_of_all_batches() -> None:
    first = [(1.0, [9.0, 9.0]), (2.0, [4.0, 5.0]), (3.0, [1.0, 1.0])]
    second = [(0.5, [8.0, 8.0]), (1.0, [2.0, 6.0])]
    assert ranks.time_to(5, [first, second]) == 3.0
    assert ranks.time_to(2, [first, second]) == 4.0
    assert np.isnan(ranks.time_to(0.5, [first, second]))


def test_replicates_are_timed_beside_scikit_learn() -> None:
    X = np.random.default_rng(0).random((40, 20))
    with ranks.courses() as found:
        done = ranks.replicate(X, 3, 12, estimator=ranks.SEARCHES["leukaemia"].ours(), random_state=0)
    assert [len(course[0][1]) for course in found] == [10, 2]
    assert ranks.time_to(1.001 * float(np.median(done.objective)), found) > 0
    pair = ranks.measure(ranks.Search("", lambda: X, [2], 2, NMF, ranks.SEARCHES["cells"].theirs), X, 2)
    assert 0.9 < pair.our_objectives.min() / pair.their_objectives.min() < 1.1
