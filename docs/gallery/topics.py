"""Topics of 11 314 messages in 20 groups of Usenet."""

import gzip
import json
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.problems import data_folder
from docs.gallery.searches import figure_of, kept, verdicts
from partwise import NMF
from partwise.selection import RankSearch

RANKS, REPLICATES, FOLDS, SHARE = (5, 10, 15, 20, 25, 30, 40), 10, 3, 0.003
LEAST, MOST, TOP = 20, 0.1, 8


def messages() -> tuple[list[str], list[str]]:
    """The bodies of the training messages, without the lines of their headers, and their groups."""
    with gzip.open(data_folder() / "newsgroups20" / "newsgroups20.jsonl.gz", "rt", encoding="utf-8") as file:
        found = [message for message in map(json.loads, file) if message["split"] == "train"]
    return [one["text"].partition("\n\n")[2] for one in found], [one["group"] for one in found]


def weighted(texts: list[str]) -> tuple[Any, np.ndarray, np.ndarray]:
    """Tf-idf of messages × words in rows of length 1, the words, and which messages have any."""
    vectorizer = TfidfVectorizer(token_pattern="[a-z]{2,}", min_df=LEAST, max_df=MOST, sublinear_tf=True)
    X = sp.csr_array(vectorizer.fit_transform(texts))
    filled = np.diff(X.indptr) > 0
    return X[filled], vectorizer.get_feature_names_out(), filled


def measure() -> dict[str, Any]:
    """A search, and the words and groups of the topics of the number recommended."""
    texts, groups = messages()
    X, words, filled = weighted(texts)
    search = RankSearch(
        NMF(),
        ranks=RANKS,
        criteria=("held_out", "stability"),
        n_replicates=REPLICATES,
        folds=FOLDS,
        held_out_share=SHARE,
        random_state=0,
    ).fit(X)
    return {
        "size": X.shape,
        "stored": int(X.nnz),
        "search": kept(search),
        "topics": {k: _topics(search, k, words, np.array(groups)[filled]) for k in (search.best_rank_, 20)},
    }


def _topics(search: RankSearch, k: int, words: np.ndarray, groups: np.ndarray) -> dict[str, Any]:
    found = search.replicates_[k]
    W, H = found.W[found.best], found.H[found.best]
    led = W.argmax(axis=1)
    return {
        "words": [words[np.argsort(-part)[:TOP]].tolist() for part in H],
        "groups": [main_group(groups[led == part]) for part in range(k)],
        "stability": found.stability.tolist(),
        "purity": purity(led, groups),
    }


def main_group(groups: np.ndarray) -> tuple[str, float, int]:
    """The most frequent of these, its share, and how many there are."""
    names, counts = np.unique(groups, return_counts=True)
    if len(names) == 0:
        return "–", 0.0, 0
    return str(names[counts.argmax()]), float(counts.max() / counts.sum()), int(counts.sum())


def purity(led: np.ndarray, groups: np.ndarray) -> float:
    """The share of the messages that are of the main group of their topic."""
    each = [main_group(groups[led == part]) for part in np.unique(led)]
    return sum(share * size for _, share, size in each) / len(groups)
