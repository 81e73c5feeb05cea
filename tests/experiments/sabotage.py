"""Sabotage: a process that kills itself at a chosen step of a batch, as `kill -9` or a power cut would.

`python -m tests.experiments.sabotage FOLDER PHASE COUNT ENGINE` carries out the experiment in FOLDER and dies with the
COUNTth time it comes to PHASE: submit (a chunk begins), run (a run begins), write (half of a file is written), rename
(a file is whole under its temporary name) or renamed (it is in its place).
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments import store, tasks
from experiments.batch import EngineChoice, carry_out
from experiments.chunk import Chunk, ChunkReport
from experiments.store import Store

PHASES = ("submit", "run", "write", "rename", "renamed")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class _Fuse:
    """Burns down with each step of one phase."""

    def __init__(self, phase: str, count: int) -> None:
        self.phase, self.left = phase, count

    def step(self, phase: str) -> bool:
        self.left -= phase == self.phase
        return phase == self.phase and self.left == 0


def lay(phase: str, count: int) -> None:
    """Make this process die at a step."""
    fuse = _Fuse(phase, count)
    replace, write_whole, run_case = os.replace, store.write_whole, tasks.run_case

    def torn_write(path: Path, data: bytes) -> None:
        if fuse.step("write"):
            path.with_name(f"{path.name}.torn.tmp").write_bytes(data[: len(data) // 2])
            die()
        write_whole(path, data)

    def torn_replace(source: Any, target: Any) -> None:
        if fuse.step("rename"):
            die()
        replace(source, target)
        if fuse.step("renamed"):
            die()

    def torn_run(*words: Any) -> Any:
        if fuse.step("run"):
            die()
        return run_case(*words)

    store.write_whole, os.replace, tasks.run_case = torn_write, torn_replace, torn_run  # type: ignore[assignment]


def work_that_dies_once(chunk: Chunk) -> ChunkReport:
    """A worker's chunk: the first process to come here with the order in the folder dies as it says."""
    order = Path(chunk.study.folder) / "order"
    try:
        phase, count = order.read_text().split()
        order.unlink()
    except FileNotFoundError:
        return tasks.run_chunk(chunk)
    if phase == "submit":
        die()
    lay(phase, int(count))
    return tasks.run_chunk(chunk)


def work_on_a_full_disk(chunk: Chunk) -> ChunkReport:
    """A worker's chunk: while there is a file `full` in the folder, no file may grow beyond 1,000 bytes."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    full = (Path(chunk.study.folder) / "full").exists()
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000 if full else hard, hard))
    return tasks.run_chunk(chunk)


def counted(phase: str, count: int) -> Callable[[Chunk], ChunkReport]:
    """The parent's own work, dying as a chunk begins."""
    fuse = _Fuse(phase, count)

    def work(chunk: Chunk) -> ChunkReport:
        if fuse.step("submit"):
            die()
        return tasks.run_chunk(chunk)

    return work


def main(folder: str, phase: str, count: str, engine: str) -> None:
    lay(phase, int(count))
    work = counted(phase, int(count)) if engine == "sequential" else tasks.run_chunk
    carry_out(Store.open(Path(folder)), EngineChoice(engine, 2), work=work)


if __name__ == "__main__":
    main(*sys.argv[1:])
