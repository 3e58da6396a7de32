"""One matrix in every storage that is registered, each in several kinds."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from partwise.arrays import OPERANDS, Operand


def by_rows(x: np.ndarray, parts: int) -> list[np.ndarray]:
    """Blocks of unequal lengths."""
    return np.array_split(x, np.linspace(0, len(x), parts + 1).astype(int)[1:-1] + (len(x) > 3 * parts))


def mixed(x: np.ndarray) -> list[Any]:
    """Dense and sparse blocks in turn."""
    return [sp.csr_array(part) if i % 2 else part for i, part in enumerate(by_rows(x, 5))]


KINDS: dict[str, dict[str, Callable[[np.ndarray], Any]]] = {
    "memory": {"C": np.ascontiguousarray, "Fortran": np.asfortranarray, "CSR": sp.csr_array},
    "rows": {
        "one": lambda x: [x],
        "dense": lambda x: by_rows(x, 5),
        "Fortran": lambda x: [np.asfortranarray(part) for part in by_rows(x, 3)],
        "CSR": lambda x: [sp.csr_array(part) for part in by_rows(x, 5)],
        "mixed": mixed,
    },
}
"""Storage → kind → what the storage is made from. A storage registered without a kind here fails the contract."""

CASES = [(storage, kind) for storage, kinds in KINDS.items() for kind in kinds]


def stored(x: np.ndarray, storage: str, kind: str) -> Operand:
    """The dense matrix x as an operand."""
    return OPERANDS[storage](KINDS[storage][kind](x))
