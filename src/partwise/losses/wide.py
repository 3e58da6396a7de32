"""Factors of several fits side by side, so that one product serves them all."""

from collections.abc import Sequence

import numpy as np

from partwise._types import Array
from partwise.kernels.threads import each_range, even_bounds

_ROWS = 1024


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
    factors = [np.empty((len(wide), width), wide.dtype) for width in widths]

    def part(a: int, b: int) -> None:
        for F, piece in zip(factors, np.split(wide[a:b], cuts, axis=1), strict=True):
            F[a:b] = piece

    cuts = np.cumsum(widths)[:-1]
    each_range(part, even_bounds(len(wide), _ROWS))
    return factors
