"""Note: the week is written to the record; metrics read it after the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.finance import networking_usd
from sim.frame import CN, ROW
from sim.frame import NEVER as NOT_OFFERED
from sim.kernel import kernel
from sim.ledger import KINDS
from sim.ordered_sum import ordered_sum
from sim.record import BOOKS, CHANNELS, NEVER, PARTIES, PLACES, REGIONS, STATE, USES, Record

if TYPE_CHECKING:
    from sim.world import World

CHIP_COUNTS = ("chips", "dies", "stacks", "networks", "code")
BUY_BACK = KINDS.index("buy-back")
TOLD_KINDS = (1, 2, 4, 5, 7, 8, BUY_BACK)
"""Kinds of posting that the welfare account reads, rows of `sim.ledger.KINDS`."""

ONE_OWNER_AXES = {"lab", "chip", "channel", "distributor", "maker", "region", "place", "party"}


def empty(world: World) -> Record:
    """A record with room for every week of the run."""
    frame, names = world.frame, world.frame.names
    labels = {
        "actor": names.told_actor, "maker": names.maker, "lab": names.told_lab, "distributor": names.distributor,
        "supplier": names.supplier, "chip": names.chip, "country": names.country, "channel": CHANNELS, "use": USES,
        "region": REGIONS, "place": PLACES, "party": PARTIES, "book": BOOKS, "rule": tuple(world.rulebook.rule_ids),
        "lane": tuple(sorted(world.scenario.world.lanes)),
    }
    record = Record(frame.clock, labels, attributes(world))
    for name, (axes, unit, _) in STATE.items():
        shape = (frame.clock.n_ticks, *(len(labels[axis]) for axis in axes))
        whole = unit in CHIP_COUNTS
        record.state[name] = np.zeros(shape, dtype=np.int32) if whole else np.full(shape, np.nan)
    return record


def attributes(world: World) -> dict[str, NDArray[Any]]:
    """The fixed columns a reader of the record needs."""
    frame, scenario = world.frame, world.scenario
    chips, labs = frame.chips, frame.labs
    rows = [scenario.world.chips[name] for name in frame.names.chip]
    country = {name: row for row, name in enumerate(frame.names.country)}

    def tick(column: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.where(column >= NOT_OFFERED, NEVER, column)

    told = frame.told_actor
    first = np.unique(frame.told_lab, return_index=True)[1]  # drawn labs of one cohort are alike in all that is read here
    lanes = [scenario.world.lanes[name] for name in sorted(scenario.world.lanes)]
    return {
        "chip_maker": chips.maker, "chip_tpp": chips.tpp,
        "chip_io_gbps": np.array([row.io_gbps.value for row in rows]),
        "chip_membw_gbps": np.array([row.membw_gbps.value for row in rows]),
        "chip_memory_gb": chips.memory_gb,
        "chip_train_weight": chips.worth[0], "chip_infer_weight": chips.worth[1], "chip_datacentre": chips.market != 1,
        "chip_fab": np.array([country.get(row.fab_jurisdiction, -1) for row in rows]),
        "chip_cut_from": chips.cut_from, "chip_announced_tick": tick(chips.announced_tick),
        "chip_volume_tick": tick(chips.volume_tick),
        "maker_actor": told[frame.makers.actor], "maker_hq": frame.makers.hq,
        "lab_actor": told[labs.actor[first]], "lab_country": labs.country[first], "lab_hq": labs.hq[first],
        "lab_region": labs.region[first], "lab_military": labs.military[first], "lab_state": labs.state[first],
        "distributor_actor": told[frame.distributors.actor], "distributor_country": frame.distributors.country,
        "country_region": frame.country_region,
        "lane_from": np.array([country.get(lane.origin, -1) for lane in lanes], dtype=np.int64),
        "lane_to": np.array([country.get(lane.destination, -1) for lane in lanes], dtype=np.int64),
    }


def note(world: World) -> None:
    """Write this week's columns."""
    tick, state, frame, law = world.tick, world.record.state, world.frame, world.law
    n_labs, ledger, lines = len(frame.names.lab), world.ledger, world.lines
    maker = frame.chips.maker
    state["queue_chips"][tick] = _told(world, world.primary.queue[:n_labs])
    state["ordered_chips"][tick] = _told(world, world.orders[:n_labs])
    if law.cancelled.any():
        state["cancelled_chips"][tick] = _told(world, law.cancelled[:n_labs])
    state["stock_chips"][tick, :, :, : ledger.stock.shape[2]] = _told(world, ledger.stock)
    state["distributor_chips"][tick] = ledger.held
    state["rented_chips"][tick, frame.told_lab[world.tenants]] = world.hours.rented[world.tenants]
    state["list_price_usd"][tick] = world.list_usd
    state["street_price_usd"][tick] = world.market.street_usd
    state["rent_usd_per_hour"][tick] = world.hours.rent_usd_per_hour
    waiting = world.primary.quarter > 0
    state["wait_months"][tick] = np.where(waiting, world.view.wait_weeks * 12.0 / 52.1786, np.nan)
    state["produced_chips"][tick] = world.produced
    state["booked_chips"][tick] = lines.last.astype(np.int64)
    pipeline = lines.under_way()
    finished = ledger.finished.sum(axis=0) + ledger.ready
    state["pipeline_chips"][tick] = pipeline
    state["finished_chips"][tick] = finished
    _books(world, tick, pipeline, finished)
    for name, column in (("charge_usd", law.charge_usd), ("charge_guided_usd", law.guided_usd), ("lost_sales_usd", law.lost_usd)):
        state[name][tick] = 0.0
        state[name][tick, maker, np.arange(len(maker))] = column
    returns = np.zeros(len(frame.names.maker))
    np.add.at(returns, maker, law.returns)
    state["announcement_return"][tick] = returns
    state["other_revenue_usd"][tick] = frame.makers.other_revenue_usd[tick]
    state["other_revenue_usd"][tick, :, ROW] += networking(world)
    state["other_revenue_usd"][tick, :, CN] += low_end_sales(world)
    state["market_value_usd"][tick] = frame.makers.value_usd[tick]
    state["yield_share"][tick] = world.yields
    state["die_bank_dies"][tick] = world.domestic.dies + world.domestic.bank
    state["hbm_stacks"][tick] = world.domestic.stacks
    state["bottleneck"][tick] = world.domestic.bound_by
    state["belief"][tick] = world.view.belief
    _minds(world, tick)
    networks = world.networks
    state["networks_active"][tick] = networks.active
    state["busts"][tick] = networks.busts
    if world.seized.any():
        state["seized_chips"][tick] = world.seized
    state["seized_usd"][tick] = world.seized_usd
    state["case_usd"][tick] = world.case_usd
    state["licences_asked"][tick] = law.asked
    state["licences_granted"][tick] = law.granted
    pending = np.zeros(len(maker), dtype=np.int64)
    if law.waiting:
        _, _, chip, asked = zip(*law.waiting, strict=True)
        np.add.at(pending, np.array(chip), np.array(asked))
    state["licences_pending"][tick] = pending
    state["military_access_weeks"][tick] = world.access_weeks
    state["military_price_multiple"][tick] = world.access_multiple
    state["welfare_usd"][tick] = welfare(world)
    world.record.ticks_run = tick + 1
    if len(world.tenants) < n_labs:
        ledger.carry_forward()


