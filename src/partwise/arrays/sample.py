"""Some of the rows, in memory, and what to choose them by."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from partwise._types import Array, Float64
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


@dataclass(frozen=True)
class _Sums:
    """Sums over rows, which stand after one another, and over columns, which add up."""

    rows: tuple[Array, ...]
    columns: Array

    def __add__(self, other: "_Sums") -> "_Sums":
        return _Sums(self.rows + other.rows, self.columns + other.columns)


def line_counts(operand: Operand) -> tuple[Array, Array]:
    """How many entries of each row and of each column are observed."""

    def visit(block: Block, rows: Rows) -> tuple[Rows, _Sums]:
        return None, _Sums((block.counts,), block.T.counts)

    sums = operand.sweep(visit, None)[1]
    return np.concatenate(sums.rows), sums.columns


def line_squares(operand: Operand) -> tuple[Float64, Float64]:
    """Σ x² of each row and of each column, by one read."""

    def visit(block: Block, rows: Rows) -> tuple[Rows, _Sums]:
        return None, _Sums((block.row_squares,), block.T.row_squares)

    sums = operand.sweep(visit, None)[1]
    return np.concatenate(sums.rows), sums.columns
