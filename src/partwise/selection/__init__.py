"""How many parts there are, and how far to trust them; built on the public estimators alone."""

from partwise.selection.bootstrap import Bootstrap, bootstrap
from partwise.selection.consensus import (
    Consensus,
    consensus,
    consensus_matrix,
    cophenetic_correlation,
    dispersion,
    memberships,
    silhouettes,
)
from partwise.selection.consensus_nmf import ConsensusNMF
from partwise.selection.criteria import CRITERIA, Verdict
from partwise.selection.elbow import last_real_fall
from partwise.selection.matching import match
from partwise.selection.rank import RankSearch
from partwise.selection.recommendation import Recommendation
from partwise.selection.replicates import Replicates, replicate
from partwise.selection.validation import one_standard_error

__all__ = [
    "CRITERIA",
    "Bootstrap",
    "Consensus",
    "ConsensusNMF",
    "RankSearch",
    "Recommendation",
    "Replicates",
    "Verdict",
    "bootstrap",
    "consensus",
    "consensus_matrix",
    "cophenetic_correlation",
    "dispersion",
    "last_real_fall",
    "match",
    "memberships",
    "one_standard_error",
    "replicate",
    "silhouettes",
]
