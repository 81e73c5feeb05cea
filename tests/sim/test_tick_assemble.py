"""Chinese output: parts whose foundry is closed end, memory is bought ahead of a bar, and what holds output changes in time."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest

import sim
from sim.results import Result
from sim.scenario_io import assembled, read_layers


@lru_cache(maxsize=4)
def until_2025(*overrides: str) -> Result:
    return sim.run(sim.load("history", ("time.end=2025-03-31", *overrides)), 1)


@lru_cache(maxsize=2)
def as_stated(*overrides: str) -> Result:
    """The same with the values that the files state, so that what a bar moves is not told by the last fit."""
    return sim.run(assembled(read_layers("history", unfitted=True), ("time.end=2025-03-31", *overrides)), 1)


def read(result: Result, name: str, window: str, **filters: Any) -> float:
    panel = result.panel(name).select(**filters)
    return float(panel.by().over(result.clock.window(window))[0]) if panel.keys else 0.0


def test_a_part_made_abroad_ends_with_its_fab_lane_and_its_orders_with_it() -> None:
    result = until_2025()
    assert read(result, "fab_output_chips", "2023H1", vendor="biren") > 0
    assert read(result, "fab_output_chips", "2024", vendor="biren") == 0
    assert read(result, "queue_chips", "2024-06", vendor="biren") == 0
    others = [read(result, "fab_output_chips", "2024Q1", vendor=name) for name in ("cambricon", "hygon", "kunlun")]
    assert min(others) > 0 and max(others) < 1.1 * min(others)  # what it leaves is made by the others


def test_memory_is_bought_before_the_bar_and_most_of_it_once_the_bar_is_announced() -> None:
    stock = as_stated().panel("hbm_stock").by()
    before, at_bar = (stock.over(as_stated().clock.window(month))[0] for month in ("2024-11", "2024-12"))
    assert before > 5 * stock.over(as_stated().clock.window("2023-06"))[0]
    assert at_bar - before > before  # in the four weeks between announcement and rule
    unfeared = as_stated("behaviour.stockpiling=off").panel("hbm_stock").by()
    assert unfeared.over(as_stated().clock.window("2024-12"))[0] < 0.2 * at_bar


def test_memory_bars_bind_late_and_freeing_it_raises_output_then() -> None:
    runs = [sim.run(sim.load(name, ("behaviour.memory_rush_stacks_per_week=118000",)), 1) for name in ("hbm-free", "history")]
    free, barred = ([read(run, "fab_output_chips", year, vendor="huawei") for year in ("2024", "2025", "2026")] for run in runs)
    assert free[0] == pytest.approx(barred[0], rel=0.02)  # packaging held 2024
    assert free[1] >= barred[1] and free[2] > 1.1 * barred[2]
    assert read(runs[1], "bottleneck", "2026H2", vendor="huawei", input="memory") > 0.5
    assert read(runs[1], "bottleneck", "2024", vendor="huawei", input="memory") == 0.0


def test_yield_of_huaweis_line_follows_the_record_it_is_given() -> None:
    line = until_2025().panel("yield").select(vendor="huawei").by()
    mid_2024, early_2025 = (line.over(until_2025().clock.window(month))[0] for month in ("2024-06", "2025-02"))
    assert 0.2 < mid_2024 < 0.5 and 0.35 < early_2025 < 0.42


def test_without_substitution_nobody_turns_to_domestic_parts_without_a_mandate() -> None:
    off = until_2025("behaviour.substitution=off")
    assert read(off, "cards_share", "2024", to="CN", origin="domestic", by="units") < 0.02
    assert read(until_2025(), "cards_share", "2024", to="CN", origin="domestic", by="units") > 0.2
