"""Rental: tenants plan on rents that move a part of the way to what was paid, so that leases do not swing from week to week."""

from __future__ import annotations

import numpy as np

import sim
from sim.tick_rent import _planned, _towards

NONE = np.nan


def test_a_planned_rent_moves_part_of_the_way_and_begins_at_the_first_one_paid() -> None:
    before, now = np.array([4.0, NONE, 4.0, NONE]), np.array([8.0, 8.0, 4.0, NONE])
    np.testing.assert_array_equal(_towards(before, now, 0.25), [5.0, 8.0, 4.0, NONE])


def test_an_owner_who_has_let_nothing_is_taken_for_the_cheapest_like_it() -> None:
    price = np.array([NONE, 30.0, 20.0, NONE, NONE, 10.0])
    chip, region = np.array([0, 0, 0, 0, 1, 1]), np.array([2, 2, 2, 0, 2, 0])
    np.testing.assert_array_equal(_planned(price, chip, region), [20.0, 30.0, 20.0, NONE, NONE, 10.0])


def weekly_move(*overrides: str) -> float:
    """Median move from one week to the next of what Chinese users lease, in 2023 and 2024."""
    result = sim.run(sim.load("history", ("time.end=2024-12-30", *overrides)), 1)
    leased = result.panel("stock_h100e").select(country="CN", channel="rented").by().values[0][52:]
    return float(np.median(np.abs(np.diff(leased)) / leased[:-1]))


def test_leases_swing_when_rents_are_planned_on_last_week_alone() -> None:
    assert weekly_move() < 0.1 < 0.2 < weekly_move("behaviour.rent_adaptation_share=1")
