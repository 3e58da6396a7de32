"""partwise: non-negative matrix factorization, X ≈ W H with nothing negative."""

from importlib import import_module
from typing import TYPE_CHECKING

from partwise._errors import DataError, FileError, MissingExtraError, ParameterError, PartwiseError

if TYPE_CHECKING:
    from partwise.arrays.speckle import Speckle
    from partwise.engine.result import Status
    from partwise.estimators import NMF, Replicate, divergence, non_negative_factorization, replicates
    from partwise.estimators.persistence import load, save
    from partwise.io import Dataset, read

__version__ = "0.1.0"

__all__ = [
    "NMF",
    "DataError",
    "Dataset",
    "FileError",
    "MissingExtraError",
    "ParameterError",
    "PartwiseError",
    "Replicate",
    "Speckle",
    "Status",
    "divergence",
    "load",
    "non_negative_factorization",
    "read",
    "replicates",
    "save",
]

# Imported when first used, so that the command answers --help before scikit-learn and Numba are loaded.
_HOMES = {
    "NMF": "partwise.estimators",
    "divergence": "partwise.estimators",
    "non_negative_factorization": "partwise.estimators",
    "Replicate": "partwise.estimators",
    "replicates": "partwise.estimators",
    "Speckle": "partwise.arrays.speckle",
    "Status": "partwise.engine.result",
    "load": "partwise.estimators.persistence",
    "save": "partwise.estimators.persistence",
    "Dataset": "partwise.io",
    "read": "partwise.io",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'partwise' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
