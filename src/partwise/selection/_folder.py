"""A folder of results, so that a search which was stopped goes on where it was."""

from os import PathLike
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_random_state

from partwise._errors import DataError, FileError, ParameterError
from partwise._types import Array
from partwise.io import Dataset
from partwise.io.records import read_record, write_record
from partwise.selection._checks import is_sparse

_IDENTITY = "partwise-selection.npz"
# They change how fast or how loudly something is computed, not what.
_INDIFFERENT = {"n_components", "n_threads", "verbose", "random_state"}


class Folder:
    """Results by name, all of the same data, parameters and seed.

    Parameters
    ----------
    path : path-like
        A folder of its own; made where there is none.
    data : str
        Fingerprint of the data.
    parameters : dict
        Those of the estimator.
    seed : int or None
        None takes that of the folder, or draws one for a new folder.

    Raises
    ------
    DataError
        If the folder holds results of other data.
    ParameterError
        If it holds results of other parameters or another seed.
    FileError
        If it holds other things, or cannot be read.
    """

    def __init__(self, path: str | PathLike[str], data: str, parameters: dict[str, Any], seed: int | None) -> None:
        self.path = Path(path)
        identity = self.path / _IDENTITY
        kept = {name: _written(value) for name, value in sorted(parameters.items()) if name not in _INDIFFERENT}
        if identity.exists():
            known = read_record(identity)[1]
            self._compare(known, data, kept, seed)
            self.seed = int(known["seed"])
            return
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise FileError(f"{self.path} is not a folder of results and not empty: choose a new or an empty folder.")
        self.path.mkdir(parents=True, exist_ok=True)
        self.seed = drawn_seed(None) if seed is None else seed
        write_record(identity, {}, {"data": data, "parameters": kept, "seed": self.seed})

    def _compare(self, known: dict[str, Any], data: str, parameters: dict[str, str], seed: int | None) -> None:
        if known["data"] != data:
            raise DataError(
                f"{self.path} holds results of other data (or of another mask or other weights): choose another "
                "folder for these, or give the data that it began with."
            )
        asked = {**parameters, "random_state": seed if seed is not None else known["seed"]}
        for name, value in {**known["parameters"], "random_state": known["seed"]}.items():
            if asked.get(name) != value:
                raise ParameterError(
                    f"{self.path} holds results with {name}={value}, and {name}={asked.get(name)} is asked for: "
                    "choose another folder, or that value."
                )

    def get(self, name: str) -> dict[str, Array] | None:
        """The result of this name, or None."""
        file = self._file(name)
        if not file.exists():
            return None
        try:
            return read_record(file)[0]
        except FileError as error:
            raise FileError(f"{error} Delete it, and what it held is computed anew.") from error

    def put(self, name: str, arrays: dict[str, Array]) -> None:
        """Keep a result: all of it or, if that fails, nothing."""
        write_record(self._file(name), arrays, {})

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.npz"


def _written(value: Any) -> str:
    """A parameter as text; numbers of NumPy as Python's."""
    return repr(value.tolist() if isinstance(value, np.generic | np.ndarray) else value)


def fingerprint(X: Any, *others: Any) -> str:
    """A hash of values and their dtype, whatever container they are in; NaN and masked entries count as they are."""
    return str(joblib.hash([_plain(values) for values in (X, *others)]))


def _plain(values: Any) -> Any:
    """Arrays, or something else that is hashed as it is."""
    if isinstance(values, Dataset):
        values = values.X
    if is_sparse(values):
        csr = sp.csr_array(values, copy=True)
        csr.sum_duplicates()
        return csr.shape, csr.data, csr.indices.astype(np.int64), csr.indptr.astype(np.int64)
    if isinstance(values, np.ma.MaskedArray):
        return np.asarray(values.filled(0)), np.ma.getmaskarray(values)
    return np.ascontiguousarray(values) if hasattr(values, "__array__") or isinstance(values, list | tuple) else values


def drawn_seed(random_state: Any) -> int:
    """An integer seed: the one given, or one drawn from a random state.

    Raises
    ------
    ParameterError
        If it is neither.
    """
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool) and random_state >= 0:
        return int(random_state)
    try:
        return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    except ValueError as error:
        raise ParameterError(
            f"random_state={random_state!r} cannot be: give None, an integer ≥ 0, or a numpy.random.RandomState."
        ) from error


def seed_of(seed: int, *path: int) -> int:
    """The seed of one piece of work: it depends on the search's seed and on its own place, on nothing else."""
    return int(np.random.SeedSequence(seed, spawn_key=path).generate_state(1)[0])
