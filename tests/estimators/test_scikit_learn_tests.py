"""scikit-learn's own tests of ``NMF`` and ``non_negative_factorization``, with our names in the place of theirs.

Their module is executed afresh while ``sklearn.decomposition`` holds our names, because its parametrised tests take the
classes when they are defined. The tests stay theirs, line by line; below is said which are left out, and why.
"""

import importlib.util
import inspect
import re
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.decomposition
from sklearn.decomposition import _nmf as private
from sklearn.decomposition._nmf import MiniBatchNMF

from partwise import NMF, non_negative_factorization

MODULE = "sklearn.decomposition.tests.test_nmf"
OURS = {"NMF": NMF, "non_negative_factorization": non_negative_factorization}

NUMBER = 192
"""Tests of scikit-learn 1.9 that are left. Another number means that theirs have changed: look at what is new."""

PRIVATE_FUNCTIONS = {
    "test_initialize_nn_output": "_initialize_nmf",
    "test_initialize_close": "_initialize_nmf",
    "test_initialize_variants": "_initialize_nmf",
    "test_beta_divergence": "_beta_divergence",
    "test_nmf_underflow": "_beta_divergence",
    "test_special_sparse_dot": "_special_sparse_dot",
}
"""Their tests that judge nothing but a private function of scikit-learn, and which one."""

MINI_BATCHES = {
    "test_minibatch_nmf_transform",
    "test_mbnmf_inverse_transform",
    "test_minibatch_nmf_negative_beta_loss",
    "test_nmf_minibatchnmf_equivalence",
    "test_minibatch_nmf_partial_fit",
    "test_minibatch_nmf_verbose",
}
"""Their tests of ``MiniBatchNMF``, which partwise does not have; its parameters are taken out of the others."""

DIFFERENT = {
    "test_parameter_checking": "solver='cd' must refuse beta_loss=1.0: ours lowers that loss by coordinate descent, "
    "which is why it is there. All else that it asks is in test_what_else_their_parameter_checking_asks.",
    "test_nmf_multiplicative_update_sparse": "From β to β − 1e-5 no entry may move by more than 1e-4 in 20 iterations. "
    "On the way down from a saddle factors move by more than that for one path, and theirs do so too after 100 "
    "iterations; ours are there after 20. What it is about is in test_multiplicative_updates_go_with_beta.",
}
"""Their tests of what partwise defines otherwise, and why."""

LEFT_OUT = {*PRIVATE_FUNCTIONS, *MINI_BATCHES, *DIFFERENT}

# What partwise warns of and scikit-learn does not, or later: its tol asks for an optimality, and penalties on one
# factor alone, more parts than dimensions and parts that are left with nothing are worth a word. Their tests of a
# warning record it whatever is ignored here.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Only one of alpha_W and alpha_H is above 0:UserWarning"),
    pytest.mark.filterwarnings("ignore:n_components=.* exceeds min:UserWarning"),
    pytest.mark.filterwarnings("ignore:.* parts are zero everywhere:UserWarning"),
    # This one is theirs too.
    pytest.mark.filterwarnings("ignore:The multiplicative update:UserWarning"),
]


def _their_module() -> ModuleType:
    spec = importlib.util.find_spec(MODULE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        for name, ours in OURS.items():
            patch.setattr(sklearn.decomposition, name, ours)
        spec.loader.exec_module(module)
    return module


def _without_mini_batches(test: Callable[..., None]) -> Callable[..., None]:
    marks: list[pytest.Mark] = getattr(test, "pytestmark", [])
    vars(test)["pytestmark"] = [_kept(mark) if mark.name == "parametrize" else mark for mark in marks]
    return test


def _kept(parametrize: pytest.Mark) -> pytest.Mark:
    names, values, *others = parametrize.args
    kept = [
        value for value in values if value is not MiniBatchNMF and MiniBatchNMF not in np.atleast_1d(value).tolist()
    ]
    return pytest.mark.parametrize(names, kept, *others, **parametrize.kwargs).mark


THEIRS = {name: test for name, test in vars(_their_module()).items() if name.startswith("test_")}
TAKEN = {name: _without_mini_batches(test) for name, test in THEIRS.items() if name not in LEFT_OUT}
globals().update(TAKEN)


@pytest.fixture(autouse=True)
def their_private_name_of_what_is_public_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NMF, "_n_components", property(lambda self: self.n_components_), raising=False)


