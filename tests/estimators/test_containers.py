"""One matrix in any container gives one answer, and the container stays as it was."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from partwise import NMF, Dataset

# Different containers add in different orders: rounding enters every step and grows with them, by about a digit or two
# in the few steps taken here. Twelve digits in float64 and four in float32 remain.
TOLERANCE = {"float64": 1e-9, "float32": 1e-3}


def fitted(X: Any, k: int = 2, solver: str = "auto") -> tuple[np.ndarray, np.ndarray]:
    """W H after a few steps from one start: of W and H themselves a tie might be broken either way."""
    model = NMF(k, init="random", random_state=0, tol=0, max_iter=5, solver=solver)
    W = model.fit_transform(X)
    return W @ model.components_, model.transform(X) @ model.components_


def assert_same(X: Any, dense: np.ndarray, k: int = 2, solver: str = "auto") -> None:
    kind = "float32" if dense.dtype == np.float32 else "float64"
    for found, expected in zip(fitted(X, k, solver), fitted(np.ascontiguousarray(dense), k, solver), strict=True):
        assert np.linalg.norm(found - expected) <= TOLERANCE[kind] * np.linalg.norm(dense.astype(float))


def strided(x: np.ndarray) -> np.ndarray:
    wide = np.full((2 * x.shape[0], 3 * x.shape[1]), -1.0, x.dtype)
    wide[::2, ::3] = x
    return wide[::2, ::3]


def unaligned(x: np.ndarray) -> np.ndarray:
    buffer = np.empty(x.nbytes + 1, np.uint8)[1:]
    y = buffer.view(x.dtype).reshape(x.shape)
    y[:] = x
    assert not y.flags.aligned
    return y


def read_only(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


DENSE: dict[str, Callable[[np.ndarray], Any]] = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": strided,
    "rows of a larger array": lambda x: np.vstack([x, x])[len(x) :],
    "columns of a larger array": lambda x: np.hstack([x, x])[:, x.shape[1] :],
    "backwards rows": lambda x: x[::-1].copy()[::-1],
    "backwards columns": lambda x: x[:, ::-1].copy()[:, ::-1],
    "read-only": read_only,
    "other byte order": lambda x: x.astype(x.dtype.newbyteorder()),
    "unaligned": unaligned,
    "list": lambda x: x.tolist(),
    "object": lambda x: x.astype(object),
    "pandas": pd.DataFrame,
    "polars": lambda x: pl.DataFrame(x, schema=[f"c{j}" for j in range(x.shape[1])]),
    "pandas, sparse": lambda x: pd.DataFrame.sparse.from_spmatrix(sp.csr_matrix(x)),
    "Dataset": lambda x: Dataset(x),
}


def with_long_indices(x: np.ndarray) -> sp.csr_array:
    y = sp.csr_array(x)
    y.indices, y.indptr = y.indices.astype(np.int64), y.indptr.astype(np.int64)
    return y


def unsorted(x: np.ndarray) -> sp.csr_array:
    y = sp.csr_array(x)
    order = np.concatenate([np.arange(b - 1, a - 1, -1) for a, b in zip(y.indptr, y.indptr[1:], strict=False)])
    return sp.csr_array((y.data[order.astype(int)], y.indices[order.astype(int)], y.indptr), shape=y.shape)


def with_stored_zeros(x: np.ndarray) -> sp.csr_array:
    j = np.indices(x.shape)[1]
    return sp.csr_array((x.ravel(), j.ravel(), np.arange(0, x.size + 1, x.shape[1])), shape=x.shape)


def with_duplicates(x: np.ndarray) -> sp.csr_array:
    y = sp.csr_array(x)
    halves = np.repeat(y.data / 2, 2)
    return sp.csr_array((halves, np.repeat(y.indices, 2), 2 * y.indptr), shape=y.shape)


def read_only_sparse(x: np.ndarray) -> sp.csr_array:
    y = sp.csr_array(x)
    for part in (y.data, y.indices, y.indptr):
        part.flags.writeable = False
    return y


def read_only_and_messy(x: np.ndarray) -> sp.csr_array:
    y = with_duplicates(x)
    for part in (y.data, y.indices, y.indptr):
        part.flags.writeable = False
    return y


def coo_with_duplicates(x: np.ndarray) -> sp.coo_array:
    y = sp.coo_array(x)
    row, col = y.coords
    return sp.coo_array((np.tile(y.data / 2, 2), (np.tile(row, 2), np.tile(col, 2))), shape=y.shape)


SPARSE: dict[str, Callable[[np.ndarray], Any]] = {
    **{f"{kind}_array": getattr(sp, f"{kind}_array") for kind in ("csr", "csc", "coo", "bsr", "lil", "dok", "dia")},
    **{f"{kind}_matrix": getattr(sp, f"{kind}_matrix") for kind in ("csr", "csc", "coo", "bsr", "lil", "dok", "dia")},
    "unsorted": unsorted,
    "unsorted columns": lambda x: unsorted(x.T).T,
    "stored zeros": with_stored_zeros,
    "duplicates": with_duplicates,
    "COO with duplicates": coo_with_duplicates,
    "int64 indices": with_long_indices,
    "read-only": read_only_sparse,
    "read-only duplicates": read_only_and_messy,
    "Dataset": lambda x: Dataset(sp.csr_array(x)),
}


def matrix(dtype: Any, shape: tuple[int, int] = (14, 9), zeros: float = 0.5, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.integers(1, 9, shape) * (rng.random(shape) >= zeros)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", DENSE)
def test_dense_containers(kind: str, dtype: type) -> None:
    if kind in ("list", "object") and dtype == np.float32:
        dtype = np.float64  # Python's numbers are float64
    assert_same(DENSE[kind](matrix(dtype)), matrix(dtype))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", SPARSE)
def test_sparse_containers(kind: str, dtype: type) -> None:
    assert_same(SPARSE[kind](matrix(dtype)), matrix(dtype))


NUMBERS = [np.bool_, np.int8, np.uint8, np.int32, np.uint64, np.int64, np.float16]
HOLDERS: dict[str, Callable[[np.ndarray], Any]] = {
    "C": np.asarray,
    "Fortran": np.asfortranarray,
    "pandas": pd.DataFrame,
    "CSR": sp.csr_array,
    "COO": sp.coo_matrix,
    "pandas, sparse": DENSE["pandas, sparse"],
}


@pytest.mark.parametrize(
    ("dtype", "holder"),
    # SciPy has no sparse float16
    [(d, h) for d in NUMBERS for h in HOLDERS if d != np.float16 or h in ("C", "Fortran", "pandas")],
)
def test_dtypes(dtype: type, holder: str) -> None:
    x = matrix(dtype)
    assert_same(HOLDERS[holder](x), x.astype(np.float64))


def test_memory_maps(tmp_path: Path) -> None:
    x = matrix(np.float64)
    np.save(tmp_path / "x.npy", x)
    for mode in ("r", "c"):
        assert_same(np.load(tmp_path / "x.npy", mmap_mode=mode), x)


@settings(max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    zeros=st.sampled_from([0.0, 0.3, 0.8, 0.97]),
    k=st.integers(1, 4),
    seed=st.integers(0, 10**6),
    dtype=st.sampled_from([np.float64, np.float32, np.float16, np.int16, np.bool_]),
    kind=st.one_of(
        st.sampled_from(sorted(DENSE)).map(lambda kind: ("dense", kind)),
        st.sampled_from(sorted(SPARSE)).map(lambda kind: ("sparse", kind)),
    ),
    solver=st.sampled_from(["cd", "bpp"]),
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_any_shape_dtype_and_container(
    shape: tuple[int, int], zeros: float, k: int, seed: int, dtype: Any, kind: tuple[str, str], solver: str
) -> None:
    x = matrix(dtype, shape, zeros, seed)
    if dtype not in (np.float64, np.float32) and (kind[0] == "sparse" or kind[1] in ("list", "polars", "unaligned")):
        x = x.astype(np.float64)
    if kind[1] in ("list", "object") or (kind[1] == "pandas, sparse" and dtype == np.float16):
        x = x.astype(np.float64)
    made = {"dense": DENSE, "sparse": SPARSE}[kind[0]][kind[1]](x)
    assert_same(made, x if x.dtype == np.float32 else x.astype(np.float64), k, solver)


def everything(X: Any) -> bytes:
    """All that can be seen of a container: values, order, indices, and what SciPy has cached on it."""
    if sp.issparse(X):
        return pickle.dumps(
            {name: np.array(part) if hasattr(part, "shape") else part for name, part in vars(X).items()}
        )
    return pickle.dumps(X)


@pytest.mark.parametrize("kind", [*(("dense", kind) for kind in DENSE), *(("sparse", kind) for kind in SPARSE)])
def test_nothing_of_the_users_is_modified(kind: tuple[str, str]) -> None:
    X = {"dense": DENSE, "sparse": SPARSE}[kind[0]][kind[1]](matrix(np.float64))
    before = everything(X.X if isinstance(X, Dataset) else X)
    model = NMF(2, random_state=0, max_iter=500)
    model.fit_transform(X)
    model.transform(X)
    model.score(X)
    assert everything(X.X if isinstance(X, Dataset) else X) == before


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_start_of_the_users_is_neither_modified_nor_kept(order: str) -> None:
    x = matrix(np.float64)
    rng = np.random.default_rng(1)
    W, H = np.asarray(rng.random((14, 2)), order=order), np.asarray(rng.random((2, 9)), order=order)
    kept = W.copy(), H.copy()
    model = NMF(2, init="custom", max_iter=500)
    found = model.fit_transform(x, W=W, H=H)
    np.testing.assert_array_equal(W, kept[0])
    np.testing.assert_array_equal(H, kept[1])
    assert not np.shares_memory(found, W)
    assert not np.shares_memory(model.components_, H)
    read_only_model = NMF(2, init="custom", max_iter=500)
    np.testing.assert_array_equal(read_only_model.fit_transform(x, W=read_only(W), H=read_only(H)), found)


def test_frames_give_names_and_their_order_is_checked() -> None:
    x = matrix(np.float64)
    names = [f"gene {j}" for j in range(9)]
    for frame in (pd.DataFrame(x, columns=names), pl.DataFrame(x, schema=names)):
        model = NMF(2, random_state=0, max_iter=500).fit(frame)
        assert model.feature_names_in_.tolist() == names
        tops = model.top_features(3)
        for part, top in zip(model.components_, tops, strict=True):
            assert [weight for _, weight in top] == sorted(part[part > 0], reverse=True)[:3]
            assert all(part[names.index(name)] == weight for name, weight in top)
        with pytest.raises(ValueError, match="feature names should match"):
            model.transform(frame[names[::-1]])
    assert not hasattr(NMF(2, random_state=0, max_iter=500).fit(x), "feature_names_in_")


def test_a_data_set_gives_names_and_layout() -> None:
    x = matrix(np.float64)
    names = tuple(f"word{j}" for j in range(9))
    data = Dataset(x, column_names=names)
    model = NMF(2, random_state=0, max_iter=500).fit(data)
    assert tuple(model.feature_names_in_) == names
    assert model.layout_ == data.layout
    np.testing.assert_array_equal(model.transform(data), model.transform(pd.DataFrame(x, columns=names)))
    with pytest.raises(ValueError, match=r"column 0 is 'word8' and was 'word0'"):
        model.transform(Dataset(x, column_names=names[::-1]))
    with pytest.raises(ValueError, match="X has 8 features, but NMF is expecting 9"):
        model.transform(Dataset(x[:, :8]))
