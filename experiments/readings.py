"""Readings: the numbers that facts ask of runs, each run once. What a run said is kept in a file under the key of scenario, seed,
sources and facts, so that work that stopped goes on where it was."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from experiments.facts import Facts, Readable, read_facts
from experiments.provenance import canonical
from experiments.workers import each
from sim.errors import ChokepointError
from sim.provenance import digest, source_hash

KEPT = Path("runs") / ".readings"
"""Where readings are kept, below the working directory."""

Reading = dict[str, list[float]]
"""By fact, the numbers of its `readings`; NaN where the run has none."""


@dataclass(frozen=True)
class Job:
    """One run and the facts to read off it. facts: name or path of their file; ids: which of them; unfitted: without the
    posterior that the scenario names."""

    scenario: str
    settings: tuple[str, ...]
    seed: int
    facts: str
    ids: tuple[str, ...]
    unfitted: bool = False

    @property
    def command(self) -> str:
        """What repeats the run."""
        said = "".join(f" --set {setting}" for setting in self.settings)
        return f"chokepoint run {self.scenario}{said} --seed {self.seed}"


@dataclass(frozen=True)
class Lost:
    """A run that failed: the error, and the command that repeats it."""

    error: str
    command: str


def read_off(run: Readable, facts: Facts, ids: Sequence[str]) -> Reading:
    """The numbers of the named facts."""
    return {name: [part.read(run) for part in facts.facts[name].readings] for name in ids}


def read_job(job: Job) -> Reading | Lost:
    """Run a job, or take what an earlier run of the same said; a failure becomes a Lost."""
    import sim
    from sim.scenario_io import assembled

    try:
        facts = _facts(job.facts)
        scenario = assembled(_layers(job.scenario, job.unfitted), job.settings)
        asked = {name: [part.model_dump(mode="json") for part in facts.facts[name].readings] for name in job.ids}
        file = KEPT / f"{digest(scenario.hash, str(job.seed), source_hash(), canonical(asked))[:32]}.json"
        if file.is_file():
            return _parsed(file.read_text(encoding="utf-8"))
        said = read_off(sim.run(scenario, seed=job.seed, recording="headline"), facts, job.ids)
    except ChokepointError as error:
        return Lost(str(error), job.command)
    except Exception as error:  # a defect in one run must not take the others with it
        return Lost(f"{type(error).__name__}: {error}", job.command)
    _keep(file, said)
    return said


def _parsed(text: str) -> Reading:
    return {name: [math.nan if value is None else value for value in values] for name, values in json.loads(text).items()}


def _keep(file: Path, said: Reading) -> None:
    plain = {name: [value if math.isfinite(value) else None for value in values] for name, values in said.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    spare = file.with_suffix(f".{os.getpid()}.tmp")
    spare.write_text(json.dumps(plain), encoding="utf-8")
    os.replace(spare, file)


@lru_cache(maxsize=4)
def _facts(said: str) -> Facts:
    return read_facts(said)


@lru_cache(maxsize=4)
def _layers(said: str, unfitted: bool) -> Any:
    from sim.scenario_io import read_layers

    return read_layers(said, unfitted)


def read_jobs(jobs: Sequence[Job], workers: int, told: Callable[[int, int], None]) -> Mapping[Job, Reading | Lost]:
    """Every job's reading, on this process or several; `told` hears of each that is done."""
    return dict(zip(jobs, each(read_job, [(job,) for job in jobs], workers, told), strict=True))
