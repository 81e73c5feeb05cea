"""A wheel in an empty venv elsewhere does what the clone does: it finds the shipped scenarios and runs history."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def call(*command: str | Path, folder: Path) -> str:
    """Standard output of a command that must succeed, run without stdin."""
    told = subprocess.run([str(word) for word in command], cwd=folder, text=True, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=900)
    assert told.returncode == 0, f"{command}\n{told.stdout}\n{told.stderr}"
    return told.stdout


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a venv in which the wheel, and nothing of the clone, is installed."""
    folder = tmp_path_factory.mktemp("elsewhere")
    call(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, folder=folder)
    call(sys.executable, "-m", "venv", folder / "venv", folder=folder)
    wheel = next(folder.glob("chokepoint-*.whl"))
    call(folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--no-input", "-c", ROOT / "constraints.txt",
         wheel, folder=folder)
    return folder


@pytest.mark.slow
def test_the_wheel_is_whole(elsewhere: Path) -> None:
    held = call(sys.executable, "-m", "zipfile", "-l", next(elsewhere.glob("*.whl")), folder=elsewhere)
    for wanted in ("scenarios/history.yaml", "scenarios/world/chips.yaml", "scenarios/rules/us.yaml",
                   "scenarios/LICENSE", "sim/py.typed", "licenses/LICENSE"):
        assert wanted in held, wanted
    assert "tests/" not in held
    assert "__pycache__" not in held


@pytest.mark.slow
def test_the_wheel_validates_and_runs_history(elsewhere: Path) -> None:
    tool = elsewhere / "venv/bin/chokepoint"
    assert "history" in call(tool, "list", folder=elsewhere)
    call(tool, "validate", "history", folder=elsewhere)
    said = call(tool, "run", "history", "--out", "told", folder=elsewhere)
    assert "2024" in said
    assert (elsewhere / "told/manifest.json").is_file()
    assert (elsewhere / "told/report.html").stat().st_size > 10_000
