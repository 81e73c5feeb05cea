"""Upstream: capacity booked ahead, wafers, packaging and memory, and what comes out of them each week.

Foreign makers book packaging lines by an adaptive forecast and are committed to what they booked; logic wafers never bind.
Chinese makers are held by dies (yield learns with output, Wright 1936), card packaging and memory stacks, whichever is least.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.kernel import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

BOUND_BY = ("demand", "dies", "packaging", "memory", "lines")


@dataclass
class Lines:
    """Capacity bookings of parts on their way to completion.

    booked     (lead_weeks, chips)   ring by the week they complete
    forecast   (chips,)              orders a week, exponentially remembered
    last       (chips,)              last week's bookings
    peak       (chips,)              highest bookings so far, for lines freed when a successor ramps
    """

    n_chips: int
    lead_weeks: int
    booked: Ints = field(init=False)
    forecast: Floats = field(init=False)
    last: Floats = field(init=False)
    peak: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.booked = np.zeros((self.lead_weeks, self.n_chips), dtype=np.int64)
        self.forecast = np.zeros(self.n_chips)
        self.last = np.zeros(self.n_chips)
        self.peak = np.zeros(self.n_chips)

    def complete(self, tick: int) -> Ints:
        """What completes this week, (chips,); its place in the ring is free again."""
        done: Ints = self.booked[tick % self.lead_weeks].copy()
        self.booked[tick % self.lead_weeks] = 0
        return done

    def under_way(self) -> Ints:
        """Booked and not complete, (chips,)."""
        return np.asarray(self.booked.sum(axis=0))

    def stages(self, tick: int, die_out_share: float) -> tuple[Ints, Ints]:
        """Booked chips before and after their die is out: generic and chip-specific, (chips,) each."""
        ahead = (np.arange(self.lead_weeks) - tick) % self.lead_weeks  # weeks to completion
        generic = ahead >= self.lead_weeks * (1.0 - die_out_share)
        return np.asarray(self.booked[generic].sum(axis=0)), np.asarray(self.booked[~generic].sum(axis=0))

    def learn(self, orders: Ints, memory_weeks: float) -> None:
        """Move the forecast towards this week's orders (chips,)."""
        self.forecast += (orders - self.forecast) / memory_weeks

    def book(self, tick: int, chips: Ints) -> None:
        """Commit lines to chips (chips,) that complete in lead_weeks."""
        self.booked[tick % self.lead_weeks] += chips
        self.last[:] = chips
        np.maximum(self.peak, chips, out=self.peak)

    def strike(self, chip: int) -> Ints:
        """Take a part out of the lines; returns what was booked by week of completion, (lead_weeks,)."""
        struck: Ints = self.booked[:, chip].copy()
        self.booked[:, chip] = 0
        self.last[chip] = 0.0
        self.forecast[chip] = 0.0
        return struck


@kernel
def bookings(
    wanted: Any, last: Any, seed: Any, growth: float, fall: float, maker: Any, packages_per_wafer: Any, china: Any,
    succeeded: Any, wafers: Any, china_share: float, freed: Any,
) -> Any:
    """Chips to book this week, (chips,) float.

    wanted      (chips,)  what the forecast asks for
    last, seed  (chips,)  last week's bookings; least a new part may start with
    growth      fastest weekly growth; fall the fastest fall: wafers and memory on order are frozen
    china       (chips,)  what of it is wanted for China: all of a part meant for it, of a global part the dies to be fused
    wafers      (makers,) packaging wafers a maker has this week; freed (makers,) wafers a week on released lines
    What China wants shares china_share of its maker's lines and all of the freed ones, and keeps what it shares: the old
    package's lines do not build the new generation. What else asks for more than is left gives way in proportion, parts that
    have a successor first.
    """
    n = wanted.shape[0]
    out = np.zeros(n)
    for c in range(n):
        if wanted[c] > 0.0:
            out[c] = min(wanted[c], max(last[c] * (1.0 + growth), seed[c]))
        if not succeeded[c]:
            out[c] = max(out[c], last[c] * (1.0 - fall))
    for m in range(wafers.shape[0]):
        shared, old, fresh = 0.0, 0.0, 0.0
        for c in range(n):
            if maker[c] == m and packages_per_wafer[c] > 0.0:
                part = min(out[c], china[c])
                shared += part / packages_per_wafer[c]
                if succeeded[c]:
                    old += (out[c] - part) / packages_per_wafer[c]
                else:
                    fresh += (out[c] - part) / packages_per_wafer[c]
        keep_china = min(1.0, (wafers[m] * china_share + freed[m]) / shared) if shared > 0.0 else 0.0
        left = wafers[m] + freed[m] - keep_china * shared
        keep_old = min(1.0, max(0.0, left - fresh) / old) if old > 0.0 else 0.0
        keep_new = min(1.0, left / fresh) if fresh > 0.0 else 0.0
        for c in range(n):
            if maker[c] == m and packages_per_wafer[c] > 0.0:
                part = min(out[c], china[c])
                out[c] = keep_china * part + (keep_old if succeeded[c] else keep_new) * (out[c] - part)
    return out


