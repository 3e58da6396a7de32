"""The public estimators: scikit-learn classes, no mathematics."""

from partwise.estimators.functional import non_negative_factorization
from partwise.estimators.nmf import NMF

__all__ = ["NMF", "non_negative_factorization"]
