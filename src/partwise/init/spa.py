"""Successive projection (Araújo et al. 2001; Gillis & Vavasis 2014): rows of X themselves as the first parts."""

from dataclasses import dataclass

import numpy as np

from partwise._types import Array
from partwise.arrays.block import Block
from partwise.arrays.operand import Operand, Rows


@dataclass(frozen=True)
class Farthest:
    """The row farthest from the span of those chosen; of equal ones the first."""

    square: float
    row: Array

    def __add__(self, other: "Farthest") -> "Farthest":
        return other if other.square > self.square else self


def spa(operand: Operand, mean: float, k: int, rng: np.random.RandomState) -> tuple[None, Array]:
    """H holds the k rows of X, scaled to sum to 1, that stick out most; W is what solves for them.

    Needs k ≤ rank(X): where the rows span less, the remaining parts are noise, always the same, so that they can learn.
    """
    n = operand.shape[1]
    chosen = np.zeros((n, k))
    basis = np.zeros((n, 0))
    for j in range(k):
        farthest = _farthest_row(operand, basis)
        direction = farthest.row - basis @ (basis.T @ farthest.row)
        norm = float(np.linalg.norm(direction))
        if norm <= 1e-6 * float(np.linalg.norm(farthest.row)):
            chosen[:, j:] = np.abs(np.random.RandomState(0).standard_normal(size=(n, k - j))) / n
            break
        chosen[:, j] = farthest.row
        basis = np.column_stack([basis, direction / norm])
    return None, chosen.astype(operand.dtype)


def _farthest_row(operand: Operand, basis: Array) -> Farthest:
    columns = np.column_stack([np.ones(operand.shape[1]), basis])

    def visit(block: Block, rows: Rows) -> tuple[Rows, Farthest]:
        products = block.times(columns)
        sums, inside = products[:, 0], products[:, 1:]
        outside = block.row_squares - np.einsum("ij,ij->i", inside, inside)
        squares = outside / np.where(sums > 0, sums, np.inf) ** 2
        i = int(np.argmax(squares))
        row = block.rows(np.array([i]))[0].astype(np.float64)
        return None, Farthest(float(squares[i]), row / (row.sum() or 1.0))

    return operand.sweep(visit, None)[1]
