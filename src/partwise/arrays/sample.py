"""Some of the rows, in memory."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from partwise._types import Array
from partwise.arrays.block import Block
from partwise.arrays.memory import MemoryOperand
from partwise.arrays.operand import Operand, Rows


@dataclass(frozen=True)
class Pieces:
    """Rows of consecutive blocks."""

    each: tuple[Array | sp.csr_array, ...]

    def __add__(self, other: "Pieces") -> "Pieces":
        return Pieces(self.each + other.each)


def sample_rows(operand: Operand, index: Array) -> MemoryOperand:
    """The rows of ``index`` (sorted) in memory, dense or sparse as they are."""

    def visit(block: Block, rows: Rows) -> tuple[Rows, Pieces]:
        inside = index[(index >= block.start) & (index < block.start + block.shape[0])]
        return None, Pieces((block.part(inside - block.start),))

    pieces = operand.sweep(visit, None)[1].each
    dense = [piece for piece in pieces if isinstance(piece, np.ndarray)]
    if len(dense) == len(pieces):
        return MemoryOperand(np.concatenate(dense))
    return MemoryOperand(sp.csr_array(sp.vstack([sp.csr_array(piece) for piece in pieces], format="csr")))
