"""Local: one spawned process a worker, each a pool of its own, so that a death is blamed on the one chunk it held."""

from __future__ import annotations

import os
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field

from experiments.chunk import Chunk, ChunkReport
from experiments.engines.base import Engine, Work, WorkerLostError
from experiments.tasks import run_case
from experiments.workers import spawned, stop


@dataclass
class _Lane:
    """A pool of one process, and whether it is at work."""

    pool: ProcessPoolExecutor = field(default_factory=lambda: spawned(1))
    busy: bool = False


class LocalEngine(Engine):
    """`workers` processes on this machine."""

    def __init__(self, workers: int) -> None:
        self.slots = workers
        self._lanes: list[_Lane] = []
        self._warm = False
        try:
            for _ in range(workers):
                self._lanes.append(_Lane())
        except BaseException:
            self.close(finish=False)
            raise

    def submit(self, work: Work, chunk: Chunk) -> Future[ChunkReport]:
        if not self._warm:
            self._warm_up(chunk)
        lane = next(lane for lane in self._lanes if not lane.busy)
        lane.busy = True
        answer: Future[ChunkReport] = Future()
        self._inner(lane, work, chunk).add_done_callback(lambda inner: _pass_on(lane, inner, answer))
        return answer

    def close(self, finish: bool) -> None:
        for lane in self._lanes:
            stop(lane.pool, finish)

    def _inner(self, lane: _Lane, work: Work, chunk: Chunk) -> Future[ChunkReport]:
        """Submit to a lane; a pool that broke is replaced first."""
        try:
            return lane.pool.submit(work, chunk)
        except BrokenProcessPool:
            stop(lane.pool, finish=False)
            lane.pool = spawned(1)
            return lane.pool.submit(work, chunk)

    def _warm_up(self, chunk: Chunk) -> None:
        """Let one process fill the cache of compiled kernels before the others read it: several at once each compile
        for themselves."""
        self._warm = True
        if self.slots < 2:
            return
        others = [lane.pool.submit(os.getpid) for lane in self._lanes[1:]]
        try:
            self._lanes[0].pool.submit(run_case_alone, chunk).result()
            for other in others:
                other.result()
        except BrokenProcessPool:
            return


def run_case_alone(chunk: Chunk) -> None:
    """Run the first case of a chunk and keep nothing of it."""
    run_case(chunk.study, chunk.cases[0])


def _pass_on(lane: _Lane, inner: Future[ChunkReport], answer: Future[ChunkReport]) -> None:
    """Called in the pool's own thread, which holds the pool's lock while it ends: a broken pool is replaced at the next submission
    and not here, as letting go of it would wait for that lock (CPython 3.12)."""
    error = inner.exception() if not inner.cancelled() else WorkerLostError("cancelled")
    if isinstance(error, BrokenProcessPool):
        error = WorkerLostError(str(error))
    lane.busy = False
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(inner.result())
