"""How far replicates agree, pair by pair and equation by equation."""

from itertools import combinations, permutations

import numpy as np

Matrix = np.ndarray


def cosine(a: Matrix, b: Matrix) -> float:
    """Of two vectors; 0 where one is zero."""
    lengths = np.sqrt((a**2).sum() * (b**2).sum())
    return float(a @ b / lengths) if lengths > 0 else 0.0


def best_matching(A: Matrix, B: Matrix) -> tuple[tuple[int, ...], float]:
    """The best of all permutations, by the sum of cosines."""
    k = len(A)
    scores = {order: sum(cosine(A[i], B[order[i]]) for i in range(k)) for order in permutations(range(len(B)), k)}
    return max(scores.items(), key=lambda item: item[1])


def consensus(labels: Matrix) -> Matrix:
    """The share of the clusterings with both samples in one cluster."""
    R, m = labels.shape
    matrix = np.eye(m)
    for i, j in combinations(range(m), 2):
        together = sum(1 for r in range(R) if labels[r, i] == labels[r, j] >= 0)
        matrix[i, j] = matrix[j, i] = together / R
    return matrix


def cophenetic_distances(distances: Matrix) -> Matrix:
    """The heights at which samples meet under average linkage, by merging the nearest clusters one at a time."""
    clusters = [[i] for i in range(len(distances))]
    heights = np.zeros_like(distances)
    while len(clusters) > 1:
        between = {
            (a, b): np.mean([distances[i, j] for i in clusters[a] for j in clusters[b]])
            for a, b in combinations(range(len(clusters)), 2)
        }
        (a, b), height = min(between.items(), key=lambda item: item[1])
        for i in clusters[a]:
            for j in clusters[b]:
                heights[i, j] = heights[j, i] = height
        clusters[a] += clusters.pop(b)
    return heights


def cophenetic_correlation(matrix: Matrix) -> float:
    """Pearson's correlation of 1 − consensus and the heights of the tree, over pairs."""
    distances = 1 - matrix
    pairs = np.triu_indices(len(matrix), 1)
    return float(np.corrcoef(distances[pairs], cophenetic_distances(distances)[pairs])[0, 1])


def dispersion(matrix: Matrix) -> float:
    """Kim & Park (2007), over all pairs of samples."""
    return float(sum(4 * (c - 0.5) ** 2 for c in matrix.ravel()) / matrix.size)


def silhouettes(H: Matrix) -> Matrix:
    """Rousseeuw (1987), version by version, with distances 1 − cosine."""
    R, k, _ = H.shape
    values = np.zeros((R, k))
    for r in range(R):
        for j in range(k):
            to = [np.mean([1 - cosine(H[r, j], H[s, c]) for s in range(R) if (s, c) != (r, j)]) for c in range(k)]
            a, b = to[j], min(to[c] for c in range(k) if c != j)
            values[r, j] = (b - a) / max(a, b)
    return values.mean(axis=0)


def stability(H: Matrix) -> Matrix:
    """The mean cosine of two replicates' versions of each part."""
    R, k, _ = H.shape
    return np.array([np.mean([cosine(H[r, j], H[s, j]) for r, s in combinations(range(R), 2)]) for j in range(k)])
