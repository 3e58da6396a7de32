"""What a number of parts can be judged by. Each criterion says what it reads, what that means, and what it assumes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from partwise._errors import ParameterError
from partwise._types import Array, Float64
from partwise.selection._tasks import Arrays, Task
from partwise.selection.bi_cross_validation import BiCrossValidation
from partwise.selection.elbow import last_real_fall, null_objectives, null_tasks
from partwise.selection.held_out import Speckled
from partwise.selection.question import Question
from partwise.selection.relevance import gather_relevance, relevance_tasks
from partwise.selection.replicates import Replicates
from partwise.selection.validation import one_standard_error

Ranks = tuple[int, ...]
Found = Mapping[str, Arrays]


@dataclass(frozen=True)
class Verdict:
    """What a criterion says.

    Parameters
    ----------
    criterion : str
        Its name.
    rank : int or None
        The number of parts that it supports; None where it supports none of those asked for.
    reading : str
        What it found and why that supports this number, a sentence or two.
    assumes : str
        When it can be trusted.
    """

    criterion: str
    rank: int | None
    reading: str
    assumes: str


@dataclass(frozen=True)
class Plan:
    """How a search goes about it.

    Parameters
    ----------
    ranks : tuple of int
        Numbers of parts, ascending.
    folds : int
        Of speckled cross-validation.
    held_out_share : float or None
        What each of them holds out.
    warm_start : bool
        Whether its fits start from those of the rank before.
    block_folds : (int, int)
        Groups of rows and of columns of bi-cross-validation.
    """

    ranks: Ranks
    folds: int
    held_out_share: float | None
    warm_start: bool
    block_folds: tuple[int, int]


class Criterion(ABC):
    """One way to judge numbers of parts.

    ``curve`` names the figure that it draws against them, and ``better`` says which end of it is good; ``replicated``
    whether it needs replicates, and ``knows_one`` whether it can support one part.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    assumes: ClassVar[str]
    curve: ClassVar[str | None]
    better: ClassVar[str] = "low"
    replicated: ClassVar[bool] = False
    knows_one: ClassVar[bool] = True

    def __init__(self, question: Question, plan: Plan) -> None:
        self.question, self.plan = question, plan

    def tasks(self) -> list[Task]:
        """What is to be fitted for it alone."""
        return []

    @abstractmethod
    def figures(self, done: Found, replicates: Mapping[int, Replicates]) -> dict[str, Array]:
        """Its columns of the results, a value for each rank."""

    @abstractmethod
    def verdict(self, figures: Mapping[str, Array], found: Found) -> Verdict:
        """What they say."""

    def _verdict(self, rank: int | None, reading: str) -> Verdict:
        return Verdict(self.name, rank, reading, self.assumes)


class _Validation(Criterion):
    """Errors of folds, and the rule of one standard error."""

    @abstractmethod
    def errors(self, done: Found) -> Float64:
        """Shape (ranks, folds)."""

    def figures(self, done: Found, replicates: Mapping[int, Replicates]) -> dict[str, Array]:
        errors = self.errors(done)
        spread = errors.std(axis=1, ddof=1) / np.sqrt(errors.shape[1])
        folds = {f"{self.name}_fold{fold}": column for fold, column in enumerate(errors.T)}
        against = one_standard_error(errors)[2]
        return {
            f"{self.name}_mean": errors.mean(axis=1),
            f"{self.name}_se": spread,
            f"{self.name}_se_of_difference": against,
            **folds,
        }

    def verdict(self, figures: Mapping[str, Array], found: Found) -> Verdict:
        ranks = self.plan.ranks
        chosen, best, spread = one_standard_error(self.errors(found))
        means = figures[f"{self.name}_mean"]
        lowest = f"The error is lowest for {_parts(ranks[best])} ({means[best]:.4g} for an entry)"
        if best == 0:
            reading = f"{lowest}; more parts predict worse." if len(ranks) > 1 else f"{lowest}."
        elif chosen == best:
            reading = f"{lowest}, by more than a standard error below that of fewer parts."
        else:
            within = f"within one standard error of the difference ({spread[chosen]:.2g})"
            reading = f"{lowest}; {_parts(ranks[chosen])} are {within}."
        return self._verdict(ranks[chosen], reading + _at_the_edge(ranks, chosen, best))


def _at_the_edge(ranks: Ranks, chosen: int, best: int) -> str:
    if best == len(ranks) - 1 and len(ranks) > 1:
        return " It still falls at the last rank: more parts may predict better."
    if chosen == 0 and ranks[0] > 1:
        return " That is the first rank: fewer parts may do as well, or there may be none."
    return ""


