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
from sim.kernel import kernel

Floats = NDArray[np.float64]

QUARTER_WEEKS = 13


@AGENTS.register("chipmaker")
class Chipmaker(Actor):
    """One maker or class of makers."""

    kind: ClassVar[str] = "chipmaker"

    @property
    def parts(self) -> list[str]:
        """Names of its parts."""
        frame = self.model.frame
        return [name for name, maker in zip(frame.names.chip, frame.chips.maker, strict=True) if maker == self.own_row]


@kernel
def wanted_booking(forecast: float, queue: float, supply: float, supply_weeks: float, memory_weeks: float) -> float:
    """Chips a week a part's maker wants to book: forecast a week, queue and supply in chips over all buyers and stages."""
    target = queue + forecast * supply_weeks
    return max(0.0, forecast + (target - supply) / memory_weeks)


@kernel
def plans(
    tick: int, weeks: int, row: Any, forecast: Any, peak: Any, asked: Any, supply_of: Any, lost_forecast: Any, list_usd: Any,
    wafers: Any, bookable: Any, open_before: Any, maker: Any, family: Any, packages: Any, first_list: Any, domestic: Any,
    for_china: Any, announced: Any, volume: Any, succeeded: Any, successor_of: Any,
) -> Any:
    """What makers plan this week, before lines are shared: wanted (chips,) a week, the least a part starts with, what is to be
    fused for China at the row of the family's head, and wafers a week on lines that a successor's ramp has freed, (makers,).

    weeks from booking to title; forecast, peak (chips,) a week; asked (chips,) queued and ordered this week; supply_of (chips,)
    under way or finished; lost_forecast (chips,) USD a week that a part had from China when it was barred; wafers (makers,).
    row  China's part of lines, forecast memory weeks, recapture share, handover share, end-of-life weeks, release share, release
    weeks.
    What China's part of the lines can serve is booked for fused parts: a longer queue for them books no dies of the global part.
    Who plans an end of sales books nothing for the time after it. An heir is planned before the first order: without this its
    predecessor's lines would stand idle at every change of part.
    """
    china_share, memory, recapture, handover = row[0], row[1], row[2], row[3]
    end_weeks, release_share, release_weeks = row[4], row[5], row[6]
    n = len(family)
    supply, freed = np.zeros(n), np.zeros(len(wafers))
    for c in range(n):
        supply[family[c]] += supply_of[c]
        if succeeded[c] <= tick and packages[c] > 0.0 and not domestic[c] and not for_china[c]:
            ramp = min(1.0, (tick - succeeded[c]) / release_weeks)
            freed[maker[c]] += release_share * peak[c] / packages[c] * ramp
    need, kept, kept_of = np.zeros(n), np.zeros(n), np.zeros(n)
    for c in range(n):
        if family[c] != c:
            need[c] = asked[c] + forecast[c] * weeks
    room = china_room(packages, first_list, maker, need, wafers, china_share)
    fused, promised = np.zeros(n), np.zeros(n)
    for c in range(n):
        kept[c] = min(min(need[c], room[c] * weeks), supply[family[c]])
        kept_of[family[c]] += kept[c]
        if family[c] != c and open_before[c]:
            fused[family[c]] += min(wanted_booking(forecast[c], asked[c], kept[c], weeks, memory), room[c])
            if announced[c] <= tick < volume[c] + QUARTER_WEEKS:
                promised[family[c]] += recapture * lost_forecast[family[c]] / list_usd[c]
    wanted, seed = np.zeros(n), np.zeros(n)
    for c in range(n):
        fused[c] = max(fused[c], promised[c]) if bookable[c] else 0.0
        left = min(max(succeeded[c] + end_weeks - tick - 1, 0.0), weeks)
        ending = left < weeks
        queue = asked[c] + (forecast[c] * left if ending else 0.0)
        if bookable[c]:
            wanted[c] = wanted_booking(0.0 if ending else forecast[c], queue, supply[c] - kept_of[c], weeks, memory)
        wanted[c] += fused[c]
        planned, before = 0.0, successor_of[c]
        if before >= 0 and bookable[c] and (not for_china[c] or announced[c] <= tick):
            planned = recapture * lost_forecast[before] / list_usd[c] if for_china[c] else handover * peak[before]
        first = 0.02 * min(wafers[maker[c]], 1e6) * packages[c] if packages[c] > 0.0 else 20.0
        seed[c] = max(max(first, planned + fused[c]), 20.0)
        if tick < volume[c] + QUARTER_WEEKS:
            wanted[c] = max(wanted[c], planned + fused[c])
    return wanted, seed, fused, freed


@kernel
def china_room(packages: Any, first_list: Any, maker: Any, need: Any, wafers: Any, share: float) -> Any:
    """Chips a week of each fused part that China's part of its maker's lines can package, (chips,): `share` of wafers (makers,) a
    week is split by the value at first list of what is needed (chips,)."""
    total, room = np.zeros(len(wafers)), need.copy()
    for c in range(len(need)):
        total[maker[c]] += need[c] * first_list[c]
    for c in range(len(need)):
        if packages[c] > 0.0:
            part = need[c] * first_list[c] / max(total[maker[c]], 1e-9)
            room[c] = part * (share * min(wafers[maker[c]], 1e9)) * max(packages[c], 1e-9)
    return room


def revised_list(list_usd: Floats, first_usd: Floats, wait_weeks: Floats, target_weeks: float, response: float) -> Floats:
    """List prices after a quarterly revision, within a third of the first list price either way."""
    pressure = np.log2(np.maximum(wait_weeks, 0.5) / target_weeks)
    moved = list_usd * (1.0 + response * np.clip(pressure, -2.0, 3.0))
    return np.asarray(np.clip(moved, first_usd / 1.33, first_usd * 1.33))
