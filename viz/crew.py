"""Crew: processes that make frames, so that every core runs worlds while the server's own thread answers."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Literal

from sim.errors import ChokepointError, Fault, ScenarioError, UsageError
from viz.making import Framed, Ground, Making, Tell

Task = Literal["make", "repeat"]
Job = tuple[Task, str, dict[str, Any], int, Ground | None]


def cores() -> int:
    """Workers by default: one for each core this process may use, four at most."""
    return max(1, min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))


@dataclass(frozen=True)
class Refused:
    """Why a worker made nothing: faults of the scenario, or words."""

    faults: tuple[Fault, ...]
    said: str


@dataclass
class Worker:
    """A process and the way to it; both None until it is first needed, and again once it has died."""

    process: BaseProcess | None = None
    way: Connection | None = None

    def begin(self) -> Connection:
        if self.way is None:
            context = multiprocessing.get_context("spawn")
            self.way, far = context.Pipe()
            self.process = context.Process(target=_serve, args=(far,), daemon=True)
            self.process.start()
            far.close()
        return self.way

    def end(self) -> None:
        if self.process is not None and self.way is not None:
            self.way.close()
            self.process.terminate()
        self.process = self.way = None


class Crew:
    """Workers, each busy with one world at a time. One that dies is replaced, and what it was doing is done again once."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._all = [Worker() for _ in range(size)]
        self._idle: queue.LifoQueue[Worker] = queue.LifoQueue()
        for worker in self._all:
            self._idle.put(worker)

    def make(self, name: str, changes: Mapping[str, Any], seed: int, ground: Ground | None, tell: Tell | None) -> Framed:
        """`Making.make` in a worker. Raises ScenarioError, UsageError."""
        made: Framed = self._do(("make", name, dict(changes), seed, ground), tell)
        return made

    def repeat(self, name: str, changes: Mapping[str, Any], seed: int) -> list[dict[str, Any]]:
        """`Making.repeat` in a worker. Raises ScenarioError, UsageError."""
        found: list[dict[str, Any]] = self._do(("repeat", name, dict(changes), seed, None), None)
        return found

    def _do(self, job: Job, tell: Tell | None) -> Any:
        worker = self._idle.get()
        try:
            done = self._ask(worker, job, tell)
        except (EOFError, OSError):
            worker.end()
            try:
                done = self._ask(worker, job, tell)
            except (EOFError, OSError):
                worker.end()
                raise UsageError("this world broke the process that ran it") from None
        finally:
            self._idle.put(worker)
        if isinstance(done, Refused):
            raise ScenarioError(list(done.faults)) if done.faults else UsageError(done.said)
        return done

    def _ask(self, worker: Worker, job: Job, tell: Tell | None) -> Any:
        way = worker.begin()
        way.send((job, tell is not None))
        while True:
            kind, *said = way.recv()
            if kind == "done":
                return said[0]
            if tell:
                tell(*said)

    def close(self) -> None:
        """End every worker, whatever it does."""
        for worker in self._all:
            worker.end()


def _serve(way: Connection) -> None:
    """A worker's life: one job after another until its parent is gone. Interrupts are the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    making = Making()
    with contextlib.suppress(EOFError, OSError):
        while True:
            job, wanted = way.recv()

            def tell(title: str, share: float | None) -> None:
                way.send(("tell", title, share))

            way.send(("done", _carry_out(making, job, tell if wanted else None)))


def _carry_out(making: Making, job: Job, tell: Tell | None) -> Any:
    task, name, changes, seed, ground = job
    try:
        return making.repeat(name, changes, seed) if task == "repeat" else making.make(name, changes, seed, ground, tell)
    except ScenarioError as error:
        return Refused(tuple(error.faults), "")
    except ChokepointError as error:
        return Refused((), str(error))
