"""What a user gives of the factors: a start, and entries that stay."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from partwise._errors import ParameterError
from partwise._types import Array
from partwise.estimators.data import checked_factor, checked_fixed, components_of, fixed_rows, held_values
from partwise.estimators.fitting import Held, HeldFactors
from partwise.estimators.parameters import Parameters


@dataclass(frozen=True)
class Given:
    """The arguments of ``fit`` about the factors, as they came."""

    W: Any = None
    H: Any = None
    fixed_components: Any = None
    fixed_W: Any = None
    fixed_H: Any = None

    @property
    def fixes(self) -> bool:
        """Whether entries are to stay."""
        return not (self.fixed_components is None and self.fixed_W is None and self.fixed_H is None)

    def components(self, parameters: Parameters, n_features: int) -> int:
        """The number of components; "auto" takes it from an H or a W that is used, and is all features without."""
        if parameters.n_components != "auto":
            return parameters.n_components
        if self.fixes and self.H is None and np.ndim(self.W) == 2:
            return int(np.shape(self.W)[1])
        return components_of(self.H, n_features) if parameters.custom or self.fixes else n_features

    def start(
        self, parameters: Parameters, sizes: tuple[int, int, int], dtype: np.dtype[Any]
    ) -> tuple[Array, Array] | None:
        """The user's own start, W (m × k) and H (n × k), for ``init="custom"``."""
        m, n, k = sizes
        if parameters.custom:
            return checked_factor(self.W, (m, k), dtype, "W"), checked_factor(self.H, (k, n), dtype, "H").T
        fixes_H = np.any(self.fixed_H) or (self.fixed_components is not None and np.size(self.fixed_components) > 0)
        if (self.W is not None and not np.any(self.fixed_W)) or (self.H is not None and not fixes_H):
            warnings.warn(
                "When init!='custom', provided W or H are ignored, but for what is fixed of them. Set init='custom' to "
                "use them as initialization.",
                RuntimeWarning,
                stacklevel=5,
            )
        return None

    def held(self, sizes: tuple[int, int, int], dtype: np.dtype[Any]) -> HeldFactors:
        """What stays of W (m × k) and of H (n × k)."""
        m, n, k = sizes
        fixed_W = checked_fixed(self.fixed_W, (m, k), "fixed_W")
        fixed_H = self._fixed_H(k, n)
        if fixed_W is not None and fixed_H is not None and fixed_W.all() and fixed_H.all():
            raise ParameterError("All entries of W and H are fixed, so that nothing is left to fit: leave some free.")
        return (
            None if fixed_W is None else Held(held_values(self.W, fixed_W, dtype, "W"), fixed_W),
            None if fixed_H is None else Held(held_values(self.H, fixed_H, dtype, "H").T, fixed_H.T),
        )

    def _fixed_H(self, k: int, n: int) -> Array | None:
        fixed = checked_fixed(self.fixed_H, (k, n), "fixed_H")
        if self.fixed_components is None:
            return fixed
        rows = np.repeat(fixed_rows(self.fixed_components, k)[:, None], n, axis=1)
        both = rows if fixed is None else rows | fixed
        return both if both.any() else None
