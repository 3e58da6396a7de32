"""The commands and their options. What they do is imported when they do it."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from partwise._errors import ParameterError
from partwise.cli.options import Counting, Demo, Fitting, Keeping, Manner, Reading, Searching, Writing
from partwise.cli.spread import spread
from partwise.cli.usage import Command, Group

if TYPE_CHECKING:
    from partwise.cli.search import Searched
    from partwise.cli.work import Fit

app = typer.Typer(cls=Group, epilog="Begin with: partwise demo faces", pretty_exceptions_enable=False)

Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="A matrix (.npy, .npz, .mtx), a table (.csv, .tsv, .parquet), text (.txt, .jsonl) or a folder of pictures "
        "or of .txt files; most kinds may be gzipped.",
        show_default=False,
    ),
]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A model that fit has written.", show_default=False)]
Parts = Annotated[
    int, typer.Option("-k", "--n-components", min=1, metavar="K", help="Number of parts.", show_default=False)
]

Ranks = Annotated[
    str,
    typer.Option(
        metavar="A:B|A,B,C",
        help="Numbers of parts: 2:12, or 2,4,8. Begin at 1 to ask whether there are any.",
        show_default=False,
    ),
]


def _version(wanted: bool) -> None:
    if wanted:
        from partwise import __version__

        print(f"partwise {__version__}")
        raise typer.Exit


@app.callback()
def partwise(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Find the parts of a non-negative matrix: X ≈ W · H, where H holds k parts and W how much each row has of each."""


@app.command(cls=Command)
@spread
def fit(
    context: typer.Context,
    data: Data,
    n_components: Parts,
    manner: Manner,
    writing: Writing,
    fitting: Fitting,
    counting: Counting,
    reading: Reading,
) -> None:
    """Find the parts of DATA. Ctrl-C ends the fit early and keeps what it has reached."""
    from partwise.cli import work
    from partwise.cli.targets import prepare
    from partwise.io.files import existing

    options = reading.options()
    targets = writing.targets()
    prepare(targets, existing(data), *reading.files(), *counting.files().values())
    done = work.fit(
        fitting.model(n_components, missing=options.missing),
        lambda: work.read_given(data, options, counting.files()),
        targets,
        context.obj,
        field=options.field,
    )
    _show_fit(done, manner)
    done.conclude()


def _show_fit(done: "Fit", manner: Manner) -> None:
    from partwise.cli import summary

    if manner.json:
        written = {option.lstrip("-"): path for option, path in done.written.items()}
        summary.print_json({**summary.model_facts(done.model), "written": written})
    else:
        summary.print_fit(done.model, done.written)


@app.command(cls=Command)
@spread
def rank(
    context: typer.Context,
    data: Data,
    ranks: Ranks,
    manner: Manner,
    searching: Searching,
    keeping: Keeping,
    fitting: Fitting,
    counting: Counting,
    reading: Reading,
) -> None:
    """Find how many parts DATA have, by several criteria, which may disagree."""
    from partwise.cli import search, work
    from partwise.cli.targets import OF_A_SEARCH, prepare
    from partwise.io.files import existing

    options = reading.options()
    targets = keeping.targets()
    estimator = fitting.model(1, missing=options.missing)
    asked = searching.search(estimator, ranks, progress=sys.stderr.isatty())
    prepare(targets, existing(data), *reading.files(), *counting.files().values(), kinds=OF_A_SEARCH)
    done = search.rank(
        asked,
        lambda: work.read_given(data, options, counting.files()),
        targets,
        context.obj,
        field=options.field,
    )
    _show_search(done, manner)
    done.conclude()


def _show_search(done: "Searched", manner: Manner) -> None:
    from partwise.cli import ranking, summary

    facts = ranking.search_facts(done.search, done.given.data)
    if manner.json:
        written = {option.lstrip("-"): path for option, path in done.written.items()}
        summary.print_json({**facts, "written": written})
    else:
        ranking.print_search(facts, done.given.data.layout, done.written)


