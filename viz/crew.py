"""Crew: processes that make frames, so that every core runs worlds while the server's own thread answers."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Literal

from sim.errors import ChokepointError, Fault, ScenarioError, UsageError
from viz.making import Framed, Ground, Making, Tell

Task = Literal["make", "repeat"]


def cores() -> int:
    """Workers by default: one for each core this process may use, four at most."""
    return max(1, min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))


class Crew:
    """Workers that start when first asked; one that dies is replaced, and what it was doing is done again once."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._context = multiprocessing.get_context("spawn")
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._news: Any = None
        self._tells: dict[int, Tell] = {}
        self._numbers = itertools.count(1)

    def make(self, name: str, changes: Mapping[str, Any], seed: int, ground: Ground | None, tell: Tell | None) -> Framed:
        """`Making.make` in a worker. Raises ScenarioError, UsageError."""
        number = next(self._numbers)
        if tell:
            self._tells[number] = tell
        try:
            made: Framed = self._do("make", number if tell else 0, name, dict(changes), seed, ground)
        finally:
            self._tells.pop(number, None)
        return made

    def repeat(self, name: str, changes: Mapping[str, Any], seed: int) -> list[dict[str, Any]]:
        """`Making.repeat` in a worker. Raises ScenarioError, UsageError."""
        found: list[dict[str, Any]] = self._do("repeat", 0, name, dict(changes), seed, None)
        return found

    def _do(self, *job: Any) -> Any:
        try:
            done = self._submit(job).result()
        except BrokenProcessPool:
            with self._lock:
                self._pool = None
            done = self._submit(job).result()
        if isinstance(done, Refused):
            raise ScenarioError(list(done.faults)) if done.faults else UsageError(done.said)
        return done

    def _submit(self, job: tuple[Any, ...]) -> Future[Any]:
        with self._lock:
            if self._pool is None:
                self._news = self._context.SimpleQueue()
                threading.Thread(target=self._listen, args=(self._news,), daemon=True).start()
                self._pool = ProcessPoolExecutor(self.size, self._context, _begin, (self._news,))
            return self._pool.submit(_work, *job)

    def _listen(self, news: Any) -> None:
        while True:
            try:
                said = news.get()
            except (EOFError, OSError):
                return
            if said is None:
                return
            number, title, share = said
            tell = self._tells.get(number)
            if tell:
                tell(title, share)

    def close(self) -> None:
        """Let the workers go."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(wait=False, cancel_futures=True)
                self._news.put(None)
                self._pool = None


class Refused:
    """Why a worker made nothing: faults of the scenario, or words."""

    def __init__(self, faults: tuple[Fault, ...], said: str) -> None:
        self.faults, self.said = faults, said


_making = Making()
"""A worker's own."""

_news: Any = None


def _begin(news: Any) -> None:
    """A worker's start: it hears where to tell of its progress, and leaves interrupts to its parent."""
    import signal

    global _news
    _news = news
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(task: Task, number: int, name: str, changes: dict[str, Any], seed: int, ground: Ground | None) -> Any:
    def tell(title: str, share: float | None) -> None:
        _news.put((number, title, share))

    try:
        if task == "repeat":
            return _making.repeat(name, changes, seed)
        return _making.make(name, changes, seed, ground, tell if number else None)
    except ScenarioError as error:
        return Refused(tuple(error.faults), "")
    except ChokepointError as error:
        return Refused((), str(error))
