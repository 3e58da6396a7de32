"""Matrix Market files: ``.mtx`` and ``.mtx.gz``."""

from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from partwise.io.arrays import check_numeric
from partwise.io.dataset import Dataset
from partwise.io.files import opened, too_large
from partwise.io.options import NumberOptions


def read_mtx(path: Path, options: NumberOptions) -> Dataset:
    """Read a sparse (coordinate) or dense (array) matrix; a symmetric one is completed."""
    from scipy.io import mminfo, mmread  # brings the readers of a dozen other formats

    with opened(path, options.max_bytes) as stream:
        rows, columns, entries, form, *_ = mminfo(stream)
    stored = rows * columns * 8 if form == "array" else (rows + columns) * 8 + entries * 16
    if stored > options.max_bytes:
        raise too_large(path, options.max_bytes)
    with opened(path, options.max_bytes) as stream:
        matrix: Any = mmread(stream)
    check_numeric(matrix.dtype, path)
    X = np.asarray(matrix) if form == "array" else sparse.csr_array(matrix)
    return Dataset(X, source=str(path))
