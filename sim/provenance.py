"""Provenance: digests of texts, of the model's own sources, and the versions of what ran."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.resources import files
from importlib.resources.abc import Traversable
from re import match

from sim.arithmetic import vectors


def digest(*parts: str) -> str:
    """sha256 of texts, each kept apart from the next; 64 hex digits."""
    hashed = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        hashed.update(f"{len(encoded)}:".encode() + encoded)
    return hashed.hexdigest()


@lru_cache(maxsize=1)
def source_hash() -> str:
    """sha256 over every source file of the model (`sim`), by name: what a result depends on beside its scenario."""
    return digest(*(part for name, text in _sources(files("sim"), "sim") for part in (name, text)))


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Python and the packages the model requires, as installed."""
    found = {"python": platform.python_version()}
    for name in ("chokepoint", *_required()):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def lock_hash() -> str:
    """sha256 over the installed versions: two runs with the same lock ran on the same packages."""
    return digest(*(f"{name}=={said}" for name, said in versions().items()))


def machine() -> dict[str, str]:
    """Operating system, processor family and what numpy uses of it: exact results are promised where these and the lock are the
    same."""
    return {"system": platform.system(), "machine": platform.machine(), "python": platform.python_implementation(),
            "vectors": vectors()}


def _required() -> list[str]:
    """Packages the core requires, as pyproject lists them."""
    try:
        said = requires("chokepoint") or []
    except PackageNotFoundError:
        return []
    names = [match(r"[A-Za-z0-9._-]+", line) for line in said if "extra ==" not in line]
    return sorted(name.group() for name in names if name)


def _sources(folder: Traversable, prefix: str) -> Iterable[tuple[str, str]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir() and item.name != "__pycache__":
            yield from _sources(item, f"{prefix}/{item.name}")
        elif item.name.endswith(".py"):
            yield f"{prefix}/{item.name}", item.read_text(encoding="utf-8")
