"""The threads of one fit: a pool that lives as long as the fit does, and the guard that keeps BLAS out of its way.

How work is cut into ranges never depends on the number of threads, so neither do the bits of any result.
"""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from itertools import islice, pairwise
from typing import Any, NamedTuple, TypeVar

import joblib
import numpy as np
from joblib.parallel import get_active_backend
from threadpoolctl import ThreadpoolController

T = TypeVar("T")
R = TypeVar("R")

# Work on rows is cut into ranges of them: never under 64 rows (BLAS would pack the other factor for too little work),
# nor under four million operations (0.1 ms), nor over 2 048 rows; their number is a multiple of 8 where it can be, so
# that 2, 4 or 8 threads share evenly.
_MIN_ROWS, _MAX_ROWS, _RANGES, MIN_WORK = 64, 2048, 8, 4_000_000

# Fits of which there are so many times as many as threads run side by side: at most a ninth of the time is then lost at
# their end, where some threads have none left.
_SIDE_BY_SIDE = 4

# The pool of the fit that runs in this thread. Worker threads have a context of their own, where it is None:
# what a worker calls runs serially, so parallel work never nests.
_pool: ContextVar["Pool | None"] = ContextVar("partwise_pool", default=None)


class Pool(NamedTuple):
    """The threads of a fit."""

    executor: ThreadPoolExecutor
    size: int


def default_threads() -> int:
    """Threads for ``n_threads=None``: the processors that this process may use, shared fairly under joblib.

    In a joblib worker thread it is 1 (the backend already uses the processors); a loky worker process
    carries its share in ``OMP_NUM_THREADS``, which is respected everywhere.
    """
    backend, _ = get_active_backend()
    if backend.nesting_level and threading.current_thread() is not threading.main_thread():
        return 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    cpus: int = joblib.cpu_count()
    return min(cpus, int(limit)) if limit.isdigit() and int(limit) > 0 else cpus


@contextmanager
def threads(n_threads: int | None) -> Iterator[None]:
    """Run the kernels called inside on ``n_threads`` threads, with BLAS on one thread."""
    n = default_threads() if n_threads is None else n_threads
    with ExitStack() as stack:
        libraries = stack.enter_context(_BLAS.single())
        pool = None
        if n > 1:
            # A BLAS that is threaded by OpenMP has a limit for each thread that calls it.
            executor = ThreadPoolExecutor(n, "partwise", initializer=_one_thread, initargs=(libraries,))
            pool = Pool(stack.enter_context(executor), n)
        token = _pool.set(pool)
        try:
            yield
        finally:
            _pool.reset(token)


