"""Replicates: matched, repeatable, and resumed without work done twice."""

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from partwise import NMF, Dataset
from partwise._errors import DataError, FileError, ParameterError
from partwise.selection import Replicates, replicate
from partwise.selection import replicates as room
from partwise.selection._folder import fingerprint
from tests.reference import selection as reference
from tests.reference.matrices import counts, noisy

X = noisy(50, 24, 4)
KL = NMF(beta_loss="kullback-leibler", max_iter=500)


def same(a: Replicates, b: Replicates) -> bool:
    """Bit for bit."""
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("W", "H", "objective", "n_iter"))


@pytest.fixture(scope="module")
def found() -> Replicates:
    return replicate(X, 5, n=12, random_state=0)


def test_every_start_is_kept(found: Replicates) -> None:
    assert (found.W.shape, found.H.shape, found.objective.shape) == ((12, 50, 5), (12, 5, 24), (12,))
    for W, H, objective in zip(found.W, found.H, found.objective, strict=True):
        assert 0.5 * np.sum((X - W @ H) ** 2) == pytest.approx(objective, rel=1e-9)
    assert len(set(found.objective)) == 12


def test_parts_stand_in_the_order_of_the_best(found: Replicates) -> None:
    best = found.H[found.best]
    assert found.objective[found.best] == found.objective.min()
    for H, similarity in zip(found.H, found.similarity, strict=True):
        order, score = reference.best_matching(best, H)
        assert similarity.sum() == pytest.approx(score)
        assert order == tuple(range(5))
    np.testing.assert_allclose(found.similarity[found.best], 1.0)


def test_stability_is_the_mean_cosine_over_pairs(found: Replicates) -> None:
    np.testing.assert_allclose(found.stability, reference.stability(found.H))
    np.testing.assert_allclose(found.silhouettes, reference.silhouettes(found.H))


def test_the_typical_one_is_nearest_to_the_mean(found: Replicates) -> None:
    units = found.H / np.linalg.norm(found.H, axis=2, keepdims=True)
    mean = units.mean(axis=0)
    scores = [sum(reference.cosine(a, b) for a, b in zip(H, mean, strict=True)) for H in found.H]
    assert found.typical == int(np.argmax(scores))


def test_a_seed_repeats_bit_for_bit(found: Replicates) -> None:
    assert same(found, replicate(X, 5, n=12, random_state=0))
    assert not same(found, replicate(X, 5, n=12, random_state=1))
    assert same(found, replicate(X, 5, n=12, estimator=NMF(random_state=0)))


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_processes_and_threads_give_the_same_bits(found: Replicates, backend: str) -> None:
    with joblib.parallel_config(backend):
        assert same(found, replicate(X, 5, n=12, n_jobs=2, random_state=0))


def test_the_first_starts_do_not_depend_on_how_many_follow() -> None:
    few, many = replicate(X, 3, n=10, random_state=0), replicate(X, 3, n=20, random_state=0)
    np.testing.assert_array_equal(few.objective, many.objective[:10])


@pytest.mark.parametrize("estimator", [KL, NMF(beta_loss=0.5, max_iter=300), NMF(solver="bpp"), NMF(alpha_W=1e-3)])
def test_any_loss_and_masks_too(estimator: NMF) -> None:
    mask = np.random.default_rng(0).random(X.shape) < 0.9
    found = replicate(X + 0.1, 3, n=3, estimator=estimator, mask=mask, random_state=0)
    assert np.isfinite(found.objective).all()
    holes = replicate(np.where(mask, X + 0.1, np.nan), 3, n=3, estimator=estimator, random_state=0)
    assert same(found, holes)


def test_nothing_is_dropped_and_the_estimator_stays_as_it_is() -> None:
    estimator = NMF(7, n_init=3, drop_losers=True, random_state=3)
    before = estimator.get_params()
    assert replicate(X, 2, n=4, estimator=estimator).converged.all()
    assert estimator.get_params() == before


@pytest.mark.parametrize(
    "container", [sp.csr_array, sp.csc_matrix, sp.coo_array, pd.DataFrame, Dataset], ids=lambda one: one.__name__
)
def test_containers_agree(container: Any) -> None:
    Y = counts(40, 20, 0.4).toarray().astype(float)
    dense, other = (replicate(x, 3, n=3, random_state=0) for x in (Y, container(Y)))
    np.testing.assert_allclose(dense.objective, other.objective, rtol=1e-6)


# --- folders ----------------------------------------------------------------------------------------------------------


class Stop(Exception):
    """Stands for a computer that is switched off."""


