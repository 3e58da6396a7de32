"""Where fits start: custom starts, shuffled ones, several ones, and those of scikit-learn."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.decomposition._nmf import _initialize_nmf

from partwise import NMF, replicates
from partwise.estimators import fitting
from partwise.init import INITS
from tests.reference.matrices import counts, noisy

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = noisy(60, 20, 4)


def start(seed: int = 0, k: int = 4) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"W": rng.random((60, k)), "H": rng.random((k, 20))}


def test_a_custom_start_keeps_the_users_order() -> None:
    """From the solution with its parts turned round, the fit ends at that solution, turned round."""
    solved = NMF(4, random_state=0, tol=1e-8, max_iter=3000)
    W = solved.fit_transform(X)
    H = solved.components_
    again = NMF(4, init="custom", tol=1e-6, max_iter=50)
    found = again.fit_transform(X, W=W[:, ::-1], H=H[::-1])
    np.testing.assert_allclose(again.components_, H[::-1], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(found, W[:, ::-1], rtol=1e-2, atol=1e-3)
    assert (np.diff(again.shares_) > 0).any()


def test_a_custom_start_keeps_the_users_scale() -> None:
    plain = NMF(4, init="custom", tol=0, max_iter=1).fit(X, **start())
    assert not np.allclose(plain.components_.sum(axis=1), 1)


def test_shuffling_keeps_the_users_order_and_changes_the_way() -> None:
    """From near the solution, where each part stays what it is."""
    solved = NMF(4, random_state=0, tol=1e-8, max_iter=3000)
    W = solved.fit_transform(X)
    given = {"W": 1.1 * W + 0.01, "H": solved.components_ + 0.001}
    plain = NMF(4, init="custom", tol=0, max_iter=3).fit(X, **given)
    shuffled = NMF(4, init="custom", tol=0, max_iter=3, shuffle=True, random_state=1).fit(X, **given)
    assert not np.array_equal(shuffled.components_, plain.components_)
    for model in (plain, shuffled):
        distances = np.linalg.norm(model.components_[:, None] - given["H"][None], axis=2)
        assert np.argmin(distances, axis=1).tolist() == [0, 1, 2, 3]


def test_shuffling_depends_on_the_seed_and_repeats_with_it() -> None:
    def fitted(seed: int, shuffle: bool) -> np.ndarray:
        return NMF(4, init="spa", random_state=seed, shuffle=shuffle, tol=0, max_iter=10).fit(X).components_

    np.testing.assert_array_equal(fitted(0, True), fitted(0, True))
    assert not np.array_equal(fitted(0, True), fitted(1, True))
    np.testing.assert_array_equal(fitted(0, False), fitted(1, False))


@pytest.mark.parametrize("solver", ["cd", "bpp"])
def test_the_best_of_several_starts_is_kept(solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It equals the best of single fits from the starts that were drawn."""
    drawn = []

    original = fitting.starts_of

    def remembered(*arguments: object) -> list[fitting.Start]:
        drawn.extend(original(*arguments))  # type: ignore[arg-type]
        return drawn

    monkeypatch.setattr("partwise.estimators.fitting.starts_of", remembered)
    data = counts(60, 20, 0.3).toarray().astype(float)
    options = {"solver": solver, "tol": 1e-5, "max_iter": 400}
    several = NMF(4, n_init=6, drop_losers=False, random_state=3, **options).fit(data)
    monkeypatch.undo()
    assert len(drawn) == 6
    singles = []
    for one in drawn:
        model = NMF(4, init="custom", **options)
        singles.append(model.fit(data, W=one.W, H=one.H.T).reconstruction_err_)
    assert several.reconstruction_err_ == pytest.approx(min(singles), rel=1e-6)
    assert max(singles) > 1.001 * min(singles)  # the starts do differ


def test_several_starts_are_random_ones_and_the_first_is_that_of_one() -> None:
    a = NMF(4, n_init=3, random_state=0, tol=0, max_iter=1).fit(X)
    errors = []
    rng = np.random.RandomState(0)
    for _ in range(3):
        errors.append(NMF(4, init="random", random_state=rng, tol=0, max_iter=1).fit(X).reconstruction_err_)
    assert a.reconstruction_err_ == pytest.approx(min(errors), rel=0.02)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_random_start_is_that_of_scikit_learn(dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    original = fitting.starts_of

    def remembered(*arguments: object) -> list[fitting.Start]:
        seen.extend(original(*arguments))  # type: ignore[arg-type]
        return seen

    monkeypatch.setattr("partwise.estimators.fitting.starts_of", remembered)
    data = X.astype(dtype)
    NMF(4, init="random", random_state=5, tol=0, max_iter=1).fit(data)
    W, H = _initialize_nmf(data, 4, init="random", random_state=5)
    np.testing.assert_allclose(seen[0].W, W, rtol=1e-6)
    np.testing.assert_allclose(seen[0].H.T, H, rtol=1e-6)


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_the_same_seed_gives_the_same_bits(init: str, container: type) -> None:
    models = [NMF(4, init=init, random_state=7, tol=0, max_iter=15).fit(container(X)) for _ in range(2)]
    np.testing.assert_array_equal(models[0].components_, models[1].components_)


def test_the_automatic_start_is_nndsvda_where_it_can_be() -> None:
    def fitted(k: int, init: str | None) -> np.ndarray:
        return NMF(k, init=init, random_state=0, tol=0, max_iter=3).fit(X).components_

    np.testing.assert_array_equal(fitted(4, None), fitted(4, "nndsvda"))
    with pytest.warns(UserWarning, match="exceeds min"):
        random = fitted(25, "random")
    with pytest.warns(UserWarning, match="exceeds min"):
        np.testing.assert_array_equal(fitted(25, None), random)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_giving_up_losers_keeps_the_best_to_a_thousandth(container: type) -> None:
    data = container(counts(60, 20, 0.3).toarray().astype(float))
    for seed in range(5):
        model = NMF(4, n_init=8, random_state=seed, max_iter=1000)
        every = [one.objective for one in replicates(model, data)]
        assert 0.5 * model.fit(data).reconstruction_err_ ** 2 <= 1.001 * min(every)
        assert model.status_ == "converged"


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("drop_losers", [True, False])
def test_several_starts_give_the_same_bits_on_any_number_of_threads(container: type, drop_losers: bool) -> None:
    data = container(counts(300, 80, 0.2).toarray().astype(float))
    found = {
        NMF(4, n_init=5, drop_losers=drop_losers, random_state=1, max_iter=40, tol=0, n_threads=n_threads)
        .fit(data)
        .components_.tobytes()
        for n_threads in (1, 2, 3)
    }
    assert len(found) == 1


def test_the_log_says_of_how_many_starts_it_tells_the_best(caplog: pytest.LogCaptureFixture) -> None:
    model = NMF(4, n_init=3, random_state=0, max_iter=40, tol=0, verbose=1).fit(X)
    lines = [record.getMessage() for record in caplog.records if record.name == "partwise"]
    assert len(lines) == model.n_iter_
    assert all(line.endswith("best of 3 starts") for line in lines)
    assert [int(line.split()[1].strip(",")) for line in lines] == list(range(1, 41))
