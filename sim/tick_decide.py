"""Perceive and decide: actors look at their books, prices and news, then place sealed orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.agents.chipmaker import plans, revised_list
from sim.agents.distributor import Distributor
from sim.agents.lab import Lab, belief_of, cover_weeks, whole_chips, written_off
from sim.frame import BROKER, CLOUD, CN, NEVER, RESELLER, ROW
from sim.kernel import kernel
from sim.keyed_random import uniforms
from sim.primary import queue_weeks
from sim.record import REGIONS
from sim.tick_assemble import made_where_lawful
from sim.tick_design import doomed
from sim.units import WEEKS_PER_MONTH
from sim.upstream import bookings
from sim.view import View

if TYPE_CHECKING:
    from sim.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

QUARTER_WEEKS = 13
GROWTH_WEEKS = 26
LONGEST_WAIT_WEEKS = 104.0
MOST_GROWTH = float(np.log(4.0)) / 52.0
"""Log growth a week of a plan, at most: fourfold a year."""

PLAN_ROW = ("china_capacity_share", "forecast_weeks", "recapture_share", "handover_share", "end_of_life_weeks", "release_share",
            "release_weeks")
"""Numbers that makers' plans read, see `agents.chipmaker.plans`."""


def perceive(world: World) -> None:
    """Bring beliefs and everybody's view to this week."""
    frame, behaviour, ledger = world.frame, world.behaviour, world.ledger
    labs, n_labs = frame.labs, len(frame.names.lab)
    world.orderable = orderable(world)
    wait = waits(world)
    belief = beliefs(world)
    cover = cover_weeks(belief, behaviour.belief_horizon_weeks.value, behaviour.holding_share_per_week.value,
                        behaviour.cover_max_weeks.value) if behaviour.on("stockpiling") else np.zeros_like(belief)
    queue = world.primary.queue
    worth = chips_worth(world)
    diverts, premium = world.market.diverts, substitute_premium(world, wait)
    distributors = frame.distributors
    traders_wait = _traders_wait(queue[n_labs:], world.primary.waited[n_labs:], distributors.subkind, wait[ROW])
    for_grey, for_clouds = _pulls(world, worth, traders_wait)
    grey_parts, grey_mix = wanted_grey(world, for_grey)
    cost, low_end_cards = card_cost(world), low_end_flow(world)
    low_end = low_end_cards * cost[:, frame.row("chip", "low_end")] * behaviour.low_end_budget_share.value
    world.view = View(
        tick=world.tick,
        plan_usd=np.maximum(labs.plan_usd[world.tick] - low_end, 0.0) * labs.owns_share,
        forward_growth_per_week=_growth(world),
        queue_usd=queue[:n_labs] * world.list_usd,
        cash_usd=ledger.cash_cents[labs.actor] / 100.0,
        cost_usd=cost,
        worth=worth,
        use_share=_use_share(labs.use_share, world.minds.wants),
        low_end_cards=low_end_cards,
        orderable=world.orderable[:n_labs],
        region=frame.buyer_region[:n_labs],
        wait_weeks=wait,
        belief=belief,
        cover_weeks=cover,
        behaviour_row=world.behaviour_row,
        list_usd=world.list_usd,
        networks=world.networks.active,
        scare=world.networks.scare,
        held=ledger.held,
        moving=ledger.moving.sum(axis=0),
        distributor_queue=queue[n_labs:],
        distributor_kind=distributors.subkind,
        diverts=diverts,
        grey_parts=grey_parts,
        grey_mix=grey_mix,
        grey_room_chips=behaviour.hub_diversion_cap_share.value
        * float(world.primary.quarter[1:, grey_parts].sum(dtype=np.int64)) / QUARTER_WEEKS,
        grey_wait_weeks=np.minimum(traders_wait, behaviour.wait_horizon_weeks.value),
        fraction_grey=uniforms(world.seed_number, distributors.keys, world.tick, 1)[:, None],
        cloud_wish=world.hours.cloud_wish,
        cloud_mix=_cloud_mix(world.orderable[n_labs:], distributors.subkind, frame.chips.domestic, frame.chips.for_china,
                             for_clouds),
        substitute_premium=premium,
        grey_risk_share=world.grey_risk_share,
        network_chips_per_week=behaviour.network_chips_per_week.value,
        network_cover_weeks=behaviour.network_cover_weeks.value,
        grey_network_multiple=behaviour.grey_network_multiple.value,
        resale_markup_share=behaviour.resale_markup_share.value,
    )


