"""Engine: where chunks run, behind the words of `concurrent.futures.Executor`; and the loop that drives any of them.

An engine gives each chunk a Future. It says `WorkerLostError` for a chunk whose process died, so that the loop can
try its
cases one by one, and `EngineLostError` when it can run nothing any more.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from types import TracebackType

from experiments.chunk import Chunk, ChunkReport
from experiments.tasks import poison
from sim.errors import ChokepointError

Work = Callable[[Chunk], ChunkReport]

TRIES = 2
"""How often a case may lose its worker before it is recorded as failed."""

_PATIENCE_S = 0.5
"""How long to wait for a result before asking the engine whether it still lives."""


class WorkerLostError(Exception):
    """The process that ran a chunk died."""


class EngineLostError(ChokepointError):
    """The engine cannot run anything any more; what is finished is in the store."""

    exit_code = 4


class Engine(ABC):
    """One way to run chunks. slots: how many to have in flight at a time; blames_one: whether only the chunk that a dead
    worker was running is told lost, and none that waited behind it."""

    slots: int
    blames_one: bool = True

    @abstractmethod
    def submit(self, work: Work, chunk: Chunk) -> Future[ChunkReport]:
        """A future of the chunk's report; it raises WorkerLostError when the worker dies."""

    def check(self) -> None:  # noqa: B027 - an engine that cannot go has nothing to say
        """Raises EngineLostError when no result can come any more."""

    @abstractmethod
    def close(self, finish: bool) -> None:
        """Give the workers back; `finish` waits for the chunks they hold."""

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(finish=kind is None)


def drive(engine: Engine, chunks: Iterable[Chunk], work: Work) -> Iterator[ChunkReport]:
    """Reports as chunks finish, never more in flight than the engine has slots. A chunk that lost its worker goes
    again case by case when all others are done, with nothing else in flight where the engine cannot tell who was running;
    a case that lost it `TRIES` times is recorded as failed. Raises what a chunk raised."""
    waiting, again = iter(chunks), deque[Chunk]()
    running: dict[Future[ChunkReport], Chunk] = {}
    while True:
        while _has_room(engine, running.values()) and (chunk := _next(waiting, again, bool(running), engine)) is not None:
            if len(chunk.cases) == 1 and chunk.tries >= TRIES:
                yield poison(chunk)
                continue
            running[engine.submit(work, chunk)] = chunk
        if not running:
            return
        finished, _ = wait(running, timeout=_PATIENCE_S, return_when=FIRST_COMPLETED)
        if not finished:
            engine.check()
        for future in finished:
            chunk = running.pop(future)
            try:
                yield future.result()
            except WorkerLostError:
                again.extend(replace(chunk, cases=(case,), tries=chunk.tries + 1) for case in chunk.cases)


def _has_room(engine: Engine, running: Iterable[Chunk]) -> bool:
    """Whether another chunk may go; none beside a suspect that must be alone."""
    held = list(running)
    return len(held) < engine.slots and (engine.blames_one or not any(chunk.tries for chunk in held))


def _next(waiting: Iterator[Chunk], again: deque[Chunk], busy: bool, engine: Engine) -> Chunk | None:
    """A chunk not tried yet, then one that lost its worker; None when that one must wait until it is alone."""
    fresh = next(waiting, None)
    if fresh is not None or not again or (busy and not engine.blames_one):
        return fresh
    return again.popleft()
