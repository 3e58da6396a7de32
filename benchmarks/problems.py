"""The matrices of the benchmarks, from the files of the real data folder (``PARTWISE_DATA``)."""

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
    """A matrix and the number of components that it is factorised into."""

    title: str
    k: int
    load: Callable[[Path], Any]

    def matrix(self, dtype: str) -> Any:
        """The matrix, samples in rows."""
        return self.load(data_folder()).astype(dtype)


def start(X: Any, k: int, seed: int) -> tuple[Any, Any]:
    """|N(0, 1)| · sqrt(mean(X)/k) for W (m × k) and H (k × n), in the dtype of X."""
    rng = np.random.RandomState(seed)
    scale = np.sqrt(X.mean() / k)
    W = np.abs(rng.standard_normal((X.shape[0], k))) * scale
    H = np.abs(rng.standard_normal((k, X.shape[1]))) * scale
    return W.astype(X.dtype), H.astype(X.dtype)


def _orl(folder: Path) -> Any:
    return np.load(folder / "orl_faces" / "orl_faces.npz")["images"].reshape(400, -1) / 255


def _cbcl(folder: Path) -> Any:
    return np.load(folder / "cbcl_faces" / "cbcl_faces.npz")["images"].reshape(2429, -1) / 255


def _fashion(folder: Path) -> Any:
    packed = (folder / "fashion_mnist" / "train-images-idx3-ubyte.gz").read_bytes()
    return np.frombuffer(gzip.decompress(packed), np.uint8, offset=16).reshape(60000, 784) / 255


def _news(folder: Path) -> Any:
    counts = sp.load_npz(folder / "newsgroups20" / "newsgroups20_counts.npz").tocsr()
    frequent = counts[:, np.asarray((counts > 0).sum(axis=0)).ravel() >= 5]
    return _without_empty_rows(TfidfTransformer(sublinear_tf=True).fit_transform(frequent))


def _dblp(folder: Path) -> Any:
    return _without_empty_rows(sp.load_npz(folder / "dblp" / "dblp_counts.npz").tocsr())


def _jasper(folder: Path) -> Any:
    return np.ascontiguousarray(np.load(folder / "jasper_ridge" / "jasper_ridge.npz")["Y"].T / 5437)


def _pbmc(folder: Path) -> Any:
    genes = sp.load_npz(folder / "pbmc3k" / "pbmc3k_counts.npz").tocsr()
    return genes[np.asarray((genes > 0).sum(axis=1)).ravel() >= 3].T.tocsr()


def _without_empty_rows(X: Any) -> Any:
    return X[np.diff(X.indptr) > 0]


PROBLEMS = {
    "orl": Problem("ORL faces", 49, _orl),
    "cbcl": Problem("CBCL faces", 49, _cbcl),
    "fashion": Problem("Fashion-MNIST", 40, _fashion),
    "news": Problem("20 Newsgroups tf-idf", 50, _news),
    "dblp": Problem("DBLP counts", 20, _dblp),
    "jasper": Problem("Jasper Ridge", 4, _jasper),
    "pbmc": Problem("PBMC 3k counts", 20, _pbmc),
}
