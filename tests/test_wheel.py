"""A wheel in an empty venv elsewhere does what the clone does: it finds the shipped scenarios and runs history. So it
does where nobody may write beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def call(*command: str | Path, folder: Path, environment: dict[str, str] | None = None) -> str:
    """Standard output of a command that must succeed, run without stdin."""
    told = subprocess.run([str(word) for word in command], cwd=folder, text=True, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=900, env=environment)
    assert told.returncode == 0, f"{command}\n{told.stdout}\n{told.stderr}"
    return told.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the clone."""
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, folder=folder)
    return next(folder.glob("chokepoint-*.whl"))


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a venv in which the wheel, and nothing of the clone, is installed."""
    folder = tmp_path_factory.mktemp("elsewhere")
    call(sys.executable, "-m", "venv", folder / "venv", folder=folder)
    call(folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--no-input", "-c", ROOT / "constraints.txt",
         wheel, folder=folder)
    return folder


@pytest.mark.slow
def test_the_wheel_is_whole(wheel: Path) -> None:
    held = call(sys.executable, "-m", "zipfile", "-l", wheel, folder=wheel.parent)
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


def bound_by_permissions() -> list[str]:
    """What to put before a command so that read-only holds for it: root would write all the same."""
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        pytest.skip("root writes where it may not, and there is no setpriv to take that from it")
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner"]


PLACES = """
import os, pathlib, sim
from sim.clearing import network
place = pathlib.Path(sim.__file__).parent
print(place, os.access(place, os.W_OK), network._load.stats.cache_path)
"""


@pytest.mark.slow
@pytest.mark.parametrize("home", ["writable", "read-only"])
def test_an_installation_nobody_may_write_to_runs(home: str, wheel: Path, tmp_path: Path) -> None:
    """No NUMBA_CACHE_DIR; kernels are kept in the user's cache, or where that cannot be written in the machine's."""
    site, house, scratch = tmp_path / "site", tmp_path / "house", tmp_path / "scratch"
    call(sys.executable, "-m", "zipfile", "-e", wheel, site, folder=tmp_path)
    house.mkdir(mode=0o755 if home == "writable" else 0o555)
    scratch.mkdir()
    for path in (site, *site.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    environment = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    environment |= {"PYTHONPATH": str(site), "HOME": str(house), "TMPDIR": str(scratch)}
    python = [*bound_by_permissions(), sys.executable]
    place, writable, kept = call(*python, "-c", PLACES, folder=scratch, environment=environment).split()
    assert Path(place) == site / "sim" and writable == "False"
    assert Path(kept).is_relative_to(house if home == "writable" else scratch)
    call(*python, "-m", "experiments.cli", "run", "history", "--out", "told", folder=scratch, environment=environment)
    assert (scratch / "told/manifest.json").is_file()
    assert list(Path(kept).glob("*.nbi"))
    assert not list(site.rglob("__pycache__"))