def decide(world: World) -> None:
    """Sealed decisions of the week: orders of labs and distributors, bookings and list prices of makers."""
    world.orders = sealed_orders(world)
    book_lines(world)
    if world.tick % QUARTER_WEEKS == 0 and world.tick:
        revise_lists(world)


def sealed_orders(world: World) -> Ints:
    """Cards ordered this week by buyer and part, (buyers, chips)."""
    view, n_labs = world.view, len(world.frame.names.lab)
    value = Lab.decide_all(view) * world.standing.demand_factor[:n_labs]
    chips = whole_chips(value, view.cost_usd, world.fraction)
    orders = np.zeros((len(world.frame.names.buyer), len(world.frame.names.chip)), dtype=np.int64)
    orders[:n_labs] = chips
    allowed = world.orderable[n_labs:]
    orders[n_labs:] = np.where(allowed, Distributor.decide_all(view) / world.market.list_multiple, 0)
    return orders


def waits(world: World) -> Floats:
    """Weeks a new order may expect to wait, (regions, chips): the queue over deliveries, or until volume begins."""
    chips, book = world.frame.chips, world.primary
    return np.asarray(_order_waits(
        world.frame.buyer_region, book.queue, book.quarter, len(book.delivered), world.lines.last, chips.family,
        world.behaviour.china_capacity_share.value, chips.volume_tick, world.tick))


def beliefs(world: World) -> Floats:
    """Buyers' belief that a part is closed to them within a year, (regions, chips); what investors write off, and the belief
    on memory, beside."""
    behaviour, law, frame = world.behaviour, world.law, world.frame
    before = behaviour.belief_before_share.value
    out = np.full((len(REGIONS), len(frame.names.chip)), before)
    if law.buyer < 0 or not behaviour.on("belief"):
        world.investor_belief = world.memory_belief = before
        world.memory_closing = False
        return out
    months = np.array([(world.tick - law.last_closure) / WEEKS_PER_MONTH if law.last_closure < NEVER else np.nan])
    base = float(belief_of(months, behaviour.hazard_scale_per_year.value, behaviour.hazard_exponent.value,
                           behaviour.belief_horizon_weeks.value, before)[0])
    world.investor_belief = float(written_off(months, behaviour.hazard_scale_per_year.value,
                                              behaviour.hazard_exponent.value, behaviour.belief_horizon_weeks.value, before)[0])
    doubt = np.full(len(frame.names.chip), 1.0 - base)
    memory_doubt = 1.0 - base
    for heard in world.rulebook.heard(world.tick):
        cells, memory = world.standing.china_cells(heard.cells)
        if heard.signal == "all_clear":
            doubt = np.where(cells, 1.0 - (1.0 - doubt) * (1.0 - heard.certainty), doubt)
        elif heard.signal in ("tighten", "disclosure"):
            doubt = np.where(cells, doubt * (1.0 - heard.certainty), doubt)
            memory_doubt *= 1.0 - heard.certainty * memory
    closing, world.memory_closing = world.standing.china_cells(world.rulebook.closing(world.tick))
    out[CN] = np.where(frame.chips.domestic, 0.0, np.where(closing, 1.0, 1.0 - doubt))
    world.memory_belief = 1.0 if world.memory_closing else 1.0 - memory_doubt
    return out


