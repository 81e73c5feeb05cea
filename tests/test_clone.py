"""A newcomer's path: clone, `make run`, and again. Caches empty, no questions, minutes and then seconds.

Seconds are those of the wall, as a newcomer waits for them, so these tests run by themselves.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FIRST_SECONDS = 300
AGAIN_SECONDS = 5

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(not (ROOT / ".git").exists() or not shutil.which("git"), reason="no git clone to clone from"),
]


def make(folder: Path, home: Path, *words: str) -> tuple[float, str]:
    """Seconds and output of a make target, with the caches of a new user and no stdin."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("NUMBA_", "VIRTUAL_ENV", "PYTEST_", "MAKE", "MFLAGS", "XDG_"))}
    begun = time.perf_counter()
    told = subprocess.run(["make", *words], cwd=folder, text=True, stdin=subprocess.DEVNULL, capture_output=True,
                          env={**kept, "HOME": str(home), "PIP_CACHE_DIR": str(home / "pip")}, timeout=1200)
    assert told.returncode == 0, told.stdout + told.stderr
    return time.perf_counter() - begun, told.stdout


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
