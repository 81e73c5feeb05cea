"""Engines differ only in where a run happens: the sorted table is the same to the bit, whatever dies on the way."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from experiments.batch import EngineChoice
from experiments.chunk import Chunk, ChunkReport
from experiments.engines.base import Engine, EngineLostError, Work, WorkerLostError, drive
from experiments.engines.sequential import SequentialEngine
from experiments.tasks import run_chunk
from sim.errors import UsageError
from tests.experiments.workshop import PAIR, begin, bits, carry, design, done


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> str:
    return bits(done(tmp_path_factory.mktemp("reference")))


def test_two_workers_give_the_reference(tmp_path: Path, reference: str) -> None:
    assert bits(done(tmp_path, choice=PAIR)) == reference


def test_a_cluster_of_its_own_gives_the_reference(tmp_path: Path, reference: str) -> None:
    assert bits(done(tmp_path, choice=EngineChoice("dask", 2))) == reference


def test_a_worker_of_its_own_cluster_keeps_its_memory_for_the_next_run() -> None:
    """Dask sets its workers to hand it back at every chance: a run took a seventh longer."""
    from experiments.engines.dask import DaskEngine

    with DaskEngine(1) as engine:
        (said,) = engine._client.run(os.getenv, "MALLOC_TRIM_THRESHOLD_").values()
    assert int(said) >= 100_000_000


def test_stopped_and_resumed_twice_gives_the_reference(tmp_path: Path, reference: str) -> None:
    store = begin(tmp_path)
    for stop in (10, 30):
        with pytest.raises(KeyboardInterrupt):
            carry(store, listen=_interrupts_at(stop - len(store.status_by_run())))
        assert len(store.status_by_run()) == stop
    assert carry(store).done == 30
    assert bits(store) == reference


def _interrupts_at(runs: int) -> object:
    def listen(progress: object) -> None:
        if getattr(progress, "done", 0) >= runs:
            raise KeyboardInterrupt

    return listen


def test_a_run_that_kills_its_worker_is_recorded_after_two_tries_and_takes_no_other_along(tmp_path: Path) -> None:
    store = begin(tmp_path, design(seeds=8, uncertainties={"x1": [float(x) for x in range(4)]}), "deadly")
    progress = carry(store, PAIR)
    assert (progress.done, progress.failed) == (28, 4)
    errors = {row["error"] for row in store.query("select distinct error from failures").to_pylist()}
    assert errors == {"the worker process died on each of 2 tries (killed, out of memory, or a crash in compiled code)"}
    assert store.query("select distinct seed from failures")["seed"].to_pylist() == [5]


class _Crowd(Engine):
    """Two chunks in flight; a run of seed 5 kills the worker, and every chunk in flight is told lost, as dask does."""

    slots = 2
    blames_one = False

    def __init__(self) -> None:
        self.held: dict[Future[ChunkReport], Chunk] = {}

    def submit(self, work: Work, chunk: Chunk) -> Future[ChunkReport]:
        future: Future[ChunkReport] = Future()
        self.held[future] = chunk
        return future

    def check(self) -> None:
        deadly = any(case.seed == 5 for chunk in self.held.values() for case in chunk.cases)
        for future, chunk in self.held.items():
            if deadly:
                future.set_exception(WorkerLostError("died"))
            else:
                future.set_result(run_chunk(chunk))
        self.held.clear()

    def close(self, finish: bool) -> None:
        """Nothing to give back."""


def test_a_run_that_waited_behind_a_deadly_one_is_not_blamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.engines.base._PATIENCE_S", 0.0)
    store = begin(tmp_path, design(seeds=8, uncertainties={"x1": [0.0, 1.0]}), "deadly")
    reports = list(drive(_Crowd(), store.missing(), run_chunk))
    assert (sum(report.done for report in reports), sum(len(report.failed) for report in reports)) == (14, 2)
    assert store.query("select distinct seed from failures")["seed"].to_pylist() == [5]


@pytest.mark.slow
def test_dask_records_a_run_that_kills_its_worker_and_no_other(tmp_path: Path) -> None:
    store = begin(tmp_path, design(seeds=8, uncertainties={"x1": [0.0]}), "deadly")
    progress = carry(store, EngineChoice("dask", 2))
    assert (progress.done, progress.failed) == (7, 1)
    assert store.query("select distinct seed from failures")["seed"].to_pylist() == [5]


def test_never_more_in_flight_than_the_engine_has_slots(tmp_path: Path) -> None:
    store = begin(tmp_path)
    drawn = 0

    def chunks() -> Iterator[object]:
        nonlocal drawn
        for chunk in store.missing():
            drawn += 1
            yield chunk

    reports = drive(SequentialEngine(), chunks(), run_chunk)  # type: ignore[arg-type]
    next(reports)
    assert drawn == 1


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (EngineChoice("cloud"), 'no engine "cloud"'),
        (EngineChoice("local", 0), "at least 1"),
        (EngineChoice("local", 2, "tcp://host:1"), "--scheduler is for"),
        (EngineChoice("dask", 2, "nonsense"), '"nonsense" is no address; write one such as tcp://host:8786'),
    ],
)
def test_an_engine_that_cannot_be_is_refused(tmp_path: Path, choice: EngineChoice, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        carry(begin(tmp_path), choice)


def test_a_lost_scheduler_is_told_and_nothing_finished_is_lost(tmp_path: Path, reference: str) -> None:
    scheduler, workers = _cluster(tmp_path)
    address = _address(tmp_path)
    store = begin(tmp_path / "store")

    def pull_the_plug(progress: object) -> None:
        if getattr(progress, "done", 0) >= 10 and scheduler.poll() is None:
            scheduler.kill()

    try:
        with pytest.raises(EngineLostError, match=r"Finished runs are safe.*chokepoint resume"):
            carry(store, EngineChoice("dask", 2, address), listen=pull_the_plug, work=_slowly)
    finally:
        for process in (scheduler, *workers):
            process.kill()
            process.wait()
    assert 10 <= len(store.status_by_run()) < 60
    carry(store)
    assert bits(store) == reference


def test_an_answer_that_comes_as_the_cluster_is_closed_asks_it_nothing() -> None:
    from types import SimpleNamespace

    from experiments.engines.dask import _Answer

    remote = SimpleNamespace(client=SimpleNamespace(status="closing"), status="cancelled")
    answer = _Answer(remote)
    answer.take(remote)
    assert isinstance(answer.exception(), EngineLostError)


def test_a_scheduler_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.engines.dask._PATIENCE", "1s")
    with pytest.raises(EngineLostError, match="no dask scheduler answers"):
        carry(begin(tmp_path / "other"), EngineChoice("dask", 2, "tcp://127.0.0.1:9"))


def _slowly(chunk: object) -> object:
    time.sleep(0.3)
    return run_chunk(chunk)  # type: ignore[arg-type]


def _cluster(folder: Path) -> tuple[subprocess.Popen[bytes], list[subprocess.Popen[bytes]]]:
    """A scheduler and two workers, as a user would start them on several machines."""
    start = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    file = ["--scheduler-file", str(folder / "scheduler.json")]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = subprocess.Popen([*start, *file, "--host", "127.0.0.1", "--port", "0", "--no-dashboard"], **quiet)  # type: ignore[call-overload]
    worker = [
        sys.executable,
        "-m",
        "distributed.cli.dask_worker",
        *file,
        "--nthreads",
        "1",
        "--no-dashboard",
        "--no-nanny",
    ]
    workers = [subprocess.Popen([*worker, "--local-directory", str(folder)], **quiet) for _ in range(2)]  # type: ignore[call-overload]
    return scheduler, workers


def _address(folder: Path) -> str:
    import json

    from distributed import Client

    deadline = time.monotonic() + 30
    while not (folder / "scheduler.json").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    address = str(json.loads((folder / "scheduler.json").read_text())["address"])
    with Client(address, timeout="20s", set_as_default=False) as client:
        client.wait_for_workers(2, timeout=30)
    return address