def orderable(world: World) -> Bools:
    """Cells in which a buyer may place an order or an application, (buyers, chips): lawful, announced, meant for it, on sale."""
    frame, standing, chips, behaviour = world.frame, world.standing, world.frame.chips, world.behaviour
    offered = _offered(world.tick, behaviour.on("redesign"), world.scenario.clearing == "equilibrium",
                       round(behaviour.preorder_weeks.value), behaviour.end_of_life_weeks.value, made_where_lawful(world),
                       chips.announced_tick, chips.volume_tick, chips.succeeded_tick, chips.market, chips.maker, chips.domestic,
                       chips.for_china)
    if (low_end := frame.row("chip", "low_end")) >= 0:
        offered[low_end] = False
    return np.asarray(_open_cells(standing.permitted, standing.licensable, standing.grant_share,
                                  behaviour.hopeful_grant_share.value, offered, chips.domestic, chips.for_china,
                                  frame.buyer_region))


def card_cost(world: World) -> Floats:
    """All-in price of a card on order, (labs, chips) USD: the maker's price, server mark-up, duty, freight."""
    frame, n_labs = world.frame, len(world.frame.names.lab)
    price = world.list_usd * world.market.list_multiple
    return np.asarray(_all_in(price, world.behaviour.server_markup_share.value, frame.duty_share[:n_labs],
                              world.standing.tariff_share[:n_labs], frame.freight_usd[:n_labs]))


def low_end_flow(world: World) -> Floats:
    """Foreign inference cards a week by lab, (labs,): the scenario's flow over Chinese civil labs by plan."""
    frame, labs = world.frame, world.frame.labs
    row = frame.row("chip", "low_end")
    if row < 0:
        return np.zeros(len(labs.region))
    return np.asarray(_split_flow(frame.low_end_cards_per_week[world.tick], labs.plan_usd[world.tick], labs.region, labs.military,
                                  world.standing.permitted, row))


def chips_worth(world: World) -> Floats:
    """Worth of each part to each lab by use, (uses, labs, chips): weights x skill x software x preference."""
    frame, behaviour, minds = world.frame, world.behaviour, world.minds
    chips, labs = frame.chips, frame.labs
    mandated = world.standing.foreign_share < 1.0
    preference = labs.preference if behaviour.on("substitution") else np.where(mandated, labs.preference, 0.0)
    return np.asarray(_worth_to(chips.worth, minds.skill, minds.software, labs.region, chips.maker, chips.domestic, preference,
                                world.standing.foreign_share))


def substitute_premium(world: World, wait: Floats) -> Floats:
    """Premium over list of a part's closest substitute, (chips,): (1 + impatience) to its expected wait in months.

    The closest substitute is a lawful part of the same maker with much the same worth in training, where China has one (A800 for
    A100); else the part itself abroad.
    """
    weeks = _rival_weeks(world.alike, world.orderable, world.law.buyer, world.frame.chips.domestic, wait)
    return np.asarray((1.0 + _impatience(world)) ** (weeks / WEEKS_PER_MONTH))


def _impatience(world: World) -> float:
    """What a month sooner is worth, a share."""
    return world.behaviour.impatience_share_per_month.value if world.behaviour.on("impatience") else 0.0


def stand_ins(world: World) -> Bools:
    """Foreign parts of one maker with much the same worth in training, (chips, chips): each stands in for the other."""
    chips = world.frame.chips
    near = np.abs(np.log(chips.worth[0][:, None] / chips.worth[0][None, :])) < world.behaviour.stand_in_distance.value
    return np.asarray(near & (chips.maker[:, None] == chips.maker[None, :]) & ~chips.domestic[:, None])


def wanted_grey(world: World, pull: Floats) -> tuple[Bools, Floats]:
    """Parts barred for China that networks deal in, and how they split their purchases by their pull there, see `_pulls`.
    (chips,) each."""
    chips, law = world.frame.chips, world.law
    if law.buyer < 0:
        return np.zeros(len(chips.tpp), dtype=bool), np.zeros(len(chips.tpp))
    parts, mix = _grey_split(world.tick, pull, world.standing.permitted[law.buyer], chips.domestic, chips.for_china, chips.market,
                             chips.volume_tick, chips.owner_lab, chips.worth[0])
    return parts, mix


