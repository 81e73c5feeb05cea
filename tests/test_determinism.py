"""Same seed, same bits: whatever Python's hash seed, the order in which things are listed, or the age of the kernels;
and what nobody uses (an actor, a part, a rule, an observable) changes no number of anybody else."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from sim.metrics import METRICS, Tally, metrics
from sim.metrics.base import Series, metric
from sim.scenario import Scenario
from sim.scenario_io import loads

ROOT = Path(__file__).parent.parent
SEED = 7
RUN = "import sys, sim; print(sim.run(sim.load(sys.argv[1]), seed=int(sys.argv[2])).hash)"

TEACHING = "teaching/grey-market"
WORLDS = [TEACHING, pytest.param("history", marks=pytest.mark.slow)]

UNUSED = {
    "lab": "world: {actors: {NAME: {kind: lab, subkind: lab, seat: CN, hq: CN}}}",
    "distributor": "world: {actors: {NAME: {kind: distributor, subkind: reseller, seat: KR, hq: KR}}}",
    "chipmaker": "world: {actors: {NAME: {kind: chipmaker, subkind: merchant, seat: US, hq: US}}}",
    "government": "world: {actors: {NAME: {kind: government, subkind: ally, seat: US, hq: US}}}",
    "supplier": "world: {actors: {NAME: {kind: supplier, subkind: tools, seat: US, hq: US}}}",
    "part": """world: {chips: {NAME: {vendor: VENDOR, fp16_dense_tflops: 900, tpp: 14400, die_area_mm2: 800, pd: 18,
      memory_gb: 80, membw_gbps: 3000, io_gbps: 800, list_price_usd: 20000, unit_cost_usd: 3000, hbm_stacks: 5,
      dies: 1, packages_per_wafer: 28, fab_jurisdiction: FAB, design_jurisdiction: US}}}""",
    "rule": """rules: {NAME: {by: US, kind: control_rule, announced: START, since: START,
      effects: [{lever: threshold, chips: {tpp_at_least: 900000}, where: [{destination: [CN]}]}]}}""",
}


@cache
def base(world: str) -> sim.Result:
    return sim.run(sim.load(world), seed=SEED)


def hash_elsewhere(world: str, **environment: str) -> str:
    """The hash of a run in a process of its own."""
    told = subprocess.run([sys.executable, "-c", RUN, world, str(SEED)], cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=900, env={**os.environ, **environment})
    assert told.returncode == 0, told.stderr
    return told.stdout.split()[-1]


def told_apart(first: sim.Result, second: sim.Result) -> list[str]:
    """Tables of two runs that differ in some bit."""
    return [name for name, said in first.hashes.items() if second.hashes[name] != said]


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_a_run_does_not_depend_on_pythons_hashes(world: str, hash_seed: str) -> None:
    assert hash_elsewhere(world, PYTHONHASHSEED=hash_seed) == base(world).hash


@pytest.mark.slow
def test_a_run_does_not_depend_on_the_age_of_kernels(tmp_path: Path) -> None:
    fresh = hash_elsewhere(TEACHING, NUMBA_CACHE_DIR=str(tmp_path))
    cached = hash_elsewhere(TEACHING, NUMBA_CACHE_DIR=str(tmp_path))
    assert fresh == cached == base(TEACHING).hash


@pytest.mark.parametrize("world", WORLDS)
def test_a_run_can_be_repeated_in_one_process(world: str) -> None:
    assert not told_apart(base(world), sim.run(sim.load(world), seed=SEED))


def test_another_seed_is_another_run() -> None:
    """The tests above would pass on a hash that hears nothing."""
    assert sim.run(sim.load(TEACHING), seed=SEED + 1).hash != base(TEACHING).hash


def reordered(scenario: Scenario, order: Callable[[list[Any]], list[Any]]) -> Scenario:
    """The scenario with every map of its world, and its rules, listed in another order."""
    world = {name: dict(order(list(value.items()))) for name in type(scenario.world).model_fields
             if isinstance(value := getattr(scenario.world, name), dict)}
    return scenario.model_copy(update={"world": scenario.world.model_copy(update=world),
                                       "rules": dict(order(list(scenario.rules.items())))})


def backwards(items: list[Any]) -> list[Any]:
    return items[::-1]


def shuffled(items: list[Any]) -> list[Any]:
    return random.Random(len(items)).sample(items, len(items))


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("order", [backwards, shuffled])
def test_the_order_of_a_file_is_nothing(world: str, order: Callable[[list[Any]], list[Any]]) -> None:
    assert not told_apart(base(world), sim.run(reordered(sim.load(world), order), seed=SEED))


def without(result: sim.Result, name: str) -> dict[str, Any]:
    """Everything a run says, save what is said of one name: bytes of each panel, trades by name, events without the
    places of their causes."""
    said: dict[str, Any] = {}
    for metric_name, panel in result.panels().items():
        kept = [row for row, key in enumerate(panel.keys) if name not in key]
        said[metric_name] = ([panel.keys[row] for row in kept], np.ascontiguousarray(panel.values[kept]).tobytes())
    said["trades"] = result.hashes["trades"]
    said["events"] = [event._replace(cause=0) for event in result.events if name not in event]
    return said


def with_unused(world: str, what: str, name: str) -> Scenario:
    """A world with one more of something, of a kind that world has."""
    scenario = sim.load(world)
    like = next(chip for _, chip in sorted(scenario.world.chips.items()) if chip.design_jurisdiction == "US")
    body = UNUSED[what]
    for word, said in (("NAME", name), ("START", str(scenario.time.start)), ("VENDOR", like.vendor),
                       ("FAB", like.fab_jurisdiction)):
        body = body.replace(word, said)
    return loads(f"schema: 1\ntitle: with one more\nextends: {world}\n{body}\n")


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", ["aaa_unused", "zzz_unused"])
@pytest.mark.parametrize("what", UNUSED)
def test_what_nobody_uses_changes_nothing(world: str, name: str, what: str) -> None:
    before = without(base(world), name)
    after = without(sim.run(with_unused(world, what, name), seed=SEED), name)
    assert [table for table in before if before[table] != after[table]] == []


@pytest.fixture
def another_metric() -> Iterator[str]:
    @metric(unit="weeks", over_time="sum", name="aaa_weeks_counted")
    def counted(tally: Tally) -> Series:
        """Weeks of the run."""
        return Series([()], np.ones((1, tally.n_ticks)))

    metrics.cache_clear()
    yield counted.name
    del METRICS._items[counted.name]
    metrics.cache_clear()


def test_another_observable_changes_nothing(another_metric: str) -> None:
    result = sim.run(sim.load(TEACHING), seed=SEED)
    assert another_metric in [one.name for one in metrics()]
    assert another_metric in result.hashes
    assert told_apart(base(TEACHING), result) == []
