"""The work of ``partwise rank``: read, search, write."""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from partwise.cli import work
from partwise.cli.outcome import Interrupted
from partwise.cli.progress import waiting
from partwise.estimators.persistence import save
from partwise.io import atomic_write
from partwise.selection import RankSearch


@dataclass
class Searched(work.Outputs):
    """A search, its data, and what became of the files."""

    _: KW_ONLY
    search: RankSearch
    given: work.Given


def rank(
    search: RankSearch,
    source: Callable[[], work.Given],
    targets: Mapping[str, Path],
    command: str,
    *,
    field: str | None = None,
) -> Searched:
    """Read the data, search the number of parts and write what was asked for.

    Parameters
    ----------
    search : RankSearch
        With its parameters.
    source : callable
        Reads the data and what counts of them.
    targets : mapping of str to Path
        Where to write, by option: ``--model``, ``--out``, ``--report``.
    command : str
        What repeats this.
    field : str or None, default=None
        The field of the texts, kept for further ones.

    Raises
    ------
    Interrupted
        After Ctrl-C in the search.
    """
    work.check(search.estimator)
    with waiting("Reading the data …"):
        given = source()
    try:
        with work.flagged(given):
            search.fit(given.data, **given.counting)
    except KeyboardInterrupt:
        raise Interrupted(_how_to_go_on(search)) from None
    search.best_estimator_.origin_ = work.origin_of(given, command, field)
    done = Searched(targets, search=search, given=given)
    with waiting("Writing …"):
        done.write("--model", lambda path: save(search.best_estimator_, path))
        done.write("--out", lambda path: _write_results(search, path))
        done.write("--report", lambda path: _write_report(done, path, command))
    return done


def _how_to_go_on(search: RankSearch) -> str:
    if search.folder is None:
        return "Interrupted; nothing was kept. With --folder DIR the command goes on where it was when it is repeated."
    return f"Interrupted; {search.folder} keeps the fits that had ended: the same command goes on from there."


def _write_results(search: RankSearch, path: Path) -> None:
    table = search.to_frame()
    with atomic_write(path) as beside:
        if path.suffix.lower() == ".parquet":
            table.to_parquet(beside, engine="pyarrow")
        else:
            table.to_csv(beside, sep="\t" if path.suffix.lower() == ".tsv" else ",")


def _write_report(done: Searched, path: Path, command: str) -> None:
    """Write the report; matplotlib is imported here."""
    from partwise.report import write_rank_report

    write_rank_report(done.search, path, done.given.data, command=command)
