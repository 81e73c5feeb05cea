"""Random books for tests of the clearing: small, with ties, barred and capped lanes, and what next week changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from sim.clearing.base import Book, Lanes

TRANCHES = 4


def keys(draws: Generator, count: int) -> np.ndarray:
    return draws.integers(1, 2**63, count).astype(np.uint64)


def book_of(draws: Generator, offers: int = 0, buyers: int = 0, lanes: int = 0, grain: int = 0) -> tuple[Book, Lanes]:
    """A book of at most 12 x 20; the grain of its prices decides how common ties are."""
    n, m = offers or int(draws.integers(1, 13)), buyers or int(draws.integers(1, 21))
    grain = grain or int(draws.choice([1, 50, 500, 3_000]))
    pairs = np.unique(draws.integers(0, n * m, lanes or int(draws.integers(1, 90))))
    count = len(pairs)
    capped = np.where(draws.random(count) < 0.25, draws.integers(1, 10, count), 10**6)
    value = -np.sort(-draws.integers(500, 8_000, (m, TRANCHES)) // grain * grain, axis=1).ravel()
    book = Book(draws.integers(1_000, 4_000, n) // grain * grain, draws.integers(0, 30, n), keys(draws, n),
                np.repeat(np.arange(m), TRANCHES), value, draws.integers(0, 8, m * TRANCHES), keys(draws, m))
    cost = draws.integers(-200, 1_000, count) // grain * grain
    return book, Lanes(pairs % n, pairs // n, cost, np.where(draws.random(count) < 0.1, 0, capped))


def week_after(draws: Generator, book: Book, lanes: Lanes, grain: int = 50) -> tuple[Book, Lanes]:
    """One offer, one buyer and one lane are drawn anew."""
    i, j, e = (int(draws.integers(0, len(rows))) for rows in (book.offer_ask, book.buyer_key, lanes.lane_cap))
    ask, cap = book.offer_ask.copy(), book.offer_cap.copy()
    ask[i], cap[draws.integers(0, len(cap))] = draws.integers(1_000, 4_000) // grain * grain, draws.integers(0, 30)
    value, wanted, lane_cap = book.tranche_value.copy(), book.tranche_cap.copy(), lanes.lane_cap.copy()
    own = slice(TRANCHES * j, TRANCHES * (j + 1))
    value[own] = -np.sort(-draws.integers(500, 8_000, TRANCHES) // grain * grain)
    wanted[own] = draws.integers(0, 8, TRANCHES)
    lane_cap[e] = draws.choice([0, 5, 10**6])
    return (replace(book, offer_ask=ask, offer_cap=cap, tranche_value=value, tranche_cap=wanted),
            replace(lanes, lane_cap=lane_cap))


def shuffled(draws: Generator, book: Book, lanes: Lanes) -> tuple[Book, Lanes, np.ndarray, np.ndarray, np.ndarray]:
    """The same book with offers, buyers and lanes in another order, and the three orders."""
    offer, buyer = draws.permutation(len(book.offer_ask)), draws.permutation(len(book.buyer_key))
    lane = draws.permutation(len(lanes.lane_cap))
    offer_row, buyer_row = np.argsort(offer), np.argsort(buyer)
    tranche = np.argsort(buyer_row[book.tranche_buyer], kind="stable")
    moved = Book(book.offer_ask[offer], book.offer_cap[offer], book.offer_key[offer],
                 buyer_row[book.tranche_buyer][tranche], book.tranche_value[tranche], book.tranche_cap[tranche],
                 book.buyer_key[buyer])
    return moved, Lanes(offer_row[lanes.lane_offer][lane], buyer_row[lanes.lane_buyer][lane], lanes.lane_cost[lane],
                        lanes.lane_cap[lane]), offer, buyer, lane


def simple(ask: list[int], cap: list[int], wants: list[list[tuple[int, int]]],
           lanes: list[tuple[int, int, int, int]]) -> tuple[Book, Lanes]:
    """A book by hand: wants are (value, chips) tranches by buyer, lanes (offer, buyer, cost, cap)."""
    buyer = [j for j, tranches in enumerate(wants) for _ in tranches]
    value = [value for tranches in wants for value, _ in tranches]
    wanted = [chips for tranches in wants for _, chips in tranches]
    columns = np.array(lanes, np.int64).reshape(-1, 4).T
    return (Book(np.array(ask, np.int64), np.array(cap, np.int64), np.arange(1, len(ask) + 1, dtype=np.uint64),
                 np.array(buyer, np.int64), np.array(value, np.int64), np.array(wanted, np.int64),
                 np.arange(101, 101 + len(wants), dtype=np.uint64)),
            Lanes(*(np.ascontiguousarray(column) for column in columns)))
