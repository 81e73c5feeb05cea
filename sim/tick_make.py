"""Receive: what was booked completes, titles pass, transit ends, budgets are paid in; Chinese makers assemble."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.units import WEEKS_PER_YEAR

if TYPE_CHECKING:
    from sim.world import World

Ints = NDArray[np.int64]

PACKAGING_PEAK = date(2025, 1, 6)
"""When the ceiling on card packaging is the one given; it grows slowly after."""


def open_lines(world: World, orders: Ints) -> None:
    """Fill pipelines as if last year had gone on: each part on sale gets what labs order at first sight, (buyers, chips)."""
    orders = orders[: len(world.frame.names.lab)].sum(axis=0)
    chips, lines = world.frame.chips, world.lines
    running = (chips.volume_tick <= 0) & ~chips.domestic
    weekly = np.where(running, orders, 0)
    weekly = np.bincount(chips.family, weights=weekly, minlength=len(weekly)).astype(np.int64)
    lines.forecast[:] = weekly
    for week in range(lines.lead_weeks):
        lines.booked[week] = weekly
    lines.last[:] = weekly
    for week in range(1, world.title_weeks + 1):
        world.ledger.finished[week] += weekly
        world.ledger.created += weekly
    supply = world.domestic
    supply.packaging_cards[:] = 0.0
    huawei = world.frame.row("maker", "huawei")
    if huawei >= 0:
        supply.packaging_cards[huawei] = world.behaviour.domestic_packaging_start_cards.value
        supply.dies[huawei] = world.frame.die_bank_dies
        supply.stacks[huawei] = world.frame.memory_start_stacks


def receive(world: World) -> None:
    """Arrivals first, then completions, then this week's money."""
    ledger = world.ledger
    ledger.tick = world.tick
    ledger.receive()
    made = fuse(world, world.lines.complete(world.tick)) + assemble(world) + low_end(world)
    world.produced = made
    _make_foreign(world, made)
    fund(world)


def fuse(world: World, done: Ints) -> Ints:
    """Completed dies of a family become its fused parts as far as those are queued for and China's part of the lines goes."""
    chips, tick = world.frame.chips, world.tick
    fused = np.flatnonzero((chips.family != np.arange(len(done))) & (chips.volume_tick - world.title_weeks <= tick))
    if len(fused) == 0 or not world.behaviour.on("redesign"):
        return done
    out = done.copy()
    queue = world.primary.queue.sum(axis=0)
    ahead = world.ledger.ready + world.ledger.finished.sum(axis=0)
    need = np.where(world.law.open_before[fused], np.maximum(0, queue[fused] - ahead[fused]), 0)
    for maker in np.unique(chips.maker[fused]):
        own = chips.maker[fused] == maker
        room = world.behaviour.china_capacity_share.value * done[chips.maker == maker].sum(dtype=np.int64)
        value = need[own] * world.list_usd[fused[own]]
        total = max(float(value.cumsum()[-1]), 1.0)
        for part, wanted, worth in zip(fused[own], need[own], value, strict=True):
            moved = min(int(wanted), int(room * worth / total), int(out[chips.family[part]]))
            out[chips.family[part]] -= moved
            out[part] += moved
    return out


def _make_foreign(world: World, made: Ints) -> None:
    """Completed cards enter under title; their cost is paid to suppliers."""
    ledger, frame = world.ledger, world.frame
    chips = frame.chips
    quick = chips.domestic | (np.arange(len(made)) == frame.row("chip", "low_end"))
    ledger.make(np.where(quick, 0, made), world.title_weeks)
    ledger.make(np.where(quick, made, 0), 1)
    rows = np.flatnonzero(made > 0)
    cost = np.rint(made[rows] * chips.unit_cost_usd[rows] * 100).astype(np.int64)
    ledger.pay("input", frame.makers.actor[chips.maker[rows]], ledger.outside("suppliers"), cost)


def fund(world: World) -> None:
    """Budgets are paid in; what exceeds the carry-over lapses."""
    ledger, labs = world.ledger, world.frame.labs
    plan = np.rint(labs.plan_usd[world.tick] * 100).astype(np.int64)
    ledger.pay("budget", ledger.outside("funders"), labs.actor, plan)
    most = np.rint(plan * world.behaviour.carry_over_weeks.value).astype(np.int64)
    over = np.maximum(ledger.cash_cents[labs.actor] - most, 0)
    over[plan == 0] = 0
    ledger.pay("lapse", labs.actor, ledger.outside("funders"), over)


