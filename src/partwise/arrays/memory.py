"""Data in memory: a dense array, or a CSR array with its transpose."""

from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp

from partwise._lazy import lazy
from partwise._types import Array
from partwise.arrays.block import Block, CSRBlock, DenseBlock
from partwise.arrays.operand import InMemory

# Rows of one dense block. W is updated and H's share taken while the block is in cache, and adding the share (n × k)
# stays far below a tenth of the products. Under eight blocks the threads could not share them, so there is one,
# cut inside its products, and H's cross product is made by ranges of columns instead of added.
BLOCK_ROWS = 1024
MIN_BLOCKS = 8


class MemoryOperand(InMemory):
    """A matrix in memory."""

    def __init__(self, x: Array | sp.csr_array, blocks: list[Block] | None = None) -> None:
        m, n = x.shape
        self.x = x
        self.shape = (m, n)
        self.dtype: np.dtype[Any] = x.dtype
        self.blocks = _blocks(x) if blocks is None else blocks

    @lazy
    def T(self) -> "MemoryOperand":
        """The transpose: a view of dense data; of sparse data the block's own transpose, whose transpose it is."""
        block = self.blocks[0]
        if isinstance(block, CSRBlock):
            transpose = block.T
            assert isinstance(transpose, CSRBlock)
            return MemoryOperand(transpose.x, [transpose])
        return MemoryOperand(np.asarray(self.x).T)


def _blocks(x: Array | sp.csr_array) -> list[Block]:
    if not isinstance(x, np.ndarray):
        return [CSRBlock(x)]
    m = x.shape[0]
    count = m // BLOCK_ROWS
    if count < MIN_BLOCKS:
        return [DenseBlock(x)]
    bounds = np.linspace(0, m, count + 1).astype(int)
    return [DenseBlock(x[a:b], int(a)) for a, b in pairwise(bounds)]
