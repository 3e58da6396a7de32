"""The options that commands share, each stated once: a dataclass is a group, a field an option."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from partwise._errors import ParameterError

if TYPE_CHECKING:
    from partwise.estimators import NMF
    from partwise.io import ReadOptions
    from partwise.selection import RankSearch

_search = partial(typer.Option, rich_help_panel="The search")
_fit = partial(typer.Option, rich_help_panel="The fit")
_out = partial(typer.Option, rich_help_panel="What is written")
_count = partial(typer.Option, rich_help_panel="Missing entries and weights")
_read = partial(typer.Option, rich_help_panel="Reading any data")
_table = partial(typer.Option, rich_help_panel="Reading tables")
_array = partial(typer.Option, rich_help_panel="Reading arrays and pictures")
_text = partial(typer.Option, rich_help_panel="Reading text")


# --- the groups -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Manner:
    """How a command speaks."""

    json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False


class Demo(StrEnum):
    """The data that can be factorised without a file."""

    FACES = "faces"
    DIGITS = "digits"
    NEWS = "news"


@dataclass(frozen=True)
class Fitting:
    """The parameters of `partwise.NMF`, except the number of parts."""

    loss: Annotated[
        str,
        _fit(
            metavar="NAME",
            help="What is minimised: frobenius, the squared error; kullback-leibler, for counts; itakura-saito, for "
            "power spectra; or the β of a β-divergence.",
        ),
    ] = "frobenius"
    seed: Annotated[int, _fit(metavar="N", help="Seed; the same seed gives the same result.", min=0, max=2**32 - 1)] = 0
    init: Annotated[
        str | None,
        _fit(
            metavar="NAME",
            help="Start: random, nndsvd, nndsvda, nndsvdar or spa; by default nndsvda, or random where there are more "
            "parts than rows or columns or several starts.",
        ),
    ] = None
    solver: Annotated[
        str,
        _fit(
            metavar="NAME",
            help="Half-step: cd (coordinate descent), bpp (exact, by block pivoting), mu (multiplicative updates), or "
            "auto.",
        ),
    ] = "auto"
    n_init: Annotated[int, _fit(metavar="N", help="Random starts, of which the best is kept.", min=1)] = 1
    drop_losers: Annotated[
        bool,
        _fit("--drop-losers/--no-drop-losers", help="Whether starts that promise no better end are given up early."),
    ] = True
    max_iter: Annotated[int, _fit(metavar="N", help="Most iterations.", min=1)] = 200
    max_time: Annotated[
        float | None,
        _fit(metavar="SECONDS", help="Seconds after which no further iteration begins.", min=0),
    ] = None
    tol: Annotated[float, _fit(metavar="X", help="Tolerance of convergence; 0 runs all iterations.", min=0)] = 1e-4
    alpha_w: Annotated[float, _fit(metavar="X", help="Weight of the penalty on W.", min=0)] = 0.0
    alpha_h: Annotated[
        str,
        _fit(
            help="Weight of the penalty on H; same is that of W.",
            metavar="X|same",
        ),
    ] = "same"
    l1_ratio: Annotated[
        float,
        _fit(metavar="X", help="Share of L1 in the penalties; the rest is L2.", min=0, max=1),
    ] = 0.0
    threads: Annotated[
        int | None,
        _fit(metavar="N", help="Threads; by default all processors. The result does not depend on it.", min=1),
    ] = None
    coarse: Annotated[
        str,
        _fit(metavar="auto|yes|no", help="Whether to begin on a sample of the data; auto does where it pays."),
    ] = "auto"

    def otherwise(self, options: Mapping[str, Any]) -> "Fitting":
        """Return these parameters with ``options`` in place of the defaults, if all of those were left at theirs."""
        left = all(getattr(self, name) == getattr(Fitting(), name) for name in options)
        return replace(self, **options) if left else self

    def model(self, n_components: int, *, missing: bool = False) -> "NMF":
        """Return the estimator with these parameters; ``missing`` is what ``--missing`` says of sparse data."""
        from partwise.estimators import NMF
        from partwise.init import INITS

        if self.init is not None and self.init not in INITS:  # a start of one's own needs Python
            raise ParameterError(f"--init {self.init} is no start: choose {', '.join(INITS)}, or leave it out.")
        return NMF(
            n_components,
            init=self.init,
            solver=self.solver,
            beta_loss=_number_or_name(self.loss),
            tol=self.tol,
            max_iter=self.max_iter,
            random_state=self.seed,
            alpha_W=self.alpha_w,
            alpha_H=_weight(self.alpha_h),
            l1_ratio=self.l1_ratio,
            max_time=self.max_time,
            n_init=self.n_init,
            drop_losers=self.drop_losers,
            n_threads=self.threads,
            coarse=_answer(self.coarse),
            implicit_zeros="missing" if missing else "observed",
        )


@dataclass(frozen=True)
class Searching:
    """How numbers of parts are judged, see `partwise.selection.RankSearch`."""

    criteria: Annotated[
        str,
        _search(
            metavar="NAMES",
            help="By what to judge, with commas between: held_out, bi_cross_validation, stability, consensus, elbow, "
            "bic (for counts) and relevance. The first one that supports a number decides.",
        ),
    ] = "held_out,stability,consensus,elbow"
    replicates: Annotated[int, _search(metavar="N", help="Random starts for each number of parts.", min=2)] = 20
    folds: Annotated[int, _search(metavar="N", help="Folds of held_out.", min=2)] = 5
    held_out_share: Annotated[
        float | None,
        _search(
            metavar="X",
            help="Share of the entries that a fold holds out; by default 1 / folds, or less of sparse data.",
        ),
    ] = None
    warm_start: Annotated[
        bool,
        _search("--warm-start", help="Start the fits of held_out from those of fewer parts: faster, less independent."),
    ] = False
    jobs: Annotated[
        int | None,
        _search(metavar="N", help="Fits that run at the same time; the result does not depend on it.", min=1),
    ] = None
    folder: Annotated[
        Path | None,
        _search(
            metavar="DIR", help="Keep each fit here: a search that was stopped goes on when the command is repeated."
        ),
    ] = None

    def search(self, estimator: "NMF", ranks: str, *, progress: bool) -> "RankSearch":
        """Return the search of ``ranks`` with fits like that of ``estimator``."""
        from partwise.selection import RankSearch

        return RankSearch(
            estimator,
            ranks=_ranks(ranks),
            criteria=_criteria(self.criteria),
            n_replicates=self.replicates,
            folds=self.folds,
            held_out_share=self.held_out_share,
            warm_start=self.warm_start,
            n_jobs=self.jobs,
            random_state=estimator.random_state,
            folder=self.folder,
            progress=progress,
        )


@dataclass(frozen=True)
class Keeping:
    """Where a search leaves what it found."""

    report: Annotated[Path | None, _out(metavar="FILE", help="A report to look at, as .html.")] = None
    out: Annotated[
        Path | None, _out(metavar="FILE", help="The figures of each number of parts: .csv, .tsv or .parquet.")
    ] = None
    model: Annotated[
        Path | None, _out(metavar="FILE", help="The model with the number of parts recommended, as .npz.")
    ] = None

    def targets(self) -> dict[str, Path]:
        """Return where to write, by option; only what was asked for."""
        targets = {"--model": self.model, "--out": self.out, "--report": self.report}
        return {option: path for option, path in targets.items() if path is not None}


@dataclass(frozen=True)
class Writing:
    """Where a fit leaves what it found."""

    out: Annotated[Path | None, _out(metavar="FILE", help="The model, as .npz.")] = None
    report: Annotated[Path | None, _out(metavar="FILE", help="A report to look at, as .html.")] = None
    w: Annotated[
        Path | None,
        _out("--w", metavar="FILE", help="W, how much of each part each row holds: .csv, .tsv, .parquet or .npy."),
    ] = None
    h: Annotated[
        Path | None,
        _out("--h", metavar="FILE", help="H, the parts: the same kinds of files."),
    ] = None

    def targets(self) -> dict[str, Path]:
        """Return where to write, by option; only what was asked for."""
        targets = {"--out": self.out, "--report": self.report, "--w": self.w, "--h": self.h}
        return {option: path for option, path in targets.items() if path is not None}


@dataclass(frozen=True)
class Counting:
    """How much of the data counts."""

    weights: Annotated[
        Path | None,
        _count(
            metavar="FILE",
            help="How much each entry counts (a file of numbers of the shape of DATA, such as 1/σ²), or each row "
            "(one column or row); 0 is missing.",
        ),
    ] = None
    mask: Annotated[
        Path | None,
        _count(metavar="FILE", help="The same with 1 where an entry is observed and 0 where it is missing."),
    ] = None

    def files(self) -> dict[str, Path]:
        """Return the files by what they hold; only what was given."""
        given = {"weights": self.weights, "mask": self.mask}
        return {name: path for name, path in given.items() if path is not None}


@dataclass(frozen=True)
class Reading:
    """The options of `partwise.io.read`, see `partwise.io.options`."""

    missing: Annotated[
        bool,
        _count(
            "--missing",
            help="Cells without a value, and what sparse files do not store, are missing; a model fitted so remembers.",
        ),
    ] = False
    transpose: Annotated[bool, _read("--transpose", help="Swap rows and columns, as for genes × cells.")] = False
    kind: Annotated[
        str | None,
        _read(metavar="KIND", help="Read DATA as this kind (.csv, images …), whatever its name."),
    ] = None
    row_names_from: Annotated[Path | None, _read(metavar="FILE", help="A row name on each line.")] = None
    column_names_from: Annotated[Path | None, _read(metavar="FILE", help="A column name on each line.")] = None
    max_bytes: Annotated[
        int | None,
        _read(
            min=1, metavar="N", help="Largest size that DATA may expand to; by default 16 GiB or half of the memory."
        ),
    ] = None
    encoding: Annotated[str, _read(metavar="NAME", help="Encoding of tables and text.")] = "utf-8"
    header: Annotated[
        bool | None,
        _table("--header/--no-header", help="Whether the first line names the columns; by default as it looks."),
    ] = None
    row_names: Annotated[
        bool | None,
        _table(
            "--row-names/--no-row-names",
            help="Whether the first column names the rows; by default as it looks.",
        ),
    ] = None
    delimiter: Annotated[str | None, _table(metavar="SIGN", help="What separates cells; by default as it looks.")] = (
        None
    )
    key: Annotated[str | None, _array(metavar="NAME", help="Which array of an .npz file.")] = None
    image_shape: Annotated[
        str | None,
        _array(metavar="HEIGHTxWIDTH", help="Rows are pictures of this shape (x3 if in colour)."),
    ] = None
    grey: Annotated[bool, _array("--grey", help="Turn pictures in colour into grey ones.")] = False
    pattern: Annotated[str, _read(metavar="PATTERN", help="Which files of a folder, as in '*.pgm'.")] = "*"
    field: Annotated[str | None, _text(metavar="NAME", help="Which field of a .jsonl file holds the text.")] = None
    id_field: Annotated[str | None, _text(metavar="NAME", help="Which field of a .jsonl file names the document.")] = (
        None
    )
    weighting: Annotated[Literal["tfidf", "counts"], _text(help="Weights of terms.")] = "tfidf"
    min_df: Annotated[
        str,
        _text(
            metavar="N|SHARE",
            help="Leave out terms in fewer documents (5) or a smaller share of them (0.01).",
        ),
    ] = "1"
    max_df: Annotated[
        str,
        _text(metavar="N|SHARE", help="Leave out terms in more documents or a larger share."),
    ] = "1.0"
    max_features: Annotated[int | None, _text(min=1, metavar="N", help="Keep only the most frequent terms.")] = None
    stop_words: Annotated[
        str | None,
        _text(metavar="english|FILE", help="Words to leave out: english, or a file with one on each line."),
    ] = None
    ngram_range: Annotated[
        tuple[int, int], _text(metavar="N N", help="Shortest and longest run of words that is a term.")
    ] = (1, 1)
    lowercase: Annotated[bool, _text("--lowercase/--no-lowercase", help="Whether The and the are one term.")] = True
    token_pattern: Annotated[str, _text(metavar="REGEX", help="What a word is.")] = r"(?u)\b\w\w+\b"
    strip_accents: Annotated[Literal["ascii", "unicode"] | None, _text(help="Remove accents.")] = None
    analyzer: Annotated[Literal["word", "char", "char_wb"], _text(help="What terms are made of.")] = "word"
    binary: Annotated[bool, _text("--binary", help="Count a term once in each document.")] = False
    norm: Annotated[Literal["l1", "l2", "none"], _text(help="Tf-idf: the norm of each row.")] = "l2"
    use_idf: Annotated[bool, _text("--use-idf/--no-use-idf", help="Tf-idf: weight by rarity.")] = True
    smooth_idf: Annotated[
        bool, _text("--smooth-idf/--no-smooth-idf", help="Tf-idf: add one to document frequencies.")
    ] = True
    sublinear_tf: Annotated[bool, _text("--sublinear-tf", help="Tf-idf: 1 + log(count) for counts.")] = False

    def options(self) -> "ReadOptions":
        """Return the same as the library takes it."""
        from partwise.io import ReadOptions
        from partwise.io.options import MAX_BYTES

        given = asdict(self)
        given["max_bytes"] = MAX_BYTES if self.max_bytes is None else self.max_bytes
        given["image_shape"] = _shape(self.image_shape)
        given["min_df"], given["max_df"] = _frequency("--min-df", self.min_df), _frequency("--max-df", self.max_df)
        given["norm"] = None if self.norm == "none" else self.norm
        given["stop_words"] = _stop_words(self.stop_words, self.encoding)
        return ReadOptions(**given)

    def files(self) -> list[Path]:
        """Return the files that are read beside the data."""
        words = None if self.stop_words in (None, "english") else Path(str(self.stop_words))
        return [path for path in (self.row_names_from, self.column_names_from, words) if path is not None]


# --- values that are more than a word ---------------------------------------------------------------------------------


def _answer(text: str) -> bool | str:
    """Return what ``--coarse`` says."""
    answers: dict[str, bool | str] = {"auto": "auto", "yes": True, "no": False}
    if text not in answers:
        raise ParameterError(f"--coarse {text} is no answer: choose auto, yes or no.")
    return answers[text]


def _ranks(text: str) -> list[int]:
    """Return the numbers that ``2:12``, ``2,4,8`` or ``5`` name, ascending."""
    found: set[int] = set()
    for piece in text.split(","):
        ends = re.fullmatch(r"\s*(\d+)\s*(?::\s*(\d+)\s*)?", piece)
        if ends is None or int(ends[1]) < 1 or int(ends[2] or ends[1]) < int(ends[1]):
            raise ParameterError(
                f"--ranks {text} names no numbers of parts: give a range, such as 2:12, or numbers, such as 2,4,8."
            )
        found |= set(range(int(ends[1]), int(ends[2] or ends[1]) + 1))
    return sorted(found)


def _criteria(text: str) -> tuple[str, ...]:
    """Return the names in ``text``; a minus is as good as an underscore."""
    from partwise.selection import CRITERIA

    names = tuple(name.strip().replace("-", "_") for name in text.split(","))
    for name in names:
        if name not in CRITERIA:
            raise ParameterError(f"--criteria {text} names {name!r}, which is none: choose from {', '.join(CRITERIA)}.")
    return names


def _weight(text: str) -> float | str:
    if text == "same":
        return text
    try:
        return float(text)
    except ValueError as error:
        raise ParameterError(f"--alpha-h {text} is no weight: give a number ≥ 0, or same.") from error


def _frequency(option: str, text: str) -> int | float:
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError as error:
        raise ParameterError(
            f"{option} {text} is no frequency: give a number of documents, such as 5, or a share of them, such as 0.01."
        ) from error


def _shape(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    sizes = re.findall(r"\d+", text)
    if not re.fullmatch(r"\d+x\d+(x3)?", text) or "0" in sizes:
        raise ParameterError(
            f"--image-shape {text} is no shape: give HEIGHTxWIDTH, such as 112x92, or 32x32x3 for colour."
        )
    return tuple(map(int, sizes))


def _stop_words(value: str | None, encoding: str) -> Any:
    """``english`` as it is, else the words in a file."""
    from partwise.io.files import existing, read_lines
    from partwise.io.options import EncodedOptions

    if value in (None, "english"):
        return value
    return tuple(
        word for line in read_lines(existing(value), EncodedOptions(encoding=encoding)) for word in line.split()
    )


def _number_or_name(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
