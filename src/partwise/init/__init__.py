"""Starts for the factors: W (m × k), or None where it is to be solved for H, and H (n × k), in the dtype of the data.

Each takes the operand, the mean of its entries, the number of components and a random state.
"""

from collections.abc import Callable

import numpy as np

from partwise._types import Array
from partwise.arrays.operand import Operand
from partwise.init.nndsvd import nndsvd, nndsvda, nndsvdar
from partwise.init.random import random
from partwise.init.scale import fitted_scale
from partwise.init.spa import spa

Init = Callable[[Operand, float, int, np.random.RandomState], tuple[Array | None, Array]]

INITS: dict[str, Init] = {"random": random, "nndsvd": nndsvd, "nndsvda": nndsvda, "nndsvdar": nndsvdar, "spa": spa}
"""The starts by the name that ``init`` takes; ``"custom"`` is the user's own."""

DETERMINISTIC = frozenset({"nndsvd", "nndsvda", "spa"})
"""Starts that do not differ from seed to seed: several of them would be one fit done again."""

__all__ = ["DETERMINISTIC", "INITS", "fitted_scale"]
