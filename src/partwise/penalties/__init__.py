"""Penalties: what else the objective holds."""

from partwise.penalties.base import Penalty
from partwise.penalties.elastic import Elastic

PENALTIES: dict[str, type[Penalty]] = {penalty.name: penalty for penalty in (Elastic,)}
"""The penalties by name."""

__all__ = ["PENALTIES", "Elastic", "Penalty"]
