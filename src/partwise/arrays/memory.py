"""Data in memory: a dense array, or a CSR array with its transpose."""

from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp

from partwise._lazy import lazy
from partwise._types import Array
from partwise.arrays.block import Block, CSRBlock, DenseBlock
from partwise.arrays.operand import InMemory
from partwise.arrays.weighted import WeightedCSRBlock, WeightedDenseBlock
from partwise.arrays.weights import Weights

# Rows of one dense block. W is updated and H's share taken while the block is in cache, and adding the share (n × k)
# stays far below a tenth of the products. Under eight blocks the threads could not share them, so there is one,
# cut inside its products, and H's cross product is made by ranges of columns instead of added.
BLOCK_ROWS = 1024
MIN_BLOCKS = 8


class MemoryOperand(InMemory):
    """A matrix in memory."""

    def __init__(
        self, x: Array | sp.csr_array, weights: Weights | None = None, blocks: list[Block] | None = None
    ) -> None:
        m, n = x.shape
        self.x = x
        self.weights = weights
        self.shape = (m, n)
        self.dtype: np.dtype[Any] = x.dtype
        self.blocks = _blocks(x, weights) if blocks is None else blocks

    def is_nan(self, i: int, j: int) -> bool:
        """Whether the entry of a dense matrix is NaN."""
        return isinstance(self.x, np.ndarray) and bool(np.isnan(self.x[i, j]))

    @lazy
    def T(self) -> "MemoryOperand":
        """The transpose: a view of dense data; of sparse data the block's own transpose, whose transpose it is."""
        block = self.blocks[0]
        if isinstance(block, CSRBlock):
            transpose = block.T
            assert isinstance(transpose, CSRBlock)
            return MemoryOperand(transpose.x, transpose.weights, [transpose])
        x = np.asarray(self.x)
        return MemoryOperand(x.T, None if self.weights is None else self.weights.T)


def _blocks(x: Array | sp.csr_array, weights: Weights | None) -> list[Block]:
    if not isinstance(x, np.ndarray):
        return [CSRBlock(x) if weights is None else WeightedCSRBlock(x, weights)]
    m = x.shape[0]
    count = m // BLOCK_ROWS
    bounds = [0, m] if count < MIN_BLOCKS else np.linspace(0, m, count + 1).astype(int).tolist()
    if weights is None:
        return [DenseBlock(x[a:b], a) for a, b in pairwise(bounds)]
    return [WeightedDenseBlock(x[a:b], weights.part(a, b), a) for a, b in pairwise(bounds)]
