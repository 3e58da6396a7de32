"""partwise: non-negative matrix factorization, X ≈ W H with nothing negative."""

from partwise._errors import DataError, FileError, MissingExtraError, ParameterError, PartwiseError
from partwise.engine.result import Status
from partwise.estimators import NMF, non_negative_factorization
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
    "Status",
    "load",
    "non_negative_factorization",
    "read",
    "save",
]