def networking(world: World) -> NDArray[np.float64]:
    """Sales outside China beside the parts of the model, (makers,) USD."""
    frame, behaviour = world.frame, world.behaviour
    sales = world.market.sales_ring[world.tick % world.market.sales_ring.shape[0], 1:].cumsum(axis=0)[-1]
    sales = np.where(frame.chips.packages_per_wafer > 0, sales, 0.0)
    out = np.zeros(len(frame.names.maker))
    np.add.at(out, frame.chips.maker, sales)
    share = behaviour.networking_share.at(frame.clock.date_of(world.tick))
    listed = ~np.isnan(frame.makers.value_usd[world.tick])
    return np.where(listed, networking_usd(out, behaviour.other_cards_usd_per_week.value, share), 0.0)


def low_end_sales(world: World) -> NDArray[np.float64]:
    """What listed vendors sold of low-end cards in China, (makers,) USD."""
    frame, ring = world.frame, world.market.sales_ring
    row = frame.row("chip", "low_end")
    sold = float(ring[world.tick % ring.shape[0], CN, row]) if row >= 0 else 0.0
    return np.where(np.isnan(frame.makers.value_usd[world.tick]), 0.0, sold * world.behaviour.low_end_listed_share.value)


def _books(world: World, tick: int, pipeline: NDArray[np.int64], finished: NDArray[np.int64]) -> None:
    """Vendors' inventory and commitments at cost, by maker."""
    frame, behaviour = world.frame, world.behaviour
    cost = frame.chips.unit_cost_usd
    inventory, commitments = np.zeros(len(frame.names.maker)), np.zeros(len(frame.names.maker))
    np.add.at(inventory, frame.chips.maker, finished * cost)
    accrued = behaviour.cost_booking_share.value
    np.add.at(commitments, frame.chips.maker, pipeline * cost * (1.0 - accrued))
    np.add.at(commitments, frame.chips.maker, world.materials_weeks * world.lines.last * cost * accrued)
    world.record.state["inventory_usd"][tick] = inventory
    world.record.state["commitments_usd"][tick] = commitments


