"""The matrices of the benchmarks: real ones from the data folder (``PARTWISE_DATA``), and synthetic ones."""

import gzip
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfTransformer


def data_folder() -> Path:
    """The folder of real data: ``PARTWISE_DATA``, or ``../shared/data`` beside the repository."""
    return Path(os.environ.get("PARTWISE_DATA") or Path(__file__).parents[2] / "shared" / "data")


@dataclass(frozen=True)
class Problem:
    """A matrix (samples in rows), the number of its components, and the file that it is read from, if any."""

    title: str
    k: int
    load: Callable[[Path], Any]
    file: str = ""

    def matrix(self, dtype: str = "float64") -> Any:
        """The matrix, from the folder of real data if it is one of those."""
        return self.load(data_folder() / self.file).astype(dtype)

    def missing(self) -> str | None:
        """The sentence why there is no such matrix here, or None."""
        if not self.file or (data_folder() / self.file).exists():
            return None
        return f"{self.title} skipped: {data_folder() / self.file} is not there (set PARTWISE_DATA)."


def start(X: Any, k: int, seed: int) -> tuple[Any, Any]:
    """|N(0, 1)| · sqrt(mean(X)/k) for W (m × k) and H (k × n), in the dtype of X."""
    rng = np.random.RandomState(seed)
    scale = np.sqrt(X.mean(dtype=np.float64) / k)
    W = np.abs(rng.standard_normal((X.shape[0], k))) * scale
    H = np.abs(rng.standard_normal((k, X.shape[1]))) * scale
    return W.astype(X.dtype), H.astype(X.dtype)


# -- real data -----------------------------------------------------------------------------------------------------


def _orl(path: Path) -> Any:
    return np.load(path)["images"].reshape(400, -1) / 255


def _cbcl(path: Path) -> Any:
    return np.load(path)["images"].reshape(2429, -1) / 255


def _fashion(path: Path) -> Any:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=16).reshape(60000, 784) / 255


def _news(path: Path) -> Any:
    counts = _stored(path)
    frequent = counts[:, np.asarray((counts > 0).sum(axis=0)).ravel() >= 5]
    return _without_empty_rows(TfidfTransformer(sublinear_tf=True).fit_transform(frequent))


def _dblp(path: Path) -> Any:
    return _without_empty_rows(_stored(path))


def _jasper(path: Path) -> Any:
    return np.ascontiguousarray(np.load(path)["Y"].T / 5437)


def _pbmc(path: Path) -> Any:
    genes = _stored(path)
    return genes[np.asarray((genes > 0).sum(axis=1)).ravel() >= 3].T.tocsr()


def _stored(path: Path) -> Any:
    matrix: Any = sp.load_npz(path)
    return matrix.tocsr().astype(np.float64)


def _without_empty_rows(X: Any) -> Any:
    return X[np.diff(X.indptr) > 0]


# -- synthetic data ------------------------------------------------------------------------------------------------


def low_rank(m: int, n: int, k: int, noise: float = 0.05) -> Any:
    """A dense product of gamma factors with noise of a stated share of its mean, clipped at zero."""
    rng = np.random.default_rng(0)
    X = rng.gamma(0.5, size=(m, k)) @ rng.gamma(0.5, size=(k, n))
    return np.maximum(X + noise * X.mean() * rng.standard_normal(X.shape), 0)


def poisson_parts(m: int, n: int, k: int, stored: float) -> Any:
    """Sparse counts: each row draws about ``stored`` entries from one or two of k planted parts."""
    rng = np.random.default_rng(0)
    parts = rng.gamma(0.1, size=(k, n))
    bounds = np.cumsum(parts / parts.sum(axis=1, keepdims=True), axis=1)
    row = np.repeat(np.arange(m), rng.poisson(stored, m))
    kinds = rng.integers(k, size=(m, 2))
    kind = kinds[row, rng.integers(2, size=len(row))]
    column = np.empty_like(row)
    for j in range(k):
        mine = kind == j
        column[mine] = np.searchsorted(bounds[j, :-1], rng.random(mine.sum()))
    counts = sp.csr_array((np.ones(len(row)), (row, column)), shape=(m, n))
    counts.sum_duplicates()
    return _without_empty_rows(counts)


REAL = {
    "orl": Problem("ORL faces", 49, _orl, "orl_faces/orl_faces.npz"),
    "cbcl": Problem("CBCL faces", 49, _cbcl, "cbcl_faces/cbcl_faces.npz"),
    "fashion": Problem("Fashion-MNIST", 40, _fashion, "fashion_mnist/train-images-idx3-ubyte.gz"),
    "news": Problem("20 Newsgroups tf-idf", 50, _news, "newsgroups20/newsgroups20_counts.npz"),
    "dblp": Problem("DBLP counts", 20, _dblp, "dblp/dblp_counts.npz"),
    "jasper": Problem("Jasper Ridge", 4, _jasper, "jasper_ridge/jasper_ridge.npz"),
    "pbmc": Problem("PBMC 3k counts", 20, _pbmc, "pbmc3k/pbmc3k_counts.npz"),
}
SYNTHETIC = {
    "tiny": Problem("Synthetic 300 × 40", 4, lambda _: low_rank(300, 40, 4)),
    "tiny-sparse": Problem("Synthetic counts 400 × 60", 4, lambda _: poisson_parts(400, 60, 4, 10)),
    "square": Problem("Synthetic 2 000 × 2 000", 20, lambda _: low_rank(2000, 2000, 20)),
    "tall": Problem("Synthetic 20 000 × 200", 20, lambda _: low_rank(20000, 200, 20)),
    "counts": Problem("Synthetic counts 20 000 × 5 000", 20, lambda _: poisson_parts(20000, 5000, 20, 60)),
}
PROBLEMS = REAL | SYNTHETIC
SPARSE = frozenset({"news", "dblp", "pbmc", "tiny-sparse", "counts"})
