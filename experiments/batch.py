"""Batch: carries a store's missing chunks through an engine, and says how it goes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sim
from experiments.design import Design, Study, plan
from experiments.engines.base import Engine, Work, drive
from experiments.outcome import Outcome
from experiments.provenance import SCENARIO_MODEL, canonical, sources_of
from experiments.store import Mended, Store
from experiments.tasks import overrides, run_chunk
from sim.errors import UsageError
from sim.metrics import metrics
from sim.quantity import Quantity
from sim.scenario_io import assembled, read_layers

if TYPE_CHECKING:
    from sim.scenario import Scenario

ENGINES = ("sequential", "local", "dask")


@dataclass(frozen=True)
class Progress:
    """Where a batch stands: runs settled before it, done and failed in it, runs in all, seconds it has taken."""

    before: int
    done: int
    failed: int
    total: int
    elapsed_s: float

    @property
    def rate(self) -> float:
        """Runs a second, in this batch."""
        return (self.done + self.failed) / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def eta_s(self) -> float:
        """Seconds still to go at this rate; infinite before the first run."""
        left = self.total - self.before - self.done - self.failed
        return left / self.rate if self.rate else float("inf") if left else 0.0


Listener = Callable[[Progress], None]


@dataclass(frozen=True)
class EngineChoice:
    """Which engine, as asked on the command line."""

    name: str = "local"
    workers: int = 2
    scheduler: str = ""

    def start(self) -> Engine:
        """Raises UsageError on an unknown engine or a scheduler for one that has none."""
        if self.workers < 1:
            raise UsageError(f"--workers {self.workers}: give at least 1")
        if self.scheduler and self.name != "dask":
            raise UsageError("--scheduler is for --engine dask")
        if self.name == "sequential":
            from experiments.engines.sequential import SequentialEngine

            return SequentialEngine()
        if self.name == "dask":
            from experiments.engines.dask import DaskEngine

            return DaskEngine(self.workers, self.scheduler)
        if self.name == "local":
            from experiments.engines.local import LocalEngine

            return LocalEngine(self.workers)
        raise UsageError(f'no engine "{self.name}"; known: {", ".join(ENGINES)}')


def start(design: Design, folder: Path, model: str = SCENARIO_MODEL) -> Store:
    """A folder for a design: created, or opened when it holds the very same. `model` names code and comes from Python
    only.

    Raises ScenarioError when the scenario cannot be used, UsageError when the folder holds something else.
    """
    if model != SCENARIO_MODEL:
        return Store.create(folder, design, _study(design, model, {}), {})
    loaded = {name: sim.load(name) for name in design.scenarios}
    main = loaded[design.scenario]
    known = ranges_of(main) | uncertain_of(main)
    stated = {name: Outcome.of(item).text for name, item in main.outcomes.items()}
    whole = design.completed(known, stated)
    if whole.posterior:
        whole = whole.model_copy(update={"draws": _draws(whole)})
    study = _study(whole, model, {name: scenario.hash for name, scenario in loaded.items()})
    _try_settings(whole, study)
    _try_labels(whole, loaded)
    return Store.create(folder, whole, study, {name: canonical(scenario.plain()) for name, scenario in loaded.items()})


def _try_settings(design: Design, study: Study) -> None:
    """Read each policy's scenario with the first draw of every set of names, and with both ends and each listed value of
    every uncertainty, and its clock against the outcomes: a wrong name or range is told before a folder is made."""
    dims = {metric.name: metric.dims for metric in metrics()}
    layers = cache(read_layers)
    seen: set[tuple[str, ...]] = set()
    for entry, case in plan(design, study, design.seeds[:1]):
        names = (entry.policy, *(path for path, _ in case.settings))
        if names in seen:
            continue
        seen.add(names)
        clock = assembled(layers(case.scenario), overrides(case)).clock
        for outcome in design.parsed_outcomes.values():
            outcome.check(dims, clock)
        for name, factor in design.factors.items():
            for end in factor.ends:
                tried = tuple(sorted({**dict(case.settings), factor.path or name: end}.items()))
                assembled(layers(case.scenario), overrides(replace(case, settings=tried)))


def _try_labels(design: Design, loaded: Mapping[str, Scenario]) -> None:
    """Every label that an outcome names is some world's, told before a folder is made."""
    filtered = [outcome for outcome in design.parsed_outcomes.values() if outcome.filters]
    if filtered:
        from experiments.labels import labels_of  # a world is built for it: Mesa and numba are waited for

        worlds = [labels_of(scenario) for scenario in loaded.values()]
        known = {dim: [label for labels in worlds for label in labels[dim]] for dim in worlds[0]}
        for outcome in filtered:
            outcome.check_labels(known)


