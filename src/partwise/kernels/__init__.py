"""Compiled kernels: raw arrays in and out, no classes, no validation.

Every kernel is single-threaded, releases the GIL and works on a range of rows; the entry points hand the
ranges to the threads of the running fit (:mod:`partwise.kernels.threads`).
"""
