"""Documents as rows of term weights: a folder of ``.txt``, a file with a document a line, ``.jsonl``."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from partwise._errors import DataError, FileError, ParameterError
from partwise._wording import option
from partwise.io.dataset import Dataset, Layout
from partwise.io.files import codec, legible, opened, read_lines, reason, too_large
from partwise.io.options import JsonLinesOptions, TextOptions, changed

_COUNTING = (
    *("min_df", "max_df", "max_features", "stop_words", "ngram_range", "lowercase", "token_pattern"),
    *("strip_accents", "analyzer", "binary", "vocabulary"),
)
_TFIDF_ONLY = ("norm", "use_idf", "smooth_idf", "sublinear_tf")
_RECIPE = {"weighting", *_COUNTING, *_TFIDF_ONLY}


def read_text_folder(path: Path, files: list[Path], options: TextOptions) -> Dataset:
    """Read one document from each file; rows are named by their paths in the folder."""
    if sum(file.stat().st_size for file in files) > options.max_bytes:
        raise too_large(path, options.max_bytes)
    names = [file.relative_to(path).as_posix() for file in files]
    return _vectorize([_text(file, options) for file in files], names, path, options)


def _text(path: Path, options: TextOptions) -> str:
    with legible(path, "text"), opened(path, options.max_bytes) as stream:
        return stream.read().decode(codec(options))


def read_text_lines(path: Path, options: TextOptions) -> Dataset:
    """Read one document from each line that is not blank; rows are named by it, as in ``line 1``."""
    lines = [(f"line {i}", line) for i, line in enumerate(read_lines(path, options), start=1) if line.strip()]
    return _vectorize([line for _, line in lines], [name for name, _ in lines], path, options)


def read_json_lines(path: Path, options: JsonLinesOptions) -> Dataset:
    """Read one document from each line, a JSON object; rows are named by ``id_field``, or as in ``line 1``."""
    records = list(_records(path, options))
    field, id_field = options.field, options.id_field
    if field is None:
        raise ParameterError(
            f"{path} holds JSON objects with the fields {_listed(records)}: choose one with {option('field')}."
        )
    texts = [_value(record, field, line, path) for line, record in records]
    not_text = next((line for text, (line, _) in zip(texts, records, strict=True) if not isinstance(text, str)), None)
    if not_text is not None:
        raise FileError(
            f"{path}, line {not_text}: the field {field!r} holds no text; choose another with {option('field')}."
        )
    names = [str(_value(record, id_field, line, path)) if id_field else f"line {line}" for line, record in records]
    return _vectorize(texts, names, path, options)


def _records(path: Path, options: TextOptions) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(read_lines(path, options), start=1):
        if line.strip():
            yield number, _record(line, number, path)


def _record(line: str, number: int, path: Path) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path}, line {number} is no JSON ({reason(error)}): mend or remove it.") from error
    if not isinstance(record, dict):
        raise FileError(f'{path}, line {number} is no JSON object such as {{"text": "…"}}: mend or remove it.')
    return record


def _value(record: dict[str, Any], field: str, line: int, path: Path) -> Any:
    if field not in record:
        raise FileError(f"{path}, line {line} has no field {field!r}: it has {_listed([(line, record)])}.")
    return record[field]


def _listed(records: list[tuple[int, dict[str, Any]]]) -> str:
    return ", ".join(map(repr, records[0][1])) if records and records[0][1] else "none"


def _vectorize(documents: list[str], names: list[str], path: Path, options: TextOptions) -> Dataset:
    """Turn documents into rows, and keep what turns further documents into rows with the same columns."""
    if not documents:
        raise DataError(f"{path} holds no documents: there is nothing to factorise.")
    vectorizer = _vectorizer(options)
    try:
        if options.idf is not None:
            vectorizer.idf_ = np.asarray(options.idf, dtype=np.float64)
            X = vectorizer.transform(documents)
        else:
            X = vectorizer.fit_transform(documents)
    except ValueError as error:
        likely = ", ".join(map(option, ("min_df", "max_df", "stop_words", "token_pattern")))
        raise ParameterError(
            f"The documents of {path} cannot be turned into term weights with these options ({reason(error)}): "
            f"change {likely} or whichever is named."
        ) from error
    terms = tuple(map(str, vectorizer.get_feature_names_out()))
    recipe = {name: value for name, value in changed(options).items() if name in _RECIPE} | {"vocabulary": list(terms)}
    if options.weighting == "tfidf" and options.use_idf:
        recipe["idf"] = vectorizer.idf_.tolist()
    return Dataset(sparse.csr_array(X), tuple(names), terms, Layout("text"), str(path), recipe)


def _vectorizer(options: TextOptions) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer  # takes a while to import

    chosen = {name: getattr(options, name) for name in _COUNTING}
    # From JSON and from a command line pairs come as lists; scikit-learn wants exactly these kinds.
    chosen["ngram_range"] = tuple(options.ngram_range)
    for name in ("stop_words", "vocabulary"):
        chosen[name] = list(chosen[name]) if isinstance(chosen[name], list | tuple) else chosen[name]
    if options.weighting == "tfidf":
        return TfidfVectorizer(**chosen, **{name: getattr(options, name) for name in _TFIDF_ONLY})
    unused = sorted(set(changed(options)) & {*_TFIDF_ONLY, "idf"})
    if options.weighting != "counts" or unused:
        raise ParameterError(
            f"{option('weighting', options.weighting)} does not go with {', '.join(map(option, unused))}: "
            "these belong to tf-idf."
            if unused
            else f"There is no weighting {options.weighting!r}: choose 'tfidf' or 'counts'."
        )
    return CountVectorizer(**chosen)
