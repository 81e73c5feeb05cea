"""Workers: the same answers on any number of them, in the order of the jobs; a dead one is told in words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.workers import each
from sim.errors import ChokepointError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("workers", [1, 2])
def test_answers_come_in_the_order_of_the_jobs(workers: int) -> None:
    heard: list[tuple[int, int]] = []
    assert each(pow, [(3, 2), (2, 3), (5, 1)], workers, lambda done, whole: heard.append((done, whole))) == [9, 8, 5]
    assert heard == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_job_raises_comes_through(workers: int) -> None:
    with pytest.raises(ZeroDivisionError):
        each(pow, [(2, 2), (0, -1)], workers)


def test_a_killed_worker_is_told_in_words() -> None:
    with pytest.raises(ChokepointError, match="--workers"):
        each(os._exit, [(1,), (1,)], 2)


BORN_UNDER_AN_INTERRUPT = """
import os, signal, threading, time
from multiprocessing.popen_spawn_posix import Popen
from experiments.workers import spawned

signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's background job ignores it
born, usual = [], Popen._launch

def launch(process, of):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.05)
    usual(process, of)
    born.append(process.pid)

Popen._launch = launch
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()  # a thread that catches signals, as a library's may
try:
    spawned(2)
except KeyboardInterrupt:
    time.sleep(0.1)
    print(len(born), *(os.path.exists(f"/proc/{pid}") for pid in born))
"""


def test_an_interrupt_while_workers_are_born_is_heard_when_all_are_and_ends_them() -> None:
    done = subprocess.run([sys.executable, "-c", BORN_UNDER_AN_INTERRUPT], capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout.split(), done.stderr) == (["2", "False", "False"], "")
