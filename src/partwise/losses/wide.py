"""Factors of several fits side by side, so that one product serves them all."""

from collections.abc import Sequence

import numpy as np

from partwise._types import Array
from partwise.arrays.block import Block
from partwise.kernels.threads import each_range, even_bounds

# A sparse product fetches a row of the held factors for each stored entry: side by side that is one long row instead of
# many short ones. Beyond some 800 bytes nothing more is gained, and the factors no longer fit into the cache.
ROW_BYTES = 800

_ROWS = 1024


class Wide:
    """Held factors side by side, as many in one product as pay; a single factor is used as it is."""

    def __init__(self, factors: Sequence[Array]) -> None:
        count = max(1, ROW_BYTES // (factors[0].shape[1] * factors[0].itemsize))
        groups = [factors[i : i + count] for i in range(0, len(factors), count)]
        self._groups = [(side_by_side(group), [F.shape[1] for F in group]) for group in groups]

    def products(self, block: Block) -> list[Array]:
        """The product of the block with each factor."""
        return [product for wide, widths in self._groups for product in apart(block.times(wide), widths)]


def side_by_side(factors: Sequence[Array]) -> Array:
    """[F₁ F₂ …] as one C-ordered array; a single factor is itself."""
    if len(factors) == 1:
        return factors[0]
    out = np.empty((len(factors[0]), sum(F.shape[1] for F in factors)), factors[0].dtype)

    def join(a: int, b: int) -> None:
        np.concatenate([F[a:b] for F in factors], axis=1, out=out[a:b])

    each_range(join, even_bounds(len(out), _ROWS))
    return out


def apart(wide: Array, widths: Sequence[int]) -> list[Array]:
    """The factors that stand side by side, each in memory of its own; a single one is itself."""
    if len(widths) == 1:
        return [wide]
    cuts = np.cumsum(widths)[:-1]
    factors = [np.empty((len(wide), width), wide.dtype) for width in widths]

    def copy(a: int, b: int) -> None:
        for F, piece in zip(factors, np.split(wide[a:b], cuts, axis=1), strict=True):
            F[a:b] = piece

    each_range(copy, even_bounds(len(wide), _ROWS))
    return factors