def _pulls(world: World, worth: Floats, wait_weeks: Floats) -> Floats:
    """How strongly who buys to pass on, and who buys to let, is drawn to each part in volume, (2, chips): its worth in training to
    an ordinary buyer in China, or anywhere, per dollar, less for a wait of wait_weeks (chips,); worth (uses, labs, chips)."""
    behaviour, chips = world.behaviour, world.frame.chips
    patience = (1.0 + _impatience(world)) ** (-wait_weeks / WEEKS_PER_MONTH)
    value = _pull_values(worth[0, world.law.buyer], chips.worth[0], world.list_usd, behaviour.host_cost_usd.value, patience,
                         world.primary.quarter, chips.owner_lab)
    return np.asarray(value ** behaviour.choice_exponent.value)


def book_lines(world: World) -> None:
    """Foreign makers learn from this week's orders and commit packaging lines. What an announced rule will bar before it could be
    delivered is booked no more, at once: no line or die is kept for it, as none is for a part that has a successor."""
    frame, behaviour, lines, tick = world.frame, world.behaviour, world.lines, world.tick
    chips = frame.chips
    at_list = world.orders.sum(axis=0) * world.market.list_multiple  # a maker plans by what its list price would sell
    lines.learn(at_list, behaviour.forecast_weeks.value)
    weeks = world.lead_weeks + world.title_weeks
    bookable = (~chips.domestic) & (chips.maker >= 0) & (chips.volume_tick - weeks <= tick) & (chips.volume_tick < NEVER)
    late = doomed(world, weeks)
    bookable &= (chips.family == np.arange(len(bookable))) & ~late
    if (low_end := frame.row("chip", "low_end")) >= 0:
        bookable[low_end] = False
    wafers = frame.makers.wafers_per_week[min(tick + world.lead_weeks, frame.clock.n_ticks - 1)]
    row = np.array([getattr(behaviour, name).value for name in PLAN_ROW])
    supply = lines.under_way() + world.ledger.finished.sum(axis=0) + world.ledger.ready
    wanted, seed, fused, freed = plans(
        tick, weeks, row, lines.forecast, lines.peak, world.primary.queue.sum(axis=0) + at_list, supply,
        world.law.lost_forecast_usd, world.list_usd, wafers, bookable, world.law.open_before & ~late, chips.maker, chips.family,
        chips.packages_per_wafer, chips.list_usd, chips.domestic, chips.for_china, chips.announced_tick, chips.volume_tick,
        chips.succeeded_tick, chips.successor_of)
    china, outdated = np.where(chips.for_china, np.inf, fused), (chips.succeeded_tick <= tick) | late
    chosen = bookings(wanted, lines.last, seed, behaviour.booking_growth_share_per_week.value,
                      behaviour.booking_fall_share_per_week.value, chips.maker, chips.packages_per_wafer, china, outdated,
                      np.where(np.isinf(wafers), 1e12, wafers), behaviour.china_capacity_share.value, freed)
    lines.book(tick, np.floor(chosen).astype(np.int64))


def revise_lists(world: World) -> None:
    """Quarterly list prices of parts that ship; without queues a list is what a maker will not sell under, and stays."""
    behaviour = world.behaviour
    if world.scenario.clearing == "equilibrium":
        return
    wait = world.view.wait_weeks.max(axis=0)
    shipping = world.primary.quarter.sum(axis=0, dtype=np.int64) > 0
    moved = revised_list(world.list_usd, world.frame.chips.list_usd, wait, behaviour.target_wait_weeks.value,
                         behaviour.list_response_share_per_quarter.value)
    priced = ~world.frame.chips.domestic
    low_end = world.frame.row("chip", "low_end")
    if low_end >= 0:
        priced[low_end] = False  # a flow that is given never queues, and says nothing of its price
    world.list_usd = np.where(shipping & priced, moved, world.list_usd)


def _growth(world: World) -> Floats:
    """Log growth a week a lab expects of its plan: what it saw over the last half year, between none and fourfold a year."""
    plan = world.frame.labs.plan_usd
    now, before = plan[world.tick], plan[max(0, world.tick - GROWTH_WEEKS)]
    weeks = max(1, min(world.tick, GROWTH_WEEKS))
    seen = np.log(np.maximum(now, 1.0) / np.maximum(before, 1.0)) / weeks
    return np.asarray(np.minimum(np.maximum(seen, 0.0), MOST_GROWTH))


