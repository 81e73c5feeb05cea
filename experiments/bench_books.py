"""Books to race clearings on: random ones built like the trade, the tick that follows one, and instance files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from sim.clearing.base import Book, BookError, Lanes
from sim.errors import UsageError
from sim.keyed_random import key_of

Ints = NDArray[np.int64]

TICK_CENTS = 5_000
"""Asks, values and costs are multiples of 50 dollars, so that ties are common."""
REGIONS = 6
TRANCHES = 4
UNCAPPED = 10**9
LIST_CENTS = np.array([2_500, 5_000, 9_000, 12_000, 16_000, 22_000, 28_000, 34_000]) * 100


@dataclass(frozen=True)
class Size:
    """offers, buyers, lanes of a book, and seeds to race it on."""

    offers: int
    buyers: int
    lanes: int
    seeds: int
    highs_seeds: int


SIZES = {
    "tiny": Size(60, 20, 600, 31, 31),
    "history": Size(50, 200, 3_000, 31, 31),
    "large": Size(500, 10_000, 200_000, 9, 3),
    "huge": Size(2_000, 100_000, 2_000_000, 3, 0),
}


def random_book(size: Size, seed: int) -> tuple[Book, Lanes]:
    """Chips at list price give or take a fifth, buyers of very different size, lanes that favour the buyer's region, a
    tenth of them barred, a tenth grey (dear and narrow); a chip better than the one a buyer has in mind is worth
    about its difference in list price more; supply covers about two thirds of what is wanted."""
    draws = default_rng(seed)
    n, m = size.offers, size.buyers
    chip, at = draws.integers(0, len(LIST_CENTS), n), draws.integers(0, REGIONS, n)
    home, meant = draws.integers(0, REGIONS, m), draws.integers(0, len(LIST_CENTS), m)
    wanted = np.maximum(1, draws.lognormal(2.0, 1.0, (m, TRANCHES))).astype(np.int64)
    supply = np.maximum(1, draws.lognormal(0.0, 1.0, n))
    supply = np.maximum(1, supply * (0.66 * wanted.sum() / supply.sum())).astype(np.int64)
    book = Book(
        offer_ask=_ticks(LIST_CENTS[chip] * draws.uniform(0.8, 1.2, n)), offer_cap=supply,
        offer_key=_keys("offer", n), tranche_buyer=np.repeat(np.arange(m), TRANCHES),
        tranche_value=_values(LIST_CENTS[meant] * draws.uniform(1.0, 1.8, m)), tranche_cap=wanted.ravel(),
        buyer_key=_keys("buyer", m))
    return book, _lanes(draws, size, (chip, meant), at, home)


def plain_book(size: Size, seed: int) -> tuple[Book, Lanes]:
    """The first books these races were run on: as `random_book`, but a chip is a chip, so that all are substitutes and
    lanes differ by freight and risk alone. Harder: one chain of substitution spans the world."""
    draws = default_rng(seed)
    n, m = size.offers, size.buyers
    chip, at, home = draws.integers(0, len(LIST_CENTS), n), draws.integers(0, REGIONS, n), draws.integers(0, REGIONS, m)
    wanted = np.maximum(1, draws.lognormal(2.0, 1.0, (m, TRANCHES))).astype(np.int64)
    supply = np.maximum(1, draws.lognormal(0.0, 1.0, n))
    supply = np.maximum(1, supply * (0.66 * wanted.sum() / supply.sum())).astype(np.int64)
    book = Book(
        offer_ask=_ticks(LIST_CENTS[chip] * draws.uniform(0.8, 1.2, n)), offer_cap=supply,
        offer_key=_keys("offer", n), tranche_buyer=np.repeat(np.arange(m), TRANCHES),
        tranche_value=_values(draws.choice(LIST_CENTS, m) * draws.uniform(1.0, 1.8, m)), tranche_cap=wanted.ravel(),
        buyer_key=_keys("buyer", m))
    return book, _lanes(draws, size, None, at, home)


def history_pairs(count: int) -> list[tuple[tuple[Book, Lanes], tuple[Book, Lanes]]]:
    """So many pairs of books as a run of `history` cleared them one after the other on the same lanes (rounds of one
    week, spot and rental), drawn evenly from the frozen file."""
    with np.load(Path(str(files("scenarios") / "bench" / "history-books.npz"))) as frozen:
        column = {name: frozen[name] for name in frozen.files}
    books: list[tuple[Book, Lanes]] = []
    at = np.zeros(3, np.int64)
    for n, t, e, m in column["size"].reshape(-1, 4).tolist():
        end = at + np.array([n, t, e])
        offer, tranche, lane = (slice(int(a), int(b)) for a, b in zip(at, end, strict=True))
        book = Book(column["offer_ask"][offer], column["offer_cap"][offer], _keys("offer", n),
                    column["tranche_buyer"][tranche], column["tranche_value"][tranche], column["tranche_cap"][tranche],
                    _keys("buyer", m))
        books.append((book, Lanes(*(column[name][lane] for name in ("lane_offer", "lane_buyer", "lane_cost", "lane_cap")))))
        at = end
    pairs = [(one, two) for one, two in pairwise(books)
             if len(one[0].buyer_key) == len(two[0].buyer_key) and np.array_equal(one[1].lane_offer, two[1].lane_offer)
             and np.array_equal(one[1].lane_buyer, two[1].lane_buyer)]
    return [pairs[k] for k in np.linspace(0, len(pairs) - 1, min(count, len(pairs))).astype(int).tolist()]


def _lanes(draws: Generator, size: Size, kind_of: tuple[Ints, Ints] | None, at: Ints, home: Ints) -> Lanes:
    n, m = size.offers, size.buyers
    pairs = np.unique(draws.integers(0, n * m, int(1.6 * size.lanes)))
    near = at[pairs % n] == home[pairs // n]
    score = draws.random(len(pairs)) * np.where(near, 0.4, 1.0)
    pairs = np.sort(pairs[np.argsort(score, kind="stable")[:size.lanes]])
    offer, buyer = pairs % n, pairs // n
    freight = draws.integers(0, 40, (REGIONS, REGIONS)) * TICK_CENTS
    kind = draws.random(len(pairs))
    grey = kind < 0.1
    better = np.zeros(len(pairs), np.int64)
    if kind_of is not None:
        chip, meant = kind_of
        taste = draws.uniform(0.85, 1.15, (len(LIST_CENTS), m))[chip[offer], buyer]
        better = _ticks((LIST_CENTS[chip[offer]] - LIST_CENTS[meant[buyer]]) * taste)
    risk = np.where(grey, draws.integers(60, 200, len(pairs)) * TICK_CENTS, 0)
    cost = freight[at[offer], home[buyer]] + risk - better
    cap = np.where(grey, draws.integers(1, 20, len(pairs)), UNCAPPED)
    return Lanes(offer, buyer, cost, np.where(kind > 0.9, 0, cap))


def _values(top: NDArray[np.float64]) -> Ints:
    return _ticks(top[:, None] * np.linspace(1.0, 0.5, TRANCHES)[None, :]).ravel()


def _ticks(cents: NDArray[np.float64]) -> Ints:
    return np.rint(cents / TICK_CENTS).astype(np.int64) * TICK_CENTS


def _keys(kind: str, count: int) -> NDArray[np.uint64]:
    return np.array([key_of(kind, row) for row in range(count)], np.uint64)


def next_tick(book: Book, lanes: Lanes, seed: int) -> tuple[Book, Lanes]:
    """A week later: one offer and one buyer in twenty drawn anew, one lane in a hundred closed."""
    draws = default_rng((seed, 1))
    n, m = len(book.offer_ask), len(book.buyer_key)
    offers, buyers = draws.random(n) < 0.05, draws.random(m) < 0.05
    ask, cap = book.offer_ask.copy(), book.offer_cap.copy()
    ask[offers] = _ticks(ask[offers] * draws.uniform(0.8, 1.2, offers.sum()))
    cap[offers] = np.maximum(1, cap[offers] * draws.uniform(0.5, 1.5, offers.sum())).astype(np.int64)
    again = np.repeat(buyers, TRANCHES)
    value, wanted = book.tranche_value.copy(), book.tranche_cap.copy()
    value[again] = _values(value[::TRANCHES][buyers] * draws.uniform(0.7, 1.4, int(buyers.sum())))
    wanted[again] = np.maximum(1, draws.lognormal(2.0, 1.0, int(again.sum()))).astype(np.int64)
    closed = draws.random(len(lanes.lane_cap)) < 0.01
    return (replace(book, offer_ask=ask, offer_cap=cap, tranche_value=value, tranche_cap=wanted),
            replace(lanes, lane_cap=np.where(closed, 0, lanes.lane_cap)))


def read_instance(path: Path) -> tuple[Book, Lanes]:
    """A book from an .npz file of its nine columns; buyers are the rows up to the highest named. Raises UsageError."""
    names = ("offer_ask", "offer_cap", "tranche_buyer", "tranche_value", "tranche_cap",
             "lane_offer", "lane_buyer", "lane_cost", "lane_cap")
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in names if name not in file]
            if missing:
                raise UsageError(f"{path} lacks {', '.join(missing)}; an instance holds {', '.join(names)}")
            column = {name: np.asarray(file[name]) for name in names}
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{path} is no instance: {error}") from error
    named = [column[name] for name in ("tranche_buyer", "lane_buyer") if column[name].size]
    highest = max((float(np.nanmax(part)) for part in named if part.dtype.kind in "iuf"), default=-1.0)
    if highest >= 1e8:
        raise BookError(f"{path} names buyer {highest:.0f}; below 100 million would do")
    n, m = column["offer_ask"].size, int(max(highest, -1.0)) + 1
    book = Book(column["offer_ask"], column["offer_cap"], _keys("offer", n), column["tranche_buyer"],
                column["tranche_value"], column["tranche_cap"], _keys("buyer", m))
    return book, Lanes(column["lane_offer"], column["lane_buyer"], column["lane_cost"], column["lane_cap"])


def write_instance(path: Path, book: Book, lanes: Lanes) -> None:
    """Keep a book as an instance file."""
    np.savez_compressed(
        path, offer_ask=book.offer_ask, offer_cap=book.offer_cap, tranche_buyer=book.tranche_buyer,
        tranche_value=book.tranche_value, tranche_cap=book.tranche_cap, lane_offer=lanes.lane_offer,
        lane_buyer=lanes.lane_buyer, lane_cost=lanes.lane_cost, lane_cap=lanes.lane_cap)
