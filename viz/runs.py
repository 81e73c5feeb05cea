"""Runs: equal requests share one computation, finished ones are kept, and a full queue says so at once."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from typing import Generic, TypeVar

T = TypeVar("T")


class QueueFullError(Exception):
    """More worlds wait than may; the asker keeps the picture it has."""


class Runs(Generic[T]):
    """Results by key.

    workers    computations at once; `most_waiting` more may wait, further ones raise QueueFullError.
    weigh      what a result weighs; results that weigh `most` together are remembered, the least recently asked dropped first.
    """

    def __init__(
        self, workers: int = 1, most_waiting: int = 64, weigh: Callable[[T], int] = lambda _: 1, most: int = 200
    ) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="run")
        self._lock = threading.Lock()
        self._flying: dict[Hashable, Future[T]] = {}
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._most_flying = workers + most_waiting
        self._weigh, self._most, self._weight = weigh, most, 0
        self._ended = -math.inf
        self.computed = 0
        """Computations begun; requests that shared one are not counted."""

    def get(self, key: Hashable, make: Callable[[], T], timeout_s: float = 120.0) -> T:
        """The result under a key, made once however many ask. Raises QueueFullError, TimeoutError, or what `make` raised."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            future = self._flying.get(key)
            if future is None:
                if len(self._flying) >= self._most_flying:
                    raise QueueFullError
                self.computed += 1
                future = self._flying[key] = self._pool.submit(self._make, key, make)
        try:
            return future.result(timeout_s)
        except TooSlow:
            raise TimeoutError from None

    @property
    def quiet_s(self) -> float:
        """Seconds for which nothing has been computed and nothing waits; 0 while something does."""
        with self._lock:
            return 0.0 if self._flying else time.monotonic() - self._ended

    def known(self, key: Hashable) -> T | None:
        """The result under a key if it is at hand; asking keeps it at hand."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _make(self, key: Hashable, make: Callable[[], T]) -> T:
        try:
            made = make()
        except BaseException:
            with self._lock:
                self._land(key)
            raise
        with self._lock:
            self._land(key)
            self._kept[key] = made
            self._weight += self._weigh(made)
            while self._weight > self._most and len(self._kept) > 1:
                self._weight -= self._weigh(self._kept.popitem(last=False)[1])
        return made

    def _land(self, key: Hashable) -> None:
        self._flying.pop(key, None)
        self._ended = time.monotonic()

    def close(self) -> None:
        """Take no more; what runs is left to end."""
        self._pool.shutdown(wait=False, cancel_futures=True)
