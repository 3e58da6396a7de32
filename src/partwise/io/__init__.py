"""Readers and writers: labels in, labels out."""

from partwise.io.atomic import atomic_write
from partwise.io.beside import read_mask, read_weights
from partwise.io.dataset import Dataset, Layout
from partwise.io.options import ReadOptions
from partwise.io.reading import read
from partwise.io.records import read_record, write_record
from partwise.io.writing import write_table

__all__ = [
    "Dataset",
    "Layout",
    "ReadOptions",
    "atomic_write",
    "read",
    "read_mask",
    "read_record",
    "read_weights",
    "write_record",
    "write_table",
]
