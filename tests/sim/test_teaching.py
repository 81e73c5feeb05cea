"""Teaching worlds: small, quick, and each shows its lesson."""

from __future__ import annotations

import numpy as np
import pytest

import sim
from sim.results import Result
from sim.scenario_io import shipped_names

TEACHING = [name for name in shipped_names() if name.startswith("teaching/")]


def result(name: str, *overrides: str) -> Result:
    return sim.run(sim.load(name, overrides), 1)


def flow(found: Result, name: str, window: str, **filters: object) -> float:
    panel = found.panel(name).select(**filters)  # type: ignore[arg-type]
    return float(panel.by().over(found.clock.window(window))[0]) if panel.keys else 0.0


def units(found: Result, window: str) -> float:
    return flow(found, "units_delivered", window, vendor="northstar", region="CN", basis="customer_hq")


@pytest.mark.parametrize("name", TEACHING)
def test_a_small_world_is_small(name: str) -> None:
    scenario = sim.load(name)
    kinds = [actor.kind for actor in scenario.world.actors.values()]
    assert scenario.clock.n_ticks <= 104
    assert kinds.count("government") == 3 and kinds.count("chipmaker") == 2
    assert 2 <= kinds.count("distributor") <= 3 and 4 <= kinds.count("lab") <= 6


def test_there_are_five_lessons() -> None:
    assert [name.split("/")[1] for name in TEACHING] == ["best-legal-chip", "grey-market", "rush", "scarcity", "two-governments"]


def test_buyers_rush_in_the_weeks_of_grace() -> None:
    told, sudden = result("teaching/rush"), result("teaching/rush", "zero-grace")
    assert units(told, "2030-07-08..2031-01-05") > 1.2 * units(told, "2030-01-07..2030-07-07")
    assert units(told, "2030-07-08..2031-01-05") > 2 * units(sudden, "2030-07-08..2031-01-05")


def test_a_part_under_the_line_brings_trade_back() -> None:
    found = result("teaching/best-legal-chip")
    assert units(found, "2030-06-03..2030-09-29") < 0.2 * units(found, "2030-02-04..2030-05-19")
    assert units(found, "2031-09-01..2031-12-21") > units(found, "2031-03-31..2031-06-29")


def test_thrift_narrows_the_gap_that_scarcity_opens() -> None:
    scarce, wasteful = result("teaching/scarcity"), result("teaching/scarcity", "no-thrift")
    assert scarce.panel("lag_months").values[0][-1] < wasteful.panel("lag_months").values[0][-1]


def test_chips_find_a_side_door() -> None:
    found = result("teaching/grey-market")
    assert flow(found, "smuggled_chips", "2031") > 0
    assert np.isfinite(flow(found, "grey_premium", "2031"))


def test_opening_one_door_lets_trade_back_and_restraint_stops_it() -> None:
    opened, shut = result("teaching/two-governments"), result("teaching/two-governments", "no-opening")
    free = result("teaching/two-governments", "no-restraint")
    window = "2031-06-02..2031-12-21"
    assert units(opened, window) > units(shut, window)
    held_back, unbound = (flow(one, "units_ordered", window, vendor="northstar", region="CN") for one in (opened, free))
    assert held_back < 0.8 * unbound, "what ships in these months was ordered before; restraint shows in orders"
