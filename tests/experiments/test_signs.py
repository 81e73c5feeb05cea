"""Signs that any expert would expect, over paired seeds; where the model disagrees a trace of events should say why."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

import sim
from experiments.claims import rented_abroad, training_inside
from experiments.patterns import domestic_share, mean_of, smuggled, window_of
from sim.results import Result

SEEDS = (1, 2, 3)


@cache
def run(scenario: str, seed: int, *overrides: str) -> Result:
    return sim.run(sim.load(scenario, overrides), seed)


def means(of: Callable[[Result], float], *scenarios: str) -> list[float]:
    return [sum(of(run(name, seed)) for seed in SEEDS) / len(SEEDS) for name in scenarios]


def rush(result: Result) -> float:
    """Chips delivered to China per week between the announcement and the day the rule binds."""
    rule = result.scenario.rules["US_CHIP_RULE"]  # type: ignore[attr-defined]
    window = f"{rule.announced}..{rule.since}"
    return window_of(result, "units_ordered", window, vendor="northstar", region="CN")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_longer_announced_grace_raises_the_rush(seed: int) -> None:
    none, half, year = (rush(run("teaching/rush", seed, *lever)) for lever in (("zero-grace",), (), ("year-of-grace",)))
    assert none < half < year


@pytest.mark.parametrize("seed", SEEDS)
def test_stricter_enforcement_does_not_raise_smuggling_in_a_small_world(seed: int) -> None:
    def moved(*lever: str) -> float:
        return window_of(run("teaching/grey-market", seed, *lever), "smuggled_chips", "2031")

    assert moved("five-times") <= moved()


@pytest.mark.slow
def test_stricter_enforcement_does_not_raise_smuggled_chips() -> None:
    history, strict = means(smuggled, "history", "enforcement-x5")
    assert strict <= history


@pytest.mark.slow
def test_closing_cloud_access_does_not_lower_military_weeks() -> None:
    history, closed = means(lambda r: mean_of(r, "military_access_weeks", "2024", user="listed"), "history", "cloud-closed")
    assert closed >= history * 0.999


@pytest.mark.slow
def test_freeing_memory_does_not_lower_domestic_output() -> None:
    history, free = means(
        lambda r: window_of(r, "fab_output_chips", "2025-01-01..2026-12-21", vendor="huawei"), "history", "hbm-free"
    )
    assert free >= history


def revenue(result: Result) -> float:
    """What foreign vendors booked with Chinese customers over the whole run, USD."""
    return window_of(result, "revenue_usd", "2022-01-03..2026-12-21", region="CN", basis="customer_hq",
                     vendor=["nvidia", "amd", "intel"])


RULED = ("history", "import-ban-2023", "h20-never-barred", "diffusion-kept")


@pytest.mark.slow
def test_no_controls_gives_the_largest_revenue() -> None:
    free, *ruled = means(revenue, "no-controls", *RULED)
    assert free > max(ruled)


@pytest.mark.slow
def test_no_controls_gives_the_smallest_domestic_share() -> None:
    free, *ruled = means(domestic_share, "no-controls", *RULED)
    assert free < min(ruled)


@pytest.mark.slow
def test_no_controls_gives_the_smallest_domestic_share_by_value() -> None:
    """In money too, where a small card counts for what it costs."""
    def by_value(result: Result) -> float:
        return window_of(result, "cards_share", "2024-01-01..2025-12-31", to="CN", origin="domestic", by="value")

    free, *ruled = means(by_value, "no-controls", *RULED)
    assert free < min(ruled)


@pytest.mark.slow
def test_without_fear_no_controls_gives_the_largest_revenue() -> None:
    """Buying ahead of a feared bar is not what decides it."""
    def booked(scenario: str) -> float:
        return sum(revenue(run(scenario, seed, "behaviour.stockpiling=off")) for seed in SEEDS)

    assert booked("no-controls") > max(booked(name) for name in ("history", "h20-never-barred"))


@pytest.mark.slow
def test_a_retroactive_rule_moves_hub_places_more_than_the_inside_of_china() -> None:
    hubs, hubs_after = means(rented_abroad, "history", "retroactive")
    inside, inside_after = means(training_inside, "history", "retroactive")
    assert abs(hubs_after / hubs - 1) > abs(inside_after / inside - 1)
