"""Extrapolation with restart (Ang & Gillis 2019, algorithm 2): how far to look ahead along the last step."""

from dataclasses import dataclass, replace

from partwise._types import Array

# β grows by GROWTH under a ceiling that itself grows by CEILING_GROWTH; on a rise of the objective β is divided by
# SHRINK and the ceiling becomes the last β that worked. The paper's values.
GROWTH, CEILING_GROWTH, SHRINK = 1.05, 1.01, 1.5


@dataclass(frozen=True)
class Momentum:
    """β and its ceiling. A plain step, the first and the one after each rise, does not look ahead."""

    beta: float = 0.5
    ceiling: float = 1.0
    worked: float = 0.5
    plain: bool = True

    def ahead(self, new: Array, base: Array) -> Array:
        """New + β (new − base), a new array; ``new`` itself in a plain step. The side projects it."""
        if self.plain:
            return new
        look = new - base
        look *= new.dtype.type(self.beta)
        look += new
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
