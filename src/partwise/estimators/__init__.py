"""The public estimators: scikit-learn classes, no mathematics."""

from partwise.estimators.divergence import divergence
from partwise.estimators.functional import non_negative_factorization
from partwise.estimators.nmf import NMF
from partwise.estimators.replicates import Replicate, replicates

__all__ = ["NMF", "Replicate", "divergence", "non_negative_factorization", "replicates"]
