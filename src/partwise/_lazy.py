"""Attributes computed when first asked for."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class lazy(Generic[T]):
    """A property that keeps its value, like :class:`functools.cached_property` without a lock.

    Before Python 3.12 that one holds a lock of the whole class while it computes: fits in other threads wait for it,
    and a process forked meanwhile inherits it locked for ever. Two threads may compute the value here; one is kept.
    """

    def __init__(self, function: Callable[[Any], T]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "lazy[T]": ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> "lazy[T] | T":
        if instance is None:
            return self
        value: T = vars(instance).setdefault(self.name, self.function(instance))
        return value
