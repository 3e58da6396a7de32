"""Figures of a fitted model, and of a search of the number of parts (matplotlib, imported when the first one is drawn).

No function touches pyplot or ``rcParams``: each draws on the Axes or the Figure that it is given, or on a new
``matplotlib.figure.Figure``, and returns the Axes. ``axes.figure.savefig("parts.png")`` writes the file.
"""

from partwise.plot._composition import composition
from partwise.plot._convergence import convergence
from partwise.plot._errors import column_errors, row_errors
from partwise.plot._memberships import memberships
from partwise.plot._parts import parts
from partwise.plot._rank import objectives, rank_criterion
from partwise.plot._replicates import consensus, matched, stability

__all__ = [
    "column_errors",
    "composition",
    "consensus",
    "convergence",
    "matched",
    "memberships",
    "objectives",
    "parts",
    "rank_criterion",
    "row_errors",
    "stability",
]
