"""Losses: what the distance between X and WH is."""

from partwise.losses.base import Loss
from partwise.losses.beta import BetaDivergence, ItakuraSaito
from partwise.losses.frobenius import Frobenius
from partwise.losses.kullback_leibler import KullbackLeibler

LOSSES: dict[str, type[Loss]] = {loss.name: loss for loss in (Frobenius, KullbackLeibler, ItakuraSaito)}
"""The losses by the name that ``beta_loss`` takes; other numbers β are a :class:`BetaDivergence`."""

__all__ = ["LOSSES", "BetaDivergence", "Frobenius", "ItakuraSaito", "KullbackLeibler", "Loss"]
