"""The report: one self-contained HTML page about a fitted model."""

from partwise.report._page import write_report

__all__ = ["write_report"]