class HeldOut(_Validation):
    """Speckled cross-validation."""

    name = "held_out"
    title = "Held-out error"
    assumes = (
        "Assumes that the noise of an entry is independent of that of the others: neighbours that share noise help to "
        "predict it."
    )
    curve = "held_out_mean"

    def __init__(self, question: Question, plan: Plan) -> None:
        super().__init__(question, plan)
        self.speckled = Speckled.of(question, plan.folds, plan.held_out_share, warm=plan.warm_start)

    def tasks(self) -> list[Task]:
        return self.speckled.tasks(self.plan.ranks)

    def errors(self, done: Found) -> Float64:
        return self.speckled.gather(self.plan.ranks, done)


class BiCross(_Validation):
    """Bi-cross-validation."""

    name = "bi_cross_validation"
    title = "Bi-cross-validation"
    assumes = "Assumes that every part can be learnt without a group of the rows and without a group of the columns."
    curve = "bi_cross_validation_mean"

    def __init__(self, question: Question, plan: Plan) -> None:
        super().__init__(question, plan)
        self.blocks = BiCrossValidation.of(question, plan.block_folds, plan.ranks)

    def tasks(self) -> list[Task]:
        return self.blocks.tasks(self.plan.ranks)

    def errors(self, done: Found) -> Float64:
        return self.blocks.gather(self.plan.ranks, done)


class Stability(Criterion):
    """Whether replicates find the same parts."""

    name = "stability"
    title = "Stability of the parts"
    assumes = (
        "Assumes that a fit with too many parts splits them differently each time. Noise can be fitted the same way "
        "every time, so stable parts need not be real."
    )
    curve = "silhouette_mean"
    better = "high"
    replicated = True
    knows_one = False

    # Thresholds of SigProfilerExtractor (Islam et al. 2022, Cell Genomics 2, 100179): mean and least silhouette.
    MEAN, LEAST = 0.8, 0.2

    def figures(self, done: Found, replicates: Mapping[int, Replicates]) -> dict[str, Array]:
        ranks = self.plan.ranks
        silhouettes = [replicates[k].silhouettes for k in ranks]
        stability = [replicates[k].stability for k in ranks]
        return {
            "silhouette_mean": np.array([each.mean() for each in silhouettes]),
            "silhouette_min": np.array([each.min() for each in silhouettes]),
            "stability_mean": np.array([each.mean() for each in stability]),
            "stability_min": np.array([each.min() for each in stability]),
        }

    def verdict(self, figures: Mapping[str, Array], found: Found) -> Verdict:
        ranks, mean, least = self.plan.ranks, figures["silhouette_mean"], figures["silhouette_min"]
        stable = np.flatnonzero((mean >= self.MEAN) & (least >= self.LEAST))
        if ranks == (1,):
            return self._verdict(None, "One part has no others to be told from.")
        if len(stable) == 0:
            return self._verdict(
                None,
                f"For no number of parts do replicates agree (mean silhouette ≥ {self.MEAN}, each ≥ {self.LEAST}).",
            )
        last = stable[-1]
        reading = (
            f"{_parts(ranks[last])} are the most that replicates agree on: mean silhouette {mean[last]:.2f} "
            f"(≥ {self.MEAN}), the least {least[last]:.2f} (≥ {self.LEAST})."
        )
        return self._verdict(ranks[last], reading + (" That is the last rank." if last == len(ranks) - 1 else ""))


class Agreement(Criterion):
    """Whether replicates cluster the samples the same way."""

    name = "consensus"
    title = "Consensus of the clusters"
    assumes = (
        "Assumes that samples fall into clusters, each dominated by a part; samples that mix parts evenly lower it. "
        "Noise too may be clustered the same way every time."
    )
    curve = "cophenetic"
    better = "high"
    replicated = True
    knows_one = False

    # What the cophenetic correlation may lose from one rank to the next and still count as constant.
    SLACK = 0.01

    def figures(self, done: Found, replicates: Mapping[int, Replicates]) -> dict[str, Array]:
        found = [replicates[k].consensus for k in self.plan.ranks]
        return {
            "cophenetic": np.array([each.cophenetic for each in found]),
            "dispersion": np.array([each.dispersion for each in found]),
        }

    def verdict(self, figures: Mapping[str, Array], found: Found) -> Verdict:
        places = [i for i, k in enumerate(self.plan.ranks) if k > 1]
        if not places:
            return self._verdict(None, "One part makes one cluster, of which all replicates agree.")
        ranks = [self.plan.ranks[i] for i in places]
        values = np.nan_to_num(figures["cophenetic"][places], nan=-1.0)
        falls = np.flatnonzero(values[1:] < values[:-1] - self.SLACK)
        last = int(falls[0]) if len(falls) else len(ranks) - 1
        figure = f"the cophenetic correlation is {values[last]:.3f} for {_parts(ranks[last])}"
        if len(falls) == 0:
            return self._verdict(ranks[last], f"It never falls: {figure}, the last rank.")
        return self._verdict(
            ranks[last], f"Before its first fall {figure}; then it is {values[last + 1]:.3f} (Brunet et al. 2004)."
        )


