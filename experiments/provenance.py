"""Provenance: canonical text, content keys, the hash of the model's sources, versions of what ran."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

RESULTS_SCHEMA = 1
"""Version of the results folder: its files, their columns and their keys."""

_REPORTED = ("chokepoint", "mesa", "numpy", "numba", "pandas", "pyarrow", "pydantic", "scipy", "distributed")


def canonical(data: Any) -> str:
    """JSON with sorted keys and floats by repr: equal data give equal text, whatever file they came from."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(*parts: str) -> str:
    """sha256 of texts, each kept apart from the next; 64 hex digits."""
    hashed = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        hashed.update(f"{len(encoded)}:".encode() + encoded)
    return hashed.hexdigest()


def run_key(model: str, scenario_hash: str, parameters: Any, seed: int, sources: str) -> str:
    """What a run is: the same key, the same table."""
    return digest(model, scenario_hash, canonical(parameters), str(seed), sources, str(RESULTS_SCHEMA))


@lru_cache(maxsize=1)
def source_hash() -> str:
    """sha256 over every source file of the model (`sim`), by name; what a result depends on beside its scenario."""
    return digest(*(part for name, text in _sources(files("sim"), "sim") for part in (name, text)))


def _sources(folder: Traversable, prefix: str) -> Iterable[tuple[str, str]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir() and item.name != "__pycache__":
            yield from _sources(item, f"{prefix}/{item.name}")
        elif item.name.endswith(".py"):
            yield f"{prefix}/{item.name}", item.read_text(encoding="utf-8")


def versions() -> dict[str, str]:
    """Python and the packages that shape a result, as installed."""
    found = {"python": platform.python_version()}
    for name in _REPORTED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
