"""Losses: what the distance between X and WH is."""

from partwise.losses.base import Loss
from partwise.losses.frobenius import Frobenius

LOSSES: dict[str, type[Loss]] = {loss.name: loss for loss in (Frobenius,)}
"""The losses by the name that ``beta_loss`` takes."""

__all__ = ["LOSSES", "Frobenius", "Loss"]
