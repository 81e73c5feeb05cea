"""Settle and progress: networks are found, goods seized, cards fail, the books are proved; then everybody learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim import tick_reach
from sim.agents.distributor import risk_share
from sim.frame import CN, US
from sim.kernel import kernel
from sim.keyed_random import keys_of, uniforms
from sim.progress import lag_months, vendor_use
from sim.tick_retroactive import reach_back, unsupported
from sim.tick_trade import grey_risk, throughput
from sim.units import WEEKS_PER_YEAR

if TYPE_CHECKING:
    from sim.world import World

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def open_minds(world: World) -> None:
    """Skills, efficiency and published capability of the first morning."""
    frame, behaviour, minds = world.frame, world.behaviour, world.minds
    stock = world.ledger.owned()
    used = vendor_use(stock, frame.chips.worth, frame.chips.maker, len(frame.names.maker))
    nvidia = frame.row("maker", "nvidia")
    minds.skill[:] = np.where(used > 0.1, 1.0, behaviour.skill_initial_share.value)
    if nvidia >= 0:
        minds.skill[:, nvidia] = 1.0
    growth = np.log(behaviour.efficiency_growth_per_year.value)
    minds.efficiency[:] = np.where(frame.labs.region == US, 0.0, -growth * behaviour.methods_behind_years.value)
    minds.planned[:] = np.log(behaviour.plan_growth_training_per_year.value)
    _train(world, -1, world.usable_worth(stock)[0])
    minds.open_press(behaviour.plan_growth_training_per_year.value, behaviour.efficiency_growth_per_year.value)
    world.runway = np.zeros(len(frame.names.lab))
    world.usable_now = np.zeros((2, len(frame.names.lab)))
    world.frontier_levels = frame.us_frontier.copy()
    world.lag = 0.0
    world.access_weeks = np.zeros(2)
    world.access_multiple = np.nan
    world.appetite = uniforms(world.seed_number, keys_of("risk appetite", frame.names.distributor), 0, 0)
    world.detection_per_week = np.zeros(len(frame.names.distributor))
    world.grey_risk_share = np.zeros(len(frame.names.distributor))


def settle(world: World) -> None:
    """Enforcement works, cards fail, and every chip and cent is proved to be where the ledger says."""
    world.seized = np.zeros_like(world.ledger.held)
    world.seized_usd = np.zeros(len(world.frame.names.distributor))
    _police(world)
    reach_back(world)
    _scrap(world)
    world.ledger.check()


def detection(world: World) -> Floats:
    """Weekly hazard that a network is found, (distributors,): base x (effort ratio)^elasticity x verification x customs, more where
    many work in one hub."""
    behaviour = world.behaviour
    if not behaviour.on("enforcement"):
        return np.zeros(len(world.frame.names.distributor))
    effort = world.standing.enforcement(world.frame.distributors.country)
    hazard = behaviour.detection_per_year.value / WEEKS_PER_YEAR * effort**behaviour.detection_elasticity.value
    verified = behaviour.verification_detection_multiple.value if world.standing.verified else 1.0
    hunted = 1.0 + behaviour.customs_detection_multiple.value * world.standing.customs_share
    crowd = 1.0 + world.networks.active / behaviour.detection_crowd_networks.value
    return np.asarray(np.minimum(hazard * verified * hunted * crowd, 0.5))


def _police(world: World) -> None:
    """Networks enter, close and are found; a bust seizes goods, costs a penalty and scares the hub."""
    behaviour, networks, frame = world.behaviour, world.networks, world.frame
    world.case_usd = np.zeros(len(frame.names.distributor))
    networks.busts[:] = 0
    if not networks.started:
        return
    world.detection_per_week = detection(world)
    usual = np.full(len(networks.active), behaviour.detection_per_year.value / WEEKS_PER_YEAR)
    caught = behaviour.penalty_multiple.value + behaviour.reputation_multiple.value
    world.grey_risk_share = grey_risk(world) - risk_share(usual, behaviour.exposure_weeks.value, caught, world.appetite)
    networks.remember(world.market.smuggled_usd)
    open_way = (frame.distributors.grey_since_tick <= world.tick) & (frame.distributors.region != CN)
    native = np.where(open_way, frame.distributors.network_share, 0.0)
    networks.enter(world.seed_number, world.tick, _profit(world), behaviour.network_entry_per_year.value,
                   behaviour.networks_max.value, behaviour.network_imitation_share.value, native,
                   behaviour.network_usual_profit_share.value)
    found = networks.find(world.seed_number, world.tick, np.where(world.market.diverts, world.detection_per_week, 0.0))
    networks.fade(behaviour.shell_weeks.value, behaviour.bust_scare_share.value, found)
    for row in np.flatnonzero(found):
        _bust(world, int(row), int(found[row]))


def _profit(world: World) -> Floats:
    """What a chip of throughput earned a network this week over list, (distributors,): sold part of it x (street price less the
    network's own cost, without its usual margin) less the upkeep of fronts."""
    behaviour = world.behaviour
    able = throughput(world)
    used = np.where(able > 0, np.minimum(world.market.smuggled / np.maximum(able, 1), 1.0), 1.0)
    cost = behaviour.grey_network_multiple.value - behaviour.network_margin_share.value + world.grey_risk_share
    return np.asarray(np.where(world.market.diverts, used * (world.grey_street - cost), 0.0) - behaviour.network_upkeep_share.value)


def _bust(world: World, row: int, found: int) -> None:
    frame, ledger, behaviour = world.frame, world.ledger, world.behaviour
    before = found + int(world.networks.active[row])
    taken = np.floor(ledger.held[row] * behaviour.seizure_share.value * found / max(before, 1)).astype(np.int64)
    world.seized[row] = taken
    value = float((taken * world.list_usd).cumsum()[-1])
    world.seized_usd[row] = value
    ledger.seize_held(_one_row(taken, row, len(frame.names.distributor)))
    government = frame.row("actor", "gov_us")
    payee = government if government >= 0 else ledger.outside("treasury_other")
    penalty = np.array([round(value * behaviour.penalty_multiple.value * world.standing.penalty_factor * 100)], dtype=np.int64)
    ledger.pay("penalty", int(frame.distributors.actor[row]), payee, penalty)
    world.case_usd[row] = networks_moved = world.networks.moved_usd[row] * found / max(before, 1)
    world.networks.moved_usd[row] -= networks_moved
    event = world.tell("bust", actor=frame.names.distributor[row], quantity=found, unit="networks",
                       cause=world.last_smuggled(frame.names.distributor[row]),
                       text=f"about {networks_moved / 1e6:,.0f} m USD of goods had passed in a year")
    if taken.any():
        world.tell("seizure", actor=frame.names.distributor[row], quantity=int(taken.sum()), unit="chips", cause=event)


def _one_row(values: Ints, row: int, n: int) -> Ints:
    out = np.zeros((n, len(values)), dtype=np.int64)
    out[row] = values
    return out


def _scrap(world: World) -> None:
    """Cards in place fail; without spares (a retroactive rule) more of them do. Parts of a card are carried."""
    ledger = world.ledger
    yearly = world.behaviour.scrap_share_per_year.value + unsupported(world)
    ledger.scrap(*_failed(ledger.stock, yearly / WEEKS_PER_YEAR, world.scrap_fraction))


def progress(world: World) -> None:
    """Learning by use, thrift, training runs, rebound; then lag, runway and reach."""
    frame, behaviour, minds, tick = world.frame, world.behaviour, world.minds, world.tick
    owned = world.ledger.owned()
    compute = usable_now(world, owned)
    world.usable_now = compute
    if behaviour.on("learning"):
        used = vendor_use(owned, frame.chips.worth, frame.chips.maker, len(frame.names.maker))
        minds.learn(used, behaviour.skill_halving_weeks.value)
    thrift = behaviour.scarcity_thrift_share.value if behaviour.on("thrift") else 0.0
    growth = behaviour.efficiency_growth_per_year.value
    minds.think(compute[0], float(compute[0].max(initial=1.0)), tick, growth, thrift, behaviour.thrift_most_share.value,
                behaviour.diffusion_years.value)
    _train(world, tick, compute[0])
    if behaviour.on("rebound"):
        minds.rebound(tick, growth, behaviour.rebound_elasticity.value, behaviour.rebound_half_weeks.value)
    world.runway = minds.runway_weeks(compute[0], _planned_growth(world), behaviour.scrap_share_per_year.value)
    china = (frame.labs.region == CN) & ~frame.labs.state & ~frame.labs.military
    best = float(minds.capability[china].max(initial=0.0))
    world.lag = lag_months(best, frame.us_frontier, frame.frontier_past_months, frame.frontier_past_level, tick)
    tick_reach.measure(world, owned)


def _train(world: World, tick: int, compute: Floats) -> None:
    """Training takes up its part of the stock, and a run of the week goes to press."""
    behaviour, minds = world.behaviour, world.minds
    minds.plan(compute, behaviour.training_plan_weeks.value)
    minds.employ(compute, behaviour.need_share.value, behaviour.plan_growth_training_per_year.high,
                 behaviour.training_plan_weeks.value)
    minds.train(tick, behaviour.run_share.value, behaviour.mfu_share.value, behaviour.run_weeks.value)


def _planned_growth(world: World) -> Floats:
    """Planned growth of training a year of each lab, within the range on record, (labs,)."""
    planned = world.behaviour.plan_growth_training_per_year
    return world.minds.growth(planned.low, planned.high)


def usable_now(world: World, owned: Ints) -> Floats:
    """Worth at work for each lab by use, (2, labs): owned (labs, chips), less let, plus rented."""
    worth, hours, minds, chips = world.usable_worth(owned), world.hours, world.minds, world.frame.chips
    abroad = 1.0 - world.behaviour.cloud_latency_share.value
    home = np.where(world.frame.labs.region[:, None] == np.arange(3)[None, :], 1.0, abroad)
    known = hours.owner is None or len(world.tenants) == len(home)
    rows = world.tenants if known else np.union1d(world.tenants, hours.owner[hours.owner < len(home)])
    lent = _lent(rows, hours.rented, hours.let, home, minds.skill, chips.maker, chips.worth)
    return np.asarray(np.maximum(worth + lent, 0.0))


@kernel
def _failed(stock, rate, fraction):  # type: ignore[no-untyped-def]
    """Cards of stock (labs, chips, channels) that fail this week at rate (labs, chips): columns of lab, part, channel and how many;
    parts of a card stay in `fraction`."""
    n_labs, n_chips, n_channels = stock.shape
    n, room = 0, max(256, n_chips * n_channels)
    out = np.empty((room, 4), dtype=np.int64)
    for i in range(n_labs):
        if n + n_chips * n_channels > room:
            room = 2 * room
            out = np.concatenate((out, np.empty_like(out)))
        n = _failed_at(i, stock[i], rate[i], fraction[i], out, n)
    return out[:n, 0].copy(), out[:n, 1].copy(), out[:n, 2].copy(), out[:n, 3].copy()


@kernel
def _failed_at(i, stock, rate, fraction, out, n):  # type: ignore[no-untyped-def]
    """One lab's part of `_failed`, written to `out` from row n on; returns the row after."""
    for c in range(stock.shape[0]):
        for k in range(stock.shape[1]):
            if stock[c, k] > 0:
                fraction[c, k] += stock[c, k] * rate[c]
                lost = min(np.int64(np.floor(fraction[c, k])), stock[c, k])
                if lost > 0:
                    fraction[c, k] -= lost
                    out[n, 0], out[n, 1], out[n, 2], out[n, 3] = i, c, k, lost
                    n += 1
    return n


@kernel
def _lent(rows, rented, let, home, skill, maker, worth):  # type: ignore[no-untyped-def]
    """Worth a lab leases in, less what it leases out, by use, (2, labs); over the labs of `rows`;
    summed region by region, then part by part."""
    n_labs, n_chips, n_regions = rented.shape
    out = np.zeros((2, n_labs))
    for u in range(2):
        for i in rows:
            for c in range(n_chips):
                here = 0.0
                for r in range(n_regions):
                    here += rented[i, c, r] * home[i, r]
                if here != 0.0 or let[i, c] != 0:
                    know = skill[i, maker[c]]
                    out[u, i] += here * know * worth[u, c] - let[i, c] * know * worth[u, c]
    return out
