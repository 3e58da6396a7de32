"""The descent of :mod:`partwise.kernels.kullback_leibler` on short dense rows, vectorised across rows.

On rows of a few dozen entries most of the time of a step went into what comes once for each: sums over the lanes of a
vector, and divisions that wait for each other. Here every lane holds a row of its own, and all lanes visit the same
coordinate. A row that has ended its sweep leaves its lane to the next one, so that no lane waits for the slowest, and
no row sees what is in the other lanes. Of several sweeps some rows need a hundred times more than others: the last ones
would have all lanes to themselves.
"""

import numpy as np

from partwise._types import Array, Float64
from partwise.kernels._jit import inlined, kernel
from partwise.kernels.kl_steps import NARROW, NEXT, WIDTH, pulls, root, safe, start_model

# Rows that move together: some vector registers of them, so that their divisions overlap.
LANES = 32


@kernel
def lower_lanes(
    X: Array,
    g: Array,
    S: Float64,
    linear: Float64,
    ridge: Float64,
    F: Array,
    new: Array,
    work: Float64,
) -> None:
    """Lower the rows of F, whose entries are those of X (rows × n), by one sweep into ``new``; g is Gᵀ (k × room)."""
    m, n = X.shape
    k, room = g.shape
    dtype = F.dtype
    x = np.zeros((n, LANES), dtype)
    y = np.ones((n, LANES), dtype)
    floor = np.ones(LANES, dtype)
    f = np.zeros((k, LANES), dtype)
    s = np.zeros((k, LANES))
    old = np.zeros(LANES, dtype)
    delta = np.zeros(LANES, dtype)
    # N and D of the coordinate that comes next, N where the one before it was and where it has gone.
    N = np.zeros(LANES, dtype)
    D = np.zeros(LANES, dtype)
    here = np.zeros(LANES, dtype)
    there = np.zeros(LANES, dtype)
    weight = np.zeros(LANES)
    gained = np.zeros(LANES)
    wide = np.zeros(LANES)
    narrow = np.ones(LANES, np.int64)
    row = np.full(LANES, -1)
    entries = np.zeros((3, room), dtype)
    coming = 0
    while True:
        busy = False
        for r in range(LANES):
            if row[r] >= 0 and _ended(r, gained, wide, narrow):
                work[0] += wide[r]
                work[1] += wide[r]
                work[2] += 1
                for j in range(k):
                    new[row[r], j] = f[j, r]
                    f[j, r] = 0  # and nothing narrow moves in a lane that is empty
                row[r], narrow[r] = -1, 1
            if row[r] < 0 and coming < m:
                weight[r], floor[r] = _enter(r, coming, X, g, F, entries, x, y)
                N[r], D[r] = pulls(entries[0], g, 0, entries[2], room // WIDTH)
                for j in range(k):
                    f[j, r] = F[coming, j]
                    s[j, r] = S[min(coming, len(S) - 1), j]
                row[r], narrow[r] = coming, 0
                coming += 1
            busy |= row[r] >= 0
            gained[r] = 0.0
        if not busy:
            break
        for j in range(k):
            then = j + 1 if j + 1 < k else 0
            _step(j, f, s, linear[j], ridge[j], N, D, narrow, old, delta, here)
            _move(j, then, x, y, g, delta, floor, there, N, D)
            if _passed(j, f, s, linear[j], ridge[j], old, here, there):
                _hold_back(j, f, s, linear[j], ridge[j], old, here, there, delta)
                _move(j, then, x, y, g, delta, floor, there, N, D)
            work[3] += _settle(j, f, s, weight, old, gained)


@inlined
def _enter(r: int, i: int, X: Array, g: Array, F: Array, entries: Array, x: Array, y: Array) -> tuple[float, float]:
    """Give lane r row i; return the weight of its gains and the floor of its y."""
    zero = F.dtype.type(0)
    total = 0.0
    largest = zero
    for c in range(len(x)):
        entries[0, c] = X[i, c]
        total += X[i, c]
        largest = max(largest, X[i, c])
    eps = F.dtype.type(np.finfo(F.dtype).eps)
    floor = eps * eps * largest if largest > zero else F.dtype.type(1)
    start_model(F, i, g, floor, g.shape[1] // WIDTH, entries[1], entries[2])
    for c in range(len(x)):
        x[c, r] = entries[0, c]
        y[c, r] = entries[1, c]
    return np.divide(1.0, total) if total > 0 else 0.0, floor


@inlined
def _ended(r: int, gained: Float64, wide: Float64, narrow: Array) -> bool:
    """Whether the row in lane r has ended its sweep; else its coordinates that are not zero are visited once more."""
    if narrow[r] == 0:
        wide[r] = gained[r]
    elif narrow[r] == NARROW or gained[r] <= NEXT * wide[r]:
        return True
    narrow[r] += 1
    return False


@inlined
def _step(
    j: int,
    f: Array,
    s: Float64,
    linear: float,
    ridge: float,
    N: Array,
    D: Array,
    narrow: Array,
    old: Array,
    delta: Array,
    here: Array,
) -> None:
    """Set coordinate j of each lane to the root of its model, where it is visited, and ``delta`` to how far that is."""
    for r in range(LANES):
        old[r], here[r] = f[j, r], N[r]
        t = np.float64(f[j, r])
        P = s[j, r] + linear + ridge * t
        visited = P > 0 and (t > 0 or narrow[r] == 0)
        to = root(t, np.float64(N[r]), np.float64(D[r]), P, ridge)
        f[j, r] = f.dtype.type(to if visited else t)
        delta[r] = f[j, r] - old[r]


@inlined
def _move(
    j: int, then: int, x: Array, y: Array, g: Array, delta: Array, floor: Array, there: Array, N: Array, D: Array
) -> None:
    """Move coordinate j of each lane by ``delta``: its N there, and N and D of the coordinate ``then``."""
    one, zero = y.dtype.type(1), y.dtype.type(0)
    for r in range(LANES):
        there[r] = N[r] = D[r] = zero
    for c in range(len(x)):
        moved, coming = g[j, c], g[then, c]
        for r in range(LANES):
            y[c, r] += delta[r] * moved
            inverse = np.divide(one, y[c, r] if y[c, r] > floor[r] else floor[r])
            pull = x[c, r] * inverse
            there[r] += pull * moved
            N[r] += pull * coming
            D[r] += pull * coming * (inverse * coming)


@inlined
def _passed(j: int, f: Array, s: Float64, linear: float, ridge: float, old: Array, here: Array, there: Array) -> bool:
    """Whether a step to the left has passed the root of any lane so far that it may have raised φ."""
    count = 0
    for r in range(LANES):
        P = 2 * (s[j, r] + linear) + ridge * (np.float64(old[r]) + np.float64(f[j, r]))
        count += f[j, r] < old[r] and np.float64(here[r]) + np.float64(there[r]) > P
    return count > 0


@inlined
def _hold_back(
    j: int,
    f: Array,
    s: Float64,
    linear: float,
    ridge: float,
    old: Array,
    here: Array,
    there: Array,
    delta: Array,
) -> None:
    """End these steps where they are safe."""
    for r in range(LANES):
        t, to, N = np.float64(old[r]), f[j, r], np.float64(here[r])
        constant = s[j, r] + linear
        if to < old[r] and N + np.float64(there[r]) > 2 * constant + ridge * (t + np.float64(to)):
            f[j, r] = max(to, f.dtype.type(safe(t, N, 2 * constant + ridge * t - N, ridge)))
        delta[r] = f[j, r] - to


@inlined
def _settle(j: int, f: Array, s: Float64, weight: Float64, old: Array, gained: Float64) -> int:
    """Add what the steps gained; return how many lanes moved."""
    moved = 0
    for r in range(LANES):
        step = np.float64(f[j, r] - old[r])
        share = s[j, r] * step if step != 0 else 0.0
        gained[r] += weight[r] * share * share
        moved += step != 0
    return moved