@kernel
def _use_share(share, wants):  # type: ignore[no-untyped-def]
    """Split of the plan between uses, (labs, uses); rebound, wants (labs,), moves it towards inference."""
    out = np.empty(share.shape)
    for i in range(len(share)):
        infer = share[i, 1] * wants[i]
        whole = share[i, 0] + infer
        out[i, 0], out[i, 1] = share[i, 0] / whole, infer / whole
    return out


@kernel
def _order_waits(region, queue, quarter, quarter_weeks, last, family, china_share, volume_tick, tick):  # type: ignore[no-untyped-def]
    """See `waits`: a part that was not delivered yet comes at the pace of last week's bookings, a fused one at China's share of
    those of its head."""
    pace = np.empty(len(last))
    for c in range(len(last)):
        booked = last[c] if family[c] == c else china_share * last[family[c]]
        pace[c] = max(booked, 1.0)
    out = queue_weeks(region, queue, quarter, quarter_weeks, pace)
    for c in range(len(last)):
        until_volume = min(max(volume_tick[c] - tick, 0), LONGEST_WAIT_WEEKS)
        for r in range(len(out)):
            out[r, c] = min(max(out[r, c], until_volume), LONGEST_WAIT_WEEKS)
    return out


@kernel
def _offered(  # type: ignore[no-untyped-def]
    tick, redesigned, at_once, preorder_weeks, end_weeks, made, announced, volume, succeeded, market, maker, domestic, for_china,
):
    """Parts whose books are open, (chips,): announced, ordered at most so many weeks ahead of volume unless meant for China,
    not past their end of sales; `at_once` nobody orders what cannot be had this week."""
    out = np.zeros(len(volume), dtype=np.bool_)
    for c in range(len(out)):
        opens = announced[c] if for_china[c] else max(announced[c], volume[c] - preorder_weeks)
        sold = opens <= tick and volume[c] < NEVER and market[c] != 1 and maker[c] >= 0 and succeeded[c] + end_weeks > tick
        meant = (redesigned or not for_china[c]) and (made[c] or not domestic[c])
        out[c] = sold and meant and (volume[c] <= tick or not at_once)
    return out


@kernel
def _split_flow(cards, plan_usd, region, military, permitted, row):  # type: ignore[no-untyped-def]
    """See `low_end_flow`: cards a week by lab; permitted (buyers, chips), row of the part."""
    out, total = np.zeros(len(region)), 0.0
    for i in range(len(region)):
        if region[i] == CN and not military[i] and permitted[i, row]:
            out[i] = plan_usd[i]
            total += plan_usd[i]
    for i in range(len(region)):
        out[i] = cards * out[i] / total if total > 0.0 else 0.0
    return out


@kernel
def _rival_weeks(alike, orderable, buyer, domestic, wait):  # type: ignore[no-untyped-def]
    """Weeks to the closest substitute of each part, see `substitute_premium`, (chips,): alike (chips, chips);
    wait (regions, chips)."""
    out = wait[ROW].copy()
    for c in range(len(out)):
        longest = -1.0
        for k in range(len(out)):
            if buyer >= 0 and alike[c, k] and orderable[buyer, k] and not domestic[k]:
                longest = max(longest, wait[CN, k])
        if longest >= 0.0:
            out[c] = longest
    return out


@kernel
def _traders_wait(queue, waited, subkind, wait):  # type: ignore[no-untyped-def]
    """Weeks that orders of traders and offshore clouds take, (chips,): twice what those outstanding have waited so far by their own
    books, queue and waited (distributors, chips), or the ordinary `wait` (chips,) where that is longer."""
    out = np.empty(len(wait))
    for c in range(len(out)):
        so_far, chips = 0.0, 0
        for d in range(len(subkind)):
            if subkind[d] == RESELLER or subkind[d] == BROKER or subkind[d] == CLOUD:
                so_far += queue[d, c] * waited[d, c]
                chips += queue[d, c]
        out[c] = max(wait[c], 2.0 * so_far / max(chips, 1))
    return out


