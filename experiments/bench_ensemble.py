"""Bench ensemble: our local engine against mesa.batch_run, driving the same World on as many processes to equal tables.

Each side runs in a process of its own, in turns, so that neither inherits the other's memory or luck. Mesa's side is
given what it needs to keep up: a scenario read once a process, every week's headline series collected at the end of a
run.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import psutil
from numpy.typing import NDArray

import sim
from experiments import batch
from experiments.batch import EngineChoice
from experiments.design import Case, Design, Study
from experiments.store import Store
from experiments.tasks import Ran, run_scenario
from sim.door import forget
from sim.results import Result

BAD_SEED = 3
"""The seed whose run raises, in the part of the race about losing runs."""

_TEXT = ("run_id", "run_key", "scenario", "policy", "draw", "seed", "date", "unit", "tick", "value")

Series = dict[str, NDArray[np.float64]]


class BatchWorld(mesa.Model):  # type: ignore[misc]
    """A World as mesa.batch_run wants it: parameters in, steps, and a data collector with the headline series."""

    def __init__(self, scenario: str, seed: int, raises: bool = False) -> None:
        super().__init__(seed=seed)
        if raises and seed == BAD_SEED:
            raise ValueError(f"seed {seed} raises")
        self.world = sim.build(_scenario(scenario), seed)
        self.own_seed, self.name = seed, scenario
        self.weeks = self.world.frame.clock.n_ticks
        self.datacollector = mesa.DataCollector()

    def step(self) -> None:
        self.world.step()
        if self.steps == self.weeks:
            self.world.record.trades = self.world.trades.joined()
            result = Result.from_record(self.world.record, _scenario(self.name), self.own_seed, "headline")
            self.datacollector.model_vars = {
                name: values.tolist() for name, values in series_of(result.table(), self.weeks).items()
            }
            self.running = False
            forget(self.world)


@lru_cache(maxsize=1)
def _scenario(name: str) -> Any:
    return sim.load(name)


def run_or_raise(study: Study, case: Case) -> Ran:
    """A scenario's run, but on one seed, which raises."""
    if case.seed == BAD_SEED:
        raise ValueError(f"seed {case.seed} raises")
    return run_scenario(study, case)


def series_of(table: Any, weeks: int) -> Series:
    """A run's tidy table as one column a series, (n_weeks,), NaN where it has no value."""
    dims = [name for name in table.column_names if name not in _TEXT]
    names = [
        "|".join(str(word) for word in row if word is not None)
        for row in zip(*(table[dim].to_pylist() for dim in dims), strict=True)
    ]
    found: Series = {}
    for name, tick, value in zip(names, table["tick"].to_pylist(), table["value"].to_pylist(), strict=True):
        found.setdefault(name, np.full(weeks, np.nan))[tick] = value
    return found


def digest_of(runs: Iterable[tuple[int, Series]]) -> str:
    """sha256 over the values of every series of every run, by seed and name; a value that is none is none."""
    hashed = hashlib.sha256()
    for seed, series in sorted(runs, key=lambda item: item[0]):
        for name in sorted(series):
            hashed.update(f"{seed} {name}".encode() + np.nan_to_num(series[name], nan=-1e300).tobytes())
    return hashed.hexdigest()


# --- one side, in a process of its own ---


def ours(scenario: str, runs: int, workers: int) -> dict[str, Any]:
    """Our side: seconds with storing, growth of the parent, digest of what was stored."""
    with tempfile.TemporaryDirectory() as folder:
        design = Design(scenario=scenario, seeds=tuple(range(1, runs + 1)))
        store = batch.start(design, Path(folder) / "store")
        before, begun = rss_mb(), time.perf_counter()
        batch.carry_out(store, EngineChoice("local", workers))
        seconds, growth = time.perf_counter() - begun, rss_mb() - before
        return {"seconds": seconds, "growth_mb": growth, "digest": digest_of(_stored(store, scenario))}


def _stored(store: Store, scenario: str) -> Iterable[tuple[int, Series]]:
    weeks = sim.load(scenario).clock.n_ticks
    seeds = {entry.run_key: entry.seed for entry, _ in store.plan()}
    return ((seeds[key], series_of(table, weeks)) for key, table in store.series(seeds))


