"""Sloped demand on the exact clearing: certified, and equal to its quadratic programme."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng
from scipy.optimize import minimize

from sim.clearing.base import BookError, Lanes
from sim.clearing.network import clear
from sim.clearing.sloped import GAP, Demand, clear_sloped
from tests.sim.books import keys


def sloped_book(seed: int, n: int = 4, m: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray, Demand, Lanes]:
    draws = default_rng(seed)
    pairs = np.flatnonzero(draws.random(n * m) < 0.8)
    cap = np.where(draws.random(len(pairs)) < 0.3, draws.integers(0, 20, len(pairs)), 10**6)
    return (draws.integers(500_000, 2_000_000, n), draws.integers(5, 60, n), keys(draws, n),
            Demand(draws.uniform(1e6, 6e6, m), draws.uniform(2e4, 2e5, m), keys(draws, m)),
            Lanes(pairs % n, pairs // n, draws.integers(0, 300_000, len(pairs)), cap))


@pytest.mark.parametrize("seed", range(8))
def test_sloped_demand_is_certified_and_prices_clear_it(seed: int) -> None:
    ask, cap, key, demand, lanes = sloped_book(seed)
    result = clear_sloped(ask, cap, key, demand, lanes, clear, 0, 1)
    assert -1e-9 <= result.gap <= GAP
    bought = np.bincount(lanes.lane_buyer, result.lane_flow, len(demand.choke))
    assert (np.bincount(lanes.lane_offer, result.lane_flow, len(ask)) <= cap + 1e-9).all()
    assert (result.lane_flow <= lanes.lane_cap).all()
    inside = bought > 0.01
    wanted = (demand.choke - result.buyer_price)[inside] / demand.slope[inside]
    assert wanted == pytest.approx(bought[inside], rel=0.02, abs=0.05)


def test_sloped_surplus_is_that_of_an_independent_solver() -> None:
    ask, cap, key, demand, lanes = sloped_book(3, 2, 3)
    result = clear_sloped(ask, cap, key, demand, lanes, clear, 0, 1)

    def loss(flow: np.ndarray) -> float:
        bought = np.bincount(lanes.lane_buyer, flow, 3)
        return float((flow * (ask[lanes.lane_offer] + lanes.lane_cost)).sum()
                     - (demand.choke * bought - demand.slope * bought**2 / 2).sum()) / 1e6

    stock = {"type": "ineq", "fun": lambda flow: cap - np.bincount(lanes.lane_offer, flow, 2)}
    solved = minimize(loss, np.zeros(len(lanes.lane_cap)), bounds=[(0, float(top)) for top in lanes.lane_cap],
                      constraints=[stock], method="SLSQP", options={"ftol": 1e-12, "maxiter": 500})
    assert result.surplus == pytest.approx(-solved.fun * 1e6, rel=1e-5)


def test_two_buyers_on_a_slope_by_hand() -> None:
    """Choke 100, slope 1 each, 60 chips at 10: both buy 30 at 70."""
    demand = Demand(np.array([10_000.0, 10_000.0]), np.array([100.0, 100.0]), np.array([1, 2], np.uint64))
    lanes = Lanes(np.zeros(2, np.int64), np.arange(2), np.zeros(2, np.int64), np.full(2, 10**6))
    result = clear_sloped(np.array([1_000]), np.array([60]), np.array([5], np.uint64), demand, lanes, clear, 0, 1)
    assert result.lane_flow == pytest.approx([30, 30], abs=0.05)
    assert result.offer_price[0] == pytest.approx(7_000, rel=1e-3)


def test_demand_that_does_not_fall_is_refused() -> None:
    ask, cap, key, demand, lanes = sloped_book(1)
    flat = Demand(demand.choke, np.zeros(len(demand.choke)), demand.key)
    with pytest.raises(BookError, match="slope"):
        clear_sloped(ask, cap, key, flat, lanes, clear, 0, 1)
