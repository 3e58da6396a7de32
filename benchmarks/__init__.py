"""Benchmarks: partwise beside its rivals, from the same starts, in one run. ``python -m benchmarks --help``."""