class Elbow(Criterion):
    """Where the error stops to fall faster than that of permuted data."""

    name = "elbow"
    title = "Error of the fit"
    assumes = (
        "Assumes that data whose columns are permuted show what parts of noise explain; where rows differ in size they "
        "explain more, and the answer is cautious."
    )
    curve = "error"
    replicated = True

    # What an exact fit leaves, as a share of what entries as large as the mean would.
    ROUNDING = 1e-9

    def tasks(self) -> list[Task]:
        return null_tasks(self.question, self.plan.ranks)

    def figures(self, done: Found, replicates: Mapping[int, Replicates]) -> dict[str, Array]:
        found = np.array([replicates[k].objective.min() for k in self.plan.ranks])
        null = null_objectives(self.plan.ranks, done)
        return {
            "objective": found,
            "objective_permuted": null,
            "error": found / (found[0] or 1.0),
            "error_permuted": null / (null[0] or 1.0),
        }

    def verdict(self, figures: Mapping[str, Array], found: Found) -> Verdict:
        ranks, error, null = self.plan.ranks, figures["error"], figures["error_permuted"]
        question = self.question
        exact = self.ROUNDING * question.n_observed * question.mean**question.beta
        last = last_real_fall(figures["objective"], figures["objective_permuted"], exact)
        if last == 0:
            return self._verdict(
                ranks[0] if ranks[0] == 1 else None,
                f"More than {_parts(ranks[0])} lower the error no more than they do of permuted data.",
            )
        reading = (
            f"Up to {_parts(ranks[last])} each lowers the error by more than in permuted data: to {error[last]:.1%} of "
            f"that of {_parts(ranks[0])} (permuted {null[last]:.1%})."
        )
        return self._verdict(ranks[last], reading + (" That is the last rank." if last == len(ranks) - 1 else ""))


class BIC(Criterion):
    """Schwarz's criterion for counts."""

    name = "bic"
    title = "BIC (Poisson)"
    assumes = "Assumes counts with Poisson noise; what varies more than that (most biology does) looks like more parts."
    curve = "bic"
    replicated = True

    def __init__(self, question: Question, plan: Plan) -> None:
        if question.beta != 1:
            raise ParameterError(
                "The criterion 'bic' is for counts and beta_loss='kullback-leibler', the likelihood of Poisson's law: "
                "give an estimator with that loss, or leave the criterion out."
            )
        super().__init__(question, plan)

    def figures(self, done: Found, replicates: Mapping[int, Replicates]) -> dict[str, Array]:
        m, n = self.question.shape
        k = np.array(self.plan.ranks)
        loss = np.array([replicates[each].objective.min() for each in self.plan.ranks])
        return {"bic": 2.0 * loss + k * (m + n - k) * np.log(self.question.n_observed)}

    def verdict(self, figures: Mapping[str, Array], found: Found) -> Verdict:
        ranks, values = self.plan.ranks, figures["bic"]
        best = int(np.argmin(values))
        return self._verdict(ranks[best], f"It is lowest for {_parts(ranks[best])}.{_at_the_edge(ranks, best, best)}")


class Relevance(Criterion):
    """How many parts stay when superfluous ones may fade."""

    name = "relevance"
    title = "Relevance of the parts"
    assumes = "Assumes exponential priors of both factors and noise whose size is estimated from the fit of most parts."
    curve = None

    def tasks(self) -> list[Task]:
        return relevance_tasks(self.question, self.plan.ranks[-1])

    def figures(self, done: Found, replicates: Mapping[int, Replicates]) -> dict[str, Array]:
        return {}

    def verdict(self, figures: Mapping[str, Array], found: Found) -> Verdict:
        most = self.plan.ranks[-1]
        relevance = gather_relevance(most, found)
        if relevance.rank == most:
            return self._verdict(most, f"None of {_parts(most)} fades: there may be more.")
        stay = "1 stays" if relevance.rank == 1 else f"{relevance.rank} stay"
        return self._verdict(
            relevance.rank,
            f"Of {_parts(most)} {stay}, the weakest {relevance.relevance[relevance.rank - 1]:.2g} above "
            f"the bound where the others end ({relevance.relevance[relevance.rank]:.2g}).",
        )


CRITERIA: dict[str, type[Criterion]] = {
    criterion.name: criterion for criterion in (HeldOut, BiCross, Stability, Agreement, Elbow, BIC, Relevance)
}
"""The criteria by name."""


def _parts(k: int) -> str:
    return "1 part" if k == 1 else f"{k} parts"
