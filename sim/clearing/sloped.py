"""Sloped demand: the spatial equilibrium of Takayama & Judge (1971) on the exact clearing.

Each buyer's inverse demand a - b q is cut into whole-number steps, finest round what it buys, and cleared exactly; then the
steps are drawn closer round the answer, until a dual bound that knows nothing of steps agrees to one part in a million.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.clearing.base import Book, BookError, Floats, Ints, Keys, Lanes, Trades
from sim.errors import InvariantError
from sim.kernel import kernel

GAP = 1e-6
_ROUNDS = 24
_SHRINK = 0.1
_PARTS = 1_000
"""Chips are cleared in thousandths and cents in sixteenths, so that rounding stays far below the gap."""
_CENT_PARTS = 16
_ARMS = 10
"""Steps on either side of what a buyer buys, each twice as wide as the one before."""

_NEAREST = 2.0 ** (_ARMS - 1) / _PARTS
"""Reach in chips at which the finest step is one thousandth."""

Exact = Callable[[Book, Lanes, int, int, Any], tuple[Trades, Any]]
"""The clearing of step demand that this one stands on: `sim.clearing.network.clear`."""


@dataclass(frozen=True)
class Demand:
    """Inverse demand by buyer: choke (m,) cents for the first chip, slope (m,) cents a chip, above 0; key (m,) hashes."""

    choke: Floats
    slope: Floats
    key: Keys


@dataclass(frozen=True)
class SlopedTrades:
    """lane_flow (E,) chips, to the thousandth; offer_price (n,) and buyer_price (m,) cents, nan without a trade; surplus
    and the dual bound in cents; gap (dual - surplus) / surplus, at most 1e-6."""

    lane_flow: Floats
    offer_price: Floats
    buyer_price: Floats
    surplus: float
    dual: float
    gap: float
    rounds: int


def clear_sloped(offer_ask: Ints, offer_cap: Ints, offer_key: Keys, demand: Demand, lanes: Lanes, exact: Exact,
                 epoch: int, seed: int) -> SlopedTrades:
    """The equilibrium of offers with caps and buyers with sloped demand, certified to GAP.

    Raises BookError on a slope that does not fall, InvariantError if the gap stays open.
    """
    if not (np.isfinite(demand.choke).all() and np.isfinite(demand.slope).all() and (demand.slope > 0).all()):
        raise BookError(f"slope[{int(np.argmin(demand.slope))}] is {demand.slope.min()}; demand falls, so above 0 would do")
    most = np.maximum(demand.choke, 0.0) / demand.slope
    centre, reach = most / 2, most / 2
    fine = Lanes(lanes.lane_offer, lanes.lane_buyer, lanes.lane_cost * _CENT_PARTS, lanes.lane_cap * _PARTS)
    basis: Any = None
    for count in range(1, _ROUNDS + 1):
        buyer, value, cap = _steps(demand, most, centre, reach)
        book = Book(offer_ask * _CENT_PARTS, offer_cap * _PARTS, offer_key, buyer, value, cap, demand.key)
        trades, basis = exact(book, fine, epoch, seed, basis)
        result = _certify(offer_ask, offer_cap, demand, lanes, trades, count)
        if result.gap <= GAP:
            return result
        centre = np.bincount(lanes.lane_buyer, result.lane_flow, len(most)).astype(np.float64)
        reach = np.maximum(reach * _SHRINK, _NEAREST)
    raise InvariantError(f"sloped demand: a gap of {result.gap:.2e} after {_ROUNDS} rounds")


def _steps(demand: Demand, most: Floats, centre: Floats, reach: Floats) -> tuple[Ints, Ints, Ints]:
    """The curve as steps: buyers' rows, values at the middle of each step, widths; all of the curve is covered."""
    arm = 2.0 ** -np.arange(_ARMS)[::-1]
    offsets = np.concatenate([-arm[::-1], [0.0], arm])
    cuts = centre[:, None] + reach[:, None] * offsets[None, :]
    ends = np.concatenate([np.zeros((len(most), 1)), np.clip(cuts, 0.0, most[:, None]), most[:, None]], axis=1)
    whole = np.rint(ends * _PARTS).astype(np.int64)
    middle = (whole[:, 1:] + whole[:, :-1]) / (2.0 * _PARTS)
    value = np.rint((demand.choke[:, None] - demand.slope[:, None] * middle) * _CENT_PARTS).astype(np.int64)
    buyer = np.repeat(np.arange(len(most)), whole.shape[1] - 1)
    return buyer, np.maximum(value, 0).ravel(), np.diff(whole, axis=1).ravel()


def _certify(ask: Ints, supply: Ints, demand: Demand, lanes: Lanes, trades: Trades, rounds: int) -> SlopedTrades:
    flow = trades.lane_flow / _PARTS
    price = np.where(np.isnan(trades.offer_price), ask, trades.offer_price / _CENT_PARTS)
    bought = np.bincount(lanes.lane_buyer, flow, len(demand.choke))
    gained = (demand.choke * bought - demand.slope * bought**2 / 2).sum()
    surplus = float(gained - (flow * (ask[lanes.lane_offer] + lanes.lane_cost)).sum())
    order = np.lexsort((price[lanes.lane_offer] + lanes.lane_cost, lanes.lane_buyer))
    ptr = np.concatenate([[0], np.cumsum(np.bincount(lanes.lane_buyer, minlength=len(demand.choke)))])
    delivered = (price[lanes.lane_offer] + lanes.lane_cost)[order]
    cap = np.minimum(lanes.lane_cap, supply[lanes.lane_offer])[order].astype(float)
    free = lanes.lane_cap[order] >= supply[lanes.lane_offer][order]
    value, margin = _respond(ptr, delivered, cap, free, demand.choke, demand.slope)
    dual = float((supply * np.maximum(price - ask, 0.0)).sum() + value)
    buyer_price = np.where(bought > 0, margin, np.nan)
    gap = (dual - surplus) / max(1.0, abs(surplus))
    return SlopedTrades(flow, np.where(np.isnan(trades.offer_price), np.nan, price), buyer_price, surplus, dual, gap, rounds)


@kernel(error_model="numpy")
def _respond(ptr, delivered, cap, free, choke, slope):  # type: ignore[no-untyped-def]
    """Each buyer's best delivered price against its lanes, cheapest first, and what the dual gains by it, summed.

    A lane that takes its offer's whole supply earns no rent of its own, so no buyer pays more than its delivered price.
    """
    total = 0.0
    margin = choke.copy()
    for j in range(choke.shape[0]):
        room, mu = 0.0, choke[j]
        for e in range(ptr[j], ptr[j + 1]):
            if mu <= delivered[e]:
                break
            if cap[e] <= 0.0:
                continue
            if free[e] or choke[j] - slope[j] * (room + cap[e]) <= delivered[e]:
                mu = delivered[e]
                break
            room += cap[e]
            mu = choke[j] - slope[j] * room
        margin[j] = mu
        total += max(choke[j] - mu, 0.0) ** 2 / (2.0 * slope[j])
        for e in range(ptr[j], ptr[j + 1]):
            if mu > delivered[e]:
                total += cap[e] * (mu - delivered[e])
    return total, margin
