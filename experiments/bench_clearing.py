"""The race of the clearing against OR-tools and HiGHS: same books, one process, one thread, paired seed by seed.

Ours is timed from arrays in to trades, midpoint prices and proof out; OR-tools from arrays in to flows out (build and
solve); HiGHS for the solve alone. Cold: nothing is known. Warm: the tick after, ours from last tick's tree, HiGHS from
last tick's basis, OR-tools anew, for it has no warm start. Times are processor time: wall time on a shared machine
measures the neighbours.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import highspy
import numpy as np
from ortools.graph.python import min_cost_flow

from experiments.bench_books import SIZES, Size, history_pairs, next_tick, plain_book, random_book, read_instance
from sim.clearing.base import Book, Lanes, Trades
from sim.clearing.network import clear
from sim.errors import InvariantError

T = TypeVar("T")

BYTES_PER_LANE = 13
"""What one pricing pass reads of a lane: offer 4, cost 8, state 1."""


def race(size_name: str, seeds: int | None = None, books: str = "random") -> dict[str, Any]:
    """The whole race at one size; the keys of the answer are those `bench clearing --json` prints.

    books   random (two uses' structure), plain (chips all alike) or ticks (what a run of `history` cleared, of its own
            size).
    """
    size = SIZES[size_name]
    clear(*random_book(Size(3, 5, 10, 1, 1), 0), 0, 0)
    count = seeds or size.seeds
    rows = []
    if books == "ticks":
        size_name = "ticks"
        rows = [_race_one(*pair, seed, True) for seed, pair in enumerate(history_pairs(count))]
    else:
        for seed in range(count):
            first = (plain_book if books == "plain" else random_book)(size, seed)
            rows.append(_race_one(first, next_tick(*first, seed), seed, seed < size.highs_seeds))

    def middle(key: str) -> float | None:
        known = [row[key] for row in rows if row[key] is not None]
        return median(known) if known else None

    ms_warm, passes = middle("ms_warm"), middle("passes")
    lanes = median(row["lanes"] for row in rows)
    share = (passes or 0.0) * BYTES_PER_LANE * lanes / (bandwidth() * (ms_warm or 1.0) / 1e3)
    return {
        "size": size_name, "books": books, "seeds": len(rows), "lanes": lanes,
        **{key: middle(key) for key in
           ("ratio_ortools_cold", "ratio_ortools_warm", "ratio_highs_cold", "ratio_highs_warm")},
        "surplus_equal": all(row["surplus_equal"] for row in rows), "gap": max(row["gap"] for row in rows),
        "ms_cold": middle("ms_cold"), "ms_warm": ms_warm, "ms_ortools_cold": middle("ms_ortools_cold"),
        "ms_ortools_warm": middle("ms_ortools_warm"), "ms_highs_cold": middle("ms_highs_cold"),
        "ms_highs_warm": middle("ms_highs_warm"), "passes": passes, "passes_cold": middle("passes_cold"),
        "pivots_cold": middle("pivots_cold"), "pivots_warm": middle("pivots_warm"),
        "bytes_per_lane": BYTES_PER_LANE, "bandwidth_share": share,
    }


def _race_one(first: tuple[Book, Lanes], then: tuple[Book, Lanes], seed: int, with_highs: bool) -> dict[str, Any]:
    rival_cold, ms_rival_cold = _timed(lambda: ortools_surplus(*first))
    (cold, basis), ms_cold = _timed(lambda: clear(*first, 0, seed))
    passes_cold, pivots_cold = basis.passes, basis.pivots
    rival_warm, ms_rival_warm = _timed(lambda: ortools_surplus(*then))
    (warm, basis), ms_warm = _timed(lambda: clear(*then, 0, seed, basis))
    highs_cold, highs_warm = _highs_ms(first, then) if with_highs else (None, None)
    return {
        "lanes": len(first[1].lane_offer), "ratio_ortools_cold": ms_rival_cold / ms_cold,
        "ratio_ortools_warm": ms_rival_warm / ms_warm,
        "ratio_highs_cold": highs_cold / ms_cold if highs_cold else None,
        "ratio_highs_warm": highs_warm / ms_warm if highs_warm else None,
        "surplus_equal": cold.surplus == rival_cold and warm.surplus == rival_warm,
        "gap": max(gap(cold), gap(warm)), "ms_cold": ms_cold, "ms_warm": ms_warm, "ms_ortools_cold": ms_rival_cold,
        "ms_ortools_warm": ms_rival_warm, "ms_highs_cold": highs_cold, "ms_highs_warm": highs_warm,
        "passes": basis.passes, "passes_cold": passes_cold, "pivots_cold": pivots_cold, "pivots_warm": basis.pivots,
    }


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    start = time.process_time()
    done = work()
    return done, (time.process_time() - start) * 1e3


def gap(trades: Trades) -> float:
    """Relative duality gap; 0 where the integers agree."""
    return (trades.dual - trades.surplus) / max(1, abs(trades.surplus))


def answer(path: Path) -> dict[str, Any]:
    """The clearing of an instance file: surplus, gap, lane_flow, offer_price (None without a trade), and the time."""
    book, lanes = read_instance(path)
    (trades, basis), ms_cold = _timed(lambda: clear(book, lanes, 0, 0))
    price = [None if np.isnan(cents) else float(cents) for cents in trades.offer_price]
    return {"instance": str(path), "surplus": trades.surplus, "gap": gap(trades),
            "lane_flow": trades.lane_flow.tolist(), "offer_price": price, "ms_cold": ms_cold, "passes": basis.passes}


def ortools_surplus(book: Book, lanes: Lanes) -> int:
    """The optimum by OR-tools SimpleMinCostFlow, from arrays in. Raises InvariantError if it finds none."""
    n, m = len(book.offer_ask), len(book.buyer_key)
    flow = min_cost_flow.SimpleMinCostFlow()
    add = flow.add_arcs_with_capacity_and_unit_cost
    add(np.full(n, n + m, np.int32), np.arange(n, dtype=np.int32), book.offer_cap, book.offer_ask)
    add(lanes.lane_offer.astype(np.int32), (n + lanes.lane_buyer).astype(np.int32), lanes.lane_cap, lanes.lane_cost)
    add((n + book.tranche_buyer).astype(np.int32), np.full(len(book.tranche_buyer), n + m, np.int32), book.tranche_cap,
        -book.tranche_value)
    flow.set_nodes_supplies(np.arange(n + m + 1, dtype=np.int32), np.zeros(n + m + 1, np.int64))
    if flow.solve() != flow.OPTIMAL:
        raise InvariantError("OR-tools found no optimum of a book that always has one")
    return -int(flow.optimal_cost())


def _highs_ms(first: tuple[Book, Lanes], then: tuple[Book, Lanes]) -> tuple[float, float]:
    """Milliseconds of HiGHS, cold and from the basis; its banner, printed below Python, is kept out of our answer."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        highs = _Highs(*first)
        return highs.solve_ms(), highs.tick_ms(*then)
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


