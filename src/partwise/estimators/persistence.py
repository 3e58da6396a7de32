"""Models on disk: plain arrays and JSON, turned back into estimators; nothing is ever executed."""

from importlib import import_module
from os import PathLike
from typing import Any, get_args

import numpy as np

from partwise._errors import FileError, ParameterError
from partwise._types import Array
from partwise.engine.result import Status
from partwise.estimators.nmf import NMF
from partwise.io import Layout, read_record, write_record
from partwise.io.dataset import RowKind

ESTIMATORS = {"NMF": "partwise.estimators.nmf", "ConsensusNMF": "partwise.selection.consensus_nmf"}
"""The estimators that can be saved, and where they are; those of rooms above are imported when one is met."""

_KIND = "partwise-model"
_NEEDED = ("components_", "n_components_", "n_features_in_", "layout_", "history_", "status_", "stop_reason_")


def save(model: NMF, path: str | PathLike[str]) -> None:
    """Write a model to a ``.npz`` file: arrays and JSON, no pickle; ``load`` gives the same model back.

    Parameters
    ----------
    model : estimator of partwise
        Fitted or not. Callbacks are not saved.
    path : path-like
        The file; an earlier one is replaced only when the new one is complete.

    Raises
    ------
    ParameterError
        If ``model`` is not an estimator of partwise, or its random state is of a kind that cannot be written.
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> import os, tempfile, numpy as np
    >>> import partwise
    >>> model = partwise.NMF(2, random_state=0).fit(np.eye(3) + 1)
    >>> path = os.path.join(tempfile.mkdtemp(), "model.npz")
    >>> partwise.save(model, path)
    >>> bool((partwise.load(path).components_ == model.components_).all())
    True
    """
    name = type(model).__name__
    if ESTIMATORS.get(name) != type(model).__module__:
        raise ParameterError(f"A {name} cannot be saved: partwise.save takes {', '.join(ESTIMATORS)}.")
    arrays: dict[str, Array] = {}
    parameters = {key: _packed(f"parameter {key}", value, arrays) for key, value in model.get_params().items()}
    fitted = {key: value for key, value in vars(model).items() if _is_fitted_name(key)}
    meta = {
        "kind": _KIND,
        "estimator": name,
        "parameters": parameters,
        "output": getattr(model, "_sklearn_output_config", {}).get("transform"),
        "fitted": {key: _packed(key, value, arrays) for key, value in fitted.items()},
    }
    write_record(path, arrays, meta)


def load(path: str | PathLike[str]) -> NMF:
    """Read a model that ``save`` wrote.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    The estimator, with the parameters and fitted attributes that it had.

    Raises
    ------
    FileError
        If the file is missing, truncated, foreign, or of a newer format.

    Examples
    --------
    >>> import os, tempfile, numpy as np
    >>> import partwise
    >>> path = os.path.join(tempfile.mkdtemp(), "model.npz")
    >>> partwise.save(partwise.NMF(2, random_state=0).fit(np.eye(3) + 1), path)
    >>> partwise.load(path).n_components_
    2
    """
    arrays, meta = read_record(path)
    if meta.get("kind") != _KIND or str(meta.get("estimator")) not in ESTIMATORS:
        raise FileError(f"{path} holds no model of this partwise: it was written as something else, or by a newer one.")
    try:
        parameters = {key: _unpacked(value, arrays) for key, value in meta["parameters"].items()}
        fitted = {key: _unpacked(value, arrays) for key, value in meta["fitted"].items()}
        model: NMF = getattr(import_module(ESTIMATORS[meta["estimator"]]), meta["estimator"])(**parameters)
        model.set_output(transform=meta["output"])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise FileError(f"{path} is not a whole model of this partwise ({error}): save it again.") from error
    if strange := [key for key in fitted if not _is_fitted_name(key) or hasattr(type(model), key)]:
        raise FileError(f"{path} has been changed since partwise wrote it: {strange[0]!r} is no attribute of a fit.")
    for key, attribute in fitted.items():
        setattr(model, key, attribute)
    if fitted and not _is_whole(model):
        raise FileError(f"{path} has been changed since partwise wrote it: its parts do not fit together.")
    return model


def _is_whole(model: NMF) -> bool:
    """Whether the attributes of a fitted model are there and agree with each other."""
    if any(not hasattr(model, name) for name in _NEEDED):
        return False
    H, layout, history = model.components_, model.layout_, model.history_
    return (
        isinstance(H, np.ndarray)
        and H.shape == (model.n_components_, model.n_features_in_)
        and H.dtype in (np.float32, np.float64)
        and bool(np.isfinite(H).all() and (H >= 0).all())
        and isinstance(model.status_, Status)
        and isinstance(layout, Layout)
        and layout.kind in get_args(RowKind)
        and (layout.shape is None or np.prod(layout.shape) == H.shape[1])
        and isinstance(history, dict)
        and set(history) == {"iteration", "seconds", "objective", "optimality"}
        and len({len(column) for column in history.values()}) == 1
        and len(getattr(model, "feature_names_in_", H.T)) == H.shape[1]
    )


def _is_fitted_name(key: str) -> bool:
    return key.isidentifier() and key.endswith("_") and not key.startswith("_")


def _packed(key: str, value: Any, arrays: dict[str, Array]) -> Any:
    """``value`` as JSON; arrays go into ``arrays`` and leave their name."""
    if isinstance(value, np.ndarray):
        text = value.dtype == object
        arrays[key] = value.astype(np.str_) if text else value
        return {"array": key, "text": text}
    if isinstance(value, Status):
        return {"status": value.value}
    if isinstance(value, Layout):
        return {"layout": [value.kind, value.shape]}
    if isinstance(value, np.random.RandomState):
        return {"random_state": [_packed(f"{key} {i}", part, arrays) for i, part in enumerate(value.get_state())]}
    if isinstance(value, list | tuple):
        return {"list": [_packed(f"{key} {i}", part, arrays) for i, part in enumerate(value)]}
    if isinstance(value, dict):
        return {"dict": {name: _packed(f"{key} {name}", part, arrays) for name, part in value.items()}}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ParameterError(f"{key} is a {type(value).__name__}, which cannot be saved: use a number, a string or None.")


def _unpacked(value: Any, arrays: dict[str, Array]) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = [(key, part) for key, part in value.items() if key != "text"]
    if kind == "array":
        return arrays[content].astype(object) if value["text"] else arrays[content]
    if kind == "status":
        return Status(content)
    if kind == "layout":
        return Layout(content[0], None if content[1] is None else tuple(content[1]))
    if kind == "random_state":
        state = np.random.RandomState()
        state.set_state(tuple(_unpacked(part, arrays) for part in content))
        return state
    if kind == "list":
        return [_unpacked(part, arrays) for part in content]
    return {name: _unpacked(part, arrays) for name, part in content.items()}
