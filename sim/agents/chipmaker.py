"""Chipmaker: books lines ahead by an adaptive forecast, revises list prices towards a target queue.

Wanted bookings of a part = forecast + (queue + forecast x lead - supply under way) / forecast memory (order-up-to with
smoothing; Simchi-Levi, Kaminsky & Simchi-Levi 2008, ch. 2), no faster than a weekly growth and within packaging lines, of which
China's part is kept for it.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sim.agents.base import AGENTS, Actor
from sim.frame import Chips

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@AGENTS.register("chipmaker")
class Chipmaker(Actor):
    """One maker or class of makers."""

    kind: ClassVar[str] = "chipmaker"

    @property
    def parts(self) -> list[str]:
        """Names of its parts."""
        frame = self.model.frame
        return [name for name, maker in zip(frame.names.chip, frame.chips.maker, strict=True) if maker == self.own_row]


def wanted_bookings(forecast: Floats, queue: Ints | Floats, supply: Ints | Floats, supply_weeks: float, memory_weeks: float,
                    bookable: Any) -> Floats:
    """Chips a week each part's maker wants to book, (chips,): queue and supply are chips over all buyers and stages."""
    target = queue + forecast * supply_weeks
    return np.asarray(np.where(bookable, np.maximum(0.0, forecast + (target - supply) / memory_weeks), 0.0))


def china_room(chips: Chips, need: Floats, wafers: Floats) -> Floats:
    """Chips a week of each fused part that China's part of its maker's lines can package, (chips,): wafers (makers,) a week are
    shared by the value of what is needed (chips,)."""
    each, value = np.maximum(chips.packages_per_wafer, 1e-9), need * chips.list_usd
    total = np.zeros(len(wafers))
    np.add.at(total, chips.maker, value)
    share = value / np.maximum(total, 1e-9)[chips.maker]
    return np.asarray(np.where(chips.packages_per_wafer > 0, share * wafers[chips.maker] * each, need))


def released_wafers(chips: Chips, peak: Floats, tick: int, n_makers: int, share: float, weeks: float) -> Floats:
    """Packaging wafers a week of lines that a successor's ramp has freed, (makers,)."""
    out = np.zeros(n_makers)
    for c in np.flatnonzero((chips.succeeded_tick <= tick) & (chips.packages_per_wafer > 0) & ~chips.domestic & ~chips.for_china):
        ramp = min(1.0, (tick - chips.succeeded_tick[c]) / weeks)
        out[chips.maker[c]] += share * peak[c] / chips.packages_per_wafer[c] * ramp
    return out


def revised_list(list_usd: Floats, first_usd: Floats, wait_weeks: Floats, target_weeks: float, response: float) -> Floats:
    """List prices after a quarterly revision, within a third of the first list price either way."""
    pressure = np.log2(np.maximum(wait_weeks, 0.5) / target_weeks)
    moved = list_usd * (1.0 + response * np.clip(pressure, -2.0, 3.0))
    return np.asarray(np.clip(moved, first_usd / 1.33, first_usd * 1.33))
