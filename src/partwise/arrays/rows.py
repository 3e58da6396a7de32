"""Data as a list of row blocks: the storage that disks and clusters build on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from partwise._errors import DataError
from partwise._types import Array
from partwise.arrays.block import Block, CSRBlock, DenseBlock
from partwise.arrays.canonical import canonical
from partwise.arrays.operand import InMemory

_DTYPES = {np.dtype(np.float32), np.dtype(np.float64)}


class RowBlocks(InMemory):
    """A matrix given as consecutive blocks of its rows, dense and sparse ones as they come.

    Parameters
    ----------
    blocks : sequence of ndarray or csr_array
        Matrices of one dtype (float32 or float64) with the same number of columns.

    Raises
    ------
    DataError
        If there is no block with a row, or if the blocks differ in columns or dtype.
    """

    T = None

    def __init__(self, blocks: Sequence[Array | sp.csr_array]) -> None:
        blocks = [canonical(block) for block in blocks]
        blocks = [block for block in blocks if block.ndim == 2 and block.shape[0] > 0]
        if not blocks:
            raise DataError("A list of row blocks was given without any row: give at least one block that has some.")
        columns = {block.shape[1] for block in blocks}
        dtypes = {block.dtype for block in blocks}
        if len(columns) > 1 or len(dtypes) > 1 or 0 in columns or not dtypes <= _DTYPES:
            raise DataError(
                f"The row blocks have {sorted(columns)} columns and dtypes {sorted(map(str, dtypes))}: "
                "all blocks need the same number of columns (one at least) and one dtype, float32 or float64."
            )
        self.dtype: np.dtype[Any] = dtypes.pop()
        self.blocks: list[Block] = []
        start = 0
        for block in blocks:
            self.blocks.append(DenseBlock(block, start) if isinstance(block, np.ndarray) else CSRBlock(block, start))
            start += block.shape[0]
        self.shape = (start, columns.pop())
