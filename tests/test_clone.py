"""A newcomer's path: clone, `make run`, and again. Caches empty, no questions, minutes and then seconds.

Seconds are those of the processors (user and system, all processes of the command): what the wall shows on a machine that
does nothing else, and the same on one that is busy.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FIRST_SECONDS = 300
AGAIN_SECONDS = 5

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".git").exists() or not shutil.which("git"), reason="no git clone to clone from"),
]


def used() -> float:
    """Processor seconds of all processes that this one has waited for."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def make(folder: Path, home: Path, *words: str) -> tuple[float, str]:
    """Processor seconds and output of a make target, with the caches of a new user and no stdin."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("NUMBA_", "VIRTUAL_ENV", "PYTEST_", "MAKE", "MFLAGS", "XDG_"))}
    begun = used()
    told = subprocess.run(["make", *words], cwd=folder, text=True, stdin=subprocess.DEVNULL, capture_output=True,
                          env={**kept, "HOME": str(home), "PIP_CACHE_DIR": str(home / "pip")}, timeout=1200)
    assert told.returncode == 0, told.stdout + told.stderr
    return used() - begun, told.stdout


def test_make_run_from_a_fresh_clone(tmp_path: Path) -> None:
    clone, home = tmp_path / "clone", tmp_path / "home"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", "--no-local", str(ROOT), str(clone)], check=True, capture_output=True)
    first, said = make(clone, home, "run")
    assert "2024" in said, said
    assert (clone / "runs/history/report.html").is_file()
    again = min(make(clone, home, "run")[0] for _ in range(2))
    left = subprocess.run(["git", "status", "--porcelain"], cwd=clone, check=True, capture_output=True, text=True)
    assert not left.stdout, f"a run leaves files git does not ignore:\n{left.stdout}"
    assert first < FIRST_SECONDS, f"first run {first:.0f} s"
    assert again < AGAIN_SECONDS, f"second run {again:.1f} s"
