"""Random starts."""

import numpy as np

from partwise._types import Array
from partwise.arrays.operand import Operand


def random(operand: Operand, mean: float, k: int, rng: np.random.RandomState) -> tuple[Array, Array]:
    """|N(0, 1)| · √(mean/k), H drawn before W: the very start that scikit-learn makes from the same seed."""
    m, n = operand.shape
    dtype = operand.dtype
    scale = np.sqrt(mean / k)
    H = np.abs(scale * rng.standard_normal(size=(k, n))).astype(dtype)
    W = np.abs(scale * rng.standard_normal(size=(m, k))).astype(dtype)
    return W, np.ascontiguousarray(H.T)
