"""What the criteria come to, in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from partwise.selection.criteria import CRITERIA, Verdict


@dataclass(frozen=True)
class Recommendation:
    """A number of parts, and how far to trust it.

    Parameters
    ----------
    rank : int
        That of ``decided_by``.
    decided_by : str
        The first criterion that supports a number.
    agree, differ : tuple of str
        The other criteria that support the same number, and those that support another one or none.
    confident : bool
        Whether there are other criteria of which at least half agree, to within one rank, and the number is not at an
        end of the ranks where more or fewer parts may be as good. About one part those that can tell agree exactly.
    sentences : str
        All this in two sentences.
    """

    rank: int
    decided_by: str
    agree: tuple[str, ...]
    differ: tuple[str, ...]
    confident: bool
    sentences: str


def recommend(verdicts: Mapping[str, Verdict], ranks: tuple[int, ...]) -> Recommendation:
    """What the criteria come to."""
    decided = next((one for one in verdicts.values() if one.rank is not None), None)
    if decided is None or decided.rank is None:
        names = ", ".join(verdicts)
        return Recommendation(
            ranks[0],
            "",
            (),
            tuple(verdicts),
            False,
            f"No number of parts can be recommended: none of the criteria ({names}) supports one of those asked for. "
            f"{ranks[0]} is the least of them, and no more than that.",
        )
    others = [one for one in verdicts.values() if one is not decided]
    agree = tuple(one.criterion for one in others if one.rank == decided.rank)
    differ = tuple(one.criterion for one in others if one.rank != decided.rank)
    voters = [one for one in others if decided.rank > 1 or CRITERIA[one.criterion].knows_one]
    near = sum(one.rank is not None and abs(one.rank - decided.rank) <= min(1, decided.rank - 1) for one in voters)
    inside = decided.rank < ranks[-1] and (decided.rank > ranks[0] or ranks[0] == 1)
    confident = inside and bool(voters) and 2 * near >= len(voters)
    sentences = _sentences(decided, others, confident)
    return Recommendation(decided.rank, decided.criterion, agree, differ, confident, sentences)


def _sentences(decided: Verdict, others: list[Verdict], confident: bool) -> str:
    one = decided.rank == 1
    what = "One part is" if one else f"{decided.rank} parts are"
    first = f"{what} recommended by {_called(decided)}"
    first += "" if confident else ", but not with confidence"
    first += ": the rows are multiples of one profile, as far as these data tell." if one else "."
    if not others:
        return f"{first} No other criterion was asked."
    said = "; ".join(f"{_called(one)}: {'none' if one.rank is None else one.rank}" for one in others)
    return f"{first} The others say {said}."


def _called(verdict: Verdict) -> str:
    """The title of its criterion inside a sentence: no capital but those of an abbreviation."""
    title = CRITERIA[verdict.criterion].title
    return title[0].lower() + title[1:] if title[1].islower() else title
