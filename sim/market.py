"""The market for chips with two uses: training and inference bid for the same chip, each by what it is worth to them.

The good is the chip, so a clearing is a pure network on whole chips. A tranche wants units of use-compute; it enters as
slots, one a chip of the reference kind (the chip whose compute comes cheapest at last prices). A lane for another chip
carries its difference in weight at the buyer's last marginal value. That linear stand-in is exact at the margin only,
so it is cleared up to three times with the new marginal values, and the round with the highest true utility is kept
(rounds repeated without keeping the best oscillate). The spot book trades chips, the rental book chip-weeks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.clearing.base import Book, Floats, Ints, Keys, Lanes, Quotas, Trades
from sim.clearing.network import Basis, clear
from sim.kernel import kernel

ROUNDS = 3
_MICRO = 1_000_000
"""Use weights are rounded to millionths, so that sums of compute are whole numbers and no order of rows moves a bit."""


@dataclass(frozen=True)
class Offers:
    """What is for sale: ask (n,) cents a chip; cap (n,) chips; key (n,) of `offer_keys`; chip (n,) row of the weights;
    rent_share (n,) the part of the scarcity rent (market price less ask) that the seller takes, the rest stays with the buyer
    who holds the allocation."""

    ask: Ints
    cap: Ints
    key: Keys
    chip: Ints
    rent_share: Floats


def offer_keys(seller: Keys, chip: Keys) -> Keys:
    """Hashes of offers (n,) from those of their seller and part: two parts of one seller are two offers, told apart in ties."""
    return seller ^ ((chip << np.uint64(17)) | (chip >> np.uint64(47)))


@dataclass(frozen=True)
class Wants:
    """What is wanted, tranches grouped by buyer, best first: buyer (t,) row; units (t,) of use-compute; value (t,)
    cents a unit, never rising within a buyer. A buyer is a (lab, use): key (m,) hash of its name; budget (m,) cents it
    can spend this tick."""

    buyer: Ints
    units: Floats
    value: Floats
    key: Keys
    budget: Ints


@dataclass(frozen=True)
class Memory:
    """What the market remembers: offer_price (n,) cents at the seller's door and unit_value (m,) cents a unit at the
    buyer's margin, nan where none is known; basis, the tree of the last clearing on the same lanes."""

    offer_price: Floats
    unit_value: Floats
    basis: Basis | None = None


@dataclass(frozen=True)
class MarketResult:
    """A cleared book.

    lane_flow (E,) chips; price_paid (E,) cents a chip to the seller, 0 without a trade; offer_price (n,) cents, the
    market price (a dual) at the seller's door, nan without a trade; unit_value (m,) cents a unit at the buyer's margin,
    nan without a trade. surplus == dual proves the kept round; true_utility (cents) is value less asks and lane costs
    by the tranches themselves. memory goes into the next tick's clearing.
    """

    lane_flow: Ints
    price_paid: Ints
    offer_price: Floats
    unit_value: Floats
    surplus: int
    dual: int
    true_utility: int
    memory: Memory


def clear_two_use(offers: Offers, wants: Wants, lanes: Lanes, weight: Floats, memory: Memory | None, epoch: int,
                  seed: int, quotas: Quotas | None = None, rounds: int = ROUNDS) -> MarketResult:
    """Clear one book of chips between buyers of two uses.

    lanes    lane_cost is freight, duty on the ask, risk premium, concealment and porting, cents a chip; a fixed
             index, barred ones cap 0.
    weight   (n_chips, m) units of the buyer's use-compute a chip gives it; a lane of weight 0 is closed.
    memory   the last result's; None at the first tick. It guides the slots; its basis changes nothing but the time.
    Raises BookError on a bad book, InvariantError if a proof fails.
    """
    n, m = len(offers.ask), len(wants.key)
    micro = np.rint(weight * _MICRO).astype(np.int64)
    if memory is None:
        memory = Memory(np.full(n, np.nan), np.full(m, np.nan))
    price = np.where(np.isnan(memory.offer_price), offers.ask, memory.offer_price)
    # A margin never exceeds the best tranche; without this bound, lanes that pay to be used feed on themselves.
    most = np.zeros(m)
    np.maximum.at(most, wants.buyer, wants.value)
    unit_value, basis = np.minimum(memory.unit_value, most), memory.basis
    best: tuple[int, Trades, Floats] | None = None
    for _ in range(rounds):  # a round that is no better ends the search
        book, slotted, reference = _slot(offers, wants, lanes, micro, price, unit_value)
        trades, basis = clear(book, slotted, epoch, seed, basis, quotas)
        utility = int(_utility(offers.ask, offers.chip, wants.buyer, wants.units, wants.value, lanes.lane_offer,
                               lanes.lane_buyer, lanes.lane_cost, trades.lane_flow, micro))
        known = np.minimum(trades.buyer_price * _MICRO / reference, most)
        if best is not None and utility <= best[0]:
            break
        best = utility, trades, known
        unit_value = np.where(np.isnan(known), unit_value, known)
        price = np.where(np.isnan(trades.offer_price), offers.ask, trades.offer_price)
    if best is None:
        raise ValueError(f"rounds is {rounds}; at least 1 would do")
    return _result(offers, lanes, memory, basis, *best)


