"""What every clearing reads and returns: a book of offers and tranches, the lanes between them, trades with their
proof."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import UsageError

Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]

_INT, _KEY = np.dtype(np.int64), np.dtype(np.uint64)

EPOCH_TICKS = 13
"""Ties are drawn anew each quarter."""


class BookError(UsageError, ValueError):
    """A book no clearing can take: the column and row are named."""


@dataclass(frozen=True)
class Book:
    """What is for sale and what is wanted. Money in cents per chip, quantities in whole chips.

    offer_ask, offer_cap   (n,) reservation price and chips of each offer, not negative.
    offer_key              (n,) uint64 hash of the seller's name: ties hang on it, never on the row.
    tranche_buyer, tranche_value, tranche_cap   (t,) what a buyer pays for up to so many chips, values never rising
                                                within a buyer.
    buyer_key              (m,) uint64 hash of the buyer's name.
    """

    offer_ask: Ints
    offer_cap: Ints
    offer_key: Keys
    tranche_buyer: Ints
    tranche_value: Ints
    tranche_cap: Ints
    buyer_key: Keys


@dataclass(frozen=True)
class Lanes:
    """Who may buy from whom. A barred lane is absent or has cap 0.

    lane_offer, lane_buyer (E,) rows of the book; lane_cost (E,) cents per chip on top of the ask, negative where a
    chip is worth more to this buyer than its tranches say; lane_cap (E,) chips.
    """

    lane_offer: Ints
    lane_buyer: Ints
    lane_cost: Ints
    lane_cap: Ints


@dataclass(frozen=True)
class Quotas:
    """Caps over groups of lanes. lane_quota (E,) is the row of `cap` (g,) a lane counts against, -1 for none.

    A group is exact in the network when it is one offer's lanes, or when every offer of it reaches every buyer of it,
    its lane costs are a part by offer plus a part by buyer, and none of its lanes has a cap of its own that could bind.
    So it is for the sellers of one chip into one country.
    """

    lane_quota: Ints
    cap: Ints


@dataclass(frozen=True)
class Trades:
    """A cleared book.

    lane_flow (E,) chips; offer_price (n,), buyer_price (m,) cents: midpoint of the interval of equilibrium prices,
    nan without a trade; offer_price is what the market pays at the seller's door, buyer_price the marginal value
    delivered. surplus and dual are the two sides of the proof: equal integers in an exact clearing.
    """

    lane_flow: Ints
    offer_price: Floats
    buyer_price: Floats
    surplus: int
    dual: int


def typed(book: Book, lanes: Lanes) -> tuple[Book, Lanes]:
    """The same book as contiguous int64 and uint64 columns. Raises BookError on a shape, a NaN or a fraction, before
    any cast."""
    if _fits_already(book, lanes):
        return book, lanes
    n_offers, n_buyers = len(book.offer_ask), len(book.buyer_key)
    _same_length(book, ("offer_ask", "offer_cap", "offer_key"), n_offers)
    _same_length(book, ("tranche_buyer", "tranche_value", "tranche_cap"), len(book.tranche_buyer))
    _same_length(lanes, ("lane_offer", "lane_buyer", "lane_cost", "lane_cap"), len(lanes.lane_offer))
    if n_offers + n_buyers == 0:
        raise BookError("the book is empty: it has no offer and no buyer; give it at least one of either")
    return _cast(book), _cast(lanes)


def _fits_already(book: Book, lanes: Lanes) -> bool:
    """Whether every column is what it should be; the common case, told in a few microseconds."""
    n, t, e = len(book.offer_ask), len(book.tranche_buyer), len(lanes.lane_offer)
    for column, length in ((book.offer_ask, n), (book.offer_cap, n), (book.tranche_buyer, t), (book.tranche_value, t),
                           (book.tranche_cap, t), (lanes.lane_offer, e), (lanes.lane_buyer, e), (lanes.lane_cost, e),
                           (lanes.lane_cap, e)):
        if not (type(column) is np.ndarray and column.dtype == _INT and column.shape == (length,)
                and column.flags.c_contiguous):
            return False
    return (n + len(book.buyer_key) > 0 and len(book.offer_key) == n
            and all(type(column) is np.ndarray and column.dtype == _KEY and column.ndim == 1 and column.flags.c_contiguous
                    for column in (book.offer_key, book.buyer_key)))


def _same_length(part: Book | Lanes, names: tuple[str, ...], length: int) -> None:
    for name in names:
        column = getattr(part, name)
        if np.ndim(column) != 1 or len(column) != length:
            raise BookError(f"{name} has shape {np.shape(column)}; {names[0]} has {length} rows, and so must it")


def _cast(part: Any) -> Any:
    columns = {item.name: getattr(part, item.name) for item in fields(part)}
    if all(_ready(name, column) for name, column in columns.items()):
        return part
    return type(part)(**{name: whole(name, column) for name, column in columns.items()})


def _ready(name: str, column: Any) -> bool:
    wanted = np.uint64 if name.endswith("_key") else np.int64
    return isinstance(column, np.ndarray) and column.dtype == wanted and column.flags.c_contiguous


def whole(name: str, column: Any) -> NDArray[Any]:
    """A column as whole numbers: int64, or uint64 for keys. Raises BookError naming the first row that is none."""
    raw = np.asarray(column)
    target = np.uint64 if name.endswith("_key") else np.int64
    if raw.dtype == object or raw.dtype.kind not in "iufb":
        raise BookError(f"{name} holds {raw.dtype}; whole numbers would do")
    if raw.dtype.kind == "f":
        bad = np.flatnonzero(~(np.isfinite(raw) & (raw == np.floor(raw)) & (np.abs(raw) < 2.0**62)))
        if len(bad):
            raise BookError(f"{name}[{bad[0]}] is {raw[bad[0]]}; a whole number below 2**62 would do")
    if raw.dtype == np.uint64 and target is np.int64 and len(raw) and raw.max() >= 2**62:
        row = int(np.argmax(raw))
        raise BookError(f"{name}[{row}] is {raw[row]}; a whole number below 2**62 would do")
    return np.ascontiguousarray(raw, dtype=target)


class Fold:
    """A book under quotas as a plain book: a quota is a node that goods pass through.

    A node with room for Q chips is an offer of Q chips to the group's buyers and a buyer of exactly Q chips from the
    group's offers and from itself: what it buys of others it can sell. Raises BookError where a group is no such node.
    """

    def __init__(self, book: Book, lanes: Lanes, quotas: Quotas) -> None:
        self._offers, self._buyers = len(book.offer_ask), len(book.buyer_key)
        self._lanes, self._keys = lanes, (book.offer_key, book.buyer_key)
        row = whole("lane_quota", quotas.lane_quota)
        cap = whole("quota cap", quotas.cap)
        if len(row) != len(lanes.lane_offer) or (len(row) and (row.min() < -1 or row.max() >= len(cap))):
            raise BookError(f"lane_quota needs a row of cap, or -1, for each of {len(lanes.lane_offer)} lanes")
        if len(cap) and cap.min() < 0:
            raise BookError(f"quota cap[{int(np.argmin(cap))}] is {cap.min()}; a cap is 0 or more")
        self._plain = np.flatnonzero(row < 0)
        self._groups = [np.flatnonzero(row == g) for g in range(len(cap))]
        self._size = np.minimum(cap, [self._most(book, group) for group in self._groups])
        spread = np.abs(lanes.lane_cost).max(initial=0) + np.abs(book.tranche_value).max(initial=0)
        self._reward = int(spread) + 1
        self._parts = [self._split(book, group, g) for g, group in enumerate(self._groups)]
        self.book, self.lanes = self._unfold(book)

    def _most(self, book: Book, group: Ints) -> int:
        return int(sum(book.offer_cap[i] for i in np.unique(self._lanes.lane_offer[group])))

    def _split(self, book: Book, group: Ints, g: int) -> tuple[Ints, Ints, Ints, Ints]:
        """Offers of a group with their part of the cost, and buyers with theirs."""
        offer, buyer, cost = (column[group] for column in
                              (self._lanes.lane_offer, self._lanes.lane_buyer, self._lanes.lane_cost))
        offers, buyers = np.unique(offer), np.unique(buyer)
        if len(offers) <= 1:
            return offers, np.zeros(len(offers), np.int64), buyer, cost
        table = np.full((len(offers), len(buyers)), np.iinfo(np.int64).min)
        table[np.searchsorted(offers, offer), np.searchsorted(buyers, buyer)] = cost
        by_offer, by_buyer = table[:, 0] - table[0, 0], table[0]
        demand = np.zeros(self._buyers, np.int64)
        np.add.at(demand, book.tranche_buyer, book.tranche_cap)
        binds = self._lanes.lane_cap[group] < np.minimum(book.offer_cap[offer], demand[buyer])
        whole_group = len(group) == table.size and not (table == np.iinfo(np.int64).min).any()
        if not whole_group or (table != by_offer[:, None] + by_buyer[None, :]).any() or binds.any():
            raise BookError(f"quota {g} spans {len(offers)} offers whose lanes differ by more than a cost of the offer "
                            "and a cost of the buyer, or are capped or missing; give each offer a quota of its own")
        return offers, by_offer, buyers, by_buyer

    def _unfold(self, book: Book) -> tuple[Book, Lanes]:
        n, m, count = self._offers, self._buyers, len(self._groups)
        keys = [np.bitwise_xor.reduce(book.offer_key[part[0]], initial=np.uint64(0)) for part in self._parts]
        nodes = np.arange(count)
        offer, buyer = [self._lanes.lane_offer[self._plain]], [self._lanes.lane_buyer[self._plain]]
        cost, cap = [self._lanes.lane_cost[self._plain]], [self._lanes.lane_cap[self._plain]]
        for g, (offers, by_offer, buyers, by_buyer) in enumerate(self._parts):
            single = len(offers) <= 1
            offer += [offers, np.full(len(buyers), n + g)]
            buyer += [np.full(len(offers), m + g), buyers]
            cost += [by_offer, by_buyer]
            cap += [np.full(len(offers), self._size[g]),
                    self._lanes.lane_cap[self._groups[g]] if single else np.full(len(buyers), self._size[g])]
        offer.append(n + nodes)
        buyer.append(m + nodes)
        cost.append(np.zeros(count, np.int64))
        cap.append(self._size)
        wide = Book(
            np.append(book.offer_ask, np.zeros(count, np.int64)), np.append(book.offer_cap, self._size),
            np.append(book.offer_key, np.array(keys, np.uint64)), np.append(book.tranche_buyer, m + nodes),
            np.append(book.tranche_value, np.full(count, self._reward)), np.append(book.tranche_cap, self._size),
            np.append(book.buyer_key, ~np.array(keys, np.uint64)))
        return wide, Lanes(*(np.concatenate(part).astype(np.int64) for part in (offer, buyer, cost, cap)))

    def fold(self, trades: Trades) -> Trades:
        """The trades on the lanes as they were given."""
        flow = np.zeros(len(self._lanes.lane_offer), np.int64)
        flow[self._plain] = trades.lane_flow[:len(self._plain)]
        at = len(self._plain)
        for group, (offers, _, buyers, _) in zip(self._groups, self._parts, strict=True):
            sent = trades.lane_flow[at:at + len(offers)]
            taken = trades.lane_flow[at + len(offers):at + len(offers) + len(buyers)]
            at += len(offers) + len(buyers)
            flow[group] = taken if len(offers) <= 1 else self._pair(group, offers, sent, buyers, taken)
        reward = int((self._size * self._reward).sum())
        return Trades(flow, trades.offer_price[:self._offers], trades.buyer_price[:self._buyers],
                      trades.surplus - reward, trades.dual - reward)

    def _pair(self, group: Ints, offers: Ints, sent: Ints, buyers: Ints, taken: Ints) -> Ints:
        """Chips of each lane of a group from what offers sent and buyers took: both in the order of their keys."""
        offer_order = np.argsort(self._keys[0][offers], kind="stable")
        buyer_order = np.argsort(self._keys[1][buyers], kind="stable")
        out_end, in_end = np.cumsum(sent[offer_order]), np.cumsum(taken[buyer_order])
        rank_offer, rank_buyer = np.argsort(offer_order), np.argsort(buyer_order)
        i = rank_offer[np.searchsorted(offers, self._lanes.lane_offer[group])]
        j = rank_buyer[np.searchsorted(buyers, self._lanes.lane_buyer[group])]
        first = np.maximum(out_end[i] - sent[offer_order][i], in_end[j] - taken[buyer_order][j])
        return np.asarray(np.maximum(np.minimum(out_end[i], in_end[j]) - first, 0))
