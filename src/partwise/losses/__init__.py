"""Losses: what the distance between X and WH is."""

from partwise.losses.base import Loss
from partwise.losses.beta import BetaDivergence, ItakuraSaito
from partwise.losses.frobenius import Frobenius
from partwise.losses.kullback_leibler import KullbackLeibler
from partwise.losses.weighted import WeightedFrobenius

LOSSES: dict[str, type[Loss]] = {loss.name: loss for loss in (Frobenius, KullbackLeibler, ItakuraSaito)}
"""The losses by the name that ``beta_loss`` takes; other numbers β are a :class:`BetaDivergence`."""

WEIGHTED: dict[str, type[Loss]] = {"frobenius": WeightedFrobenius}
"""Losses that another class serves where entries have weights; the others serve both."""

__all__ = ["LOSSES", "BetaDivergence", "Frobenius", "ItakuraSaito", "KullbackLeibler", "Loss", "WeightedFrobenius"]
