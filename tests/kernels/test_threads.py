"""The threads of a fit."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from partwise.kernels import threads as module
from partwise.kernels.threads import each_range, even_bounds, over, parallel, side_by_side, threads

Way = Callable[..., Iterable[Any]]


def blas_threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


each_way = pytest.mark.parametrize("way", [over, parallel])


@each_way
@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_results_come_in_the_order_of_the_items(n_threads: int, way: Way) -> None:
    def slow_at_first(i: int) -> int:
        time.sleep(0.02 if i == 0 else 0)
        return i * i

    with threads(n_threads):
        assert list(way(slow_at_first, range(40))) == [i * i for i in range(40)]


@each_way
def test_work_runs_on_as_many_threads_as_asked_for(way: Way) -> None:
    together = threading.Barrier(3)
    with threads(3):
        for _ in way(lambda _: together.wait(timeout=30), range(3)):
            pass  # would break the barrier with fewer


def test_many_fits_share_the_threads_and_of_few_each_has_all() -> None:
    def has_all(_: int, i: int) -> tuple[int, bool]:
        return i, module._pool.get() is not None

    with threads(2):
        assert side_by_side(has_all, range(8), range(8)) == [(i, False) for i in range(8)]
        assert side_by_side(has_all, range(7), range(7)) == [(i, True) for i in range(7)]


def test_results_do_not_pile_up() -> None:
    begun = []
    with threads(2):
        results = over(begun.append, range(100))
        next(results)
        time.sleep(0.05)
        assert len(begun) <= 5
        results.close()


@each_way
def test_an_error_in_a_thread_is_raised(way: Way) -> None:
    def fail(i: int) -> int:
        return 1 // (3 - i)

    with threads(2):
        with pytest.raises(ZeroDivisionError):
            list(way(fail, range(10)))
        assert list(way(abs, range(4))) == [0, 1, 2, 3]  # the threads still work


def test_an_error_in_another_thread_is_raised_and_ends_the_work() -> None:
    done: list[int] = []

    def fail_elsewhere(i: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise ArithmeticError("elsewhere")
        time.sleep(0.02)
        done.append(i)

    with threads(2), pytest.raises(ArithmeticError, match="elsewhere"):
        parallel(fail_elsewhere, range(10))
    assert done


@each_way
def test_work_inside_work_runs_in_its_own_thread(way: Way) -> None:
    def outer(_: int) -> set[str]:
        return set(way(lambda _: threading.current_thread().name, range(5)))

    with threads(2):
        assert all(len(names) == 1 for names in way(outer, range(4)))


def test_blas_has_one_thread_inside_and_what_it_had_afterwards() -> None:
    with threadpool_limits(limits=2, user_api="blas"):
        before = blas_threads()
        with threads(2):
            assert set(blas_threads()) <= {1}
            with threads(1):
                assert set(blas_threads()) <= {1}
            assert set(blas_threads()) <= {1}
        assert blas_threads() == before


LATER = """
from threadpoolctl import threadpool_info
from partwise.kernels.threads import threads
with threads(2):
    pass
import scipy.linalg
with threads(2):
    print({library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"})
"""


def test_a_blas_that_is_loaded_later_is_held_too() -> None:
    """SciPy's wheels bring a BLAS of their own beside NumPy's."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2"}
    command = [sys.executable, "-c", LATER]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.stdout == "{1}\n", result.stderr


def test_libraries_are_looked_for_where_modules_have_changed_only(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    monkeypatch.setattr(module, "ThreadpoolController", lambda: looked.append(1) or ThreadpoolController())
    module._libraries.cache_clear()
    for new, expected in ((None, 1), (None, 1), ("first", 2), ("second", 3)):
        if new == "second":  # in place of another: as many as before
            monkeypatch.delitem(sys.modules, "first")
        if new:
            monkeypatch.setitem(sys.modules, new, sys)
        with threads(1):
            assert len(looked) == expected


def test_blas_is_restored_after_an_error() -> None:
    before = blas_threads()
    with pytest.raises(RuntimeError), threads(2):
        raise RuntimeError
    assert blas_threads() == before


@given(n=st.integers(0, 10_000), step=st.integers(1, 3000))
def test_even_bounds_cover_everything_once(n: int, step: int) -> None:
    bounds = even_bounds(n, step)
    assert (bounds[0], bounds[-1]) == (0, n)
    assert all(0 <= b - a <= step for a, b in pairwise(bounds))


def test_each_range_visits_every_range() -> None:
    seen = np.zeros(100, int)

    def count(a: int, b: int) -> None:
        seen[a:b] += 1

    with threads(3):
        each_range(count, even_bounds(100, 7))
    assert (seen == 1).all()
