"""Readers and writers: labels in, labels out."""

from partwise.io.dataset import Dataset, Layout

__all__ = ["Dataset", "Layout"]
