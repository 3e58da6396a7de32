"""Topics of 11 314 messages in 20 groups of Usenet."""

import gzip
import json
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.problems import data_folder
from benchmarks.tables import table
from docs.gallery.searches import figure_of, kept, verdicts
from partwise import NMF
from partwise.selection import RankSearch
from partwise.selection.criteria import Stability

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


# -- the page ------------------------------------------------------------------------------------------------------


def section(found: dict[str, Any]) -> str:
    """Text, tables and a picture."""
    figure_of(found["search"], "topics.png")
    m, n = found["size"]
    k = found["search"]["recommendation"]["rank"]
    shown = found["topics"][str(k)]
    rows = [
        [" ".join(words), group, f"{share:.0%} of {size}", f"{stability:.2f}"]
        for words, (group, share, size), stability in zip(
            shown["words"], shown["groups"], shown["stability"], strict=True
        )
    ]
    covered = len({group for group, _, _ in shown["groups"]})
    return f"""\
## Topics: 20 Newsgroups

The bodies of the {m:,} training messages that have any of the {n:,} words kept: runs of two or more letters in at least
{LEAST} messages and at most {MOST:.0%} of them, weighted by tf-idf (logarithmic counts, rows of length 1). Signatures
and quotations are in, header lines are not. There are 20 groups, and no reason why there should be as many topics.

```python
X = TfidfVectorizer(token_pattern="[a-z]{{2,}}", min_df=20, max_df=0.1, sublinear_tf=True).fit_transform(bodies)
search = RankSearch(
    ranks={RANKS},
    criteria=names,
    n_replicates={REPLICATES},
    folds={FOLDS},
    held_out_share={SHARE},
    random_state=0,
).fit(X)
```

{found["search"]["recommendation"]["sentences"]}

{verdicts(found["search"])}

![What each criterion reads against the number of parts](topics.png)

{_judged(found["search"]["results"])}

A message goes to the topic that it has most of. {shown["purity"]:.0%} are then of the main group of their topic (with
20 topics {found["topics"]["20"]["purity"]:.0%}; a group has about 5 % of the messages), and {covered} of the 20 groups
are the main one of a topic. The {k} topics:

{table(["first words", "main group", "its share", "stability"], rows)}

Most are subjects. Some are people and places, whose signatures and addresses come in every message of theirs, and one
is files sent as text; many of these are the most stable of all, for nothing is easier to find again.
"""


def _judged(results: dict[str, Any]) -> str:
    ranks, mean, least = results["rank"], results["silhouette_mean"], results["silhouette_min"]
    fall = 1 - results["held_out_mean"][-1] / results["held_out_mean"][0]
    near = [k for k, value in zip(ranks, mean, strict=True) if value >= Stability.MEAN]
    worst = max(low for k, low in zip(ranks, least, strict=True) if k in near)
    return f"""\
**These data do not say a number.** The held-out error falls at every step, if only by {fall:.1%} from {ranks[0]} to
{ranks[-1]} topics: what is recommended is the end of the range, and without confidence. Replicates agree in the mean
for {", ".join(map(str, near))} topics, but in each case there is a topic on which they do not (least silhouette
{worst:.2f} at best). Subjects divide into finer ones without end; how many are wanted is a question about their use."""
