"""Compiled kernels: an edited one is never run stale, an installation nobody can write to works, old folders go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim import kernels_cache

KERNEL = '"""k"""\nfrom numba import njit\n\nfrom sim.limits import MOST\n\n\n@njit\ndef f():\n    return MOST\n'


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "sim"
    folder.mkdir()
    (folder / "kernel.py").write_text(KERNEL)
    (folder / "limits.py").write_text("MOST = 1\n")
    (folder / "prose.py").write_text("NOTE = 'no kernel'\n")
    return folder


def test_the_folder_changes_with_a_kernel_and_with_a_constant_it_freezes(package: Path) -> None:
    before = kernels_cache.source_hash(package)
    (package / "prose.py").write_text("NOTE = 'still none'\n")
    assert kernels_cache.source_hash(package) == before
    (package / "limits.py").write_text("MOST = 2\n")
    after = kernels_cache.source_hash(package)
    (package / "kernel.py").write_text(KERNEL.replace("return MOST", "return MOST + 1"))
    assert len({before, after, kernels_cache.source_hash(package)}) == 3


def test_an_edited_constant_is_not_run_stale(tmp_path: Path, package: Path) -> None:
    """Same file stamp, same size: numba alone would load the old code."""
    (package / "__init__.py").write_text("from sim import kernels_cache\n")
    (package / "kernels_cache.py").write_text(Path(kernels_cache.__file__).read_text())
    (package / "kernel.py").write_text(KERNEL.replace("@njit\n", "@njit(cache=True)\n"))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
                   "PYTHONDONTWRITEBYTECODE": "1"}

    def said() -> str:
        return subprocess.run([sys.executable, "-c", "import sim; from sim.kernel import f; print(f())"], cwd=tmp_path,
                              env=environment, capture_output=True, text=True, check=True).stdout.strip()

    assert said() == "1"
    (package / "limits.py").write_text("MOST = 2\n")
    assert said() == "2"


def test_where_nothing_can_be_written_a_folder_of_the_process_serves(tmp_path: Path,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(blocked))
    monkeypatch.setattr(kernels_cache, "_parents", lambda: [blocked / "a", blocked / "b"])
    chosen = kernels_cache.choose()
    assert chosen.is_dir() and os.environ["NUMBA_CACHE_DIR"] == str(chosen)


def test_old_folders_go_and_a_worker_inherits_the_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for age in range(9):
        old = tmp_path / f"kernels-{age}"
        old.mkdir()
        os.utime(old, (age, age))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    chosen = kernels_cache.choose()
    assert chosen.parent == tmp_path and len(list(tmp_path.iterdir())) == 5
    assert kernels_cache.choose() == chosen
