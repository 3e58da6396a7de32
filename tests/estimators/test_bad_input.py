"""What cannot be is refused: an error of the right class, in a sentence, before anything is changed."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError

from partwise import NMF, load, non_negative_factorization, save
from partwise._errors import DataError, DtypeError, ParameterError
from partwise.arrays.rows import RowBlocks
from tests.reference.matrices import noisy

X = noisy(12, 7, 2)


def with_entry(value: float, container: Any = np.asarray) -> Any:
    x = X.copy()
    x[5, 3] = x[5, 6] = x[9, 0] = value
    return container(x)


def sentence(error: BaseException) -> str:
    """The message, which must be one line that a person can read."""
    text = str(error)
    assert text
    assert "\n" not in text
    assert len(text) < 400
    return text


CONTAINERS = [np.asarray, np.asfortranarray, sp.csr_array, sp.csc_array, sp.coo_matrix]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("value", [-0.5, -1e-300])
def test_the_first_negative_entry_is_named(container: Any, value: float) -> None:
    with pytest.raises(DataError, match=r"row 5, column 3\b") as caught:
        NMF(2).fit(with_entry(value, container))
    assert "clip, shift or drop" in sentence(caught.value)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_first_entry_that_is_not_finite_is_named(container: Any, value: float) -> None:
    if np.isnan(value) and not sp.issparse(container(X)):
        return  # missing; tests/estimators/test_missing.py
    with pytest.raises(DataError, match=r"NaN or infinity: the first is in row 5, column 3 ") as caught:
        NMF(2).fit(with_entry(value, container))
    assert "implicit_zeros='missing'" in sentence(caught.value)


@pytest.mark.parametrize("value", [-1.0, np.inf])
def test_transform_and_score_judge_their_data_too(value: float) -> None:
    model = NMF(2, random_state=0, max_iter=500).fit(X)
    for method in (model.transform, model.score):
        with pytest.raises(DataError, match="row 5, column 3"):
            method(with_entry(value))


BAD_X: list[tuple[Any, str]] = [
    (np.zeros((0, 3)), "0 sample"),
    (np.zeros((3, 0)), "0 feature"),
    (sp.csr_array((0, 3)), "0 sample"),
    (np.ones(4), "Expected 2D array, got 1D array"),
    (np.ones((2, 3, 4)), "dim 3"),
    (np.array([["a", "b"], ["c", "d"]]), "could not convert string to float"),
    ([["1", "two"]], "could not convert string to float"),
    ("text", "could not convert string to float"),
    (5, "Expected 2D array, got scalar array"),
    ([[1.0, 2.0], [3.0]], "inhomogeneous"),
    (np.ones((2, 2), complex), "Complex data not supported"),
    (np.array([[np.nan, None]], object), "No entry of X is observed"),
]


@pytest.mark.parametrize(("bad", "message"), BAD_X, ids=[message for _, message in BAD_X])
def test_what_is_no_matrix_of_numbers(bad: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        NMF(1).fit(bad)
    sentence(caught.value)


def test_other_columns_than_at_the_fit() -> None:
    model = NMF(2, random_state=0, max_iter=500).fit(X)
    for bad in (X[:, :4], np.hstack([X, X]), sp.csr_array(X[:, :4])):
        with pytest.raises(DataError, match=r"X has \d+ features, but NMF is expecting 7"):
            model.transform(bad)


@pytest.mark.parametrize("method", ["transform", "inverse_transform", "score", "top_features"])
def test_before_the_fit(method: str) -> None:
    with pytest.raises(NotFittedError):
        getattr(NMF(2), method)(*([X] if method != "top_features" else []))


W, H = np.ones((12, 2)), np.ones((2, 7))
BAD_STARTS: list[tuple[Any, Any, type, str]] = [
    (None, H, ParameterError, "W is missing"),
    (W, None, ParameterError, "H is missing"),
    (
        np.ones((11, 2)),
        H,
        ParameterError,
        r"first dimension .* W\)\. Expected 12, but got 11: give one of shape \(12, 2\)",
    ),
    (np.ones((12, 3)), H, ParameterError, r"second dimension .* W\)\. Expected 2, but got 3"),
    (
        W,
        np.ones((2, 8)),
        ParameterError,
        r"second dimension .* H\)\. Expected 7, but got 8: give one of shape \(2, 7\)",
    ),
    (W, np.ones((3, 7)), ParameterError, r"first dimension .* H\)\. Expected 2, but got 3"),
    (W, np.ones(7), ParameterError, "Expected 2D array, got 1D array"),
    (W, 5, ParameterError, "Expected 2D array, got scalar array"),
    ("text", H, ParameterError, "Expected 2D array"),
    (-W, H, ParameterError, r"input W\): the first is at \(0, 0\)"),
    (W, np.where(np.eye(2, 7) > 0, np.nan, 1.0), ParameterError, "H contains NaN or infinity"),
    (np.zeros((12, 2)), H, ParameterError, "full of zeros"),
    (W.astype(np.float32), H, DtypeError, r"W is float32 and X is float64: cast it with W\.astype\('float64'\)"),
    (W, H.astype(int), DtypeError, "H is int"),
]


@pytest.mark.parametrize(("W", "H", "kind", "message"), BAD_STARTS)
def test_starts_that_do_not_fit(W: Any, H: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        NMF(2, init="custom").fit(X, W=W, H=H)
    sentence(caught.value)


@pytest.mark.parametrize("H", [5, np.ones(7), None])
def test_the_number_of_parts_cannot_be_had_from_such_an_h(H: Any) -> None:
    with pytest.raises(ParameterError):
        NMF("auto", init="custom").fit(X, W=W, H=H)


def test_the_number_of_parts_is_that_of_h() -> None:
    model = NMF("auto", init="custom", max_iter=500).fit(X, W=noisy(12, 3, 2), H=noisy(3, 7, 2))
    assert model.n_components_ == 3
    assert NMF(max_iter=5, tol=0).fit(X).n_components_ == 7
    assert NMF(None, max_iter=5, tol=0).fit(X).n_components_ == 7


def test_a_start_that_is_not_used_warns() -> None:
    with pytest.warns(RuntimeWarning, match="provided W or H are ignored"):
        NMF(2, random_state=0, max_iter=500).fit(X, W=W, H=H)


BAD_PARAMETERS: dict[str, list[Any]] = {
    "n_components": [0, -1, 2.0, "many", True, [2], np.nan],
    "init": ["best", 3, ["random"], np.array(["random", "spa"])],
    "solver": ["hals", None, 1, ["cd"], np.array(["cd", "bpp"])],
    "beta_loss": ["poisson", np.inf, np.nan, 1j, None, True, np.array([2, 2])],
    "tol": [-1e-4, "small", None, np.nan, [1e-4], True],
    "max_iter": [0, -5, 2.5, "many", None, True],
    "random_state": ["seed", -1, 1.5, np.random.default_rng(0)],
    "alpha_W": [-1, "same", None, np.nan, np.inf],
    "alpha_H": [-1, "other", None, np.nan, np.inf],
    "l1_ratio": [-0.1, 1.1, "half", None, np.nan],
    "verbose": [-1, "yes", None, 0.5],
    "shuffle": ["yes", None, 2],
    "max_time": [-1, "long", np.nan, [1]],
    "n_init": [0, -2, 1.5, "many", None],
    "n_threads": [0, -1, 1.5, "all"],
    "drop_losers": ["no", 0, None],
    "coarse": ["yes", 1, None],
    "implicit_zeros": ["zero", None, True, 0],
}


def test_every_parameter_is_tested() -> None:
    assert set(BAD_PARAMETERS) == set(NMF().get_params())


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD_PARAMETERS.items() for value in values], ids=str
)
def test_bad_parameters_are_named_with_their_value_and_what_can_be(name: str, value: Any) -> None:
    model = NMF(**{"n_components": 2, "max_iter": 500, name: value})  # the constructor takes anything, fit looks
    with pytest.raises(ParameterError, match=name) as caught:
        model.fit(X)
    assert repr(value)[:20] in str(caught.value)
    sentence(caught.value)
    assert not hasattr(model, "components_")


@pytest.mark.parametrize(("name", "existing"), [("solver", "'cd', 'bpp', 'mu'"), ("beta_loss", "'frobenius'")])
def test_the_sentence_names_what_exists(name: str, existing: str) -> None:
    with pytest.raises(ParameterError, match=existing):
        NMF(2, **{name: "other"}).fit(X)


@pytest.mark.parametrize("parameters", [{"init": "custom"}, {"init": "nndsvd"}, {"init": "nndsvda"}, {"init": "spa"}])
def test_several_deterministic_starts_are_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=r"n_init=2 .* use n_init=1"):
        NMF(2, n_init=2, **parameters).fit(X, W=W, H=H)


def test_singular_pairs_for_more_parts_than_dimensions_are_refused() -> None:
    for init in ("nndsvd", "nndsvda", "nndsvdar"):
        with pytest.raises(ParameterError, match=r"n_components <= min\(n_samples, n_features\).*init='random'"):
            NMF(8, init=init).fit(X)


def test_parameters_are_judged_by_transform_too() -> None:
    model = NMF(2, random_state=0, max_iter=500).fit(X).set_params(alpha_W=-1)
    with pytest.raises(ParameterError, match="alpha_W"):
        model.transform(X)


def test_a_failed_fit_leaves_the_earlier_one_usable() -> None:
    model = NMF(2, random_state=0, max_iter=500).fit(X)
    before = model.transform(X)
    with pytest.raises(DataError):
        model.fit(-X)
    np.testing.assert_array_equal(model.transform(X), before)


def test_the_function_refuses_as_the_estimator_does() -> None:
    with pytest.raises(DataError, match="row 5, column 3"):
        non_negative_factorization(with_entry(-1.0), n_components=2)
    with pytest.raises(ParameterError, match="solver"):
        non_negative_factorization(X, n_components=2, solver="hals")
    with pytest.raises(ParameterError, match="H is missing"):
        non_negative_factorization(X, n_components=2, update_H=False)
    with pytest.raises(ParameterError, match="update_H='no' cannot be used"):
        non_negative_factorization(X, n_components=2, update_H="no")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="wrong second dimension"):
        non_negative_factorization(X, H=np.ones((2, 8)), n_components=2, update_H=False)


def test_what_is_no_estimator_of_ours_is_not_saved(tmp_path: Any) -> None:
    with pytest.raises(ParameterError, match="cannot be saved"):
        save(object(), tmp_path / "model.npz")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="parameter tol"):
        save(NMF(2, tol=object()), tmp_path / "model.npz")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "model.npz")


@pytest.mark.parametrize(
    ("parameters", "given"),
    [({"implicit_zeros": "missing"}, {}), ({}, {"mask": np.ones((20, 6), bool)}), ({}, {"weights": np.ones(20)})],
)
def test_what_is_missing_from_blocks_of_rows_cannot_be_said(parameters: dict[str, Any], given: dict[str, Any]) -> None:
    X = np.random.default_rng(0).random((20, 6))
    with pytest.raises(DataError, match="give X as one matrix"):
        NMF(2, **parameters).fit(RowBlocks([X[:8], X[8:]]), **given)
