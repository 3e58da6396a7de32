"""From a search of the number of parts to an HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from partwise._errors import DataError
from partwise.estimators import NMF
from partwise.io import Dataset
from partwise.plot import _view as view
from partwise.plot._loss import Measure
from partwise.report import _facts as facts
from partwise.report import _words as words
from partwise.report._cards import Context, gallery_columns, part_cards
from partwise.report._rank_evidence import agreement, curves, results_table, stability_drawings, verdicts
from partwise.report._study import Study
from partwise.report._template import write_page
from partwise.selection import RankSearch

SECTIONS = {
    "verdicts": "Verdicts",
    "criteria": "Criteria",
    "samples": "Samples",
    "parts": "Parts",
    "results": "Results",
    "repeat": "Repeat",
}


def write_rank_report(
    search: RankSearch,
    path: str | Path,
    data: Any = None,
    *,
    command: str | None = None,
    title: str | None = None,
) -> Path:
    """Write one self-contained HTML page on how many parts there are, and how far to trust that.

    The page begins with the recommendation. It then shows what each criterion supports, read and assumes, their curves
    side by side, how far replicates agree on the samples and on the parts, the parts themselves, and how to repeat it.
    It loads nothing from anywhere; a Content Security Policy forbids it to.

    Parameters
    ----------
    search : RankSearch
        Fitted.
    path : str or Path
        The file to write. An old one is replaced only when the new one is complete.
    data : Dataset, array, sparse matrix, frame of shape (n_samples, n_features) or None, default=None
        The data of the search, for their source and the names of the samples; their values are not read.
    command : str or None, default=None
        The command that made the search, printed at the end; None prints the one that ``best_estimator_`` remembers, or
        the Python lines that repeat it.
    title : str or None, default=None
        Heading of the page; None asks how many parts there are in the source.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    DataError
        If the data are of another shape than those of the search.
    FileError
        If the file cannot be written.
    MissingExtraError
        If matplotlib or Jinja2 is not installed.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from partwise.report import write_rank_report
    >>> from partwise.selection import RankSearch
    >>> X = np.random.default_rng(0).random((20, 12))
    >>> search = RankSearch(ranks=(1, 2), criteria=("elbow",), n_replicates=3, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_rank_report(search, f"{folder}/rank.html", X).name
    'rank.html'
    """
    check_is_fitted(search, "recommendation_")
    dataset = None if data is None else _labelled(search, data)
    return write_page(path, "rank.html.j2", _context(search, dataset, command, title))


def _labelled(search: RankSearch, data: Any) -> Dataset:
    dataset = view.labelled(search.best_estimator_, data)
    m = _samples(search)
    if m is not None and dataset.shape[0] != m:
        raise DataError(f"The data have {dataset.shape[0]} rows, but the search saw {m}: give the data of the search.")
    return dataset


def _samples(search: RankSearch) -> int | None:
    """How many samples the search saw, as far as it knows."""
    known: int | None = getattr(search.best_estimator_, "origin_", {}).get("n_samples")
    return next((found.W.shape[1] for found in search.replicates_.values()), known)


def _context(search: RankSearch, dataset: Dataset | None, command: str | None, title: str | None) -> Context:
    model, study = search.best_estimator_, Study.of(search.best_estimator_, None)
    source = dataset.source if dataset is not None and dataset.source else study.source
    names = None if dataset is None else dataset.row_names
    return {
        "title": title or _title(source),
        "sections": SECTIONS,
        "facts": _facts(search, source),
        "recommendation": search.recommendation_,
        "ranks": [int(k) for k in search.results_["rank"]],
        "best": search.best_rank_,
        "verdicts": verdicts(search),
        "curves": curves(search),
        "noun": facts.row_noun(study.layout),
        "agreement": agreement(search, names, study.labels),
        "stability": stability_drawings(search),
        "look": study.look,
        "parts": part_cards(study),
        "gallery_columns": gallery_columns(len(study.H)),
        "k": len(study.H),
        "n": study.H.shape[1],
        "table": results_table(search),
        "command": command or study.origin.get("command") or _python_lines(search),
        "parameters": facts.parameters(search),
        "versions": list(model.versions_.items()),
        "date": facts.today(),
    }


def _title(source: str) -> str:
    name = Path(source).name or source
    return f"How many parts are in {name}?" if name else "How many parts are there?"


def _facts(search: RankSearch, source: str) -> facts.Facts:
    """What was searched."""
    model, m, n = search.best_estimator_, _samples(search), search.n_features_in_
    layout, missing = view.layout_of(model), int(getattr(model, "n_missing_", 0))
    columns = words.plural(n, facts.column_noun(layout))
    shape = columns if m is None else f"{words.plural(m, facts.row_noun(layout))} × {columns}"
    replicates, folds = search.n_replicates, search.folds
    return [
        ("Data", f"{source}, {shape}" if source else shape),
        *[("Missing entries", words.count(missing))] * bool(missing),
        ("Loss", Measure.of(model).loss),
        ("Numbers of parts", _ranges([int(k) for k in search.results_["rank"]])),
        *[("Replicates", f"{replicates} for each number of parts")] * bool(search.replicates_),
        *[("Folds", f"{folds}, held out one after the other")] * ("held_out" in search.verdicts_),
        ("Seed", str(search.seed_)),
    ]


def _ranges(ranks: list[int]) -> str:
    """``1 to 6``, or each number where they do not follow each other."""
    if len(ranks) > 2 and ranks[-1] - ranks[0] == len(ranks) - 1:
        return f"{ranks[0]} to {ranks[-1]}"
    return ", ".join(map(str, ranks))


def _python_lines(search: RankSearch) -> str:
    again = clone(search).set_params(random_state=search.seed_, folder=None, progress=False)
    kind = type(search.best_estimator_)
    home = "partwise" if kind is NMF else "partwise.selection"
    call = repr(again).replace("\n", "\n" + " " * len("search = "))
    imports = f"from {home} import {kind.__name__}\nfrom partwise.selection import RankSearch"
    return f"{imports}\n\nsearch = {call}.fit(X)"
