"""A single run from its name to its folder."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sim
from experiments.common import Bar, name_of
from experiments.easel import Easel
from experiments.report import PATTERNS_FILE, marks_of, page, patterns_of, template
from sim.results import Result, check_replaceable
from sim.scenario import Scenario
from sim.tables import Rest, Tables


def run_one(
    scenario: str, settings: Sequence[str], seed: int, recording: str = "standard", progress: Any = None
) -> Result:
    """Load, simulate and label. Raises ScenarioError for a scenario that cannot be used."""
    return _run(sim.load(scenario, settings), scenario, settings, seed, recording, progress)


def _run(
    loaded: Scenario, scenario: str, settings: Sequence[str], seed: int, recording: str, progress: Any
) -> Result:
    started = time.perf_counter()
    result = sim.run(loaded, seed, recording, progress)
    result.name, result.asked, result.overrides = name_of(scenario), scenario, tuple(settings)
    result.wall_s = time.perf_counter() - started
    return result


def run_and_write(scenario: str, settings: Sequence[str], seed: int, recording: str, folder: Path, bar: Bar) -> Result:
    """Simulate a scenario and write its folder, report included; the folder is whole or absent."""
    check_replaceable(folder)
    loaded = sim.load(scenario, settings)
    with Easel() as easel:
        try:
            result = _run(loaded, scenario, settings, seed, recording, bar)
        finally:
            bar.close()
        result.write(folder, fill=lambda tables, spare: _beside(result, tables, spare, easel))
    return result


@contextmanager
def _beside(result: Result, tables: Tables, spare: Path, easel: Easel) -> Iterator[Rest]:
    """Have the tables written and the charts drawn by the easel; the rest is what the run shows of the patterns, and its page."""

    def rest(manifest: Mapping[str, Any]) -> dict[str, bytes]:
        patterns = patterns_of(result)
        template()  # read while the charts are drawn
        kept = {PATTERNS_FILE: json.dumps(patterns, indent=1).encode()} if patterns else {}
        return {**kept, "report.html": page(manifest, drawn(), result.scenario.summary, patterns).encode()}

    try:
        drawn = easel.begin(tables, marks_of(result), spare)
        yield rest
    except BaseException:
        easel.stop()  # before the folder is cleared away
        raise