def _draws(design: Design) -> dict[str, tuple[dict[str, float], ...]]:
    """The draws of every policy's scenario, without what its levers and settings state."""
    found = {}
    for name, policy in design.all_policies().items():
        settings = tuple(f"{path}={json.dumps(value)}" for path, value in {**design.constants, **policy.settings}.items())
        fitted = sim.load(policy.scenario or design.scenario, (*policy.levers, *settings)).posterior
        found[name] = tuple(dict(draw) for draw in fitted.draws)
    return found


def ranges_of(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """Every behaviour parameter that carries a range, as a uniform factor by its path."""
    found = {}
    for name in type(scenario.behaviour).model_fields:
        value = getattr(scenario.behaviour, name)
        if not isinstance(value, str) and value.low < value.high:
            found[f"behaviour.{name}"] = {"low": value.low, "high": value.high}
    return found


def uncertain_of(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """What the scenario declares uncertain as factors by name; one without ends takes the range its value states. Raises
    UsageError where that states none."""
    found = {}
    for name, item in scenario.uncertainties.items():
        words = item.model_dump(exclude={"source"})
        if item.low is None and item.high is None and not item.values:
            low, high = range_at(scenario, item.path)
            if not low < high:
                raise UsageError(f'the uncertainty "{name}" has no range, and {item.path} states none; write low and high')
            words |= {"low": low, "high": high}
        found[name] = words
    return found


def range_at(scenario: Scenario, path: str) -> tuple[float, float]:
    """Low and high that the value at a dotted path states; equal where it states no range."""
    here = _at(scenario, path)
    return (float(here.low), float(here.high)) if isinstance(here, Quantity) else (0.0, 0.0)


def value_at(scenario: Scenario, path: str) -> float:
    """The number at a dotted path."""
    here = _at(scenario, path)
    return float(here.value if isinstance(here, Quantity) else here)


def _at(scenario: Scenario, path: str) -> Any:
    here: Any = scenario
    for word in path.split("."):
        here = here[word] if isinstance(here, Mapping) else getattr(here, word)
    return here


def _study(design: Design, model: str, hashes: Mapping[str, str]) -> Study:
    for text in design.outcomes.values():
        Outcome.parse(text)
    scenarios = tuple((name, hashes.get(name, "")) for name in design.scenarios)
    return Study(model, scenarios, sources_of(model), design.recording, tuple(sorted(design.outcomes.items())))


def carry_out(
    store: Store,
    choice: EngineChoice,
    listen: Listener = lambda progress: None,
    retry_failed: bool = False,
    work: Work = run_chunk,
) -> tuple[Progress, Mended]:
    """Do what is missing in a store and write its failures. Raises StoreError when another process holds the folder
    or the disk
    refuses, EngineLostError when the engine goes; what is finished stays either way."""
    store.check_sources()
    with store.lock():
        mended = store.mend()
        progress = _carry(store, choice, listen, retry_failed, work)
        store.write_failures()
    return progress, mended


def _carry(store: Store, choice: EngineChoice, listen: Listener, retry_failed: bool, work: Work) -> Progress:
    begun, total = time.perf_counter(), store.n_runs()
    chunks = list(store.missing(retry_failed))
    progress = Progress(total - sum(len(chunk.cases) for chunk in chunks), 0, 0, total, 0.0)
    listen(progress)
    if not chunks:
        return progress
    try:
        with choice.start() as engine:
            for report in drive(engine, chunks, work):
                progress = Progress(
                    progress.before,
                    progress.done + report.done,
                    progress.failed + len(report.failed),
                    total,
                    time.perf_counter() - begun,
                )
                listen(progress)
    except BaseException:
        store.write_failures()
        raise
    return progress