def test_all_that_are_taken_are_collected_and_none_is_of_their_classes(request: pytest.FixtureRequest) -> None:
    module = request.node.getparent(pytest.Module)
    collected = [item for item in module.collect() if item.originalname in TAKEN]
    parameters = [value for item in collected if hasattr(item, "callspec") for value in item.callspec.params.values()]
    estimators = {value for value in parameters if inspect.isclass(value) and hasattr(value, "fit")}
    assert estimators == {NMF}
    assert {item.originalname for item in collected} == set(TAKEN)
    assert len(collected) == NUMBER


@pytest.mark.parametrize("name", OURS)
def test_they_call_our_names(name: str) -> None:
    assert all(test.__globals__[name] is OURS[name] for test in TAKEN.values())


def test_what_is_left_out_is_there_to_be_left_out() -> None:
    assert set(THEIRS) >= LEFT_OUT
    for name, function in PRIVATE_FUNCTIONS.items():
        source = inspect.getsource(THEIRS[name])
        assert f"nmf.{function}(" in source
        assert not re.search(r"\bNMF\(|non_negative_factorization\(", source)


@pytest.mark.parametrize("name", OURS)
def test_scikit_learn_has_its_own_names_again(name: str) -> None:
    assert getattr(sklearn.decomposition, name) is getattr(private, name)
    assert MODULE not in sys.modules or getattr(sys.modules[MODULE], name) is getattr(private, name)


def test_what_else_their_parameter_checking_asks() -> None:
    A = np.ones((2, 2))
    with pytest.raises(ValueError, match=r"Invalid beta_loss parameter: solver 'cd' does not handle beta_loss = 0\.5"):
        NMF(solver="cd", beta_loss=0.5).fit(A)
    with pytest.raises(ValueError, match="Negative values in data passed to"):
        NMF().fit(-A)
    model = NMF(2, tol=0.1).fit(A)
    with pytest.raises(ValueError, match="Negative values in data passed to"):
        model.transform(-A)
    for init in ("nndsvd", "nndsvda", "nndsvdar"):
        asked = re.escape(f"init = '{init}' can only be used when n_components <= min(n_samples, n_features)")
        with pytest.raises(ValueError, match=asked):
            NMF(3, init=init).fit(A)


@pytest.mark.parametrize("beta_loss", [-1.2, 0, 0.2, 1.0, 2.0, 2.5])
@pytest.mark.parametrize("container", [sp.csr_array, sp.csc_matrix])
def test_multiplicative_updates_go_with_beta(container: Any, beta_loss: float, rng: np.random.Generator) -> None:
    """Sparse data give what dense ones do, and a β nearby what is as near to it."""
    X, start = rng.gamma(0.5, 1, (20, 10)) + 0.01, {"W": rng.random((20, 5)), "H": rng.random((5, 10))}

    def fitted(X: Any, beta: float) -> tuple[np.ndarray, np.ndarray]:
        options = {"solver": "mu", "max_iter": 20, "alpha_W": 0.1, "l1_ratio": 0.5}
        return non_negative_factorization(X, **start, init="custom", beta_loss=beta, **options)[:2]

    dense = fitted(X, beta_loss)
    for one, other in zip(fitted(container(X), beta_loss), dense, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-7)
    near, nearer = fitted(X, beta_loss - 1e-3)[1], fitted(X, beta_loss - 1e-4)[1]
    assert 0 < np.abs(nearer - dense[1]).max() < 0.2 * np.abs(near - dense[1]).max()


def test_the_signature_of_the_function_is_theirs_but_for_the_default_solver() -> None:
    functions = non_negative_factorization, private.non_negative_factorization
    ours, theirs = (inspect.signature(function).parameters for function in functions)
    assert list(ours) == list(theirs)
    assert [one.kind for one in ours.values()] == [one.kind for one in theirs.values()]
    assert {name for name in ours if ours[name].default != theirs[name].default} == {"solver"}
