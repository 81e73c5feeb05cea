"""What every test shares: examples drawn the same way each time, and a caller of the command as a user types it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

import sim  # before any test imports numpy

assert sim.arithmetic

ROOT = Path(__file__).parent.parent

settings.register_profile("house", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("house")

Told = subprocess.CompletedProcess[str]


@pytest.fixture
def chokepoint(tmp_path: Path) -> Callable[..., Told]:
    """`chokepoint("run", "history")` in an empty folder, in a process of its own, without stdin."""

    def call(*words: str, folder: Path = tmp_path) -> Told:
        return subprocess.run([sys.executable, "-m", "experiments.cli", *words], cwd=folder, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=600)

    return call
