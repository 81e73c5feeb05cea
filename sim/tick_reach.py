"""Reach: how long a user the rules list needs to assemble a target of compute, and at which price, against a civil buyer in China.

accessible(p) = own + hours of idle machines in China, less those whose owners refuse it + hours abroad where the cloud is open,
or past the host's duty to know its tenant + goods past the rules + what unlisted fronts buy lawfully + domestic parts. Each is a
source with a pace and a delay; weeks are when own stock and sources together meet the target. The price multiple is what the
bundle costs a listed user over what a civil one pays for the same hours and parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.frame import CN
from sim.progress import NO_ACCESS_WEEKS
from sim.tick_rent import idle_hours
from sim.tick_trade import throughput
from sim.units import H100_TPP

if TYPE_CHECKING:
    from sim.world import World

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Source:
    """A way to compute: weekly_h100e from week `delay_weeks` on, at `multiple` of what a civil buyer pays for the same."""

    weekly_h100e: float
    delay_weeks: float
    multiple: float


def weeks_to(target_h100e: float, own_h100e: float, sources: list[Source]) -> float:
    """Weeks until own stock and all sources together meet the target, at least 1, at most NO_ACCESS_WEEKS: the first T with
    own + sum of pace x max(0, T - delay) >= target."""
    missing, pace, week = target_h100e - own_h100e, 0.0, 0.0
    if missing <= 0.0:
        return 1.0
    for source in sorted(sources, key=lambda one: one.delay_weeks):
        gained = pace * (source.delay_weeks - week)
        if gained >= missing:
            break
        missing, week, pace = missing - gained, source.delay_weeks, pace + source.weekly_h100e
    return min(max(week + missing / pace, 1.0), NO_ACCESS_WEEKS) if pace > 0.0 else NO_ACCESS_WEEKS


def price_multiple(weeks: float, sources: list[Source]) -> float:
    """Mean multiple of what the sources give within `weeks`; 1 where they give nothing."""
    got = [source.weekly_h100e * max(0.0, weeks - source.delay_weeks) for source in sources]
    total = sum(got)
    return sum(one * source.multiple for one, source in zip(got, sources, strict=True)) / total if total > 0.0 else 1.0


@dataclass(frozen=True)
class Seen:
    """What a listed and a civil user see alike this week.

    unit      (chips,) H100s that a card counts for
    shipped   (chips,) cards a week that reached Chinese buyers from makers over the last quarter
    idle      (offers,) cards let by the hour, one figure a row of this quarter's offers; empty where nobody lets
    domestic  domestic parts, sold to anybody; lawful (chips,) foreign parts open to a civil buyer
    """

    unit: Floats
    shipped: Floats
    idle: NDArray[np.int64]
    domestic: Source
    lawful: Bools


def measure(world: World, owned: NDArray[np.int64]) -> None:
    """Weeks of a listed and of a civil user, and the listed one's price multiple, into the world; owned (labs, chips)."""
    target = world.behaviour.military_target_h100e.value
    seen = _seen(world)
    own = _own_h100e(world, owned, seen.unit)
    lawful, home = _weekly(seen, seen.lawful), _idle_at_home(world, seen)
    listed, civil = listed_sources(world, seen, lawful, home), civil_sources(world, seen, lawful, home)
    world.access_weeks = np.array([weeks_to(target, own, listed), weeks_to(target, own, civil)])
    world.access_multiple = price_multiple(float(world.access_weeks[0]), listed)


def _seen(world: World) -> Seen:
    chips, hours, book = world.frame.chips, world.hours, world.primary
    unit, shipped = _h100e(world), book.quarter[CN] / len(book.delivered)
    wait = world.view.wait_weeks[CN][chips.domestic & (shipped > 0)]
    pace = world.behaviour.reach_flow_share.value * float(np.where(chips.domestic, shipped * unit, 0.0).cumsum()[-1])
    domestic = Source(pace, float(wait.min()) if len(wait) else 0.0, 1.0)
    lets = hours.owner is not None and world.behaviour.on("rental")
    idle = idle_hours(world, hours.owner, hours.chip) if lets else np.zeros(0, dtype=np.int64)
    return Seen(unit, shipped, idle, domestic, world.law.open_before & ~chips.domestic)


def listed_sources(world: World, seen: Seen, lawful: float, home: float) -> list[Source]:
    """Ways open to a listed user: fronts take `shell_weeks` to set up, and what they pass costs their keep and their risk.

    lawful, home: what reaches civil buyers from foreign makers, and what can be leased in China, h100e a week."""
    behaviour = world.behaviour
    screened, shell = behaviour.screening_share.value, behaviour.shell_weeks.value
    asked = 1.0 / (1.0 - screened)
    abroad, past_duty = _abroad(world, seen, listed=True)
    tail = behaviour.front_share.value * _tail_share(world) * lawful
    return [seen.domestic, Source(home * (1.0 - screened), 1.0, asked),
            Source(abroad * (1.0 - screened), shell, asked / past_duty),
            Source(tail, shell, 1.0 + behaviour.stigma_other_share.value), *_grey(world, seen)]


