"""Reach back: what a retroactive duty does, week by week, to chips delivered before it, by the place where they stand.

Inside China support ends: more cards fail and software ages. Where the authors or their friends govern, leases end at notice (the
rulebook bars them) and stock of the parents concerned must be sold. A buy-back is offered once, when the duty begins, to the same
parents wherever their chips stand; who values a chip less than the price takes it. Nothing lifts a chip out of a Chinese hall.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.frame import CLOUD, CN, NEVER
from sim.terms import Retroactive
from sim.tick_rent import floor_usd_per_week
from sim.tick_trade import reference_value
from sim.units import HOURS_PER_WEEK, WEEKS_PER_YEAR

if TYPE_CHECKING:
    from sim.world import World

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def reach_back(world: World) -> None:
    """Stock that must be sold or is bought back changes hands; software that is no longer supported ages."""
    for duty in world.standing.retroactive:
        if world.tick == duty.since_tick and duty.buy_back > 0.0:
            _buy_back(world, duty)
        if world.tick >= duty.since_tick + math.ceil(duty.notice_weeks):
            _sell_out(world, duty)
        _age(world, duty)


def unsupported(world: World) -> Floats:
    """What fails for want of spares, beyond wear, (labs, chips) share a year."""
    extra = np.zeros((len(world.frame.names.lab), len(world.frame.names.chip)))
    for duty in world.standing.retroactive:
        here, bound = _among(world, world.frame.labs.country, duty.inside), world.standing.in_frame(duty.chips)
        extra[here[:, None] & bound[None, :]] = world.behaviour.retro_failure_share_per_year.value
    return extra


def _among(world: World, country: Ints, codes: tuple[str, ...]) -> Bools:
    names = np.array(world.frame.names.country)
    return np.asarray(np.isin(names[country], codes))


def _age(world: World, duty: Retroactive) -> None:
    """Software of makers ages in China by the part of their cards there that the duty cuts off from support."""
    chips, minds = world.frame.chips, world.minds
    bound = world.standing.in_frame(duty.chips)
    stock = world.ledger.stock[world.frame.labs.region == CN].sum(axis=(0, 2), dtype=np.int64)
    yearly = world.behaviour.retro_software_share_per_year.value
    for maker in np.flatnonzero(~world.frame.makers.domestic):
        own = chips.maker == maker
        held = int(stock[own].sum(dtype=np.int64))
        cut_off = int(stock[own & bound].sum(dtype=np.int64)) / held if held else 0.0
        minds.software[CN, maker] *= 1.0 - yearly * cut_off / WEEKS_PER_YEAR


def _sell_out(world: World, duty: Retroactive) -> None:
    """Stock of the parents concerned in reachable places goes to other hosts there, at a forced seller's price."""
    frame, ledger = world.frame, world.ledger
    labs, dealers = frame.labs, frame.distributors
    bound = world.standing.in_frame(duty.chips)
    clouds = dealers.subkind == CLOUD
    buyers = np.flatnonzero(clouds & ~_among(world, dealers.hq, duty.owners))
    if len(buyers) == 0:
        return
    must = _among(world, labs.country, duty.reachable) & _among(world, labs.hq, duty.owners)
    sold = np.where(must[:, None, None] & bound[None, :, None], ledger.stock, 0)
    also = clouds & _among(world, dealers.country, duty.reachable) & _among(world, dealers.hq, duty.owners)
    parted = np.where(also[:, None] & bound[None, :], ledger.held, 0)
    if not sold.any() and not parted.any():
        return
    ledger.take_stock(sold)
    dealer, chip = np.nonzero(parted)
    ledger.take_held(dealer, chip, parted[dealer, chip])
    lab, part = np.nonzero(sold.sum(axis=2, dtype=np.int64))
    seller = np.concatenate([labs.actor[lab], dealers.actor[dealer]])
    what = np.concatenate([part, chip])
    chips = np.concatenate([sold.sum(axis=2, dtype=np.int64)[lab, part], parted[dealer, chip]])
    share = world.behaviour.forced_sale_share.value
    to = buyers[np.arange(len(what)) % len(buyers)]
    ledger.ship_to_distributors(to, what, chips, np.full(len(what), world.title_weeks))
    ledger.pay("purchase", dealers.actor[to], seller, np.rint(world.list_usd[what] * share * 100).astype(np.int64) * chips)
    world.tell("forced_sale", quantity=int(chips.sum(dtype=np.int64)), unit="chips", rule=world.rulebook.rule_ids[duty.rule],
               cause=world.law.cause.get(world.rulebook.rule_ids[duty.rule], -1))


def _buy_back(world: World, duty: Retroactive) -> None:
    """The vendor takes back, and withdraws, what owners value less than its price: idle cards first, else all."""
    frame, ledger = world.frame, world.ledger
    labs, chips = frame.labs, frame.chips
    offered = _among(world, labs.hq, duty.owners)[:, None] & world.standing.in_frame(duty.chips)[None, :]
    price = world.list_usd * duty.buy_back
    used, idle = card_values(world)
    owned = ledger.owned()
    spare = np.floor(owned * (1.0 - labs.own_use_share)[:, None]).astype(np.int64)
    wanted = np.where(price[None, :] > used, owned, np.where(price[None, :] > idle, spare, 0))
    wanted = np.where(offered, wanted, 0)
    before = ledger.stock.cumsum(axis=2) - ledger.stock
    taken = np.clip(wanted[:, :, None] - before, 0, ledger.stock)
    lab, chip = np.nonzero(wanted)
    if len(lab) == 0:
        return
    owner, part, channel = np.nonzero(taken)
    ledger.scrap(owner, part, channel, taken[owner, part, channel])
    cents = np.rint(price[chip] * 100).astype(np.int64) * wanted[lab, chip]
    ledger.pay("buy-back", frame.makers.actor[chips.maker[chip]], labs.actor[lab], cents)
    world.tell("bought_back", quantity=int(wanted.sum(dtype=np.int64)), unit="chips", rule=world.rulebook.rule_ids[duty.rule],
               cause=world.law.cause.get(world.rulebook.rule_ids[duty.rule], -1))


def card_values(world: World) -> tuple[Floats, Floats]:
    """What a card is worth to its owner, (labs, chips) USD each: in use, and idle.

    In use: the cheapest lawful way to the same worth, less the host that is kept. Idle: what letting it earns over power until
    the part's economic life ends (counted from its first volume; over for parts sold before the record), at the going rent of its
    region or else the least rent.
    """
    frame, behaviour = world.frame, world.behaviour
    unit = reference_value(world, np.arange(len(frame.names.lab)))
    dear = unit.T[:, :, None] * np.maximum(world.view.worth, 1e-9)
    used = np.maximum(dear.max(axis=0) - behaviour.host_cost_usd.value, 0.0)
    age = (world.tick - frame.chips.volume_tick) / WEEKS_PER_YEAR
    years = np.where(frame.chips.volume_tick < NEVER, np.clip(behaviour.card_life_years.value - age, 0.0, None), 0.0)
    hourly = world.hours.rent_usd_per_hour[frame.labs.region]
    weekly = np.where(np.isnan(hourly), floor_usd_per_week(world)[None, :], hourly * HOURS_PER_WEEK)
    net = np.maximum(weekly - behaviour.power_usd_per_hour.value * HOURS_PER_WEEK, 0.0)
    return used, net * years[None, :] * WEEKS_PER_YEAR
