"""How far replicates agree: on which samples belong together, and on the parts themselves."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.cluster.hierarchy import average, cophenet, leaves_list, optimal_leaf_ordering
from scipy.spatial.distance import squareform

from partwise._types import Array, Float64
from partwise.selection.matching import unit_rows

MAX_SAMPLES = 2000
"""Most samples of a consensus matrix; of more a random sample of this size, the same each time, stands for all."""


@dataclass(frozen=True)
class Consensus:
    """How often two samples fall into the same cluster, over all replicates.

    Parameters
    ----------
    matrix : ndarray of shape (s, s), float64
        The share of the replicates in which both have the same dominant part: 1 on the diagonal.
    samples : ndarray of int, shape (s,)
        Which rows of the data these are: all, or a sample of :data:`MAX_SAMPLES`.
    cophenetic : float
        :func:`cophenetic_correlation` of the matrix.
    dispersion : float
        :func:`dispersion` of the matrix.
    order : ndarray of int, shape (s,)
        Places in the matrix, similar samples beside each other, for a picture.
    """

    matrix: Float64
    samples: Array
    cophenetic: float
    dispersion: float
    order: Array


def memberships(W: Array) -> Array:
    """The dominant part of each sample, −1 where it has none.

    Parameters
    ----------
    W : ndarray of shape (..., n_samples, k)

    Returns
    -------
    ndarray of int, shape (..., n_samples)
    """
    return np.where(W.max(axis=-1) > 0, W.argmax(axis=-1), -1)


def consensus_matrix(labels: Array) -> Float64:
    """The share of the clusterings in which two samples are in the same cluster (Monti et al. 2003).

    Parameters
    ----------
    labels : ndarray of int, shape (n_clusterings, n_samples)
        Clusters by number; a sample without one (−1) is with no other.

    Returns
    -------
    ndarray of shape (n_samples, n_samples), float64
        Symmetric, 1 on the diagonal.

    References
    ----------
    Monti, S., Tamayo, P., Mesirov, J. & Golub, T. (2003). Consensus clustering: a resampling-based method for class
    discovery and visualization of gene expression microarray data. Machine Learning 52, 91-118.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise.selection import consensus_matrix
    >>> consensus_matrix(np.array([[0, 0, 1], [1, 0, 0]])).tolist()
    [[1.0, 0.5, 0.0], [0.5, 1.0, 0.5], [0.0, 0.5, 1.0]]
    """
    R, m = labels.shape
    k = int(labels.max(initial=0)) + 1
    samples = np.tile(np.arange(m), R)
    clusters = (labels + k * np.arange(R)[:, None]).ravel()
    inside = labels.ravel() >= 0
    shape = (m, k * R)
    indicator = sp.csr_array((np.ones(int(inside.sum())), (samples[inside], clusters[inside])), shape)
    matrix: Float64 = (indicator @ indicator.T).toarray() / R
    np.fill_diagonal(matrix, 1.0)
    return matrix


def cophenetic_correlation(matrix: Float64) -> float:
    """The correlation of 1 − consensus with the distances in its average-linkage tree (Brunet et al. 2004).

    1 where the tree says all: clusters are the same in every replicate. It is NaN where all pairs are equally far apart
    but not together, which no tree describes and no correlation measures.

    Parameters
    ----------
    matrix : ndarray of shape (n_samples, n_samples)
        A consensus matrix.

    Returns
    -------
    float

    References
    ----------
    Brunet, J.-P., Tamayo, P., Golub, T. R. & Mesirov, J. P. (2004). Metagenes and molecular pattern discovery using
    matrix factorization. PNAS 101, 4164-4169.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise.selection import cophenetic_correlation
    >>> round(cophenetic_correlation(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])), 6)
    1.0
    """
    return _tree(matrix)[0]


def _tree(matrix: Float64) -> tuple[float, Array]:
    """The cophenetic correlation, and the samples in the order of the tree's leaves."""
    if len(matrix) < 3:
        return 1.0, np.arange(len(matrix))
    distances = squareform(1.0 - matrix, checks=False)
    if np.ptp(distances) == 0:
        return (1.0 if distances[0] == 0 else np.nan), np.arange(len(matrix))
    tree = average(distances)
    in_tree = cophenet(tree)
    if np.ptp(in_tree) == 0:
        return np.nan, leaves_list(tree)
    ordered = optimal_leaf_ordering(tree, distances) if len(matrix) <= _ORDERED else tree
    return min(1.0, float(np.corrcoef(distances, in_tree)[0, 1])), leaves_list(ordered)


