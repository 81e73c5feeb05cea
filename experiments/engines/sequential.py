"""Sequential: every chunk in this process, one after another; the reference the other engines must equal."""

from __future__ import annotations

from concurrent.futures import Future

from experiments.chunk import Chunk, ChunkReport
from experiments.engines.base import Engine, Work


class SequentialEngine(Engine):
    """No workers: a chunk is done when `submit` returns."""

    slots = 1

    def submit(self, work: Work, chunk: Chunk) -> Future[ChunkReport]:
        future: Future[ChunkReport] = Future()
        try:
            future.set_result(work(chunk))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self, finish: bool) -> None:
        """Nothing to give back."""