def test_what_was_stopped_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = replicate(X, 3, n=30, random_state=0)
    fitted = []
    fit = room._fit_batch

    def twice(*arguments: Any) -> Any:
        if len(fitted) == 2:
            raise Stop
        fitted.append(arguments[0].random_state)
        return fit(*arguments)

    monkeypatch.setattr(room, "_fit_batch", twice)
    with pytest.raises(Stop):
        replicate(X, 3, n=30, random_state=0, folder=tmp_path / "kept")
    again = []
    monkeypatch.setattr(
        room, "_fit_batch", lambda *arguments: again.append(arguments[0].random_state) or fit(*arguments)
    )
    resumed = replicate(X, 3, n=30, random_state=0, folder=tmp_path / "kept")
    assert len(fitted) == 2
    assert len(again) == 1
    assert not set(fitted) & set(again)
    assert same(whole, resumed)
    monkeypatch.setattr(room, "_fit_batch", lambda *_: pytest.fail("Nothing is left to fit."))
    assert same(whole, replicate(X, 3, n=30, folder=tmp_path / "kept"))


def test_a_folder_lends_its_seed(tmp_path: Path) -> None:
    first = replicate(X, 2, n=3, folder=tmp_path / "a")
    assert same(first, replicate(X, 2, n=3, folder=tmp_path / "a"))


def test_a_folder_knows_numbers_of_numpy(tmp_path: Path) -> None:
    one, other = (
        replicate(X, 2, n=2, estimator=NMF(tol=tol), random_state=0, folder=tmp_path)
        for tol in (1e-3, np.float64(1e-3))
    )
    np.testing.assert_array_equal(one.H, other.H)


def test_a_folder_of_other_data_is_refused(tmp_path: Path) -> None:
    replicate(X, 2, n=2, random_state=0, folder=tmp_path)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in tmp_path.iterdir())
    other = X.copy()
    other[3, 4] += 1e-9
    for arguments in ({"X": other}, {"X": X, "mask": X > 0.1}, {"X": X, "weights": np.ones(50)}):
        with pytest.raises(DataError, match="holds results of other data"):
            replicate(k=2, n=2, random_state=0, folder=tmp_path, **arguments)
    with pytest.raises(ParameterError, match=r"holds results with random_state=0, and random_state=1 is asked for"):
        replicate(X, 2, n=2, random_state=1, folder=tmp_path)
    with pytest.raises(ParameterError, match=r"holds results with tol=0\.0001, and tol=0\.1 is asked for"):
        replicate(X, 2, n=2, estimator=NMF(tol=0.1), random_state=0, folder=tmp_path)
    assert before == sorted((path.name, path.stat().st_mtime_ns) for path in tmp_path.iterdir())


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years")
    with pytest.raises(FileError, match="not a folder of results and not empty"):
        replicate(X, 2, n=2, folder=tmp_path)
    with pytest.raises(FileError, match="not a folder of results"):
        replicate(X, 2, n=2, folder=tmp_path / "thesis.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_truncated_result_is_said(tmp_path: Path) -> None:
    replicate(X, 2, n=2, random_state=0, folder=tmp_path)
    (file,) = tmp_path.glob("replicates-*.npz")
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(FileError, match=f"{file.name}.* Delete it, and what it held is computed anew"):
        replicate(X, 2, n=2, random_state=0, folder=tmp_path)


def test_the_fingerprint_is_that_of_the_values() -> None:
    dense = counts(20, 10, 0.4).toarray().astype(float)
    csr = sp.csr_array(dense)
    assert fingerprint(csr) == fingerprint(sp.csc_matrix(dense)) == fingerprint(sp.coo_array(dense))
    assert fingerprint(dense) == fingerprint(Dataset(dense)) == fingerprint(np.asfortranarray(dense))
    assert fingerprint(dense) == fingerprint(pd.DataFrame(dense))
    assert fingerprint(dense) != fingerprint(dense.astype(np.float32))
    assert fingerprint(np.ma.masked_equal(dense, 0)) != fingerprint(dense)


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 0, -3, 2.5, True, "ten"])
def test_one_replicate_cannot_be_compared(n: Any) -> None:
    with pytest.raises(ParameterError, match="replicates cannot be compared with each other: give an integer ≥ 2"):
        replicate(X, 2, n=n)


def test_starts_have_to_differ() -> None:
    with pytest.raises(ParameterError, match="init='custom' is one start"):
        replicate(X, 2, n=3, estimator=NMF(init="custom"))
    with pytest.raises(ParameterError, match="does not depend on the seed"):
        replicate(X, 2, n=3, estimator=NMF(init="nndsvd"))


def test_a_bar_is_shown_on_a_terminal_where_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    replicate(X, 2, n=2, random_state=0, progress=True)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes that for a terminal
    replicate(X, 2, n=2, random_state=0)
    assert capsys.readouterr() == ("", "")
    replicate(X, 2, n=2, random_state=0, progress=True)
    assert "1 of 1 pieces" in capsys.readouterr().err