def low_end(world: World) -> Ints:
    """Foreign inference cards sold in China, a flow given by the scenario: made as they are ordered."""
    out = np.zeros(len(world.frame.names.chip), dtype=np.int64)
    row = world.frame.row("chip", "low_end")
    if row >= 0:
        out[row] = int(world.frame.low_end_cards_per_week[world.tick])
    return out


def assemble(world: World) -> Ints:
    """Cards Chinese makers complete this week, (chips,), and what bound them."""
    frame, supply, behaviour = world.frame, world.domestic, world.behaviour
    out = np.zeros(len(frame.names.chip), dtype=np.int64)
    queue = world.primary.queue.sum(axis=0)
    pipeline = world.ledger.ready + world.ledger.finished.sum(axis=0)
    gain = supply.yield_share(behaviour.yield_start_share.value, behaviour.yield_gain_share.value,
                              behaviour.yield_scale_cards.value, behaviour.on("learning"))
    world.yields = np.where(frame.makers.domestic, gain, np.nan)
    for maker in np.flatnonzero(frame.makers.domestic):
        parts = np.flatnonzero((frame.chips.maker == maker) & (frame.chips.volume_tick <= world.tick + 1))
        if len(parts) == 0:
            continue
        if frame.names.maker[maker] == "huawei":
            _assemble_large(world, int(maker), parts, queue, pipeline, gain, out)
        else:
            _assemble_small(world, int(maker), parts, queue, pipeline, out)
    return out


def _assemble_large(world: World, maker: int, parts: Ints, queue: Ints, pipeline: Ints, gain: NDArray[np.float64],
                    out: Ints) -> None:
    frame, supply, behaviour, tick = world.frame, world.domestic, world.behaviour, world.tick
    supply.add_dies(maker, float(frame.domestic_dies_per_week[tick, maker] * gain[maker] * world.capacity_factor[maker])
                    + float(frame.proxy_dies_per_week[tick, maker] ))
    _buy_memory(world, maker, parts)
    left = int(supply.packaging_cards[maker])
    memory = behaviour.on("memory_limit")
    short = False
    for part in parts[::-1] if len(parts) else parts:
        wanted = int(max(0, queue[part] - pipeline[part]))
        stacks = int(frame.chips.hbm_stacks[part]) if memory else 0
        cards = supply.assemble(maker, wanted, int(frame.chips.dies[part]), stacks, left)
        short = short or (wanted > cards and supply.bound_by[maker] == 2)
        left -= cards
        out[part] += cards
    limit = behaviour.domestic_packaging_max_cards.value
    late = behaviour.domestic_packaging_late_growth_per_year.value
    growth = behaviour.domestic_packaging_growth_per_year.value
    years_late = max(0.0, (tick - world.frame.clock.tick_of(PACKAGING_PEAK)) / WEEKS_PER_YEAR)
    if short:
        supply.packaging_cards[maker] = min(supply.packaging_cards[maker] * growth ** (1 / WEEKS_PER_YEAR),
                                            limit * late**years_late)


def _assemble_small(world: World, maker: int, parts: Ints, queue: Ints, pipeline: Ints, out: Ints) -> None:
    supply, frame = world.domestic, world.frame
    room = frame.domestic_cards_per_week[world.tick, maker] * world.capacity_factor[maker] + supply.fraction[maker]
    left = int(room)
    supply.fraction[maker] = room - left
    for part in parts[::-1]:
        wanted = int(max(0, queue[part] - pipeline[part]))
        cards = min(wanted, left)
        supply.bound_by[maker] = 1 if wanted > left else 0
        supply.made_cards[maker] += cards
        left -= cards
        out[part] += cards


def _buy_memory(world: World, maker: int, parts: Ints) -> None:
    """Stacks bought while the lane is open: this week's need, and cover against a feared bar, within what suppliers deliver."""
    supply, behaviour = world.domestic, world.behaviour
    if not world.standing.hbm_open:
        supply.stacks[maker] += int(world.frame.domestic_stacks_per_week[world.tick])
        return
    stacks = int(world.frame.chips.hbm_stacks[parts].max())
    need = supply.packaging_cards[maker] * stacks
    belief = world.memory_belief
    cover = behaviour.memory_cover_weeks.value * belief if behaviour.on("stockpiling") else 4.0
    wanted = need + max(0.0, need * cover - supply.stacks[maker]) / 6.0
    most = world.frame.memory_supply_stacks[world.tick] if belief < behaviour.credit_belief_share.value \
        else behaviour.memory_rush_stacks_per_week.value
    supply.stacks[maker] += int(min(wanted, most))


