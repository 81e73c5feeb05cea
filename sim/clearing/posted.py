"""Posted prices: sellers name a price and keep to it; buyers who find it worth while are rationed alike.

A structural alternative to clearing by price. Offers are taken cheapest first (ties by key); of a buyer's money the part
meant for tranches that value the good at its delivered price or more is offered, and where more is asked for than there is
everybody gets the same part of what was asked, whole chips by largest remainder, ties by the buyer's key.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernel import kernel


@kernel
def ration(
    ask: Any, cap: Any, offer_key: Any, chip: Any, lane_offer: Any, lane_buyer: Any, lane_cost: Any, weight: Any,
    want_buyer: Any, want_value: Any, buyer_key: Any, budget: Any,
) -> Any:
    """Chips by lane, (lanes,) int64.

    ask, cap, offer_key, chip (offers,); lane_offer, lane_buyer, lane_cost (lanes,); weight (chips, buyers) units a chip;
    want_buyer, want_value (tranches,) grouped by buyer; buyer_key, budget (buyers,). Money is in cents.
    """
    flow = np.zeros(lane_offer.shape[0], dtype=np.int64)
    left = budget.astype(np.float64)
    tranches = np.zeros(budget.shape[0])
    for t in range(want_buyer.shape[0]):
        tranches[want_buyer[t]] += 1.0
    first = np.searchsorted(want_buyer, np.arange(budget.shape[0]))
    wanted = np.zeros(lane_offer.shape[0])
    for o in _cheapest_first(ask, offer_key):
        total = 0.0
        lanes = np.flatnonzero(lane_offer == o)
        for lane in lanes:
            b = lane_buyer[lane]
            price = ask[o] + lane_cost[lane]
            willing = 0.0
            for t in range(first[b], first[b] + int(tranches[b])):
                if want_value[t] * weight[chip[o], b] >= price:
                    willing += 1.0
            wanted[lane] = np.floor(left[b] * willing / max(tranches[b], 1.0) / price)
            total += wanted[lane]
        if total <= 0.0:
            continue
        share = min(1.0, cap[o] / total)
        given = 0
        for lane in lanes:
            flow[lane] = int(wanted[lane] * share)
            given += flow[lane]
        room = min(int(total), cap[o]) - given
        while room > 0:
            best, most = -1, -1.0
            for lane in lanes:
                rest = wanted[lane] * share - flow[lane]
                if flow[lane] < wanted[lane] and (
                    rest > most or (rest == most and buyer_key[lane_buyer[lane]] < buyer_key[lane_buyer[best]])
                ):
                    best, most = int(lane), rest
            if best < 0:
                break
            flow[best] += 1
            room -= 1
        for lane in lanes:
            left[lane_buyer[lane]] -= flow[lane] * (ask[o] + lane_cost[lane])
    return flow


@kernel
def _cheapest_first(ask: Any, key: Any) -> Any:
    """Rows of offers by ask, then key."""
    order = np.argsort(key, kind="mergesort")
    return order[np.argsort(ask[order], kind="mergesort")]
