"""What the engine may ask of the data, wherever they live: one verb, ``sweep``."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Generic, Protocol, Self, TypeAlias, TypeVar

import numpy as np

from partwise._types import Array
from partwise.arrays.block import Block
from partwise.kernels.threads import over

Rows: TypeAlias = "Array | tuple[Rows, ...] | None"
"""A nested tuple of arrays aligned with the rows of the data; None where there is nothing."""


class Report(Protocol):
    """What a visit reports: it adds up."""

    def __add__(self, other: Self, /) -> Self: ...


S = TypeVar("S", bound=Report)
Visit: TypeAlias = Callable[[Block, Rows], tuple[Rows, S]]


class Operand(Protocol):
    """The data of a fit.

    ``serves`` names the subproblems that it can feed; ``T`` is the other orientation, where it fits.
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    serves: frozenset[str]

    @property
    def weighted(self) -> bool:
        """Whether entries have weights."""

    @property
    def T(self) -> "Operand | None":
        """The data with rows and columns exchanged, or None where that cannot be had."""

    def place(self, rows: Rows) -> Rows:
        """Bring arrays aligned with the rows to where the data live."""

    def gather(self, rows: Rows) -> Rows:
        """Bring them back into memory."""

    def sweep(self, visit: Visit[S], rows: Rows) -> tuple[Rows, S]:
        """Visit each block once with its rows; keep the new rows and return them with the sum of the reports.

        ``visit(block, rows of the block)`` returns (new rows of the block, report). Reports are added by a binary
        tree over the block index that depends on the number of blocks alone.
        """


class TreeSum(Generic[S]):
    """Adds reports as they come, always by the same binary tree; holds log2(count) of them at most."""

    def __init__(self) -> None:
        self._partial: list[tuple[int, S]] = []

    def add(self, report: S) -> None:
        """Take the next report; equal subtrees join at once."""
        level = 0
        while self._partial and self._partial[-1][0] == level:
            report = self._partial.pop()[1] + report
            level += 1
        self._partial.append((level, report))

    def result(self) -> S:
        """The sum of all that came."""
        _, total = self._partial.pop()
        while self._partial:
            total = self._partial.pop()[1] + total
        return total


def sweep_blocks(blocks: Sequence[Block], visit: Visit[S], rows: Rows) -> tuple[Rows, S]:
    """Sweep over blocks in memory: one block works with all threads inside it, several share the threads."""
    if len(blocks) == 1:
        return visit(blocks[0], rows)
    m = sum(block.shape[0] for block in blocks)
    starts = [0, *np.cumsum([block.shape[0] for block in blocks]).tolist()]
    cuts = list(pairwise(starts))
    new: Rows = None
    total: TreeSum[S] = TreeSum()
    results = over(lambda job: visit(job[0], cut(rows, *job[1])), zip(blocks, cuts, strict=True))
    for (start, stop), (part, report) in zip(cuts, results, strict=True):
        new = empty_like(part, m) if start == 0 else new
        paste(new, part, start, stop)
        total.add(report)
    return new, total.result()


class InMemory:
    """What operands whose blocks are all in memory share."""

    serves = frozenset({"normal", "gradient", "entries"})
    blocks: list[Block]

    @property
    def weighted(self) -> bool:
        """Whether entries have weights."""
        return self.blocks[0].weights is not None

    def place(self, rows: Rows) -> Rows:
        """The rows themselves: they are where the data are."""
        return rows

    def gather(self, rows: Rows) -> Rows:
        """The rows themselves."""
        return rows

    def sweep(self, visit: Visit[S], rows: Rows) -> tuple[Rows, S]:
        """See :meth:`Operand.sweep`."""
        return sweep_blocks(self.blocks, visit, rows)


def cut(rows: Rows, start: int, stop: int) -> Rows:
    """Views of rows start … stop of each array."""
    if isinstance(rows, tuple):
        return tuple(cut(part, start, stop) for part in rows)
    return None if rows is None else rows[start:stop]


def empty_like(part: Rows, m: int) -> Rows:
    """Arrays like those of ``part`` with m rows."""
    if isinstance(part, tuple):
        return tuple(empty_like(inner, m) for inner in part)
    return None if part is None else np.empty((m, *part.shape[1:]), part.dtype)


def paste(rows: Rows, part: Rows, start: int, stop: int) -> None:
    """Write ``part`` into rows start … stop."""
    if isinstance(rows, tuple) and isinstance(part, tuple):
        for whole, piece in zip(rows, part, strict=True):
            paste(whole, piece, start, stop)
    elif isinstance(rows, np.ndarray):
        rows[start:stop] = part
