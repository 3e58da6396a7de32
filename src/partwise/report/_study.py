"""Everything that the page shows, computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from partwise.io.dataset import Dataset, Layout
from partwise.plot import _measures as measures
from partwise.plot import _view as view


@dataclass(frozen=True)
class Study:
    """A fitted model and, where there are data, their coefficients."""

    model: Any
    H: measures.Floats
    dataset: Dataset | None
    W: measures.Floats | None

    @classmethod
    def of(cls, model: Any, data: Any) -> Study:
        """Look at ``model``, and at ``data`` through ``model.transform`` unless they are None."""
        H = np.asarray(view.components(model), dtype=np.float64)
        if data is None:
            return cls(model, H, None, None)
        dataset = view.as_dataset(model, data)
        return cls(model, H, dataset, np.asarray(model.transform(dataset.X), dtype=np.float64))

    @cached_property
    def layout(self) -> Layout:
        """What a row looks like."""
        return view.layout_of(self.model) if self.dataset is None else self.dataset.layout

    @cached_property
    def column_names(self) -> tuple[str, ...] | None:
        """Names of the columns, from the data or else the model."""
        return view.column_names(self.model) if self.dataset is None else self.dataset.column_names

    @cached_property
    def look(self) -> view.Look:
        """How a row is shown."""
        return view.look(self.layout, self.column_names)

    @cached_property
    def shares(self) -> measures.Floats:
        """(k,) share of each part at the fit."""
        return view.part_shares(self.model)

    @cached_property
    def sparseness(self) -> measures.Floats:
        """(k,) Hoyer's sparseness of each part."""
        return measures.sparseness(self.H)

    @cached_property
    def column_shares(self) -> measures.Floats:
        """(k, n) share of each part in what the parts put into a column; zero where they put nothing."""
        sums = self.H.sum(axis=1)
        weights = np.divide(self.shares, sums, out=np.zeros_like(sums), where=sums > 0)
        amounts = weights[:, None] * self.H
        totals = amounts.sum(axis=0)
        return np.divide(amounts, totals, out=np.zeros_like(amounts), where=totals > 0)

    @cached_property
    def rows(self) -> Rows | None:
        """What the data add, or None."""
        if self.dataset is None or self.W is None:
            return None
        mixture = measures.mixture(self.W, self.H)
        return Rows(
            dataset=self.dataset,
            W=self.W,
            residuals=measures.residuals(self.dataset.X, self.W, self.H),
            mixture=mixture,
            dominant=measures.dominant(mixture),
        )


@dataclass(frozen=True)
class Rows:
    """The data through the model: (m, k) coefficients and shares, residuals, (m,) dominant parts."""

    dataset: Dataset
    W: measures.Floats
    residuals: measures.Residuals
    mixture: measures.Floats
    dominant: measures.Ints

    def name(self, row: int) -> str:
        """Name of a row."""
        return view.name_of(self.dataset.row_names, row, "row")

    def typical(self, part: int) -> int | None:
        """The row that owes the largest share to ``part`` among those that it dominates; the first of equals."""
        members = np.flatnonzero(self.dominant == part)
        return int(members[self.mixture[members, part].argmax()]) if members.size else None
