"""The reports: one self-contained HTML page about a fitted model, or about a search of the number of parts."""

from partwise.report._page import write_report
from partwise.report._rank import write_rank_report

__all__ = ["write_rank_report", "write_report"]
