"""Where compiled kernels are kept: a folder named by a hash of this package's sources, so that an edited kernel never
runs stale code.

numba keys its cache on one file's time stamp and misses a change in a kernel that another file calls. The folder lies
in the
user's cache (or under NUMBA_CACHE_DIR), so a read-only installation works; where nothing can be written, in a folder
of the process.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

_KEPT = 4
"""Folders of earlier sources left in place for other checkouts."""


_CONSTANTS = re.compile(r"^from\s+(sim[.\w]*)\s+import\s+[^#\n]*\b_?[A-Z][A-Z_]+\b", re.MULTILINE)
"""An import of a constant (a name in capitals): a kernel freezes its value."""


_COMPILED = re.compile(r"^from (numba|sim\.kernel) import|^import numba", re.MULTILINE)
"""What a file with kernels says."""


def source_hash(package: Path) -> str:
    """Hash of the files with kernels, of those their constants come from, and of what compiles them."""
    digest = hashlib.blake2b(digest_size=8)
    for name, text in sorted(_kernel_sources(package).items()):
        digest.update(name.encode())
        digest.update(text.encode())
    for part in (version("numba"), version("numpy"), sys.version):
        digest.update(part.encode())
    return digest.hexdigest()


def _kernel_sources(package: Path) -> dict[str, str]:
    """Module -> source, of the files with kernels and of those whose constants they import, near or far."""
    texts = {".".join((package.name, *path.relative_to(package).with_suffix("").parts)): path.read_text(encoding="utf-8")
             for path in package.rglob("*.py")}
    found: dict[str, str] = {}
    queue = [name for name, text in texts.items() if _COMPILED.search(text)]
    while queue:
        name = queue.pop()
        if name in texts and name not in found:
            found[name] = texts[name]
            queue += _CONSTANTS.findall(texts[name])
    return found


def choose() -> Path:
    """The folder for this source, made if need be; sets NUMBA_CACHE_DIR. Called before numba is first imported."""
    name = "kernels-" + source_hash(Path(__file__).parent)
    for parent in _parents():
        if parent.name == name:
            return parent
        folder = parent / name
        if _writable(folder):
            os.environ["NUMBA_CACHE_DIR"] = str(folder)
            _prune(parent, folder)
            return folder
    folder = Path(tempfile.mkdtemp(prefix=name))
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    return folder


def _parents() -> list[Path]:
    """Where the folder may lie, best first. A worker process inherits its parent's choice."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    user = os.getuid() if hasattr(os, "getuid") else 0
    usual = [Path(cache) / "chokepoint", Path(tempfile.gettempdir()) / f"chokepoint-{user}"]
    if not given:
        return usual
    chosen = Path(given)
    return [chosen.parent if chosen.name.startswith("kernels-") else chosen, *usual]


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _prune(parent: Path, current: Path) -> None:
    """Drop the folders of old sources, the newest few excepted."""
    try:
        others = [path for path in parent.glob("kernels-*") if path != current]
        for path in sorted(others, key=lambda item: item.stat().st_mtime)[:-_KEPT]:
            shutil.rmtree(path, ignore_errors=True)
    except OSError:
        return


choose()