# The best order of the leaves takes time that grows with the cube of their number.
_ORDERED = 300


def dispersion(matrix: Float64) -> float:
    """Mean of 4 (c − ½)² over the entries c of a consensus matrix: 1 where each is 0 or 1, 0 where each is ½.

    Parameters
    ----------
    matrix : ndarray of shape (n_samples, n_samples)

    Returns
    -------
    float

    References
    ----------
    Kim, H. & Park, H. (2007). Sparse non-negative matrix factorizations via alternating non-negativity-constrained
    least squares for microarray data analysis. Bioinformatics 23, 1495-1502.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise.selection import dispersion
    >>> dispersion(np.array([[1.0, 0.5], [0.5, 1.0]]))
    0.5
    """
    return float(np.mean(4.0 * (matrix - 0.5) ** 2))


def consensus(labels: Array) -> Consensus:
    """The consensus of clusterings, with its figures.

    Parameters
    ----------
    labels : ndarray of int, shape (n_clusterings, n_samples)
        As for :func:`consensus_matrix`, see :func:`memberships`.

    Returns
    -------
    Consensus
        Of at most :data:`MAX_SAMPLES` samples.
    """
    m = labels.shape[1]
    samples = np.arange(m) if m <= MAX_SAMPLES else np.sort(np.random.default_rng(0).permutation(m)[:MAX_SAMPLES])
    matrix = consensus_matrix(labels[:, samples])
    cophenetic, order = _tree(matrix)
    return Consensus(matrix, samples, cophenetic, dispersion(matrix), order)


def silhouettes(H: Array) -> Float64:
    """How well the versions of each part hold together, against the nearest other part (Rousseeuw 1987).

    Of a version with a mean distance a from the other versions of its part, and b from those of the nearest other part,
    the silhouette is (b − a) / max(a, b), from −1 to 1; the distance is 1 − cosine. As it is linear in cosines, the
    means of all parts suffice, and no table of all pairs is made.

    Parameters
    ----------
    H : ndarray of shape (n_replicates, k, n_features)
        Parts, matched: part j of each replicate is a version of the same.

    Returns
    -------
    ndarray of shape (k,), float64
        The mean over the versions; NaN for k = 1, which has no other part.

    References
    ----------
    Rousseeuw, P. J. (1987). Silhouettes: a graphical aid to the interpretation and validation of cluster analysis.
    Journal of Computational and Applied Mathematics 20, 53-65.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise.selection import silhouettes
    >>> silhouettes(np.array([[[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [0.0, 3.0]]])).tolist()
    [1.0, 1.0]
    """
    R, k, _ = H.shape
    if k == 1:
        return np.array([np.nan])
    units = unit_rows(H)
    distances = 1.0 - units @ units.mean(axis=0).T  # (R, k, k): of each version from each part, itself included
    own = np.einsum("rkk->rk", distances)
    itself = 1.0 - np.einsum("rkn,rkn->rk", units, units)
    within = np.maximum((R * own - itself) / (R - 1), 0.0)
    others = np.where(np.eye(k, dtype=bool), np.inf, distances).min(axis=2)
    larger = np.maximum(within, others)
    values = np.divide(others - within, larger, out=np.zeros_like(larger), where=larger > 1e-15)
    return np.asarray(values.mean(axis=0))
