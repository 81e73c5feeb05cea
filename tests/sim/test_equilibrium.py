"""Without a queue: prices at makers' doors clear the week, nobody waits, and makers plan by what their list would sell."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

import sim
from sim.clearing.equilibrium import affordable, price_multiples
from sim.results import Result

UNTIL_2025 = ("clearing=equilibrium", "time.end=2024-12-30")


@lru_cache(maxsize=2)
def run() -> Result:
    return sim.run(sim.load("history", UNTIL_2025), 1)


def test_the_price_is_what_the_money_wanted_buys_up_and_never_under_list() -> None:
    wanted, ready = np.array([200, 50, 30]), np.array([100, 100, 0])
    now = price_multiples(wanted, np.array([1.5, 1.0, 1.2]), ready)
    assert now.tolist() == [3.0, 1.0, 1.2]  # twice as much asked at half over list; a glut at list; nothing to sell
    bought = affordable(np.array([[120, 50, 30], [80, 0, 0]]), np.array([1.5, 1.0, 1.2]), now)
    assert bought.tolist() == [[60, 50, 30], [40, 0, 0]]
    assert (bought.sum(axis=0)[:2] <= ready[:2]).all()


def test_a_price_that_clears_once_stands_while_money_and_stock_do() -> None:
    last = price_multiples(np.array([300]), np.ones(1), np.array([100]))
    again = price_multiples(affordable(np.array([[300]]), np.ones(1), last).sum(axis=0), last, np.array([100]))
    assert again[0] == pytest.approx(last[0]) == 3.0


def test_nobody_waits_and_domestic_makers_are_not_starved() -> None:
    assert run().panel("queue_chips").keys == ()  # a panel holds the series in which anything happened
    output = run().panel("fab_output_chips").select(vendor="huawei").by()
    early, late = (output.over(run().clock.window(year))[0] for year in ("2023", "2024"))
    assert early > 0 and late > 2 * early
    share = run().panel("cards_share").select(to="CN", origin="domestic", by="units").by()
    assert share.over(run().clock.window("2024"))[0] > 0.1


def test_a_redesigned_part_still_recovers_the_market() -> None:
    units = run().panel("units_delivered").select(vendor="nvidia", region="CN", basis="customer_hq")
    dip, after = (units.by().over(run().clock.window(quarter))[0] for quarter in ("2022Q4", "2024Q3"))
    kept = sim.run(sim.load("history", (*UNTIL_2025, "behaviour.redesign=off")), 1)
    units_kept = kept.panel("units_delivered").select(vendor="nvidia", region="CN", basis="customer_hq").by()
    assert after > 1.2 * dip and after > 1.2 * units_kept.over(kept.clock.window("2024Q3"))[0]
