"""Workers: spawned processes that leave Ctrl-C to their parent and end with it; and one function over many jobs."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, TypeVar

from sim.errors import ChokepointError

Answer = TypeVar("Answer")


def spawned(count: int) -> ProcessPoolExecutor:
    """So many workers; end them with `stop`. They are born with Ctrl-C held back, so that none is interrupted before it begins,
    nor this process while one is half born: it hears of it when all are, and ends them."""
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_begin, initargs=(os.getpid(),))
    try:
        with _uninterrupted():
            while len(pool._processes or ()) < count:  # a pool starts one when work comes and none is idle
                pool.submit(os.getpid)
    except KeyboardInterrupt:
        stop(pool, finish=False)
        raise
    return pool


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back, and give it at the end. A mask alone would not: a library's own thread may catch it for this one."""
    heard: list[int] = []
    handler = signal.getsignal(signal.SIGINT)
    minds = threading.current_thread() is threading.main_thread() and callable(handler)
    if minds:
        signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # what is born inherits it
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if minds:
            signal.signal(signal.SIGINT, handler)
    if heard:
        raise KeyboardInterrupt


def stop(pool: ProcessPoolExecutor, finish: bool) -> None:
    """End a pool when its work is done, or at once."""
    if not finish:
        for process in list((pool._processes or {}).values()):
            process.kill()
    pool.shutdown(wait=True, cancel_futures=True)


def unheard(done: int, whole: int) -> None:
    """Nobody is told how far the work is."""


def each(
    do: Callable[..., Answer], jobs: Sequence[tuple[Any, ...]], workers: int = 1, told: Callable[[int, int], None] = unheard
) -> list[Answer]:
    """What `do` answers to each job's arguments, in order of jobs, on this process or on workers, which end whatever ends the
    work; the answers are the same. `told` hears how many are done and how many there are. Raises what a job raises, and
    ChokepointError where a worker dies."""
    if workers == 1 or len(jobs) < 2:
        found = []
        for job in jobs:
            found.append(do(*job))
            told(len(found), len(jobs))
        return found
    pool, finish = spawned(min(workers, len(jobs))), False
    try:
        waiting = [pool.submit(do, *job) for job in jobs]
        for done, future in enumerate(as_completed(waiting), 1):
            future.result()
            told(done, len(jobs))
        finish = True
        return [future.result() for future in waiting]
    except BrokenProcessPool:
        raise ChokepointError("a worker process was killed, perhaps for want of memory; try again with fewer --workers") from None
    finally:
        stop(pool, finish)


def _begin(parent: int) -> None:
    """A worker leaves interrupts to its parent, and ends soon after it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