def civil_sources(world: World, seen: Seen, lawful: float, home: float) -> list[Source]:
    """Ways open to a civil, unlisted user in China that keeps the rules; arguments as in `listed_sources`."""
    wait = _lawful_wait(world, seen)
    abroad, _ = _abroad(world, seen, listed=False)
    return [seen.domestic, Source(home, 1.0, 1.0), Source(abroad, 1.0, 1.0),
            Source(world.behaviour.reach_flow_share.value * lawful, wait, 1.0)]


def _h100e(world: World) -> Floats:
    """H100s that a card counts for, (chips,); none for a flow of small cards."""
    chips = world.frame.chips
    unit = np.where(chips.market == 0, chips.tpp / H100_TPP, 0.0)
    low_end = world.frame.row("chip", "low_end")
    if low_end >= 0:
        unit[low_end] = 0.0
    return np.asarray(unit)


def _own_h100e(world: World, owned: NDArray[np.int64], unit: Floats) -> float:
    """Mean stock of the labs linked to the military."""
    military = np.flatnonzero(world.frame.labs.military)
    stock = (owned[military] * unit[None, :]).cumsum(axis=1)[:, -1]
    return float(stock.cumsum()[-1]) / len(military) if len(military) else 0.0


def _weekly(seen: Seen, chips: Bools) -> float:
    """Compute of the parts that reaches Chinese buyers from makers, h100e a week over the last quarter."""
    return float(np.where(chips, seen.shipped * seen.unit, 0.0).cumsum()[-1])


def _lawful_wait(world: World, seen: Seen) -> float:
    """Weeks to the first lawful foreign card that ships."""
    lawful = (seen.shipped > 0) & seen.lawful
    return float(world.view.wait_weeks[CN][lawful].min()) if lawful.any() else 0.0


def _tail_share(world: World) -> float:
    """Small civil users' part of all Chinese plans this week."""
    labs = world.frame.labs
    plan = np.where(labs.region == CN, labs.plan_usd[world.tick], 0.0)
    whole = float(plan.cumsum()[-1])
    return float(np.where(labs.tail, plan, 0.0).cumsum()[-1]) / whole if whole > 0.0 else 0.0


def _idle_at_home(world: World, seen: Seen) -> float:
    """Compute in hours that owners in China offer and one user can lease, h100e a week."""
    hours = world.hours
    return _leased(world, seen, seen.idle * (hours.region[hours.owner] == CN)) if len(seen.idle) else 0.0


def _abroad(world: World, seen: Seen, listed: bool) -> tuple[float, float]:
    """Compute in hours offered abroad that one user can lease, h100e a week, and the part of leases that pass the host's duty.

    Where renting is barred, only what a front of other name gets past the duty to know the tenant is left."""
    behaviour, hours, idle = world.behaviour, world.hours, seen.idle
    if len(idle) == 0 or not behaviour.on("offshore"):
        return 0.0, 1.0
    place = hours.region[hours.owner]
    away, user = idle * (place != CN), _tenant(world, listed)
    may = world.standing.hosted[user, place, hours.chip] if user >= 0 else np.ones(len(idle), dtype=bool)
    lawful = _leased(world, seen, away * may)
    if not listed:
        return lawful, 1.0
    caught = max((duty.kyc_detection for duty in world.standing.terms.cloud), default=0.0)
    past = behaviour.front_share.value * (1.0 - caught) * _leased(world, seen, away * ~may)
    passes = (lawful + past * (1.0 - caught)) / (lawful + past) if lawful + past > 0.0 else 1.0
    return lawful + past, max(passes, 1e-3)


def _tenant(world: World, listed: bool) -> int:
    """Row of a lab that stands for the user: the first linked to the military, or the ordinary civil buyer; -1 for none."""
    if not listed:
        return int(world.law.buyer)
    rows = np.flatnonzero(world.frame.labs.military)
    return int(rows[0]) if len(rows) else -1


def _leased(world: World, seen: Seen, cards: NDArray[np.int64]) -> float:
    """Of cards on offer, one figure a row of this quarter's offers, what one user brings under contract, h100e a week."""
    share = world.behaviour.reach_lease_share_per_week.value
    return share * float((cards * seen.unit[world.hours.chip]).cumsum()[-1])


def _grey(world: World, seen: Seen) -> list[Source]:
    """Goods past the rules at the street price, by the ways of those who divert now."""
    if not world.behaviour.on("diversion") or not world.networks.started:
        return []
    diverts = world.market.diverts
    able = throughput(world) * diverts
    chips = int(able.sum(dtype=np.int64))
    if chips == 0:
        return []
    weeks = float((able * world.frame.distributors.grey_weeks).cumsum()[-1]) / chips
    each = float((world.view.grey_mix * seen.unit).cumsum()[-1])
    return [Source(world.behaviour.reach_flow_share.value * chips * each, weeks, max(world.grey_street, 1.0))]
