"""Posted prices: nobody sells more than there is, spends more than it has, or buys above what it values."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.clearing.posted import ration


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 6))
def test_caps_budgets_and_values_hold(seed: int, n_offers: int, n_buyers: int) -> None:
    draw = np.random.Generator(np.random.PCG64(seed))
    ask, cap = draw.integers(50, 500, n_offers), draw.integers(0, 40, n_offers)
    offer, buyer = (axis.ravel() for axis in np.meshgrid(np.arange(n_offers), np.arange(n_buyers), indexing="ij"))
    cost = draw.integers(0, 50, len(offer))
    value, budget = draw.uniform(50, 600, (n_buyers, 2)), draw.integers(0, 20_000, n_buyers)
    value = -np.sort(-value, axis=1)
    keys = draw.integers(0, 2**63, n_buyers, dtype=np.uint64)
    flow = ration(ask, cap, draw.integers(0, 2**63, n_offers, dtype=np.uint64), np.zeros(n_offers, np.int64), offer, buyer, cost,
                  np.ones((1, n_buyers)), np.repeat(np.arange(n_buyers), 2), value.ravel(), keys, budget)
    assert (np.bincount(offer, weights=flow, minlength=n_offers) <= cap).all()
    spent = np.bincount(buyer, weights=flow * (ask[offer] + cost), minlength=n_buyers)
    assert (spent <= budget + 1e-6).all()
    assert (flow[ask[offer] + cost > value[buyer, 0]] == 0).all()


def test_the_short_good_is_shared_in_proportion_to_what_is_asked() -> None:
    flow = ration(np.array([100]), np.array([30]), np.array([1], np.uint64), np.array([0]), np.array([0, 0]), np.array([0, 1]),
                  np.array([0, 0]), np.ones((1, 2)), np.array([0, 1]), np.array([200.0, 200.0]), np.array([1, 2], np.uint64),
                  np.array([4000, 2000]))
    assert flow.tolist() == [20, 10]
