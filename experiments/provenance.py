"""Provenance: canonical text and the content key of a run."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sim.provenance import digest, source_hash

SCENARIO_MODEL = "experiments.tasks:run_scenario"
"""What runs a case. Only Python can name another: a file never names code."""

STORE_SCHEMA = 1
"""Version of an experiment's folder: its files, their columns and their keys."""


def canonical(data: Any) -> str:
    """JSON with sorted keys and floats by repr: equal data give equal text, whatever file they came from."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def run_key(model: str, scenario_hash: str, parameters: Any, seed: int, sources: str) -> str:
    """What a run is: the same key, the same table. 64 hex digits."""
    return digest(model, scenario_hash, canonical(parameters), str(seed), sources, str(STORE_SCHEMA))


@lru_cache(maxsize=8)
def sources_of(model: str) -> str:
    """sha256 of the code that makes a model's results: all of `sim`, or the one module of a model named in Python."""
    if model == SCENARIO_MODEL:
        return source_hash()
    found = find_spec(model.partition(":")[0])
    return digest(Path(found.origin).read_text(encoding="utf-8")) if found and found.origin else ""
