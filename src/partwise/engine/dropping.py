"""Which of several starts are not worth going on with.

Early on the order of the objectives says little about the order of their ends (on faces nothing before the twentieth
iteration), and where it decides depends on the data. So a start is held against the best one by what it may still gain,
and that is judged by what it gained of late: on nine problems with real data, what was still to come differed between
starts by a tenth to six tenths (standard deviation) of what they had gained over the latter half of their iterations.
"""

from collections.abc import Sequence

# Not before FIRST iterations is a start given up, when even a further CHANCE of its late gain would not bring it below
# the best objective of all by more than WORTH of it. Before the eighth, extrapolation has hardly set in.
FIRST, CHANCE, WORTH = 8, 1.0, 1e-3


def losers(courses: Sequence[Sequence[float]]) -> list[int]:
    """The starts to give up, by their number, from the objectives after each of their iterations; never the best."""
    best = min(course[-1] for course in courses)
    return [i for i, course in enumerate(courses) if course[-1] > best and _hopeless(course, best)]


def _hopeless(course: Sequence[float], best: float) -> bool:
    """Whether the start will hardly end noticeably below ``best``."""
    if len(course) < FIRST:
        return False
    late_gain = course[len(course) // 2 - 1] - course[-1]
    return course[-1] - CHANCE * late_gain >= (1 - WORTH) * best