@app.command(cls=Command)
@spread
def transform(
    model: Model,
    data: Data,
    out: Annotated[Path, typer.Option(metavar="FILE", help="W as .csv, .tsv, .parquet or .npy.", show_default=False)],
    manner: Manner,
    counting: Counting,
    reading: Reading,
) -> None:
    """Express the rows of DATA in the parts of MODEL; text is read with the words of the model."""
    from partwise.cli import summary, work
    from partwise.cli.progress import waiting
    from partwise.cli.targets import TABLE, prepare
    from partwise.io import write_table
    from partwise.io.files import existing

    options = reading.options()
    fitted = work.open_model(model)
    inputs = [model, existing(data), *reading.files(), *counting.files().values()]
    prepare({"--out": out}, *inputs, kinds={"--out": TABLE})
    with waiting("Computing W …"):
        rows = work.read_given(data, options, counting.files(), fitted)
        with work.naming(rows):
            W = rows.transformed(fitted)
    write_table(out, W, rows.data.row_names, list(fitted.get_feature_names_out()))
    m, k = W.shape
    if manner.json:
        summary.print_json({"source": str(data), "shape": [m, k], "written": {"out": out}})
    else:
        summary.show(f"Wrote {out}: {m:,} rows in {k:,} parts")


@app.command(cls=Command)
@spread
def info(model: Model, manner: Manner) -> None:
    """Show the parameters, sizes, status, versions and parts of MODEL."""
    from partwise.cli import summary, work

    facts = work.describe(model)
    if manner.json:
        summary.print_json(facts)
    else:
        summary.print_info(facts)


@app.command(cls=Command)
@spread
def report(
    model: Model,
    *,
    data: Annotated[
        Path | None,
        typer.Argument(metavar="DATA", help="The rows to show beside the parts.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The report, as .html.")] = Path("report.html"),
    manner: Manner,
    counting: Counting,
    reading: Reading,
) -> None:
    """Write a report on MODEL for a browser; with DATA it also shows how the rows are made of the parts."""
    from partwise.cli import summary, work
    from partwise.cli.progress import waiting
    from partwise.cli.targets import REPORT, prepare
    from partwise.io.files import existing

    if data is None and counting.files():
        flags = " and ".join(f"--{name}" for name in counting.files())
        raise ParameterError(f"{flags} can only be beside DATA, whose entries it concerns: name the data too.")
    options = reading.options()
    fitted = work.open_model(model)
    inputs = [model, *([existing(data)] if data else []), *reading.files(), *counting.files().values()]
    prepare({"--out": out}, *inputs, kinds={"--out": REPORT})
    with waiting("Writing …"):
        rows = work.read_given(data, options, counting.files(), fitted) if data else None
        with work.naming(rows) if rows else nullcontext():
            work.write_report(fitted, out, rows, getattr(fitted, "origin_", {}).get("command"))
    if manner.json:
        summary.print_json({"written": {"out": out}})
    else:
        summary.show(f"Wrote {out}")


@app.command(cls=Command)
@spread
def demo(
    context: typer.Context,
    name: Annotated[
        Demo,
        typer.Argument(
            metavar="faces|digits|news",
            help="400 photographs, 1,797 handwritten digits or 18,846 messages.",
            show_default=False,
        ),
    ],
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where model, W, H and report are written.")] = Path(
        "partwise-demo"
    ),
    n_components: Annotated[
        int | None,
        typer.Option("-k", "--n-components", min=1, metavar="K", help="Number of parts; by default 49, 16 or 20."),
    ] = None,
    manner: Manner,
    fitting: Fitting,
) -> None:
    """Factorise faces, digits or news (these are downloaded once), and print the path of the report.

    The faces get light penalties, which make their parts local, unless a start or penalties are given.
    """
    from partwise.cli import work
    from partwise.cli.demos import DEMOS
    from partwise.cli.targets import prepare

    chosen = DEMOS[name]
    files = {"--out": "model.npz", "--h": "H.csv", "--w": "W.csv", "--report": "report.html"}
    targets = {option: out / file for option, file in files.items()}
    prepare(targets)
    done = work.fit(
        fitting.otherwise(chosen.options).model(n_components or chosen.n_components),
        lambda: work.Given(chosen.source()),
        targets,
        context.obj,
    )
    _show_fit(done, manner)
    if not manner.json and "--report" in done.written:
        print(done.written["--report"])
    done.conclude()
