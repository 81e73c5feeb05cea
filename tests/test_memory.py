"""What a run takes and gives back: a history run fits a small machine, and a hundred runs in one process stay flat."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RUN_MB = 500
GROWTH_MB = 50

PEAK = """
import sim
sim.run(sim.load("history"), seed=1, recording="standard")
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024)
"""

LARGEST = """
import resource, subprocess, sys
subprocess.run([sys.executable, *sys.argv[1:]], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""
"""Asked of a small process: Linux counts to a child what its parent held when it was born, and a tests' process holds much."""

GROWTH = """
import gc, sys, psutil, sim
scenario = sim.load(sys.argv[1])
def held():
    gc.collect()
    return psutil.Process().memory_info().rss / 1e6
for seed in range(5):
    sim.run(scenario, seed=seed)
before = held()
for seed in range(int(sys.argv[2])):
    sim.run(scenario, seed=seed)
print(held() - before)
"""


def megabytes(code: str, *words: str) -> float:
    told = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=900)
    assert told.returncode == 0, told.stderr
    return float(told.stdout.split()[-1])


@pytest.mark.slow
def test_one_history_run_fits() -> None:
    assert megabytes(PEAK) < RUN_MB


@pytest.mark.slow
def test_the_command_of_a_history_run_fits(tmp_path: Path) -> None:
    """Of the command and the process beside it, the larger."""
    assert megabytes(LARGEST, "-m", "experiments.cli", "run", "history", "--quiet", "--out", str(tmp_path / "run")) < RUN_MB


@pytest.mark.slow
def test_a_hundred_runs_leave_memory_flat() -> None:
    assert megabytes(GROWTH, "teaching/rush", "100") < GROWTH_MB


def test_ten_runs_leave_memory_flat() -> None:
    assert megabytes(GROWTH, "teaching/rush", "10") < GROWTH_MB / 5