class _Highs:
    """The book as a linear programme in HiGHS, dual simplex, one thread."""

    def __init__(self, book: Book, lanes: Lanes) -> None:
        self._model: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        self._model.silent()
        for option, value in (("threads", 1), ("solver", "simplex"), ("presolve", "off")):
            self._model.setOptionValue(option, value)
        n, m, e, t = len(book.offer_ask), len(book.buyer_key), len(lanes.lane_offer), len(book.tranche_buyer)
        programme = highspy.HighsLp()
        programme.num_col_, programme.num_row_ = e + t, n + m
        programme.col_cost_, programme.col_upper_ = self._columns(book, lanes)
        programme.col_lower_ = np.zeros(e + t)
        programme.row_lower_ = np.concatenate([np.full(n, -np.inf), np.zeros(m)])
        programme.row_upper_ = np.concatenate([book.offer_cap.astype(float), np.zeros(m)])
        matrix = programme.a_matrix_
        matrix.format_ = highspy.MatrixFormat.kColwise
        matrix.start_ = np.concatenate([np.arange(0, 2 * e, 2), 2 * e + np.arange(t + 1)])
        matrix.index_ = np.concatenate([np.column_stack([lanes.lane_offer, n + lanes.lane_buyer]).ravel(),
                                        n + book.tranche_buyer])
        matrix.value_ = np.concatenate([np.tile([1.0, -1.0], e), np.ones(t)])
        self._model.passModel(programme)

    def solve_ms(self) -> float:
        """Milliseconds of the solve alone."""
        return _timed(self._model.run)[1]

    def tick_ms(self, book: Book, lanes: Lanes) -> float:
        """Change costs and bounds to the next tick's and solve on from the basis; milliseconds of the solve alone."""
        cost, upper = self._columns(book, lanes)
        columns = np.arange(len(cost), dtype=np.int32)
        self._model.changeColsCost(len(cost), columns, cost)
        self._model.changeColsBounds(len(cost), columns, np.zeros(len(cost)), upper)
        for row, chips in enumerate(book.offer_cap):
            self._model.changeRowBounds(row, -np.inf, float(chips))
        return self.solve_ms()

    def _columns(self, book: Book, lanes: Lanes) -> tuple[Any, Any]:
        cost = np.concatenate([book.offer_ask[lanes.lane_offer] + lanes.lane_cost, -book.tranche_value]).astype(float)
        return cost, np.concatenate([lanes.lane_cap, book.tranche_cap]).astype(float)


def bandwidth() -> float:
    """Bytes a second that one thread reads from memory, measured on 128 MB; the best of five."""
    block = np.ones(1 << 24)
    return float(block.nbytes / min(_timed(block.sum)[1] for _ in range(5)) * 1e3)
