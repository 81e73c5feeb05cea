"""Bench engines: a batch on local processes and on dask against the run times that the sequential engine measures.

Each engine fills a folder of its own in a process of its own, storing included; the tables must be the same bytes. Ideal
is the seconds of the sequential engine's runs, without storing, over the workers. The sequential engine may do fewer runs
than the others (the first seeds): ideal is then its mean run times all runs.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments import batch
from experiments.batch import EngineChoice
from experiments.bench_ensemble import rss_mb
from experiments.design import Design

PARALLEL = ("local", "dask")


def carry(engine: str, scenario: str, runs: int, workers: int, shared: int) -> dict[str, Any]:
    """Fill a new folder: seconds from the first to the last byte with the engine's start in them, seconds inside runs (of
    the first `shared` seeds too), the most this process grew, sha256 of the sorted table and of its part of those seeds."""
    with tempfile.TemporaryDirectory() as folder:
        store = batch.start(Design(scenario=scenario, seeds=tuple(range(1, runs + 1))), Path(folder) / "store")
        before, begun = rss_mb(), time.perf_counter()
        held = [before]
        batch.carry_out(store, EngineChoice(engine, workers), lambda _: held.append(rss_mb()))
        seconds = time.perf_counter() - begun
        held.append(rss_mb())
        inside = dict(zip(store.index()["seed"].to_pylist(), store.index()["wall_s"].to_pylist(), strict=True))
        first = range(1, shared + 1)
        return {
            "seconds": seconds,
            "growth_mb": max(held) - before,
            "inside_s": sum(inside.values()),
            "shared_inside_s": sum(inside[seed] for seed in first),
            "median_run_s": statistics.median(inside.values()),
            "sha256": store.write_table(Path(folder) / "table.parquet"),
            "shared_sha256": store.write_table(Path(folder) / "table.parquet", first),
        }


def race(scenario: str, runs: int, workers: int, reference: int, told: Callable[[str], None]) -> dict[str, Any]:
    """The sequential engine on the first `reference` seeds, then the others on all; `told` hears of each as it ends."""
    _alone("sequential", scenario, 2, 1, 2)  # fills the cache of compiled kernels for all
    alone = _alone("sequential", scenario, reference, 1, reference)
    told(f"sequential: {reference} runs, {alone['inside_s']:.1f} s inside them, {alone['seconds']:.1f} s in all")
    ideal = alone["inside_s"] / reference * runs / workers
    said: dict[str, Any] = {
        "scenario": scenario,
        "runs": runs,
        "workers": workers,
        "sequential_runs": reference,
        "sequential_s": alone["seconds"],
        "sequential_mean_run_s": alone["inside_s"] / reference,
        "sequential_median_run_s": alone["median_run_s"],
        "ideal_s": ideal,
    }
    found = {}
    for engine in PARALLEL:
        one = found[engine] = _alone(engine, scenario, runs, workers, reference)
        told(f"{engine}: {runs} runs in {one['seconds']:.1f} s, {one['seconds'] / ideal - 1:+.1%} to ideal")
        said |= {
            f"{engine}_s": one["seconds"],
            f"{engine}_over_ideal": one["seconds"] / ideal - 1,
            f"{engine}_runs_slower_in_company": one["shared_inside_s"] / alone["inside_s"] - 1,
            f"{engine}_idle_share": 1 - one["inside_s"] / workers / one["seconds"],
            f"{engine}_parent_growth_mb": one["growth_mb"],
        }
    same = len({one["shared_sha256"] for one in (alone, *found.values())}) == 1
    return said | {"equal_tables": same and len({one["sha256"] for one in found.values()}) == 1}


def _alone(engine: str, scenario: str, runs: int, workers: int, shared: int) -> dict[str, Any]:
    words = [sys.executable, "-m", "experiments.bench_engines", engine, scenario, str(runs), str(workers), str(shared)]
    said = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answer


if __name__ == "__main__":
    print(json.dumps(carry(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))))
