"""Extrapolation with restart (Ang & Gillis 2019, algorithm 2): how far to look ahead along the last step."""

from dataclasses import dataclass, replace

import numpy as np

from partwise._types import Array
from partwise.kernels.look_ahead import look_ahead
from partwise.kernels.threads import each_range, even_bounds

# β grows by GROWTH under a ceiling that itself grows by CEILING_GROWTH; on a rise of the objective β is divided by
# SHRINK and the ceiling becomes the last β that worked. The paper's values.
GROWTH, CEILING_GROWTH, SHRINK = 1.05, 1.01, 1.5

_ROWS = 2048


@dataclass(frozen=True)
class Momentum:
    """β and its ceiling. A plain step, the first and the one after each rise, does not look ahead."""

    beta: float = 0.5
    ceiling: float = 1.0
    worked: float = 0.5
    plain: bool = True

    def ahead(self, new: Array, base: Array, bounds: tuple[float, float], floor: float) -> Array:
        """The look-ahead new + β (new − base), at least ``floor`` new and within bounds; in a plain step ``new``."""
        if self.plain:
            return new
        look = np.empty_like(new)
        beta, least, low, high = (new.dtype.type(number) for number in (self.beta, floor, *bounds))

        def extrapolate(a: int, b: int) -> None:
            look_ahead(new[a:b], base[a:b], beta, least, low, high, look[a:b])

        each_range(extrapolate, even_bounds(len(new), _ROWS))
        return look

    def grown(self) -> "Momentum":
        """After a step that lowered the objective."""
        if self.plain:
            return replace(self, plain=False)
        return Momentum(
            beta=min(self.ceiling, GROWTH * self.beta),
            ceiling=min(1.0, CEILING_GROWTH * self.ceiling),
            worked=self.beta,
            plain=False,
        )

    def shrunk(self) -> "Momentum":
        """After a step that raised it."""
        return Momentum(beta=self.beta / SHRINK, ceiling=self.worked, worked=self.worked, plain=True)