@kernel
def _pull_values(worth_there, worth, list_usd, host_usd, patience, quarter, owner_lab):  # type: ignore[no-untyped-def]
    """See `_pulls`, before the choice exponent; 0 for parts that did not ship abroad in the quarter or that nobody may buy."""
    out = np.zeros((2, len(worth)))
    for c in range(len(worth)):
        shipped = 0
        for r in range(1, len(quarter)):
            shipped += quarter[r, c]
        if shipped > 0 and owner_lab[c] < 0:
            out[0, c] = worth_there[c] / (list_usd[c] + host_usd) * 1e4 * patience[c]
            out[1, c] = worth[c] / (list_usd[c] + host_usd) * 1e4 * patience[c]
    return out


@kernel
def _grey_split(tick, pull, permitted, domestic, for_china, market, volume, owner_lab, worth):  # type: ignore[no-untyped-def]
    """See `wanted_grey`: permitted (chips,) to an ordinary buyer in China; worth (chips,) in training."""
    parts, mix, total = np.zeros(len(pull), dtype=np.bool_), np.zeros(len(pull)), 0.0
    for c in range(len(pull)):
        barred = not (permitted[c] or domestic[c] or for_china[c]) and market[c] == 0
        if barred and volume[c] <= tick and volume[c] < NEVER and owner_lab[c] < 0 and worth[c] >= 0.3:
            parts[c], mix[c] = True, pull[c]
            total += pull[c]
    if total > 0.0:
        mix /= total
    return parts, mix


@kernel
def _cloud_mix(allowed, subkind, domestic, for_china, pull):  # type: ignore[no-untyped-def]
    """How an offshore cloud splits its purchases over the parts it may buy, (distributors, chips), by their pull (chips,)."""
    out = np.zeros(allowed.shape)
    for d in range(len(subkind)):
        total = 0.0
        for c in range(len(pull)):
            if subkind[d] == CLOUD and allowed[d, c] and not domestic[c] and not for_china[c]:
                out[d, c] = pull[c]
                total += pull[c]
        if total > 0.0:
            out[d] /= total
    return out


@kernel
def _open_cells(permitted, licensable, grant_share, hopeful_share, offered, domestic, for_china, region):  # type: ignore[no-untyped-def]
    """Lawful cells, or such as a licence may be hoped for, of parts on offer and meant for the buyer, (buyers, chips)."""
    n_buyers, n_chips = permitted.shape
    out = np.zeros((n_buyers, n_chips), dtype=np.bool_)
    for b in range(n_buyers):
        for c in range(n_chips):
            if offered[c] and (region[b] == CN or not (domestic[c] or for_china[c])):
                out[b, c] = permitted[b, c] or (licensable[b, c] and grant_share[b, c] >= hopeful_share)
    return out


@kernel
def _all_in(list_usd, markup, duty, tariff, freight):  # type: ignore[no-untyped-def]
    """See `card_cost`: list_usd (chips,), duty and freight (labs,), tariff (labs, chips)."""
    n_labs, n_chips = tariff.shape
    out = np.empty((n_labs, n_chips))
    for i in range(n_labs):
        for c in range(n_chips):
            out[i, c] = list_usd[c] * (1.0 + markup + duty[i] + tariff[i, c]) + freight[i]
    return out


@kernel
def _worth_to(worth, skill, software, region, maker, domestic, preference, foreign_share):  # type: ignore[no-untyped-def]
    """See `chips_worth`: worth (uses, chips), skill (labs, makers), software (regions, makers); preference (labs,) for domestic
    parts, foreign_share (labs,) for the others."""
    n_uses, n_chips = worth.shape
    n_labs = len(region)
    out = np.empty((n_uses, n_labs, n_chips))
    for i in range(n_labs):
        for c in range(n_chips):
            know = skill[i, maker[c]] * software[region[i], maker[c]] * (preference[i] if domestic[c] else foreign_share[i])
            for u in range(n_uses):
                out[u, i, c] = worth[u, c] * know
    return out
