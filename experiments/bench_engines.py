"""Bench engines: a batch on local processes and on dask against the run times that the sequential engine measures.

Each engine fills a folder of its own in a process of its own, storing included; the tables must be the same bytes. Ideal
is the seconds of the sequential engine's runs, without storing, over the workers.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from experiments import batch
from experiments.batch import EngineChoice
from experiments.bench_ensemble import rss_mb
from experiments.design import Design

PARALLEL = ("local", "dask")


def carry(engine: str, scenario: str, runs: int, workers: int) -> dict[str, Any]:
    """Fill a new folder: seconds from the first to the last byte with the engine's start in them, seconds inside runs,
    growth of this process, sha256 of the sorted table."""
    with tempfile.TemporaryDirectory() as folder:
        store = batch.start(Design(scenario=scenario, seeds=tuple(range(1, runs + 1))), Path(folder) / "store")
        before, begun = rss_mb(), time.perf_counter()
        batch.carry_out(store, EngineChoice(engine, workers))
        seconds, growth = time.perf_counter() - begun, rss_mb() - before
        inside = store.index()["wall_s"].to_pylist()
        return {
            "seconds": seconds,
            "growth_mb": growth,
            "inside_s": sum(inside),
            "median_run_s": statistics.median(inside),
            "sha256": store.write_table(Path(folder) / "table.parquet"),
        }


def race(scenario: str, runs: int, workers: int) -> dict[str, Any]:
    """The sequential engine, then the others, on the same seeds."""
    _alone("sequential", scenario, 2, 1)  # fills the cache of compiled kernels for all
    reference = _alone("sequential", scenario, runs, 1)
    ideal = reference["inside_s"] / workers
    said: dict[str, Any] = {
        "scenario": scenario,
        "runs": runs,
        "workers": workers,
        "sequential_s": reference["seconds"],
        "sequential_median_run_s": reference["median_run_s"],
        "ideal_s": ideal,
    }
    found = {engine: _alone(engine, scenario, runs, workers) for engine in PARALLEL}
    for engine, one in found.items():
        said |= {
            f"{engine}_s": one["seconds"],
            f"{engine}_over_ideal": one["seconds"] / ideal - 1,
            f"{engine}_runs_slower_in_company": one["inside_s"] / reference["inside_s"] - 1,
            f"{engine}_idle_share": 1 - one["inside_s"] / workers / one["seconds"],
            f"{engine}_parent_growth_mb": one["growth_mb"],
        }
    return said | {"equal_tables": len({one["sha256"] for one in (reference, *found.values())}) == 1}


def _alone(engine: str, scenario: str, runs: int, workers: int) -> dict[str, Any]:
    words = [sys.executable, "-m", "experiments.bench_engines", engine, scenario, str(runs), str(workers)]
    said = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answer


if __name__ == "__main__":
    print(json.dumps(carry(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