def _slot(offers: Offers, wants: Wants, lanes: Lanes, micro: Ints, price: Floats,
          unit_value: Floats) -> tuple[Book, Lanes, Ints]:
    """The book of slots, its lanes at marginal cost, and the reference weight of each buyer in millionths."""
    t, n_lanes = len(wants.buyer), len(lanes.lane_offer)
    slot_value, slot_cap = np.zeros(t, np.int64), np.zeros(t, np.int64)
    cost, cap = np.zeros(n_lanes, np.int64), np.zeros(n_lanes, np.int64)
    reference = np.zeros(len(wants.key), np.int64)
    _slots(offers.cap, offers.chip, wants.buyer, wants.units, wants.value, wants.budget, lanes.lane_offer,
           lanes.lane_buyer, lanes.lane_cost, lanes.lane_cap, micro, price, unit_value,
           slot_value, slot_cap, cost, cap, reference)
    book = Book(offers.ask, offers.cap, offers.key, wants.buyer, slot_value, slot_cap, wants.key)
    return book, Lanes(lanes.lane_offer, lanes.lane_buyer, cost, cap), reference


def _result(offers: Offers, lanes: Lanes, memory: Memory, basis: Basis | None, utility: int, trades: Trades,
            unit_value: Floats) -> MarketResult:
    rent = np.where(np.isnan(trades.offer_price), 0.0, np.maximum(trades.offer_price - offers.ask, 0.0))
    paid = offers.ask + np.rint(offers.rent_share * rent).astype(np.int64)
    price_paid = np.where(trades.lane_flow > 0, paid[lanes.lane_offer], 0)
    remembered = Memory(_newest(trades.offer_price, memory.offer_price), _newest(unit_value, memory.unit_value), basis)
    return MarketResult(trades.lane_flow, price_paid, trades.offer_price, unit_value, trades.surplus, trades.dual,
                        utility, remembered)


def _newest(new: Floats, old: Floats) -> Floats:
    return np.where(np.isnan(new), old, new)


@kernel
def _slots(offer_cap, offer_chip, buyer, units, value, budget,  # type: ignore[no-untyped-def]
           lane_offer, lane_buyer, lane_cost, lane_cap, micro, price, unit_value,
           slot_value, slot_cap, cost, cap, reference):
    """Tranches to slots and lanes to marginal costs; fills the last five columns."""
    m, t = reference.shape[0], buyer.shape[0]
    first = np.full(m, -1, np.int64)
    for k in range(t - 1, -1, -1):
        first[buyer[k]] = k
    surplus = np.full(m, -np.inf)
    delivered = np.zeros(m)
    for e in range(lane_offer.shape[0]):
        i, j = lane_offer[e], lane_buyer[e]
        w = micro[offer_chip[i], j]
        if w <= 0 or first[j] < 0:
            continue
        cap[e] = lane_cap[e]
        if lane_cap[e] <= 0 or offer_cap[i] <= 0:
            continue
        at_door = price[i] + lane_cost[e]
        left = value[first[j]] - at_door * 1e6 / w
        if left > surplus[j] or (left == surplus[j] and w > reference[j]):
            surplus[j], reference[j], delivered[j] = left, w, at_door
    for j in range(m):
        if reference[j] == 0:
            reference[j] = 1_000_000
            delivered[j] = np.inf
    wanted = np.zeros(m)
    slots = np.zeros(m, np.int64)
    for k in range(t):
        j = buyer[k]
        w = reference[j] / 1e6
        wanted[j] += max(units[k], 0.0)
        slot_value[k] = max(np.int64(np.rint(value[k] * w)), 0)
        if not np.isfinite(delivered[j]):
            continue
        most = np.int64(max(budget[j], 0) / delivered[j]) if delivered[j] > 0 else np.int64(1 << 40)
        upto = min(np.int64(np.ceil(wanted[j] / w - 1e-9)), most)
        slot_cap[k] = max(upto - slots[j], 0)
        slots[j] += slot_cap[k]
    for e in range(lane_offer.shape[0]):
        j = lane_buyer[e]
        cost[e] = lane_cost[e]
        if cap[e] > 0:
            margin = unit_value[j]
            if np.isnan(margin):
                margin = 0.5 * (value[first[j]] + min(value[first[j]], delivered[j] * 1e6 / reference[j]))
            cost[e] -= np.int64(np.rint(margin * (micro[offer_chip[lane_offer[e]], j] - reference[j]) / 1e6))


@kernel
def _utility(ask, offer_chip, buyer, units, value, lane_offer, lane_buyer, lane_cost, flow, micro):  # type: ignore[no-untyped-def]
    """True utility of trades in cents: tranches filled best first by the compute bought, less asks and lane costs."""
    compute = np.zeros(micro.shape[1], np.int64)
    total = np.int64(0)
    for e in range(lane_offer.shape[0]):
        if flow[e] > 0:
            i, j = lane_offer[e], lane_buyer[e]
            compute[j] += flow[e] * micro[offer_chip[i], j]
            total -= flow[e] * (ask[i] + lane_cost[e])
    for k in range(buyer.shape[0]):
        j = buyer[k]
        used = min(compute[j], np.int64(np.rint(units[k] * 1e6)))
        compute[j] -= used
        total += np.int64(np.rint(value[k] * (used / 1e6)))
    return total
