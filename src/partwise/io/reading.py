"""The one door through which data come in: the kinds of sources and who reads them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from partwise._errors import FileError, ParameterError
from partwise._wording import option
from partwise.io.arrays import read_npy, read_npz
from partwise.io.dataset import Dataset, Layout
from partwise.io.files import existing, legible, no_value, read_lines
from partwise.io.images import IMAGE_SUFFIXES, natural_order, read_image_folder, read_tiff
from partwise.io.market import read_mtx
from partwise.io.options import (
    ArchiveOptions,
    CommonOptions,
    EncodedOptions,
    ImageOptions,
    JsonLinesOptions,
    NumberOptions,
    ReadOptions,
    TableOptions,
    TextOptions,
    changed,
)
from partwise.io.tables import read_parquet, read_table
from partwise.io.text import read_json_lines, read_text_folder, read_text_lines


@dataclass(frozen=True)
class FileReader:
    """Who reads a kind of file, how a sentence calls it, and which options concern it."""

    read: Callable[[Path, Any], Dataset]
    what: str
    options: type[CommonOptions]


@dataclass(frozen=True)
class FolderReader:
    """The same for a folder, of which the files with these suffixes are read."""

    read: Callable[[Path, list[Path], Any], Dataset]
    what: str
    options: type[CommonOptions]
    suffixes: frozenset[str]


_TABLE = FileReader(read_table, "a table", TableOptions)
_MARKET = FileReader(read_mtx, "a Matrix Market file", NumberOptions)
_LINES = FileReader(read_text_lines, "a document a line", TextOptions)
_JSON_LINES = FileReader(read_json_lines, "a JSON object a line", JsonLinesOptions)
_TIFF = FileReader(read_tiff, "a TIFF file", ImageOptions)

FILES: dict[str, FileReader] = {
    ".npy": FileReader(read_npy, "a NumPy array", NumberOptions),
    ".npz": FileReader(read_npz, "an archive of NumPy arrays", ArchiveOptions),
    ".csv": _TABLE,
    ".csv.gz": _TABLE,
    ".tsv": _TABLE,
    ".tsv.gz": _TABLE,
    ".mtx": _MARKET,
    ".mtx.gz": _MARKET,
    ".parquet": FileReader(read_parquet, "a Parquet file", NumberOptions),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".txt": _LINES,
    ".txt.gz": _LINES,
    ".jsonl": _JSON_LINES,
    ".jsonl.gz": _JSON_LINES,
}
"""Kinds of files by suffix."""

FOLDERS: dict[str, FolderReader] = {
    "images": FolderReader(read_image_folder, "a folder of pictures", ImageOptions, IMAGE_SUFFIXES),
    "texts": FolderReader(read_text_folder, "a folder of documents", TextOptions, frozenset({".txt"})),
}
"""Kinds of folders."""


def read(path: str | PathLike[str], options: ReadOptions | None = None, **named: Any) -> Dataset:
    r"""Read a matrix with the names of its rows and columns, whatever kind of source it is in.

    ==========================================  ========================================================================
    source                                      options, described in the classes of `partwise.io.options`
    ==========================================  ========================================================================
    ``.npy``                                    ``image_shape`` (pictures: the shape of one)
    ``.npz`` dense or SciPy sparse              ``key``, ``image_shape``
    ``.csv``, ``.tsv`` (``.gz``)                ``header``, ``row_names``, ``delimiter``, ``encoding``
    ``.mtx`` (``.gz``), ``.parquet``
    all of these                                ``missing`` (whether cells may be without a value), ``column``
    folder of PNG, JPEG, PGM, TIFF; ``.tiff``   ``grey``; a folder also ``pattern``
    folder of ``.txt``, ``.txt`` (``.gz``)      ``pattern`` (of a folder), ``weighting``, ``min_df``, ``max_df``,
                                                ``max_features``, ``stop_words``, ``ngram_range``, ``encoding``
                                                and all others of `TextOptions`
    ``.jsonl`` (``.gz``)                        the same, and ``field``, ``id_field``
    all                                         ``kind``, ``transpose``, ``row_names_from``, ``column_names_from``,
                                                ``max_bytes``
    ==========================================  ========================================================================

    Parameters
    ----------
    path : path-like
        A file, or a folder of pictures or documents (folders within it are read too, in natural order).
    options : ReadOptions or None, default=None
        All options in one value; None takes the defaults.
    **named
        Single options by name, which take precedence.

    Returns
    -------
    Dataset
        Tables come as float64 arrays, pictures as float64 rows in [0, 1], text and sparse files as
        `scipy.sparse.csr_array`; arrays keep their dtype.

    Raises
    ------
    FileError
        If the source is missing (then it is a `FileNotFoundError` too), damaged, ragged, too large, of an unknown
        kind, or holds something other than numbers; the sentence names the file and the place in it.
    ParameterError
        If an option is unknown or does not concern the kind of source.
    MissingExtraError
        If the kind needs a package that is not installed.

    Examples
    --------
    >>> import tempfile, pathlib, partwise.io
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "fruit.csv"
    >>> _ = path.write_text("day,apple,pear\nMonday,1,2\nTuesday,3,4\n")
    >>> data = partwise.io.read(path)
    >>> data.row_names, data.column_names
    (('Monday', 'Tuesday'), ('apple', 'pear'))
    """
    options = _options(options or ReadOptions(), named)
    path = existing(path)
    data = _read_folder(path, options) if path.is_dir() else _read_file(path, options)
    return _finish(data, options)


def _options(options: ReadOptions, named: dict[str, Any]) -> ReadOptions:
    known = [field.name for field in fields(ReadOptions)]
    unknown = ", ".join(name for name in named if name not in known)
    if unknown:
        raise ParameterError(f"There is no option {unknown} for reading: there are {', '.join(known)}.")
    return replace(options, **named)


def _read_file(path: Path, options: ReadOptions) -> Dataset:
    reader = reader_of(path, options.kind)
    _check_options(options, reader, path)
    with legible(path, reader.what):
        return reader.read(path, options)


def reader_of(path: Path, kind: str | None) -> FileReader:
    """Return who reads a file, going by its name or the kind that the user named."""
    return FILES[_suffix(path, kind)]


def _suffix(path: Path, kind: str | None) -> str:
    if kind is not None:
        return _known(path, f".{kind.lstrip('.')}".lower(), FILES)
    suffix = max((suffix for suffix in FILES if path.name.lower().endswith(suffix)), key=len, default=None)
    if suffix is None:
        raise FileError(
            f"{path} is of no known kind ({', '.join(FILES)}, or a folder of pictures or of .txt files): "
            f"rename it, or name its kind with {option('kind')}."
        )
    return suffix


def _known(path: Path, kind: str, kinds: Collection[str]) -> str:
    """Return a kind that the user named, if it is one of those of files or of folders."""
    if kind not in kinds:
        what = "folder" if path.is_dir() else "file"
        raise ParameterError(
            f"{path} is a {what}, and there is no kind {kind!r} of {what}s: choose {', '.join(kinds)}."
        )
    return kind


def _read_folder(path: Path, options: ReadOptions) -> Dataset:
    with legible(path, "a folder"):
        files = [file for file in path.rglob("*") if file.is_file() and not file.name.startswith(".")]
    files = [file for file in files if fnmatchcase(file.relative_to(path).as_posix(), options.pattern)]
    reader, members = _choose(path, files, options.kind)
    _check_options(options, reader, path)
    members.sort(key=lambda file: natural_order(file.relative_to(path).as_posix()))
    with legible(path, reader.what):
        return reader.read(path, members, options)


def _choose(path: Path, files: list[Path], kind: str | None) -> tuple[FolderReader, list[Path]]:
    readers = FOLDERS if kind is None else {kind: FOLDERS[_known(path, kind, FOLDERS)]}
    found = {name: [f for f in files if f.suffix.lower() in reader.suffixes] for name, reader in readers.items()}
    names = [name for name, members in found.items() if members]
    if len(names) > 1:
        examples = " and ".join(f"{found[name][0].name} ({option('kind', name)})" for name in names)
        raise FileError(
            f"The folder {path} holds both pictures and documents, such as {examples}: choose with {option('kind')}."
        )
    if not names:
        wanted = sorted(suffix for reader in readers.values() for suffix in reader.suffixes)
        raise FileError(f"The folder {path} holds nothing that can be read: there should be {', '.join(wanted)} files.")
    return readers[names[0]], found[names[0]]


def _check_options(options: ReadOptions, reader: FileReader | FolderReader, path: Path) -> None:
    concern = {field.name for field in fields(reader.options)}
    if options.row_names_from is not None or options.column_names_from is not None:
        concern.add("encoding")
    unused = sorted(changed(options).keys() - concern)
    if unused:
        raise ParameterError(
            f"{path} is read as {reader.what}, which {', '.join(map(option, unused))} does not concern: leave it out."
        )


def _finish(data: Dataset, options: ReadOptions) -> Dataset:
    if options.transpose:
        X = data.X.T if isinstance(data.X, np.ndarray) else sparse.csr_array(data.X.T)
        data = replace(data, X=X, row_names=data.column_names, column_names=data.row_names, layout=Layout(), recipe={})
    if options.image_shape is not None:
        data = replace(data, layout=Layout("image", tuple(options.image_shape)))
    data = replace(
        data,
        row_names=_names(options.row_names_from, options, data.shape[0], "row") or data.row_names,
        column_names=_names(options.column_names_from, options, data.shape[1], "column") or data.column_names,
    )
    if not options.missing:
        _check_complete(data)
    return data


def _check_complete(data: Dataset) -> None:
    """Refuse NaN in a dense matrix: that it is a missing entry has to be said."""
    X = data.X
    if not isinstance(X, np.ndarray) or X.dtype.kind != "f" or not np.isnan(X.min(initial=0)):
        return
    i, j = np.argwhere(np.isnan(X))[0]
    raise no_value(f"{data.source} has no value (NaN) in {data.place(i, j)}")


def _names(path: str | PathLike[str] | None, options: EncodedOptions, count: int, what: str) -> tuple[str, ...] | None:
    if path is None:
        return None
    names = tuple(read_lines(existing(path), options))
    if len(names) != count:
        raise FileError(
            f"{path} holds {len(names)} names for {count} {what}s: it should have one line for each {what}."
        )
    return names
