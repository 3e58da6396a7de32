"""How the time of an iteration grows with the data: ``python -m benchmarks.growth REQUEST``."""

import json
import sys
from statistics import median
from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks.measure import Line
from benchmarks.problems import start
from benchmarks.programs import PROGRAMS, Task, quietly
from benchmarks.records import Record
from benchmarks.tables import number, table

K, COLUMNS, SPARSE_COLUMNS, PER_ROW = 10, 100, 2000, 100
SIZES = {
    "rows": [10_000, 30_000, 100_000, 300_000, 1_000_000],
    "stored": [100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000],
}
# Iterations that are timed; those before find their plan and fill the caches.
FIRST, LAST = 3, 13


def measure_growth(axis: str, size: int) -> Line:
    """The median of the seconds between the iterations of one fit in float32, without a coarse stage."""
    from partwise import NMF

    X = (_dense if axis == "rows" else _sparse)(size)
    quietly(PROGRAMS["partwise"], Task(X[:300], *start(X[:300], 4, 0), max_iter=5))
    model = NMF(K, init="custom", max_iter=LAST, tol=0, coarse=False)
    W, H = start(X, K, 0)
    model.fit_transform(X, W=W, H=H)
    seconds = np.diff(model.history_["seconds"])[FIRST : LAST - 1]
    return {"seconds": median(seconds.tolist())}


def _dense(m: int) -> Any:
    rng = np.random.default_rng(0)
    parts = rng.random((K, COLUMNS), np.float32)
    X = np.empty((m, COLUMNS), np.float32)
    for a in range(0, m, 10_000):
        X[a : a + 10_000] = rng.random((len(X[a : a + 10_000]), K), np.float32) ** 4 @ parts
        X[a : a + 10_000] += rng.random((len(X[a : a + 10_000]), COLUMNS), np.float32)
    return X


def _sparse(stored: int) -> Any:
    """Rows of PER_ROW entries each, so that rows and entries grow together; two thirds come from the row's own part."""
    rng = np.random.default_rng(0)
    m = stored // PER_ROW
    width = SPARSE_COLUMNS // K
    columns = rng.integers(SPARSE_COLUMNS, size=(m, PER_ROW), dtype=np.int32)
    own = rng.integers(width, size=columns.shape, dtype=np.int32) + width * rng.integers(K, size=(m, 1), dtype=np.int32)
    columns = np.where(rng.random(columns.shape, np.float32) < 2 / 3, own, columns)
    values = rng.random(columns.size, np.float32)
    X = sp.csr_array((values, columns.ravel(), np.arange(0, columns.size + 1, PER_ROW)), shape=(m, SPARSE_COLUMNS))
    X.sum_duplicates()
    return X


# -- the page ------------------------------------------------------------------------------------------------------

TITLES = {"rows": f"rows of dense data (n = {COLUMNS})", "stored": "stored entries of sparse data"}
_INTRODUCTION = f"""\
Seconds per iteration of one fit in float32 with k = {K} and `coarse=False` (the median of {LAST - FIRST - 1}, from
`history_`): against the rows of dense data with {COLUMNS} columns, and against the stored entries of sparse data with
{SPARSE_COLUMNS} columns and {PER_ROW} entries drawn in each row. The exponent is the slope of the line fitted to the
logarithms: 1 is linear growth."""


def growth_page(records: list[Record], picture: str) -> str:
    """The table and the picture, without the heading."""
    rows = [[TITLES[r["axis"]], f"{r['size']:,}", number(1000 * r["seconds"])] for r in _measured(records)]
    slopes = [f"Exponent for {TITLES[axis]}: **{exponent(records, axis):.2f}**." for axis in axes(records)]
    parts = [_INTRODUCTION, *slopes, f"![Seconds per iteration against size]({picture})"]
    return "\n\n".join([*parts, table(["axis", "size", "ms per iteration"], rows)])


def axes(records: list[Record]) -> list[str]:
    """The axes with at least two points."""
    return [axis for axis in SIZES if len(points(records, axis)[0]) > 1]


def points(records: list[Record], axis: str) -> tuple[list[int], list[float]]:
    """Sizes and seconds, the smallest first."""
    pairs = sorted((r["size"], r["seconds"]) for r in _measured(records) if r["axis"] == axis)
    return [size for size, _ in pairs], [seconds for _, seconds in pairs]


def exponent(records: list[Record], axis: str) -> float:
    """The slope in logarithms."""
    sizes, seconds = points(records, axis)
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def _measured(records: list[Record]) -> list[Record]:
    return [record for record in records if "failure" not in record]


if __name__ == "__main__":
    print(json.dumps(measure_growth(**json.loads(sys.argv[1]))))