def _minds(world: World, tick: int) -> None:
    state, minds, rows = world.record.state, world.minds, world.frame.told_lab
    labs = np.bincount(rows)
    state["efficiency"][tick] = _told(world, np.exp(minds.efficiency)) / labs
    state["capability"][tick] = _best(world, minds.capability)
    state["largest_run"][tick] = _best(world, minds.largest_run)
    state["in_training"][tick] = _told(world, minds.in_training)
    state["usable_train"][tick] = _told(world, world.usable_now[0])
    state["usable_infer"][tick] = _told(world, world.usable_now[1])
    state["frontier_us"][tick] = world.frame.us_frontier[tick]
    state["lag_months"][tick] = world.lag
    state["runway_weeks"][tick] = _told(world, world.runway) / labs


def _told(world: World, column: NDArray[Any]) -> NDArray[Any]:
    """A column of labs (labs, ...) as the record tells it: drawn labs added up in their cohort's row."""
    rows = world.frame.told_lab
    if len(world.tenants) == len(rows):
        return column
    out = np.zeros((len(world.frame.names.told_lab), *column.shape[1:]), dtype=column.dtype)
    _add_rows(rows, column.reshape(len(rows), -1), out.reshape(len(out), -1))
    return out


def _best(world: World, column: NDArray[np.float64]) -> NDArray[np.float64]:
    """A column of labs (labs,) as the record tells it: the best of a cohort's drawn labs in its row."""
    rows = world.frame.told_lab
    if len(world.tenants) == len(rows):
        return column
    out = np.full(len(world.frame.names.told_lab), -np.inf)
    np.maximum.at(out, rows, column)
    return out


@kernel
def _add_rows(rows, column, out):  # type: ignore[no-untyped-def]
    """Add each row of `column` (n, width) to the row of `out` that `rows` (n,) names, in order."""
    for i in range(column.shape[0]):
        for k in range(column.shape[1]):
            out[rows[i], k] += column[i, k]


def welfare(world: World) -> NDArray[np.float64]:
    """This week's surplus, rent, tax and cost by party, USD; transfers between parties add up to the surplus of the markets."""
    frame, ledger = world.frame, world.ledger
    out = dict.fromkeys(PARTIES, 0.0)
    buyers = world.market.utility_usd + world.hours.utility_usd - world.market.grey_rent_usd
    makes = np.zeros(len(ledger.cash_cents), dtype=np.bool_)
    makes[frame.makers.actor] = True
    for when, kind, _, payees, cents in reversed(ledger.postings):
        if when != world.tick:
            break
        if kind not in TOLD_KINDS or not len(cents):
            continue
        amount = int(cents.sum()) / 100.0
        if kind == 4:
            us, cn = frame.row("actor", "gov_us"), frame.row("actor", "gov_cn")
            to_us, to_cn, to_others = _duties(payees, cents, us, cn)
            out["treasury_us"] += to_us / 100.0
            out["treasury_cn"] += to_cn / 100.0
            out["treasury_other"] += to_others / 100.0
        elif kind == 5:
            out["treasury_us"] += amount
            out["makers"] -= amount
        elif kind == 1 and makes[payees].all():
            out["makers"] += amount
        elif kind == 2:
            out["channel"] += amount
        elif kind == 7:
            out["makers"] -= amount
        elif kind == BUY_BACK:
            out["makers"] -= amount
            out["buyers"] += amount
        elif kind == 8:
            out["enforcement"] += amount
            out["grey"] -= amount
    out["buyers"] += buyers
    out["grey"] += world.market.grey_rent_usd
    out["seized"] = -float(ordered_sum(world.seized_usd))
    return np.array([out[party] for party in PARTIES])


@kernel
def _duties(payees, cents, us, cn):  # type: ignore[no-untyped-def]
    """Cents paid to Washington, to Beijing and to others."""
    to_us, to_cn, to_others = 0, 0, 0
    for k in range(len(cents)):
        if payees[k] == us:
            to_us += cents[k]
        elif payees[k] == cn:
            to_cn += cents[k]
        else:
            to_others += cents[k]
    return to_us, to_cn, to_others
