"""Type aliases."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""A dense array of float32 or float64."""
Float64 = NDArray[np.float64]
