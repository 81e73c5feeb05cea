"""What every clearing reads and returns: a book of offers and tranches, the lanes between them, trades with their proof."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import UsageError

Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]

EPOCH_TICKS = 13
"""Ties are drawn anew each quarter."""


class BookError(UsageError, ValueError):
    """A book no clearing can take: the column and row are named."""


@dataclass(frozen=True)
class Book:
    """What is for sale and what is wanted. Money in cents per chip, quantities in whole chips.

    offer_ask, offer_cap   (n,) reservation price and chips of each offer, not negative.
    offer_key              (n,) uint64 hash of the seller's name: ties hang on it, never on the row.
    tranche_buyer, tranche_value, tranche_cap   (t,) what a buyer pays for up to so many chips, values never rising within a buyer.
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

    lane_offer, lane_buyer (E,) rows of the book; lane_cost (E,) cents per chip on top of the ask, negative where a chip is
    worth more to this buyer than its tranches say; lane_cap (E,) chips.
    """

    lane_offer: Ints
    lane_buyer: Ints
    lane_cost: Ints
    lane_cap: Ints


@dataclass(frozen=True)
class Quotas:
    """Caps over groups of lanes. lane_quota (E,) is the row of `cap` (g,) a lane counts against, -1 for none."""

    lane_quota: Ints
    cap: Ints


@dataclass(frozen=True)
class Trades:
    """A cleared book.

    lane_flow (E,) chips; offer_price (n,), buyer_price (m,) cents: midpoint of the interval of equilibrium prices, nan without
    a trade; offer_price is what the market pays at the seller's door, buyer_price the marginal value delivered.
    surplus and dual are the two sides of the proof: equal integers in an exact clearing.
    """

    lane_flow: Ints
    offer_price: Floats
    buyer_price: Floats
    surplus: int
    dual: int


def typed(book: Book, lanes: Lanes) -> tuple[Book, Lanes]:
    """The same book as contiguous int64 and uint64 columns. Raises BookError on a shape, a NaN or a fraction, before any cast."""
    n_offers, n_buyers = len(book.offer_ask), len(book.buyer_key)
    _same_length(book, ("offer_ask", "offer_cap", "offer_key"), n_offers)
    _same_length(book, ("tranche_buyer", "tranche_value", "tranche_cap"), len(book.tranche_buyer))
    _same_length(lanes, ("lane_offer", "lane_buyer", "lane_cost", "lane_cap"), len(lanes.lane_offer))
    if n_offers + n_buyers == 0:
        raise BookError("the book is empty: it has no offer and no buyer; give it at least one of either")
    return _cast(book), _cast(lanes)


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
