"""Products of a compressed sparse matrix with a dense one, over a range of rows."""

from partwise._types import Array
from partwise.kernels._jit import kernel


@kernel
def csr_times(data: Array, indices: Array, indptr: Array, B: Array, start: int, stop: int, out: Array) -> None:
    """out[start:stop] = X[start:stop] B for X in CSR form; four entries at a time, so that ``out`` is written less."""
    k = B.shape[1]
    zero = out.dtype.type(0)
    for r in range(start, stop):
        row = out[r]
        for j in range(k):
            row[j] = zero
        p = indptr[r]
        end = indptr[r + 1]
        while p + 4 <= end:
            x0, x1, x2, x3 = data[p], data[p + 1], data[p + 2], data[p + 3]
            b0, b1, b2, b3 = B[indices[p]], B[indices[p + 1]], B[indices[p + 2]], B[indices[p + 3]]
            for j in range(k):
                row[j] += x0 * b0[j] + x1 * b1[j] + x2 * b2[j] + x3 * b3[j]
            p += 4
        while p < end:
            x0 = data[p]
            b0 = B[indices[p]]
            for j in range(k):
                row[j] += x0 * b0[j]
            p += 1
