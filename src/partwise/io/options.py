"""The options of reading, grouped by the kinds of data that they concern."""

import os
from dataclasses import dataclass, fields
from os import PathLike
from typing import Any, Literal


def _memory() -> int | None:
    """Return the bytes of memory of this machine, where the system tells."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return None


def default_limit(memory: int | None) -> int:
    """Return what one source may expand to by default: 16 GiB, or half of the memory where that is less.

    Whoever reads more can say so; a small file that expands to more is an accident or an attack. The fit takes memory
    beside the matrix.
    """
    return min(16 * 2**30, memory // 2) if memory else 16 * 2**30


MAX_BYTES = default_limit(_memory())
"""The default limit on this machine."""


@dataclass(frozen=True, kw_only=True)
class CommonOptions:
    """Options of every kind of data.

    Parameters
    ----------
    kind : str or None, default=None
        Read the source as this kind (``".csv"``, ``".tsv"``, ``".txt"``, ``"images"``, …) whatever its name says;
        None goes by the suffix, or for a folder by the files in it.
    transpose : bool, default=False
        Swap rows and columns after reading; for files that hold features × samples (genes × cells).
    image_shape : tuple of int or None, default=None
        (height, width) or (height, width, 3) of the picture that each row is (after ``transpose``).
    row_names_from, column_names_from : path-like or None, default=None
        A text file (``.gz`` or not) with one name a line for the rows or columns of the result, in the ``encoding``
        of `EncodedOptions`.
    max_bytes : int, default=16 GiB or half of the memory, whichever is less
        Largest expanded size; a compressed file of a few megabytes can hold terabytes, so it is checked before and
        while expanding.
    """

    kind: str | None = None
    transpose: bool = False
    image_shape: tuple[int, ...] | None = None
    row_names_from: str | PathLike[str] | None = None
    column_names_from: str | PathLike[str] | None = None
    max_bytes: int = MAX_BYTES


@dataclass(frozen=True, kw_only=True)
class NumberOptions(CommonOptions):
    """Options of files that hold numbers: arrays, tables, Matrix Market.

    Parameters
    ----------
    missing : bool, default=False
        Whether cells without a value (empty, NaN, NA, n/a, null, none or a single point) are missing entries, which
        become NaN; otherwise the first one is refused. Sparse files store no such cells.
    column : bool, default=False
        Take an array of one dimension as a single column, instead of refusing it.
    """

    missing: bool = False
    column: bool = False


@dataclass(frozen=True, kw_only=True)
class ArchiveOptions(NumberOptions):
    """Options of ``.npz`` files.

    Parameters
    ----------
    key : str or None, default=None
        Name of the array to read; needed where there are several.
    """

    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class EncodedOptions(CommonOptions):
    """Options of all files made of characters.

    Parameters
    ----------
    encoding : str, default="utf-8"
        Encoding of the characters. A byte-order mark in front of UTF-8 is skipped.
    """

    encoding: str = "utf-8"


@dataclass(frozen=True, kw_only=True)
class TableOptions(EncodedOptions, NumberOptions):
    """Options of ``.csv`` and ``.tsv`` files.

    Parameters
    ----------
    header : bool or None, default=None
        Whether the first line names the columns. None: it does where its first cell is empty, where it is one cell
        shorter than the next line (R writes so), where most of its cells (the first apart) are no numbers, or where
        a word is followed by whole numbers that rise as names do (years, days, 1 to n).
    row_names : bool or None, default=None
        Whether the first column names the rows. None: it does where the header leaves its cell empty or is one
        shorter, where most of its cells in the first 100 rows are no numbers (names, dates), or where it is called
        ``id`` or ``index`` and no value comes twice. Of another column that counts the rows a warning tells.
    delimiter : str or None, default=None
        One character between the cells. None: a tab for ``.tsv``; for ``.csv`` whichever of comma, semicolon and tab
        gives the first line most cells.
    """

    header: bool | None = None
    row_names: bool | None = None
    delimiter: str | None = None


@dataclass(frozen=True, kw_only=True)
class FolderOptions(CommonOptions):
    """Options of folders.

    Parameters
    ----------
    pattern : str, default="*"
        Read only files whose path in the folder matches, as in ``"*.pgm"`` or ``"s1/*"`` (`fnmatch.fnmatchcase`, where
        a star matches slashes too).
    """

    pattern: str = "*"


@dataclass(frozen=True, kw_only=True)
class ImageOptions(FolderOptions):
    """Options of pictures.

    Parameters
    ----------
    grey : bool, default=False
        Turn colours into grey (ITU-R 601-2 luma, as Pillow does).
    """

    grey: bool = False


@dataclass(frozen=True, kw_only=True)
class TextOptions(EncodedOptions, FolderOptions):
    r"""Options of documents: those of scikit-learn's vectorizers, under their names and with their defaults.

    Parameters
    ----------
    weighting : {"tfidf", "counts"}, default="tfidf"
        `sklearn.feature_extraction.text.TfidfVectorizer` or ``CountVectorizer``. Term frequency × inverse document
        frequency keeps the words of every document from filling the parts.
    min_df, max_df : int or float, default=1, 1.0
        Leave out terms in fewer or more documents (a share where it is a float).
    max_features : int or None, default=None
        Keep the most frequent terms only.
    stop_words : "english", tuple of str or None, default=None
        Words to leave out.
    ngram_range : tuple of int, default=(1, 1)
        Shortest and longest run of words that counts as a term.
    lowercase : bool, default=True
        Whether "The" and "the" are one term.
    token_pattern : str, default=r"(?u)\b\w\w+\b"
        Regular expression of a word.
    strip_accents : {"ascii", "unicode"} or None, default=None
        Whether to remove accents.
    analyzer : {"word", "char", "char_wb"}, default="word"
        Whether terms are made of words or of characters.
    binary : bool, default=False
        Count a term once in each document.
    norm : {"l1", "l2"} or None, default="l2"
        Tf-idf only: the norm that each row is scaled to.
    use_idf, smooth_idf, sublinear_tf : bool, default=True, True, False
        Tf-idf only: weight by rarity, add one to document frequencies, replace counts c by 1 + log(c).
    vocabulary : tuple of str or None, default=None
        The terms, in the order of the columns, instead of those found.
    idf : tuple of float or None, default=None
        Tf-idf only: the weights of ``vocabulary`` instead of those found.
    """

    weighting: Literal["tfidf", "counts"] = "tfidf"
    min_df: int | float = 1
    max_df: int | float = 1.0
    max_features: int | None = None
    stop_words: Literal["english"] | tuple[str, ...] | None = None
    ngram_range: tuple[int, int] = (1, 1)
    lowercase: bool = True
    token_pattern: str = r"(?u)\b\w\w+\b"
    strip_accents: Literal["ascii", "unicode"] | None = None
    analyzer: Literal["word", "char", "char_wb"] = "word"
    binary: bool = False
    norm: Literal["l1", "l2"] | None = "l2"
    use_idf: bool = True
    smooth_idf: bool = True
    sublinear_tf: bool = False
    vocabulary: tuple[str, ...] | None = None
    idf: tuple[float, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class JsonLinesOptions(TextOptions):
    """Options of ``.jsonl`` files.

    Parameters
    ----------
    field : str or None, default=None
        The field that holds the text of each document; needed.
    id_field : str or None, default=None
        The field that holds its name; None names documents by their line.
    """

    field: str | None = None
    id_field: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReadOptions(ArchiveOptions, TableOptions, ImageOptions, JsonLinesOptions):
    """All options of `partwise.io.read`; the classes that this one is made of describe them."""


def changed(options: CommonOptions) -> dict[str, Any]:
    """Return the options that differ from their defaults."""
    values = {field.name: (getattr(options, field.name), field.default) for field in fields(options)}
    return {name: value for name, (value, default) in values.items() if value != default}
