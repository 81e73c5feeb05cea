"""Assemble: what Chinese makers finish in a week, from dies, packaging and memory stacks, and the memory they buy ahead."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.units import WEEKS_PER_YEAR

if TYPE_CHECKING:
    from sim.world import World

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

PACKAGING_PEAK = date(2025, 1, 6)
"""When the ceiling on card packaging is the one given; it grows slowly after."""


def open_stores(world: World) -> None:
    """What Chinese makers have in store when the run starts."""
    supply, frame = world.domestic, world.frame
    supply.packaging_cards[:] = 0.0
    huawei = frame.row("maker", "huawei")
    if huawei >= 0:
        supply.packaging_cards[huawei] = world.behaviour.domestic_packaging_start_cards.value
        supply.bank[huawei] = frame.die_bank_dies
        supply.stacks[huawei] = frame.memory_start_stacks


def assemble(world: World) -> Ints:
    """Cards Chinese makers complete this week, (chips,), and what bound them."""
    frame, supply, behaviour = world.frame, world.domestic, world.behaviour
    out = np.zeros(len(frame.names.chip), dtype=np.int64)
    domestic = np.flatnonzero(frame.makers.domestic)
    if len(domestic) == 0:
        return out
    wanted = unmet(world, 1)
    gain = supply.yield_share(behaviour.yield_start_share.value, behaviour.yield_gain_share.value,
                              behaviour.yield_scale_dies.value, behaviour.on("learning"))
    world.yields = np.where(frame.makers.domestic, gain, np.nan)
    lawful = made_where_lawful(world)
    cards = _cards_a_week(world, lawful)
    buy_memory(world, lawful, cards)
    for maker in domestic:
        parts = np.flatnonzero((frame.chips.maker == maker) & (frame.chips.volume_tick <= world.tick + 1) & lawful)
        huawei = frame.names.maker[maker] == "huawei"
        if huawei:
            _make_dies(world, int(maker), float(gain[maker]))
        elif len(parts) == 0:
            continue
        room = supply.packaging_cards[maker] if huawei else cards[maker] + supply.part_cards[maker]
        left = int(room)
        if not huawei:
            supply.part_cards[maker] = room - left
        _assemble(world, int(maker), parts, wanted, left, out)
    return out


def unmet(world: World, title_weeks: int) -> Ints:
    """Cards asked of makers beyond what is finished, (chips,): the queue, or without one a forecast until title passes."""
    ahead = world.ledger.ready + world.ledger.finished.sum(axis=0)
    if world.scenario.clearing == "equilibrium":
        asked = np.ceil(world.lines.forecast * (1 + title_weeks)).astype(np.int64)
    else:
        asked = world.primary.queue.sum(axis=0)
    return np.asarray(np.maximum(0, asked - ahead))


def made_where_lawful(world: World) -> Bools:
    """Parts whose dies may be made: at home, from a bank filled before the run, or abroad while the fab lane is open, (chips,)."""
    chips = world.frame.chips
    return np.asarray(~chips.fabbed_in_tw | world.banked | world.standing.fab_open)


def banked(world: World) -> Bools:
    """Huawei's parts whose foundry was lost before the run: they last as long as the bank of dies, (chips,)."""
    chips = world.frame.chips
    return np.asarray(chips.fabbed_in_tw & (chips.volume_tick <= 0) & (chips.maker == world.frame.row("maker", "huawei")))


def _make_dies(world: World, maker: int, good_share: float) -> None:
    """Good dies of the week: its own line's once a part they fit is near, and what fronts buy abroad."""
    frame, supply, tick = world.frame, world.domestic, world.tick
    started = (frame.chips.maker == maker) & ~world.banked & (frame.chips.volume_tick <= tick + world.lead_weeks)
    own = float(started.any()) * float(frame.domestic_dies_per_week[tick, maker] * good_share * world.capacity_factor[maker])
    supply.add_dies(maker, own, float(frame.proxy_dies_per_week[tick, maker]))


def _cards_a_week(world: World, lawful: Bools) -> Floats:
    """Cards each smaller maker can finish a week, (makers,): the common path, split evenly among those who may have a part made,
    lawful (chips,)."""
    frame = world.frame
    path = frame.domestic_cards_per_week[world.tick]
    able = np.zeros(len(path), dtype=np.bool_)
    sound = (frame.chips.volume_tick <= world.tick) & lawful & (frame.chips.maker >= 0)
    able[frame.chips.maker[sound]] = True
    able &= path > 0
    each = path.cumsum()[-1] / max(np.count_nonzero(able), 1)
    return np.asarray(np.where(able, each * world.capacity_factor, 0.0))


