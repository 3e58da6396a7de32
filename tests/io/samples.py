"""A small source of every kind that `partwise.io.read` knows, and what reading it must give."""

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from scipy import sparse
from scipy.io import mmwrite

VALUES = np.array([[0.1, 2.0, 0.0], [1e-300, 0.0, 12345.678901234567]])
ROWS, COLUMNS = ("first", "second"), ("a", "b", "c")
PIXELS = np.array([[[0, 51], [102, 255]], [[255, 0], [0, 153]]], dtype=np.uint8)
DOCUMENTS = ("apple pear", "pear pear plum")
COUNTS = np.array([[1, 1, 0], [0, 2, 1]])
TERMS = ("apple", "pear", "plum")


@dataclass(frozen=True)
class Sample:
    """How to make a source, which options it needs, and what comes out."""

    write: Callable[[Path], object]
    X: np.ndarray[Any, Any]
    row_names: tuple[str, ...] | None = None
    column_names: tuple[str, ...] | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def make(self, folder: Path, kind: str) -> Path:
        path = folder / (f"sample{kind}" if kind.startswith(".") else kind)
        self.write(path)
        return path


def written(text: str) -> Callable[[Path], object]:
    """Return who writes the text, gzipped where the name says so."""
    return lambda path: path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


def table(delimiter: str) -> str:
    lines = [("", *COLUMNS), *((name, *map(repr, row)) for name, row in zip(ROWS, VALUES.tolist(), strict=True))]
    return "\n".join(delimiter.join(line) for line in lines)


def market() -> str:
    stream = io.BytesIO()
    mmwrite(stream, sparse.coo_array(VALUES), precision=17)
    return stream.getvalue().decode()


def write_pictures(path: Path) -> None:
    for name, pixels in zip(("s2/1.png", "s10/1.png"), PIXELS, strict=True):
        (path / name).parent.mkdir(parents=True)
        Image.fromarray(pixels).save(path / name)


def write_tiff(path: Path) -> None:
    first, second = map(Image.fromarray, PIXELS)
    first.save(path, save_all=True, append_images=[second])


def write_texts(path: Path) -> None:
    path.mkdir()
    for name, text in zip(("9.txt", "10.txt"), DOCUMENTS, strict=True):
        (path / name).write_text(text)


TABLE = {"X": VALUES, "row_names": ROWS, "column_names": COLUMNS}
PICTURES = {"X": PIXELS.reshape(2, 4) / 255.0}
TEXT = {"X": COUNTS, "column_names": TERMS}
LINES = Sample(written("\n".join(DOCUMENTS)), row_names=("line 1", "line 2"), options={"weighting": "counts"}, **TEXT)
JSON_LINES = Sample(
    written("\n".join(json.dumps({"n": i, "body": text}) for i, text in enumerate(DOCUMENTS))),
    row_names=("0", "1"),
    options={"weighting": "counts", "field": "body", "id_field": "n"},
    **TEXT,
)

SAMPLES: dict[str, Sample] = {
    ".npy": Sample(lambda path: np.save(path, VALUES), VALUES),
    ".npz": Sample(lambda path: sparse.save_npz(path, sparse.csc_array(VALUES)), VALUES),
    ".csv": Sample(written(table(",")), **TABLE),
    ".csv.gz": Sample(written(table(",")), **TABLE),
    ".tsv": Sample(written(table("\t")), **TABLE),
    ".tsv.gz": Sample(written(table("\t")), **TABLE),
    ".mtx": Sample(written(market()), VALUES),
    ".mtx.gz": Sample(written(market()), VALUES),
    ".parquet": Sample(lambda path: pd.DataFrame(VALUES, ROWS, COLUMNS).to_parquet(path), **TABLE),
    ".tif": Sample(write_tiff, row_names=("page 1", "page 2"), **PICTURES),
    ".tiff": Sample(write_tiff, row_names=("page 1", "page 2"), **PICTURES),
    ".txt": LINES,
    ".txt.gz": LINES,
    ".jsonl": JSON_LINES,
    ".jsonl.gz": JSON_LINES,
    "images": Sample(write_pictures, row_names=("s2/1.png", "s10/1.png"), **PICTURES),
    "texts": Sample(write_texts, row_names=("9.txt", "10.txt"), options={"weighting": "counts"}, **TEXT),
}
