"""The objective that every program is judged by, in float64 whatever it computed in."""

from typing import Any

import numpy as np

_ROWS = 1024


def objective(X: Any, W: Any, H: Any) -> float:
    """½ ‖X − WH‖² in float64 without ever holding m × n: dense X by blocks of rows, sparse X by the three traces."""
    W, H = np.asarray(W, np.float64), np.asarray(H, np.float64)
    if not isinstance(X, np.ndarray):
        squares = float(np.sum(np.square(X.data, dtype=np.float64)))
        return 0.5 * (squares - 2 * float(np.sum((X @ H.T) * W)) + float(np.sum((W.T @ W) * (H @ H.T))))
    parts = (slice(a, a + _ROWS) for a in range(0, len(X), _ROWS))
    return 0.5 * sum(float(np.sum((X[part] - W[part] @ H) ** 2)) for part in parts)
