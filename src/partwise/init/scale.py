"""The scale of a start where entries have weights: what is missing stood for zero when the start was made."""

from typing import Any

import numpy as np

from partwise._types import Array
from partwise.arrays.block import Block
from partwise.arrays.operand import Operand, Rows
from partwise.arrays.weighted import WeightedBlock


def fitted_scale(operand: Operand, W: Array, H: Array) -> tuple[Array, Array]:
    """W and H, both multiplied by the root of the factor that brings W Hᵀ nearest to what is observed."""

    def visit(block: Block, rows: Rows) -> tuple[Rows, Any]:
        assert isinstance(block, WeightedBlock)
        assert isinstance(rows, np.ndarray)
        mixed = np.einsum("ij,ij->", block.weighted_times(H), rows, dtype=np.float64)
        square = np.einsum("ij,ij->", block.model_times(rows, H), rows, dtype=np.float64)
        return None, np.array([mixed, square])

    mixed, square = operand.sweep(visit, operand.place(W))[1]
    root = W.dtype.type(np.sqrt(mixed / square) if mixed > 0 and square > 0 else 1.0)
    return W * root, H * root
