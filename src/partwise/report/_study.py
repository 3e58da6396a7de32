"""Everything that the page shows, computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from partwise.io.dataset import Layout
from partwise.plot import _measures as measures
from partwise.plot import _view as view
from partwise.plot._loss import Measure


@dataclass(frozen=True)
class Rows:
    """The data through the model: (m, k) coefficients and shares, residuals, (m,) dominant parts."""

    view: view.View
    measure: Measure
    W: measures.Floats
    residuals: measures.Residuals
    mixture: measures.Floats
    dominant: measures.Ints

    @classmethod
    def of(cls, model: Any, data: Any, H: measures.Floats, mask: Any = None, weights: Any = None) -> Rows:
        """Look at ``data`` through ``model.transform``."""
        looked, measure = view.View.of(model, data, mask, weights), Measure.of(model)
        W = looked.coefficients(model)
        mixture = measures.mixture(W, H)
        residuals = measures.residuals(looked.block, W, H, measure.beta)
        return cls(looked, measure, W, residuals, mixture, measures.dominant(mixture))

    def typical(self, part: int) -> int | None:
        """The row that owes the largest share to ``part`` among those that it dominates; the first of equals."""
        members = np.flatnonzero(self.dominant == part)
        return int(members[self.mixture[members, part].argmax()]) if members.size else None

    def example(self, part: int) -> int | None:
        """The typical row, or for a part that dominates none, the row that owes it the largest share."""
        shares = self.mixture[:, part]
        row = self.typical(part)
        return int(shares.argmax()) if row is None and shares.max(initial=0) > 0 else row

    @cached_property
    def by_error(self) -> measures.Ints:
        """Rows from the best to the worst fitted; those that are zero or missing are left out."""
        errors = self.residuals.rows.errors
        order: measures.Ints = np.argsort(errors, kind="stable")[: int(np.isfinite(errors).sum())]
        return order


@dataclass(frozen=True)
class Study:
    """A fitted model, H in float64, and what the data add, or None."""

    model: Any
    H: measures.Floats
    rows: Rows | None

    @classmethod
    def of(cls, model: Any, data: Any, mask: Any = None, weights: Any = None) -> Study:
        """Look at ``model``, and at ``data`` unless they are None."""
        H = np.asarray(view.components(model), dtype=np.float64)
        return cls(model, H, None if data is None else Rows.of(model, data, H, mask, weights))

    @cached_property
    def measure(self) -> Measure:
        """How errors are told."""
        return Measure.of(self.model)

    @cached_property
    def weighted(self) -> bool:
        """Whether entries of the fit had weights, as far as is known."""
        given = self.rows is not None and not self.shows_other_rows and self.rows.view.weighted
        return given or "weights" in self.origin

    @cached_property
    def observed(self) -> int | None:
        """How many entries of the fit were observed; None for a model that does not know."""
        m = self.origin.get("n_samples")
        return None if m is None else m * self.H.shape[1] - int(getattr(self.model, "n_missing_", 0))

    @cached_property
    def origin(self) -> dict[str, Any]:
        """What the model knows of the data of its fit; the command notes how they were read and counted too."""
        return dict(getattr(self.model, "origin_", {}))

    @cached_property
    def source(self) -> str:
        """Where the data of the fit came from; where the model does not know, the rows given are taken for them."""
        given = self.rows.view.dataset.source if self.rows else ""
        return str(self.origin.get("source", given))

    @cached_property
    def shows_other_rows(self) -> bool:
        """Whether the rows given are, by source or number, not those of the fit."""
        if self.rows is None or not self.origin:
            return False
        dataset = self.rows.view.dataset
        return (self.origin.get("source"), self.origin.get("n_samples")) != (dataset.source, dataset.shape[0])

    @cached_property
    def layout(self) -> Layout:
        """What a row looks like."""
        return view.layout_of(self.model) if self.rows is None else self.rows.view.dataset.layout

    @cached_property
    def column_names(self) -> tuple[str, ...] | None:
        """Names of the columns, from the data or else the model."""
        return view.column_names(self.model) if self.rows is None else self.rows.view.names

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
    def labels(self) -> list[str]:
        """The three leading names of each part, where columns have names."""
        names = self.column_names
        if self.look != "names" or names is None:
            return [""] * len(self.H)
        return [", ".join(names[column] for column in measures.strongest(part, 3)) for part in self.H]

    @cached_property
    def column_shares(self) -> measures.Floats:
        """(k, n) share of each part in what the parts put into a column; zero where they put nothing."""
        sums = self.H.sum(axis=1)
        amounts = measures.ratio(self.shares, sums)[:, None] * self.H
        return measures.ratio(amounts, amounts.sum(axis=0))