def _assemble(world: World, maker: int, parts: Ints, wanted: Ints, left: int, out: Ints) -> None:
    """Newest part first, each held by the scarcest of its inputs; Huawei's packaging grows while it is that."""
    frame, supply, behaviour = world.frame, world.domestic, world.behaviour
    counts_dies = frame.names.maker[maker] == "huawei"
    old = world.banked
    short, bound = False, -1
    for part in parts[::-1]:
        stacks = int(frame.chips.hbm_stacks[part]) if behaviour.on("memory_limit") else 0
        store = supply.bank if old[part] else supply.dies
        dies = int(frame.chips.dies[part]) if counts_dies else 0
        cards = supply.assemble(maker, int(wanted[part]), store, dies, stacks, left)
        short = short or (wanted[part] > cards and supply.bound_by[maker] == 2)
        if bound < 0 and wanted[part] > 0:
            bound = int(supply.bound_by[maker])
        left -= cards
        out[part] += cards
    supply.bound_by[maker] = max(bound, 0)
    if counts_dies and short:
        growth = behaviour.domestic_packaging_growth_per_year.value
        years_late = max(0.0, (world.tick - frame.clock.tick_of(PACKAGING_PEAK)) / WEEKS_PER_YEAR)
        limit = behaviour.domestic_packaging_max_cards.value * behaviour.domestic_packaging_late_growth_per_year.value**years_late
        supply.packaging_cards[maker] = min(supply.packaging_cards[maker] * growth ** (1 / WEEKS_PER_YEAR), limit)


def buy_memory(world: World, lawful: Bools, cards: Floats) -> None:
    """Stacks bought this week: what is used, and cover against a feared bar for the parts of a memory lead time from now.

    What suppliers abroad deliver is shared by what is wanted: the ordinary flow, where trade is free at least what is used (China
    is a small part of their sales), more once an announced bar will strand
    their own stock, and what a bar lets pass after it. Stacks made in China come beside it.
    """
    supply, behaviour, standing = world.domestic, world.behaviour, world.standing
    feared = world.memory_belief if behaviour.on("stockpiling") else 0.0
    cover = max(behaviour.memory_calm_cover_weeks.value, behaviour.memory_cover_weeks.value * feared)
    weekly = _stacks_a_week(world, lawful, cards)
    rate = np.log(behaviour.domestic_packaging_late_growth_per_year.value) / WEEKS_PER_YEAR
    ahead = cover if abs(rate) < 1e-12 else np.expm1(rate * cover) / rate
    wanted = weekly + np.maximum(0.0, weekly * ahead - supply.stacks) / behaviour.memory_gap_weeks.value
    flow = world.frame.memory_supply_stacks[world.tick]
    if standing.memory_share >= 1.0:
        flow = max(flow, float(weekly.cumsum()[-1]))
    if behaviour.on("stockpiling") and world.memory_closing:
        flow = max(flow, behaviour.memory_rush_stacks_per_week.value)
    flow = flow * standing.memory_share + world.frame.domestic_stacks_per_week[world.tick]
    total = float(wanted.cumsum()[-1])
    supply.stacks += np.floor(wanted * min(1.0, flow / total) if total > 0 else 0.0 * wanted).astype(np.int64)


def _stacks_a_week(world: World, lawful: Bools, smaller: Floats) -> Floats:
    """Memory stacks that a week's full output of each Chinese maker needs, (makers,), by the thirstiest part it will make then;
    smaller (makers,) cards a week of all but Huawei."""
    frame, supply = world.frame, world.domestic
    chips, out = frame.chips, np.zeros(len(frame.names.maker))
    soon = chips.domestic & (chips.volume_tick <= world.tick + world.behaviour.memory_lead_weeks.value)
    soon &= (chips.succeeded_tick > world.tick) & lawful
    for maker in np.flatnonzero(frame.makers.domestic):
        own = soon & (chips.maker == maker)
        huawei = frame.names.maker[maker] == "huawei"
        cards = supply.packaging_cards[maker] if huawei else smaller[maker]
        out[maker] = cards * chips.hbm_stacks[own].max(initial=0)
    return out