@dataclass
class DomesticSupply:
    """What holds Chinese output: stocks of dies and memory, card packaging, and yield that learns.

    Rows are Chinese makers. dies int64 good dies in store, of its own line and through fronts; bank int64 dies of a foundry
    lost before the run, which fit its old parts only; stacks int64 memory stacks; packaging float64 cards a week;
    line_dies float64 good dies its own line has made.
    """

    n_makers: int
    dies: Ints = field(init=False)
    bank: Ints = field(init=False)
    stacks: Ints = field(init=False)
    line_dies: Floats = field(init=False)
    packaging_cards: Floats = field(init=False)
    bound_by: Ints = field(init=False)
    fraction: Floats = field(init=False)
    """Parts of a die not yet whole, carried to next week."""
    part_cards: Floats = field(init=False)
    """Parts of a card not yet whole, likewise."""

    def __post_init__(self) -> None:
        self.dies = np.zeros(self.n_makers, dtype=np.int64)
        self.bank = np.zeros(self.n_makers, dtype=np.int64)
        self.stacks = np.zeros(self.n_makers, dtype=np.int64)
        self.line_dies = np.zeros(self.n_makers)
        self.packaging_cards = np.zeros(self.n_makers)
        self.bound_by = np.zeros(self.n_makers, dtype=np.int64)
        self.fraction = np.zeros(self.n_makers)
        self.part_cards = np.zeros(self.n_makers)

    def yield_share(self, start: float, gain: float, scale_dies: float, learns: bool) -> Floats:
        """Good dies over gross, (makers,): start + gain (1 - exp(-dies of its line so far / scale)).

        A line learns from what it makes itself, not from cards with dies made elsewhere. The record of yields is an input (D11).
        """
        made = self.line_dies if learns else np.zeros(self.n_makers)
        return np.asarray(start + gain * (1.0 - np.exp(-made / scale_dies)))

    def add_dies(self, maker: int, own: float, bought: float) -> None:
        """Good dies come off the maker's own line and through fronts, part dies carried."""
        self.line_dies[maker] += own
        whole = own + bought + self.fraction[maker]
        self.dies[maker] += int(whole)
        self.fraction[maker] = whole - int(whole)

    def assemble(self, maker: int, wanted: int, store: Ints, dies_each: int, stacks_each: int, packaging_left: int) -> int:
        """Cards made: the least of demand, dies in store (makers,), packaging and memory; takes what they need, notes what bound.

        dies_each 0: the maker's dies are not counted.
        """
        limits = [wanted, store[maker] // dies_each if dies_each else wanted, packaging_left,
                  self.stacks[maker] // stacks_each if stacks_each else wanted]
        cards = int(max(0, min(limits)))
        store[maker] -= cards * dies_each
        self.stacks[maker] -= cards * stacks_each
        if wanted > 0:
            self.bound_by[maker] = int(np.argmin(limits))
        return cards
