"""Type aliases."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""A dense array of float32 or float64."""
Float64 = NDArray[np.float64]
PerComponent: TypeAlias = float | Float64
"""One number for all components, or one for each, of shape (k,)."""
