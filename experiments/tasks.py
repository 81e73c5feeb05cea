"""Tasks: what a worker does. A case becomes a run, a chunk of cases becomes one segment of the store.

A run that raises becomes a failed row with the command that reproduces it; it never takes another run with it.
"""

from __future__ import annotations

import importlib
import json
import shlex
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from experiments.chunk import Chunk, ChunkReport, RunOutput
from experiments.design import Case, Study
from experiments.outcome import Outcome, Readable
from experiments.provenance import SCENARIO_MODEL, sources_of
from experiments.store import write_segment
from sim.errors import ChokepointError


class Ran(Readable, Protocol):
    """What a model leaves: readable by outcomes, and a tidy pyarrow table."""

    def table(self) -> Any: ...


Model = Callable[[Study, Case], Ran]


class SourcesDifferError(ChokepointError):
    """A worker has other sources than the parent: its runs would be of another model."""

    exit_code = 2


def run_chunk(chunk: Chunk) -> ChunkReport:
    """Run every case of a chunk and write its segment. Raises StoreError when the disk refuses, SourcesDifferError
    likewise."""
    check_sources(chunk.study)
    outputs = [run_case(chunk.study, case) for case in chunk.cases]
    write_segment(Path(chunk.study.folder), chunk.key, outputs)
    failed = tuple((out.run_key, out.error, out.reproduce) for out in outputs if out.status == "failed")
    return ChunkReport(chunk.key, len(outputs) - len(failed), failed, sum(out.wall_s for out in outputs))


def poison(chunk: Chunk) -> ChunkReport:
    """Record the one case of a chunk that killed its worker on every try as failed."""
    (case,) = chunk.cases
    error = (
        f"the worker process died on each of {chunk.tries} tries (killed, out of memory, or a crash in compiled code)"
    )
    out = RunOutput(case.run_key, case.seed, "failed", 0.0, reproduce(chunk.study, case), error=error, finished=_now())
    write_segment(Path(chunk.study.folder), chunk.key, [out])
    return ChunkReport(chunk.key, 0, ((out.run_key, out.error, out.reproduce),), 0.0)


def run_case(study: Study, case: Case) -> RunOutput:
    """Run one case and read its outcomes; an exception of the model becomes a failed run."""
    begun = time.perf_counter()
    command = reproduce(study, case)
    try:
        ran = model_of(study.model)(study, case)
        outcomes = {name: Outcome.parse(text).read(ran) for name, text in study.outcomes}
        table = ran.table()
    except Exception as error:
        wall_s = time.perf_counter() - begun
        said = f"{type(error).__name__}: {error}" if not isinstance(error, ChokepointError) else str(error)
        return RunOutput(
            case.run_key,
            case.seed,
            "failed",
            wall_s,
            command,
            error=said,
            trace=traceback.format_exc(),
            finished=_now(),
        )
    return RunOutput(
        case.run_key, case.seed, "done", time.perf_counter() - begun, command, outcomes, table, finished=_now()
    )


def check_sources(study: Study) -> None:
    """Raises SourcesDifferError when this process would run another model than the study's."""
    here = sources_of(study.model)
    if study.sources != here:
        raise SourcesDifferError(
            f"the model's sources here ({here[:12]}) are not those of the experiment ({study.sources[:12]}); "
            "install the same version on every machine and start the workers again"
        )


@lru_cache(maxsize=8)
def model_of(name: str) -> Model:
    """The function behind "package.module:function"."""
    module, _, function = name.partition(":")
    model: Model = getattr(importlib.import_module(module), function)
    return model


def run_scenario(study: Study, case: Case) -> Ran:
    """The model of every design file: a stored scenario with the case's settings, run by `sim.run`."""
    import sim

    scenario = _scenario(study.scenario_file(case.scenario), overrides(case))
    ran: Ran = sim.run(scenario, seed=case.seed, recording=study.recording)
    return ran


@lru_cache(maxsize=2)
def _scenario(path: Path, words: tuple[str, ...]) -> Any:
    """A stored scenario with overrides; kept, as the seeds of a draw follow one another."""
    from sim.scenario_io import assembled

    return assembled(_layers(path), words)


@lru_cache(maxsize=4)
def _layers(path: Path) -> Any:
    from sim.scenario_io import read_layers

    return read_layers(path)


def overrides(case: Case) -> tuple[str, ...]:
    """Settings in the words of `--set`, after the named levers."""
    return (*case.levers, *(f"{path}={json.dumps(value)}" for path, value in case.settings))


def reproduce(study: Study, case: Case) -> str:
    """The one line that runs a case alone."""
    if study.model != SCENARIO_MODEL:
        return f"python -c {shlex.quote(_python(study, case))}"
    words = ["chokepoint", "run", case.scenario]
    words += [word for lever in case.levers for word in ("--set", lever)]
    words += [word for path, value in case.settings for word in ("--set", f"{path}={json.dumps(value)}")]
    return shlex.join([*words, "--seed", str(case.seed)])


def _python(study: Study, case: Case) -> str:
    module, _, function = study.model.partition(":")
    return f"from experiments.design import *; from {module} import {function}; {function}({study!r}, {case!r})"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
