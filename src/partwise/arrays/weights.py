"""How much each entry of a block counts."""

from dataclasses import dataclass, replace

from partwise._types import Array


@dataclass(frozen=True)
class Weights:
    """The weights v = r c e of a block's entries; 0 is a missing entry, which counts nothing.

    Parameters
    ----------
    entries : ndarray or None
        e, of shape (b, n) for dense data and (stored entries,) for sparse ones; None is 1 for all.
    rows, columns : ndarray of shape (b,) and (n,), or None
        r and c; None is 1 for all.
    absent : {0.0, 1.0}
        e of the zeros that sparse data do not store.
    """

    entries: Array | None = None
    rows: Array | None = None
    columns: Array | None = None
    absent: float = 1.0

    def part(self, start: int, stop: int) -> "Weights":
        """Those of consecutive rows of dense data."""
        return self.of_rows(slice(start, stop))

    def of_rows(self, index: Array | slice) -> "Weights":
        """Those of some rows of dense data."""
        return replace(
            self,
            entries=None if self.entries is None else self.entries[index],
            rows=None if self.rows is None else self.rows[index],
        )

    @property
    def T(self) -> "Weights":
        """Those of the transpose of dense data."""
        return self.turned(None if self.entries is None else self.entries.T)

    def turned(self, entries: Array | None) -> "Weights":
        """Those of the transpose, whose entries are given in its own order."""
        return replace(self, entries=entries, rows=self.columns, columns=self.rows)

    def over_columns(self, G: Array) -> Array:
        """A factor of the columns (n × k), times c."""
        return G if self.columns is None else G * self.columns[:, None]

    def over_rows(self, F: Array) -> Array:
        """What belongs to the rows (b × …), times r in place."""
        if self.rows is not None:
            F *= self.rows.reshape(-1, *[1] * (F.ndim - 1))
        return F

    def tile(self, rows: slice | Array, columns: slice) -> Array | float:
        """The weights of a tile of dense data, in a shape that broadcasts to it."""
        return self.scaled(1.0 if self.entries is None else self.entries[rows, columns], rows, columns)

    def scaled(self, e: Array | float, rows: slice | Array, columns: slice) -> Array | float:
        """The weights of a tile with these e."""
        v = e if self.columns is None else e * self.columns[None, columns]
        return v if self.rows is None else v * self.rows[rows, None]
