"""From what a user has to an operand, without touching the user's object."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from partwise.arrays.block import CSRBlock
from partwise.arrays.canonical import canonical
from partwise.arrays.memory import MemoryOperand
from partwise.arrays.operand import Operand
from partwise.arrays.rows import RowBlocks

OPERANDS: dict[str, Callable[[Any], Operand]] = {
    "memory": MemoryOperand,
    "rows": RowBlocks,
}
"""The storages by name, each made from what ``as_operand`` takes."""


def as_operand(X: Any) -> Operand:
    """The operand for a validated matrix: numeric, two-dimensional, float32 or float64.

    Parameters
    ----------
    X : ndarray, SciPy sparse array or matrix, list of those, or an Operand
        A list is taken as consecutive blocks of rows.
    """
    if isinstance(X, MemoryOperand | RowBlocks):
        return X
    if isinstance(X, list):
        return OPERANDS["rows"](X)
    if isinstance(X, sp.csc_array | sp.csc_matrix):
        # Its buffers are the transpose in CSR form, which the products need too: one copy instead of two.
        columns = canonical(X.T)
        assert not isinstance(columns, np.ndarray)
        block = CSRBlock(sp.csr_array(columns.T))
        block.keep_transpose(CSRBlock(columns))
        return MemoryOperand(block.x, blocks=[block])
    return OPERANDS["memory"](canonical(X))