def mesas(scenario: str, runs: int, workers: int) -> dict[str, Any]:
    """Mesa's side: seconds, growth of the parent, digest of what it returned."""
    before, begun = rss_mb(), time.perf_counter()
    rows = mesa.batch_run(
        BatchWorld,
        {"scenario": scenario, "seed": list(range(1, runs + 1))},
        number_processes=workers,
        data_collection_period=1,
        max_steps=10**6,
        display_progress=False,
    )
    seconds, growth = time.perf_counter() - begun, rss_mb() - before
    return {"seconds": seconds, "growth_mb": growth, "digest": digest_of(_returned(rows))}


def _returned(rows: list[Mapping[str, Any]]) -> Iterable[tuple[int, Series]]:
    by_seed: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_seed.setdefault(row["seed"], []).append(row)
    about = {"RunId", "iteration", "Step", "scenario", "seed"}
    for seed, own in by_seed.items():
        yield seed, {name: np.array([row[name] for row in own]) for name in own[0] if name not in about}


def kept_of_eight(scenario: str, workers: int) -> dict[str, int]:
    """Runs left of eight when one raises: ours, Mesa's."""
    with tempfile.TemporaryDirectory() as folder:
        design = Design(scenario=scenario, seeds=tuple(range(1, 9)))
        store = batch.start(design, Path(folder) / "store")
        store = _with_model(store, "experiments.bench_ensemble:run_or_raise")
        batch.carry_out(store, EngineChoice("local", workers))
        kept = sum(said == "done" for said in store.status_by_run().values())
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            rows = mesa.batch_run(
                BatchWorld,
                {"scenario": scenario, "seed": list(range(1, 9)), "raises": True},
                number_processes=workers,
                display_progress=False,
            )
    except ValueError:
        rows = []
    return {"ours": kept, "mesa": len({row["seed"] for row in rows})}


def _with_model(store: Store, model: str) -> Store:
    """The same folder with another model named; only a bench does this to a store nothing has been run in."""
    from experiments.provenance import sources_of
    from experiments.store import write_whole

    manifest = store.manifest
    manifest["study"] |= {"model": model, "sources": sources_of(model)}
    write_whole(store.folder / "manifest.json", json.dumps(manifest).encode())
    return Store.open(store.folder)


def rss_mb() -> float:
    """Memory that this process holds, MiB."""
    return float(psutil.Process().memory_info().rss) / 2**20


# --- the race ---


def race(scenario: str, runs: int, workers: int, pairs: int) -> dict[str, Any]:
    """Both sides in turns, `pairs` times; medians, the median of the paired ratios, and whether the tables are
    equal."""
    _alone("ours", scenario, 2, 1)  # fills the cache of compiled kernels for both sides
    found: dict[str, list[dict[str, Any]]] = {"ours": [], "mesa": []}
    for pair in range(pairs):
        for side in ("ours", "mesa") if pair % 2 == 0 else ("mesa", "ours"):
            found[side].append(_alone(side, scenario, runs, workers))
    ratios = [theirs["seconds"] / own["seconds"] for own, theirs in zip(found["ours"], found["mesa"], strict=True)]
    kept = _alone("kept", "teaching/scarcity", 8, workers)
    return {
        "scenario": scenario,
        "runs": runs,
        "workers": workers,
        "pairs": pairs,
        "our_runs_per_s": statistics.median(runs / one["seconds"] for one in found["ours"]),
        "mesa_runs_per_s": statistics.median(runs / one["seconds"] for one in found["mesa"]),
        "throughput_ratio": statistics.median(ratios),
        "ratio_low": min(ratios),
        "ratio_high": max(ratios),
        "our_parent_growth_mb": max(one["growth_mb"] for one in found["ours"]),
        "mesa_parent_growth_mb": max(one["growth_mb"] for one in found["mesa"]),
        "equal_tables": len({one["digest"] for side in found.values() for one in side}) == 1,
        "ours_kept_of_8_when_one_raises": kept["ours"],
        "mesa_kept_of_8_when_one_raises": kept["mesa"],
    }


def _alone(side: str, scenario: str, runs: int, workers: int) -> dict[str, Any]:
    words = [sys.executable, "-m", "experiments.bench_ensemble", side, scenario, str(runs), str(workers)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answer


def _main(side: str, scenario: str, runs: str, workers: str) -> None:
    if side == "kept":
        print(json.dumps(kept_of_eight(scenario, int(workers))))
    else:
        print(json.dumps({"ours": ours, "mesa": mesas}[side](scenario, int(runs), int(workers))))


if __name__ == "__main__":
    _main(*sys.argv[1:])
