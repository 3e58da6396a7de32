"""Which starts are given up, and when."""

import numpy as np

from partwise.engine.dropping import CHANCE, FIRST, WORTH, losers


def course(end: float, gain: float, length: int = 2 * FIRST) -> list[float]:
    """An objective that fell by ``gain`` over the latter half of its iterations."""
    half = length // 2
    return [end + 10.0 + gain] * (half - 1) + np.linspace(end + gain, end, length - half + 1).tolist()


def test_nobody_is_given_up_before_the_first_few_iterations() -> None:
    assert losers([course(1.0, 0.0, FIRST - 1), course(2.0, 0.0, FIRST - 1)]) == []
    assert losers([course(1.0, 0.0, FIRST), course(2.0, 0.0, FIRST)]) == [1]


def test_a_start_stays_while_its_late_gain_may_bring_it_below_the_best() -> None:
    best, gap = 1.0, 0.3
    needed = (gap + WORTH * best) / CHANCE
    assert losers([course(best, 0.0), course(best + gap, 1.001 * needed)]) == []
    assert losers([course(best, 0.0), course(best + gap, 0.999 * needed)]) == [1]


def test_a_difference_that_is_not_worth_it_is_not_waited_for() -> None:
    a_little = 0.9 * WORTH / CHANCE
    assert losers([course(1.0, a_little), course(1.0001, a_little), course(1.0002, a_little)]) == [1, 2]


def test_the_best_is_never_given_up(rng: np.random.Generator) -> None:
    for _ in range(50):
        courses = [course(end, gain) for end, gain in rng.random((6, 2))]
        lost = losers(courses)
        assert int(np.argmin([one[-1] for one in courses])) not in lost
    assert losers([course(1.0, 0.0)]) == []
    assert losers([course(0.0, 0.0)] * 3) == []


def test_the_scale_of_the_data_does_not_matter(rng: np.random.Generator) -> None:
    courses = [course(1 + end, gain) for end, gain in rng.random((40, 2))]
    lost = losers(courses)
    assert 0 < len(lost) < 39
    assert losers([(np.array(one) * 2.0**60).tolist() for one in courses]) == lost


def test_starts_of_different_lengths_compete() -> None:
    """One has ended after three iterations; another has run for longer."""
    assert losers([[3.0, 2.0, 1.0], course(1.5, 0.1, 30)]) == [1]
    assert losers([[3.0, 2.0, 1.5], course(1.0, 0.0, 30)]) == []
