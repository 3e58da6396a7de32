"""Every way to say what of a matrix is observed, and how much it counts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from partwise.arrays.memory import MemoryOperand
from partwise.arrays.observed import observed

Case = tuple[MemoryOperand, np.ndarray, np.ndarray]
"""An operand, the X that it stands for (0 where missing), and its weights V."""


def only(X: np.ndarray, V: np.ndarray) -> np.ndarray:
    return np.where(V > 0, X, 0).astype(X.dtype)


def of_entries(X: np.ndarray, V: np.ndarray, operand: MemoryOperand) -> Case:
    return operand, only(X, V), V


def with_nan(X: np.ndarray, M: np.ndarray) -> np.ndarray:
    return np.where(M, X, X.dtype.type(np.nan))


def kept_zeros(X: np.ndarray, M: np.ndarray) -> sp.csr_array:
    """A sparse array that stores what is observed, its zeros too."""
    rows, columns = np.nonzero(M)
    return sp.csr_array((X[M], (rows, columns)), shape=X.shape)


def spread(r: np.ndarray, M: np.ndarray) -> np.ndarray:
    return M * r[:, None]


SPARSE: dict[str, Callable[[Any], Any]] = {"CSR": sp.csr_array, "CSC": sp.csc_array, "COO": sp.coo_array}


def ways(X: np.ndarray, M: np.ndarray, E: np.ndarray, r: np.ndarray) -> dict[str, Callable[[], Case]]:
    """From X, a mask M, weights E of entries and r of rows to cases; with M they are missing where it is False."""
    ones, stored = np.ones(X.shape), (X != 0).astype(float)
    found: dict[str, Callable[[], Case]] = {
        "NaN": lambda: of_entries(X, M * 1.0, observed(with_nan(X, M))),
        "NaN, Fortran": lambda: of_entries(X, M * 1.0, observed(np.asfortranarray(with_nan(X, M)))),
        "NaN, strided": lambda: of_entries(X, M * 1.0, observed(np.repeat(with_nan(X, M), 2, axis=1)[:, ::2])),
        "NaN and mask": lambda: of_entries(X, M * 1.0, observed(with_nan(X, M | (E > 0.5)), M)),
        "dense, mask": lambda: of_entries(X, M * 1.0, observed(X, M)),
        "dense, sparse mask": lambda: of_entries(X, M * 1.0, observed(X, sp.csr_array(M))),
        "dense, weights": lambda: of_entries(X, E, observed(X, None, E)),
        "dense, sparse weights": lambda: of_entries(X, E, observed(X, None, sp.csr_array(E))),
        "dense, row weights": lambda: of_entries(X, spread(r, ones), observed(X, None, r)),
        "dense, mask, weights": lambda: of_entries(X, M * E, observed(X, M, E)),
        "dense, mask, row weights": lambda: of_entries(X, spread(r, M), observed(X, M, r)),
        "Fortran, mask, row weights": lambda: of_entries(X, spread(r, M), observed(np.asfortranarray(X), M, r)),
    }
    for name, kind in SPARSE.items():
        found |= {
            f"{name}, mask": lambda kind=kind: of_entries(X, M * 1.0, observed(kind(X), M)),
            f"{name}, sparse mask": lambda kind=kind: of_entries(X, M * 1.0, observed(kind(X), sp.csr_array(M))),
            f"{name}, weights": lambda kind=kind: of_entries(X, E, observed(kind(X), None, E)),
            f"{name}, sparse weights": lambda kind=kind: of_entries(X, E, observed(kind(X), None, sp.csr_array(E))),
            f"{name}, row weights": lambda kind=kind: of_entries(X, spread(r, ones), observed(kind(X), None, r)),
            f"{name}, mask, weights": lambda kind=kind: of_entries(X, M * E, observed(kind(X), M, sp.csr_array(E))),
            f"{name}, mask, row weights": lambda kind=kind: of_entries(X, spread(r, M), observed(kind(X), M, r)),
        }
    found |= {
        "stored": lambda: of_entries(X, stored, observed(sp.csr_array(X), absent_missing=True)),
        "stored zeros": lambda: of_entries(X, M * 1.0, observed(kept_zeros(X, M), absent_missing=True)),
        "stored, mask": lambda: of_entries(X, stored * M, observed(sp.csr_array(X), M, absent_missing=True)),
        "stored, sparse mask": lambda: of_entries(
            X, stored * M, observed(sp.csr_array(X), sp.csr_array(M), absent_missing=True)
        ),
        "stored, weights": lambda: of_entries(X, stored * E, observed(sp.csr_array(X), None, E, absent_missing=True)),
        "stored, sparse weights": lambda: of_entries(
            X, stored * E, observed(sp.csr_array(X), None, sp.csr_array(E), absent_missing=True)
        ),
        "stored, row weights": lambda: of_entries(
            X, spread(r, stored), observed(sp.csr_array(X), None, r, absent_missing=True)
        ),
        "stored zeros, mask, weights": lambda: of_entries(
            X, M * E, observed(kept_zeros(X, M), M, E, absent_missing=True)
        ),
    }
    return found


def parts(
    m: int, n: int, seen: float, seed: int = 0, dtype: Any = np.float64
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Counts with zeros, a mask, weights of entries with zeros, weights of rows with zeros."""
    rng = np.random.default_rng(seed)
    X = rng.poisson(1.0, (m, n)).astype(dtype)
    M = rng.random((m, n)) < seen
    E = (rng.random((m, n)) * (rng.random((m, n)) < 0.8)).astype(dtype)
    r = (rng.random(m) * (rng.random(m) < 0.8)).astype(dtype)
    return X, M, E, r


WAYS = list(ways(*parts(2, 2, 0.5)))
"""Their names."""
