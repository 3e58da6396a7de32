"""The Kullback–Leibler loss."""

from dataclasses import dataclass, field

from partwise.losses.beta import BetaDivergence


@dataclass(frozen=True)
class KullbackLeibler(BetaDivergence):
    """Σ x log(x/y) − x + y with y = WH, scikit-learn's scale.

    It is the negative log-likelihood of Poisson counts, but for terms of x alone. Zeros of X enter through the sums of
    the factors' columns only.
    """

    name = "kullback-leibler"

    beta: float = field(default=1.0, init=False)
