"""Chaos: killed at any step, a batch loses nothing that was finished, counts nothing twice, and resumes to the same
bits."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.batch import EngineChoice
from experiments.store import Store, StoreError
from tests.experiments.sabotage import PHASES, work_on_a_full_disk, work_that_dies_once
from tests.experiments.workshop import PAIR, begin, bits, carry, done


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> str:
    return bits(done(tmp_path_factory.mktemp("reference")))


_DRAWN = random.Random(20260131)
PARENT = [(_DRAWN.choice(PHASES), _DRAWN.randint(1, 50)) for _ in range(20)]
WORKER = [(_DRAWN.choice(PHASES), _DRAWN.randint(1, 2)) for _ in range(20)]


def seeded_tenth(cases: list[tuple[str, int]]) -> list[object]:
    """All of them for the whole suite, two for the short one."""
    return [
        pytest.param(*case, marks=[] if at < 2 else [pytest.mark.slow], id=f"{at}-{case[0]}-{case[1]}")
        for at, case in enumerate(cases)
    ]


def settled(store: Store) -> set[str]:
    return {key for key, said in store.status_by_run().items() if said == "done"}


@pytest.mark.parametrize(("phase", "count"), seeded_tenth(PARENT))
def test_a_killed_parent_resumes_to_the_same_bits(tmp_path: Path, reference: str, phase: str, count: int) -> None:
    store = begin(tmp_path)
    words = [sys.executable, "-m", "tests.experiments.sabotage", str(tmp_path), phase, str(count), "sequential"]
    died = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert died.returncode == -signal.SIGKILL, died.stderr
    finished = settled(store)
    files = {path: path.read_bytes() for path in (tmp_path / "runs").glob("*.parquet")}
    progress = carry(store)
    assert progress.before == len(finished)
    assert progress.done == 60 - len(finished)
    assert all(path.read_bytes() == content for path, content in files.items()), "a finished segment was done again"
    assert not list(tmp_path.rglob("*.tmp"))
    assert len(store.index()) == 60
    assert bits(store) == reference


DASK = EngineChoice("dask", 2)


@pytest.mark.parametrize(("phase", "count"), seeded_tenth(WORKER))
def test_a_killed_worker_costs_nothing(tmp_path: Path, reference: str, phase: str, count: int) -> None:
    _a_worker_dies(tmp_path, reference, phase, count, PAIR)


@pytest.mark.parametrize(("phase", "count"), seeded_tenth(WORKER)[1:])
def test_a_killed_worker_of_dask_costs_nothing(tmp_path: Path, reference: str, phase: str, count: int) -> None:
    _a_worker_dies(tmp_path, reference, phase, count, DASK)


def _a_worker_dies(tmp_path: Path, reference: str, phase: str, count: int, choice: EngineChoice) -> None:
    store = begin(tmp_path)
    (tmp_path / "order").write_text(f"{phase} {count}")
    progress = carry(store, choice, work=work_that_dies_once)
    assert not (tmp_path / "order").exists()
    assert progress.failed == 0
    assert len(settled(store)) == 60 == len(store.index())
    assert bits(store) == reference


@pytest.mark.parametrize("choice", [PAIR, pytest.param(DASK, marks=pytest.mark.slow)], ids=lambda choice: choice.name)
def test_a_full_disk_of_a_worker_is_told_and_what_is_finished_stays(
    tmp_path: Path, reference: str, choice: EngineChoice
) -> None:
    store = begin(tmp_path)

    def fill(progress: object) -> None:
        if getattr(progress, "done", 0) == 20:
            (tmp_path / "full").touch()

    with pytest.raises(StoreError, match=r"cannot write.*Finished runs are safe.*chokepoint resume"):
        carry(store, choice, listen=fill, work=work_on_a_full_disk)
    assert 20 <= len(settled(store)) < 60
    (tmp_path / "full").unlink()
    carry(store, choice, work=work_on_a_full_disk)
    assert not list(tmp_path.rglob("*.tmp"))
    assert bits(store) == reference


KILLS = [
    ("local", 1.5),
    *(pytest.param("local", 1.2 + 0.15 * i, marks=pytest.mark.slow) for i in range(10)),
    *(pytest.param("dask", 3.0 + 0.5 * i, marks=pytest.mark.slow) for i in range(10)),
]


@pytest.mark.parametrize(("engine", "delay_s"), KILLS)
def test_workers_end_soon_after_a_killed_parent(tmp_path: Path, reference: str, engine: str, delay_s: float) -> None:
    store = begin(tmp_path)
    words = [sys.executable, "-m", "tests.experiments.sabotage", str(tmp_path), "none", "0", engine]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as parent:
        time.sleep(delay_s)
        parent.kill()
    deadline = time.monotonic() + 10
    while _processes_with(str(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.1)
    carry(store)
    assert len(store.index()) == 60
    assert bits(store) == reference
    assert not _children_of(parent.pid)


def _processes_with(word: str) -> list[int]:
    import psutil

    return [process.pid for process in psutil.process_iter(["cmdline"]) if word in (process.info["cmdline"] or [])]


def _children_of(pid: int) -> list[int]:
    """Spawned workers that still name a dead parent in their command line."""
    import psutil

    said = f"parent_pid={pid}"
    return [
        process.pid for process in psutil.process_iter(["cmdline"]) if any(said in part for part in process.info["cmdline"] or [])
    ]
