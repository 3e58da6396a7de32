"""The errors of partwise. Each carries one sentence: what was asked, why it cannot be, what to do."""


class PartwiseError(Exception):
    """Base of every error that partwise raises on purpose."""


class DataError(PartwiseError, ValueError):
    """The matrix cannot be factorised as it is (negative, infinite, empty, of the wrong shape …)."""


class ParameterError(PartwiseError, ValueError):
    """A parameter, or a combination of parameters, cannot be."""


class FileError(PartwiseError, ValueError):
    """A file cannot be read or written: foreign, truncated, ragged, too large and the like."""


class MissingFileError(FileError, FileNotFoundError):
    """There is no file or folder of that name."""


class MissingExtraError(PartwiseError, ImportError):
    """An optional dependency is needed and is not installed; the sentence says which extra brings it."""


class DtypeError(PartwiseError, TypeError):
    """An array has another dtype than it must have."""
