"""Receive: what was booked completes, titles pass, transit ends, budgets are paid in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.tick_assemble import assemble, open_stores, unmet

if TYPE_CHECKING:
    from sim.world import World

Ints = NDArray[np.int64]


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
    open_stores(world)


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
    """Completed dies of a family become its fused parts as far as those are queued for and China's part of the lines goes, and
    beyond it where nobody else waits for the dies."""
    chips, tick = world.frame.chips, world.tick
    fused = np.flatnonzero((chips.family != np.arange(len(done))) & (chips.volume_tick - world.title_weeks <= tick))
    if len(fused) == 0 or not world.behaviour.on("redesign"):
        return done
    out = done.copy()
    unserved = unmet(world, world.title_weeks)
    need = np.where(world.law.open_before[fused], unserved[fused], 0)
    idle = np.maximum(0, done - unserved)
    for maker in sorted(set(chips.maker[fused].tolist())):
        own = chips.maker[fused] == maker
        room = world.behaviour.china_capacity_share.value * done[chips.maker == maker].sum(dtype=np.int64)
        value = need[own] * world.list_usd[fused[own]]
        total = max(float(value.cumsum()[-1]), 1.0)
        for part, wanted, worth in zip(fused[own], need[own], value, strict=True):
            head = chips.family[part]
            moved = min(int(wanted), max(int(room * worth / total), int(idle[head])), int(out[head]))
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
