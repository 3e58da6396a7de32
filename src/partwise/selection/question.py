"""What a search is about."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_array

from partwise._types import Array, Float64
from partwise.arrays.speckle import Speckle
from partwise.estimators import NMF
from partwise.estimators.data import checked_mask, checked_weights
from partwise.io import Dataset
from partwise.selection._checks import is_sparse
from partwise.selection._folder import seed_of


@dataclass(frozen=True)
class Question:
    """The data, how they are to be fitted, and the seed of all that is drawn.

    Parameters
    ----------
    prototype : NMF
        Its parameters are those of the fits.
    X : ndarray or CSR array of shape (m, n), float32 or float64
    mask, weights
        As ``NMF.fit`` takes them.
    seed : int
        Each fit has its own, which depends on this one and on the place of the fit alone.
    probe : NMF
        A fit of one part by a single iteration, which has told that data and parameters can be.
    """

    prototype: NMF
    X: Any
    mask: Any
    weights: Any
    seed: int
    probe: NMF

    @classmethod
    def of(cls, prototype: NMF, X: Any, mask: Any, weights: Any, seed: int) -> "Question":
        """Look at the data once.

        Raises
        ------
        ParameterError, DataError
            As ``NMF.fit`` would.
        """
        probe: NMF = clone(prototype)
        probe.set_params(n_components=1, n_init=1, max_iter=1, init="random", random_state=0, alpha_W=0.0, alpha_H=0.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            probe.fit(X, mask=mask, weights=weights)
        seen = ~np.ma.getmaskarray(X) if isinstance(X, np.ma.MaskedArray) else None
        X = X.X if isinstance(X, Dataset) else (X if seen is None else X.filled(0))
        found = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_all_finite=False)
        mask = None if mask is None else checked_mask(mask, found.shape)
        if isinstance(mask, Speckle):
            mask = mask.rows(0, *found.shape)
        if seen is not None:
            mask = seen if mask is None else seen & _filled(mask)
        weights = None if weights is None else checked_weights(weights, found.shape, found.dtype)
        return cls(prototype, _summed(found) if is_sparse(found) else found, mask, weights, seed, probe)

    @property
    def shape(self) -> tuple[int, int]:
        """Of X."""
        m, n = self.X.shape
        return int(m), int(n)

    @property
    def n_observed(self) -> int:
        """Entries that are not missing."""
        m, n = self.shape
        return m * n - self.probe.n_missing_

    @property
    def beta(self) -> float:
        """The β of the loss."""
        names = {"frobenius": 2.0, "kullback-leibler": 1.0, "itakura-saito": 0.0}
        loss = self.prototype.beta_loss
        return names[loss] if isinstance(loss, str) else float(loss)

    @property
    def mean(self) -> float:
        """Of the observed entries; weights do not count."""
        return float(self._observed.sum(dtype=np.float64)) / self.n_observed

    @property
    def norm(self) -> float:
        """Frobenius norm of the observed entries; weights do not count."""
        largest = self._observed.max(initial=0.0) or 1.0
        return float(largest * np.sqrt(np.sum(np.square(self._observed / largest, dtype=np.float64))))

    @property
    def _observed(self) -> Array:
        """The values of the observed entries, but for zeros that are not stored."""
        if is_sparse(self.X):
            stored: Array = self.X.data[self.stored_weights[2] > 0]
            return stored
        X: Array = self.X
        seen = ~np.isnan(X)
        for values in (self.mask, self.weights):
            if values is not None:
                seen &= _filled(values).reshape(len(X), -1) > 0
        observed: Array = X[seen]
        return observed

    @property
    def whole(self) -> bool:
        """Whether all values are whole numbers."""
        return bool(np.array_equal(self._observed, np.rint(self._observed)))

    @property
    def zeros_missing(self) -> bool:
        """Whether what X does not store is missing."""
        return self.prototype.implicit_zeros == "missing" and is_sparse(self.X)

    def estimator(self, k: int, *place: int, **parameters: Any) -> NMF:
        """One of k parts with the seed of this place."""
        estimator: NMF = clone(self.prototype)
        estimator.set_params(n_components=k, random_state=seed_of(self.seed, *place), **parameters)
        return estimator

    def of_rows(self, rows: Array) -> "Question":
        """The same about some rows, also several times the same."""

        def cut(values: Any) -> Any:
            return None if values is None else (sp.csr_array(values) if is_sparse(values) else np.asarray(values))[rows]

        return replace(self, X=cut(self.X), mask=cut(self.mask), weights=cut(self.weights))

    def part(self, rows: Array, columns: Array) -> "Question":
        """The same about some rows and columns."""

        def cut(values: Any) -> Any:
            return values if values is None or np.ndim(values) == 1 else values[:, columns]

        chosen = self.of_rows(rows)
        return replace(chosen, X=cut(chosen.X), mask=cut(chosen.mask), weights=cut(chosen.weights))

    def transposed(self) -> "Question":
        """The same about the transpose, with the penalties of the factors exchanged."""
        prototype = clone(self.prototype)
        alpha_W, alpha_H = prototype.alpha_W, prototype.alpha_H
        if not isinstance(alpha_H, str):
            prototype.set_params(alpha_W=alpha_H, alpha_H=alpha_W)
        weights = self.weights
        if weights is not None and np.ndim(weights) == 1:
            weights = np.repeat(np.asarray(weights)[:, None], self.X.shape[1], axis=1)
        turn = [None if values is None else values.T for values in (self.X, self.mask, weights)]
        return replace(self, prototype=prototype, X=turn[0], mask=turn[1], weights=turn[2])

    def only(self, speckle: Speckle) -> "Question":
        """The same about the entries that a speckle leaves."""
        return replace(self, mask=_together(self.mask, speckle))

    def weights_of(self, start: int, stop: int) -> Float64:
        """How much the entries of some rows count, 0 where they are missing; for data whose zeros are observed."""
        X = self.X
        counts = np.ones((stop - start, X.shape[1]))
        if not is_sparse(X):
            counts[np.isnan(X[start:stop])] = 0.0
        for values in (self.mask, self.weights):
            if values is not None:
                rows = sp.csr_array(values)[start:stop].toarray() if is_sparse(values) else values[start:stop]
                counts *= np.asarray(rows).reshape(stop - start, -1)
        return counts

    @property
    def stored_weights(self) -> tuple[Array, Array, Float64]:
        """Row, column and weight of each entry that is stored."""
        X = sp.coo_array(self.X)
        i, j = X.coords
        counts = np.ones(len(i))
        for values in (self.mask, self.weights):
            if values is not None:
                counts *= _at(values, i, j)
        return i, j, counts

    @property
    def counting(self) -> dict[str, Any]:
        """What ``NMF.fit`` takes beside X."""
        return {"mask": self.mask, "weights": self.weights}


def _together(mask: Any, speckle: Speckle) -> Any:
    """What both the user's mask and a speckle observe."""
    if mask is None:
        return speckle
    if is_sparse(mask):
        seen = sp.coo_array(mask)
        i, j = seen.coords
        return sp.csr_array((seen.data.astype(bool) & speckle.at(i, j), (i, j)), seen.shape)
    return np.asarray(mask) & speckle.rows(0, *np.shape(mask))


def _at(values: Any, i: Array, j: Array) -> Array:
    """Entries of a matrix, or of a column, in these places."""
    if is_sparse(values):
        return np.asarray(sp.csr_array(values)[i, j]).ravel()
    values = np.asarray(values)
    found: Array = values[i] if values.ndim == 1 else values[i, j]
    return found


def _summed(X: Any) -> Any:
    """In CSR form, each entry stored once; X stays as it is."""
    csr = sp.csr_array(X)
    if not csr.has_canonical_format:
        csr = csr.copy()
        csr.sum_duplicates()
    return csr


def _filled(values: Any) -> Any:
    return values.toarray() if is_sparse(values) else values
