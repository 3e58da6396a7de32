"""The one way in which partwise compiles a kernel."""

import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")

# Sums may be reordered, so that they vectorise; nothing may assume that NaN or inf never occur.
_FASTMATH = {"reassoc", "contract", "nsz"}


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` on its first call, without the GIL, and keep the machine code on disk.

    Where Numba finds no folder that it may write (it raises "no locator available" when the decorator
    runs, that is at import), the kernel is compiled anew in each process, and the first one says so.
    """
    try:
        compiled = numba.njit(function, nogil=True, cache=True, fastmath=_FASTMATH)
    except RuntimeError as error:
        if "no locator" not in str(error):
            raise
        _warn_uncached()
        compiled = numba.njit(function, nogil=True, fastmath=_FASTMATH)
    return cast(Callable[P, R], compiled)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` into each kernel that calls it.

    A helper with code of its own would be there twice, in the kernel's object and in its own, optimised differently. A
    process that compiles calls the one, a process that loads from disk the other, and sums differ in the last bits.
    """
    return cast(Callable[P, R], numba.njit(function, nogil=True, fastmath=_FASTMATH, forceinline=True))


_uncached_said = False


def _warn_uncached() -> None:
    global _uncached_said
    if _uncached_said:
        return
    _uncached_said = True
    warnings.warn(
        "Compiled kernels cannot be kept on disk, because neither the package's folder nor the user's cache folder "
        "can be written: each process compiles them again. Set NUMBA_CACHE_DIR to a folder that can be written.",
        RuntimeWarning,
        stacklevel=2,
    )
