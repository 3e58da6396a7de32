"""Models on disk: the same model comes back, and nothing else is taken for one."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from partwise import NMF, Dataset, Status, load, save
from partwise._errors import FileError
from partwise.io import Layout
from partwise.io.records import read_record, write_record
from tests.reference.matrices import noisy

X = noisy(30, 12, 3)
MODELS: dict[str, Any] = {
    "plain": lambda: NMF(3, random_state=0, max_iter=500).fit(X),
    "float32": lambda: NMF(3, random_state=0, max_iter=500).fit(X.astype(np.float32)),
    "names": lambda: NMF(3, random_state=0, max_iter=500).fit(pd.DataFrame(X, columns=[f"né {j}" for j in range(12)])),
    "pictures": lambda: NMF(3, random_state=0, max_iter=500).fit(Dataset(X, layout=Layout("image", (3, 4)))),
    "random state": lambda: NMF(3, random_state=np.random.RandomState(5), max_iter=500).fit(X),
    "stopped": lambda: NMF(3, random_state=0, tol=0, max_iter=2, max_time=np.inf).fit(X),
    "not fitted": lambda: NMF(np.int64(3), tol=1e-3, alpha_W=np.float32(0.5), init="spa"),
}


def same(a: Any, b: Any) -> bool:
    """Equal in type, and in every bit."""
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tolist() == b.tolist()
    if isinstance(a, np.random.RandomState):
        return all(np.array_equal(x, y) for x, y in zip(a.get_state(), b.get_state(), strict=True))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("kind", MODELS)
def test_every_attribute_and_parameter_comes_back(kind: str, tmp_path: Path) -> None:
    model = MODELS[kind]()
    save(model, tmp_path / "model.npz")
    again = load(tmp_path / "model.npz")
    assert type(again) is NMF
    fitted = {name: value for name, value in vars(model).items() if name.endswith("_") and not name.startswith("_")}
    assert (len(fitted) > 10) == (kind != "not fitted")
    for name, value in fitted.items():
        assert same(value, getattr(again, name)), name
    for name, value in model.get_params().items():
        assert same(value.item() if isinstance(value, np.generic) else value, again.get_params()[name]), name


def test_a_loaded_model_works_and_is_saved_to_the_same_bytes(tmp_path: Path) -> None:
    model = MODELS["names"]()
    save(model, tmp_path / "a.npz")
    again = load(tmp_path / "a.npz")
    save(again, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert again.status_ is Status.CONVERGED
    assert again.status_.sentence == model.status_.sentence
    assert again.top_features(2) == model.top_features(2)
    frame = pd.DataFrame(X, columns=model.feature_names_in_)
    np.testing.assert_array_equal(again.transform(frame), model.transform(frame))
    np.testing.assert_array_equal(again.fit(frame).components_, model.components_)


def test_the_random_state_goes_on_where_it_was(tmp_path: Path) -> None:
    model = NMF(3, random_state=np.random.RandomState(5))
    model.random_state.standard_normal(3)  # odd: the generator keeps the second of a pair
    save(model, tmp_path / "model.npz")
    np.testing.assert_array_equal(
        load(tmp_path / "model.npz").random_state.standard_normal(5), model.random_state.standard_normal(5)
    )


def test_there_is_no_pickle_in_the_file(tmp_path: Path) -> None:
    save(MODELS["names"](), tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz", allow_pickle=False) as archive:
        for name in archive.files:
            if not name.endswith(".json"):
                assert archive[name].dtype != object
    with zipfile.ZipFile(tmp_path / "model.npz") as archive:
        head = json.loads(archive.read("partwise.json"))
    assert head["partwise"] == head["meta"]["fitted"]["versions_"]["dict"]["partwise"]
    assert {"numpy", "scipy", "scikit-learn"} <= set(head["meta"]["fitted"]["versions_"]["dict"])
    assert head["meta"]["parameters"]["random_state"] == 0


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(share: float, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    save(MODELS["plain"](), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(FileError, match=r"model\.npz") as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    np.savez(path, components=X)
    with pytest.raises(FileError, match="not written by partwise"):
        load(path)
    write_record(path, {"a": X}, {"kind": "something"})
    with pytest.raises(FileError, match="holds no model"):
        load(path)
    path.write_text("not an archive")
    with pytest.raises(FileError):
        load(path)


DAMAGE: list[tuple[tuple[str, ...], Any]] = [
    (("estimator",), "Other"),
    (("parameters",), None),
    (("parameters", "tol"), {"array": "missing", "text": False}),
    (("parameters", "more"), 1),
    (("fitted",), [1, 2]),
    (("fitted", "status_"), {"status": "unheard of"}),
    (("fitted", "status_"), {"status": "converged", "and": "more"}),
    (("fitted", "layout_"), {"layout": []}),
    (("fitted", "layout_"), {"layout": 3}),
    (("fitted", "components_"), {"array": ["components_"], "text": False}),
    (("fitted", "components_"), {"array": "components_"}),
    (("fitted", "n_iter_"), {"random_state": [1, 2]}),
    (("fitted", "n_iter_"), {"dict": 7}),
    (("fitted", "n_iter_"), {}),
]


@pytest.mark.parametrize(("place", "value"), DAMAGE, ids=str)
def test_a_record_that_is_no_whole_model_is_refused_in_a_sentence(
    place: tuple[str, ...], value: Any, tmp_path: Path
) -> None:
    path = tmp_path / "model.npz"
    save(MODELS["plain"](), path)
    arrays, meta = read_record(path)
    inner = meta
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    write_record(path, arrays, meta)
    with pytest.raises(FileError, match=r"model\.npz") as caught:
        load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["__class__", "fit", "transform", "_private", "components"])
def test_a_file_cannot_replace_what_is_no_fitted_attribute(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    save(MODELS["plain"](), path)
    arrays, meta = read_record(path)
    meta["fitted"][name] = 1
    write_record(path, arrays, meta)
    with pytest.raises(FileError, match=r"model\.npz"):
        load(path)


def test_saving_in_vain_leaves_the_old_model(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    save(MODELS["plain"](), path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="cannot be saved"):
        save(NMF(2, random_state=object()), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