def over(task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Results of ``task`` for each item, in the order of the items, computed on the threads of the fit.

    For few long tasks with large results: at most twice as many items as there are threads are in flight, so that
    results do not pile up.
    """
    pool = _pool.get()
    if pool is None:
        yield from map(task, items)
        return
    todo = iter(items)
    running: list[Future[R]] = [pool.executor.submit(task, item) for item in islice(todo, 2 * pool.size)]
    while running:
        yield running.pop(0).result()
        running.extend(pool.executor.submit(task, item) for item in islice(todo, 1))


def parallel(task: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Results of ``task`` for each item, in their order: for many short tasks with small results.

    The calling thread works too, and each thread takes the next item when it is done with one: waking a thread for
    every item, as :func:`over` does, costs as much as a tenth of a millisecond of work.
    """
    todo = deque(enumerate(items))
    pool = _pool.get()
    if pool is None or len(todo) < 2:
        return [task(item) for _, item in todo]
    results: dict[int, R] = {}

    def work() -> None:
        while True:
            try:
                i, item = todo.popleft()
            except IndexError:
                return
            results[i] = task(item)

    count = len(todo)
    others = [pool.executor.submit(work) for _ in range(min(pool.size, count) - 1)]
    token = _pool.set(None)
    try:
        work()
    finally:
        todo.clear()
        _pool.reset(token)
        wait(others)
    for other in others:
        other.result()
    return [results[i] for i in range(count)]


def side_by_side(task: Callable[..., R], *items: Sequence[Any]) -> list[R]:
    """Results of ``task`` for each fit, given its part of the ``items``, in their order.

    Many fits share the threads, which then never wait for each other inside one; of few each has all threads.
    """
    pool, jobs = _pool.get(), list(zip(*items, strict=True))
    if pool is None or len(jobs) < _SIDE_BY_SIDE * pool.size:
        return [task(*job) for job in jobs]
    return parallel(lambda job: task(*job), jobs)


def each_range(task: Callable[[int, int], None], bounds: Sequence[int]) -> None:
    """Call ``task(start, stop)`` for each pair of neighbours in ``bounds``, on the threads of the fit."""
    parallel(lambda pair: task(*pair), pairwise(bounds))


def even_bounds(n: int, step: int) -> list[int]:
    """0, step, 2 step … n."""
    return [*range(0, n, step), n]


@cache
def even_ranges(m: int, work: int, fewest: int = _MIN_ROWS) -> tuple[int, ...]:
    """Bounds that cut m rows, each of so many operations, into ranges of nearly equal length, of ``fewest`` or more."""
    count = min(_RANGES, max(1, m // fewest), max(1, m * work // MIN_WORK))
    if m > _RANGES * _MAX_ROWS:
        count = -(-m // (_RANGES * _MAX_ROWS)) * _RANGES
    return tuple(np.linspace(0, m, count + 1).astype(int).tolist())


def _one_thread(libraries: ThreadpoolController) -> AbstractContextManager[object]:
    limit: AbstractContextManager[object] = libraries.limit(limits=1, user_api="blas")
    return limit


@lru_cache(maxsize=1)
def _libraries(modules: int, newest: str) -> ThreadpoolController:
    """The BLAS libraries of this process, looked for anew (2 ms) when modules were loaded: one may bring its own.

    One that comes without a module, by ctypes, is seen only then.
    """
    return ThreadpoolController()


class _BlasGuard:
    """BLAS on one thread from the first fit that enters to the last that leaves; then as it was.

    One thread of its own sets the limit and restores it: threadpoolctl lets only the thread that limited OpenBLAS
    change it again, and the fits that enter first and leave last need not run in the same one. Where the caller has
    limited it already, the caller's thread is that one, so each fit asks in its own thread too.
    """

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._inside: set[object] = set()
        self._keeper: ThreadPoolExecutor | None = None
        self._limiter = ExitStack()

    @contextmanager
    def single(self) -> Iterator[ThreadpoolController]:
        libraries = _libraries(len(sys.modules), next(reversed(sys.modules)))
        fit = object()
        try:
            # Inside the try: Ctrl-C while entering must not leave the limit behind.
            self._enter(fit, libraries)
            with _one_thread(libraries):
                yield libraries
        finally:
            self._leave(fit)

    def _enter(self, fit: object, libraries: ThreadpoolController) -> None:
        with self._lock:
            self._inside.add(fit)
            if self._keeper is None:
                self._keeper = ThreadPoolExecutor(1, thread_name_prefix="blas")
                self._keeper.submit(self._limit, libraries).result()

    def _leave(self, fit: object) -> None:
        with self._lock:
            self._inside.discard(fit)
            if not self._inside and self._keeper is not None:
                keeper, self._keeper = self._keeper, None
                keeper.submit(self._limiter.close).result()
                keeper.shutdown()

    def _limit(self, libraries: ThreadpoolController) -> None:
        self._limiter.enter_context(_one_thread(libraries))

    def after_fork(self) -> None:
        """In the child nobody is inside: the threads that were have not been copied."""
        self._limiter.close()
        self._forget()


_BLAS = _BlasGuard()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_BLAS.after_fork)
