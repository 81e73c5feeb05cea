"""Posted prices: every offer sells at its ask and rations what it has; the structural alternative to an equilibrium.

Lanes open in rounds. In each, every buyer asks the cheapest lane that still has stock for all it wants at that price; an
offer asked for more than it has serves pro rata (largest remainder, ties by a hash of seller, buyer and epoch); who was
refused asks the next lane in the next round. No price moves, so what stays unserved is a queue and not a price.
"""

from __future__ import annotations

import numpy as np

from sim.clearing.base import Book, BookError, Ints, Lanes, Trades, typed
from sim.keyed_random import philox


def clear_posted(book: Book, lanes: Lanes, epoch: int, seed: int) -> Trades:
    """Trades at the asks.

    offer_price is the ask and buyer_price the dearest delivered price paid, nan without a trade. dual bounds surplus from
    above (every want served by its cheapest lane); it equals it only where nothing is scarce.
    Raises BookError on columns that do not fit or hold no whole numbers.
    """
    book, lanes = typed(book, lanes)
    if min(part.min(initial=0) for part in (book.offer_cap, book.tranche_cap, lanes.lane_cap)) < 0:
        raise BookError("offer_cap, tranche_cap and lane_cap are 0 or more")
    delivered = book.offer_ask[lanes.lane_offer] + lanes.lane_cost
    hashes = np.array([int(philox(seed, book.offer_key[i] ^ book.buyer_key[j], epoch, 1)) for i, j in
                       zip(lanes.lane_offer, lanes.lane_buyer, strict=True)], np.uint64)
    flow = _ration(book, lanes, delivered, hashes)
    return _trades(book, lanes, flow, delivered)


def _ration(book: Book, lanes: Lanes, delivered: Ints, hashes: np.ndarray) -> Ints:
    """Rounds of asking and serving until nobody asks."""
    flow = np.zeros(len(delivered), np.int64)
    stock, bought = book.offer_cap.copy(), np.zeros(len(book.buyer_key), np.int64)
    order = np.lexsort((hashes, delivered, lanes.lane_buyer))
    upto = _wanted(book, lanes, delivered)
    while True:
        left = np.minimum(lanes.lane_cap - flow, upto - bought[lanes.lane_buyer])
        able = order[((left > 0) & (stock[lanes.lane_offer] > 0))[order]]
        if not len(able):
            return flow
        chosen = able[np.unique(lanes.lane_buyer[able], return_index=True)[1]]
        served = _serve(left[chosen], lanes.lane_offer[chosen], hashes[chosen], stock)
        flow[chosen] += served
        np.subtract.at(stock, lanes.lane_offer[chosen], served)
        np.add.at(bought, lanes.lane_buyer[chosen], served)


def _wanted(book: Book, lanes: Lanes, delivered: Ints) -> Ints:
    """Chips each lane's buyer wants in all at the lane's delivered price."""
    worth = book.tranche_value[None, :] >= delivered[:, None]
    own = book.tranche_buyer[None, :] == lanes.lane_buyer[:, None]
    return np.asarray(np.where(worth & own, book.tranche_cap[None, :], 0).sum(axis=1))


def _serve(asked: Ints, offer: Ints, hashes: np.ndarray, stock: Ints) -> Ints:
    """Pro rata by offer, whole chips, largest remainder first."""
    total = np.zeros(len(stock), np.int64)
    np.add.at(total, offer, asked)
    served = np.where(total[offer] <= stock[offer], asked, asked * stock[offer] // np.maximum(total[offer], 1))
    rest = np.minimum(stock, total)
    np.subtract.at(rest, offer, served)
    remainder = (asked * stock[offer]) % np.maximum(total[offer], 1)
    for row in np.lexsort((hashes, -remainder)):
        if rest[offer[row]] > 0 and served[row] < asked[row]:
            served[row] += 1
            rest[offer[row]] -= 1
    return np.asarray(served)


def _trades(book: Book, lanes: Lanes, flow: Ints, delivered: Ints) -> Trades:
    n, m = len(book.offer_ask), len(book.buyer_key)
    dearest, cheapest = np.full(m, -np.inf), np.full(m, np.inf)
    traded = flow > 0
    np.maximum.at(dearest, lanes.lane_buyer[traded], delivered[traded])
    open_ = lanes.lane_cap > 0
    np.minimum.at(cheapest, lanes.lane_buyer[open_], delivered[open_])
    bought = np.zeros(m, np.int64)
    np.add.at(bought, lanes.lane_buyer, flow)
    surplus = -int((flow * delivered).sum())
    bound = 0
    for j, value, cap in zip(book.tranche_buyer, book.tranche_value, book.tranche_cap, strict=True):
        used = min(int(bought[j]), int(cap))
        bought[j] -= used
        surplus += used * int(value)
        if value > cheapest[j]:
            bound += int(cap) * int(value - cheapest[j])
    sold = np.zeros(n, np.int64)
    np.add.at(sold, lanes.lane_offer, flow)
    return Trades(flow, np.where(sold > 0, book.offer_ask, np.nan), np.where(np.isfinite(dearest), dearest, np.nan),
                  surplus, bound)
