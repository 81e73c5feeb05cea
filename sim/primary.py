"""Primary book: orders at list queue with the maker until filled, cancelled or barred.

Buyers (rows: labs, then distributors) are served pro rata to chips x (1 + weeks waited) x the weight of their class, largest
remainder, ties by hashed id and 13-week epoch. Weights instead of strict turns: small buyers did get H100s in 2023.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.kernel import kernel
from sim.keyed_random import philox

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MEMORY_WEEKS = 13
"""Weeks of deliveries a wait is measured over."""


@dataclass
class PrimaryBook:
    """Orders at list by buyer and part.

    queue       (buyers, chips) int64     not yet filled
    waited      (buyers, chips) float64   mean weeks they have waited
    delivered   (MEMORY_WEEKS, regions, chips) int64   ring of weekly deliveries, for waits
    quarter     (regions, chips) int64    their sum
    """

    n_buyers: int
    n_chips: int
    n_regions: int
    queue: Ints = field(init=False)
    waited: Floats = field(init=False)
    delivered: Ints = field(init=False)
    quarter: Ints = field(init=False)

    def __post_init__(self) -> None:
        self.queue = np.zeros((self.n_buyers, self.n_chips), dtype=np.int64)
        self.waited = np.zeros((self.n_buyers, self.n_chips))
        self.delivered = np.zeros((MEMORY_WEEKS, self.n_regions, self.n_chips), dtype=np.int64)
        self.quarter = np.zeros((self.n_regions, self.n_chips), dtype=np.int64)

    def place(self, orders: Ints) -> None:
        """Add this week's orders (buyers, chips) to the queue; their wait starts at zero."""
        _place(self.queue, self.waited, orders)

    def cancel(self, barred: NDArray[np.bool_]) -> Ints:
        """Strike out the queue in barred cells (buyers, chips); returns what was struck out."""
        struck = np.where(barred, self.queue, 0)
        self.queue -= struck
        return struck

    def serve(self, ready: Ints, cap: Ints, service_class: Ints, keys: NDArray[np.uint64], epoch: int) -> Ints:
        """Fill the queue from deliverable stock.

        ready (chips,), cap (buyers, chips) most that may flow to a cell this week, service_class (buyers,) 0 to 2,
        weighing 3, 2 and 1.
        Returns shipped (buyers, chips); takes it from the queue.
        """
        shipped: Ints = _serve(self.queue, self.waited, ready, cap, service_class, keys, epoch)
        self.queue -= shipped
        return shipped

    def remember(self, tick: int, shipped: Ints, region: Ints) -> Ints:
        """Note this week's deliveries by buyers' region; returns them, (regions, chips)."""
        ring = self.delivered[tick % MEMORY_WEEKS]
        _turn(region, shipped, ring, self.quarter)
        return np.asarray(ring)


@kernel
def _turn(region: Any, shipped: Any, week: Any, quarter: Any) -> None:
    """Put this week's deliveries, shipped (buyers, chips), in the place of those of `week` (regions, chips), in the quarter's sum
    too."""
    for r in range(week.shape[0]):
        for c in range(week.shape[1]):
            quarter[r, c] -= week[r, c]
            week[r, c] = 0
    for b in range(shipped.shape[0]):
        for c in range(shipped.shape[1]):
            week[region[b], c] += shipped[b, c]
            quarter[region[b], c] += shipped[b, c]


@kernel
def queue_weeks(region: Any, queue: Any, quarter: Any, weeks: int, floor_chips: Any) -> Any:
    """Queue over mean weekly deliveries by region and part, (regions, chips) weeks: queue (buyers, chips), quarter (regions, chips)
    delivered in `weeks`; where nothing was delivered yet, over floor_chips (chips,) a week that the maker has booked; 0 where
    nothing queues."""
    total = np.zeros(quarter.shape, dtype=np.int64)
    for b in range(queue.shape[0]):
        for c in range(queue.shape[1]):
            total[region[b], c] += queue[b, c]
    out = np.zeros(quarter.shape)
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            if total[r, c] > 0:
                out[r, c] = total[r, c] / max(max(quarter[r, c] / weeks, floor_chips[c]), 1e-9)
    return out


@kernel
def _place(queue: Any, waited: Any, orders: Any) -> None:
    for b in range(queue.shape[0]):
        for c in range(queue.shape[1]):
            before = queue[b, c]
            total = before + orders[b, c]
            if total > 0:
                waited[b, c] = (waited[b, c] + 1.0) * before / total
            else:
                waited[b, c] = 0.0
            queue[b, c] = total


@kernel
def _serve(queue: Any, waited: Any, ready: Any, cap: Any, service_class: Any, keys: Any, epoch: int) -> Any:
    n_buyers, n_chips = queue.shape
    shipped = np.zeros((n_buyers, n_chips), dtype=np.int64)
    wants = np.zeros(n_buyers, dtype=np.int64)
    weight = np.zeros(n_buyers)
    for c in range(n_chips):
        left = ready[c]
        if left <= 0:
            continue
        total = 0
        for b in range(n_buyers):
            wants[b] = min(queue[b, c], cap[b, c])
            weight[b] = wants[b] * (1.0 + waited[b, c]) * (3.0 - service_class[b])
            total += wants[b]
        if total <= left:
            for b in range(n_buyers):
                shipped[b, c] += wants[b]
        else:
            share_out(left, wants, weight, keys, epoch, shipped[:, c])
    return shipped


@kernel
def share_out(available: int, wants: Any, weight: Any, keys: Any, epoch: int, out: Any) -> None:
    """Split `available` chips among rows pro rata to weight, none above its want; adds to out (n,).

    Whole parts first, then the largest remainders, ties by hashed key and epoch (Hamilton's method with caps).
    Needs available < sum of wants.
    """
    n = wants.shape[0]
    given = np.zeros(n, dtype=np.int64)
    left = available
    while left > 0:
        total = 0.0
        for i in range(n):
            if given[i] < wants[i]:
                total += weight[i]
        if total <= 0.0:
            break
        base = left
        moved = 0
        for i in range(n):
            if given[i] < wants[i]:
                part = min(int(base * (weight[i] / total)), wants[i] - given[i])
                given[i] += part
                moved += part
        left -= moved
        if moved == 0:
            _one_each(left, wants, weight, total, keys, epoch, given)
            break
    for i in range(n):
        out[i] += given[i]


@kernel
def _one_each(left: int, wants: Any, weight: Any, total: float, keys: Any, epoch: int, given: Any) -> None:
    waiting: Any = np.flatnonzero(given < wants)
    draws = np.zeros(wants.shape[0], dtype=np.uint64)
    for i in waiting:
        draws[i] = philox(0, keys[i], epoch, 0)
    while left > 0:
        best, best_part, best_draw = -1, -1.0, np.uint64(0)
        for i in waiting:
            if given[i] < wants[i]:
                part = left * (weight[i] / total)
                draw = draws[i]
                if part > best_part or (part == best_part and draw > best_draw):
                    best, best_part, best_draw = i, part, draw
        if best < 0:
            break
        given[best] += 1
        left -= 1
        weight[best] = 0.0 if given[best] >= wants[best] else weight[best] * 0.5
