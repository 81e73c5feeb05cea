"""Perceive and decide: actors look at their books, prices and news, then place sealed orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.agents.chipmaker import plans, revised_list
from sim.agents.distributor import Distributor
from sim.agents.lab import Lab, belief_of, cover_weeks, whole_chips, written_off
from sim.frame import BROKER, CLOUD, CN, NEVER, RESELLER, ROW
from sim.keyed_random import uniforms
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
    traders_wait = np.maximum(wait[ROW], _traders_wait(world))
    grey_parts, grey_mix = wanted_grey(world, worth, traders_wait)
    cost = card_cost(world)
    low_end = low_end_cards(world) * cost[:, frame.row("chip", "low_end")] * behaviour.low_end_budget_share.value
    world.view = View(
        tick=world.tick,
        plan_usd=np.maximum(labs.plan_usd[world.tick] - low_end, 0.0) * labs.owns_share,
        forward_growth_per_week=_growth(world),
        queue_usd=queue[:n_labs] * world.list_usd,
        cash_usd=ledger.cash_cents[labs.actor] / 100.0,
        cost_usd=cost,
        worth=worth,
        use_share=_use_share(world),
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
        distributor_kind=frame.distributors.subkind,
        diverts=diverts,
        grey_parts=grey_parts,
        grey_mix=grey_mix,
        grey_room_chips=behaviour.hub_diversion_cap_share.value
        * float(world.primary.quarter[1:, grey_parts].sum(dtype=np.int64)) / QUARTER_WEEKS,
        grey_wait_weeks=np.minimum(traders_wait, behaviour.wait_horizon_weeks.value),
        fraction_grey=uniforms(world.seed_number, frame.distributors.keys, world.tick, 1)[:, None],
        cloud_wish=world.hours.cloud_wish,
        cloud_mix=cloud_mix(world, traders_wait),
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
    frame = world.frame
    chips, china = frame.chips, world.behaviour.china_capacity_share.value
    fused = chips.family != np.arange(len(chips.family))
    weekly = np.where(fused, china * world.lines.last[chips.family], world.lines.last)
    queue_weeks = world.primary.wait_weeks(frame.buyer_region, np.maximum(weekly, 1.0))
    until_volume = np.clip(frame.chips.volume_tick - world.tick, 0, LONGEST_WAIT_WEEKS)
    return np.asarray(np.clip(np.maximum(queue_weeks, until_volume[None, :]), 0.0, LONGEST_WAIT_WEEKS))


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
    months = (world.tick - law.last_closure) / WEEKS_PER_MONTH if law.last_closure < NEVER else np.nan
    base = float(belief_of(np.array([months]), behaviour.hazard_scale_per_year.value, behaviour.hazard_exponent.value,
                           behaviour.belief_horizon_weeks.value, before)[0])
    world.investor_belief = float(written_off(np.array([months]), behaviour.hazard_scale_per_year.value,
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
    frame, standing, chips = world.frame, world.standing, world.frame.chips
    early = chips.volume_tick - round(world.behaviour.preorder_weeks.value)
    books_open = np.where(chips.for_china, chips.announced_tick, np.maximum(chips.announced_tick, early))
    offered = (books_open <= world.tick) & (chips.volume_tick < NEVER) & (chips.market != 1) & (chips.maker >= 0)
    if not world.behaviour.on("redesign"):
        offered &= ~chips.for_china
    offered &= ~chips.domestic | made_where_lawful(world)
    if world.scenario.clearing == "equilibrium":
        offered &= chips.volume_tick <= world.tick  # nobody orders what cannot be had this week
    low_end = frame.row("chip", "low_end")
    if low_end >= 0:
        offered[low_end] = False
    offered &= chips.succeeded_tick + world.behaviour.end_of_life_weeks.value > world.tick
    return np.asarray(_open_cells(standing.permitted, standing.licensable, standing.grant_share,
                                  world.behaviour.hopeful_grant_share.value, offered, chips.domestic | chips.for_china,
                                  frame.buyer_region == CN))


def card_cost(world: World) -> Floats:
    """All-in price of a card on order, (labs, chips) USD: the maker's price, server mark-up, duty, freight."""
    frame, n_labs = world.frame, len(world.frame.names.lab)
    price = world.list_usd * world.market.list_multiple
    return np.asarray(_all_in(price, world.behaviour.server_markup_share.value, frame.duty_share[:n_labs],
                              world.standing.tariff_share[:n_labs], frame.freight_usd[:n_labs]))


def low_end_cards(world: World) -> Floats:
    """Foreign inference cards a week by lab, (labs,): the scenario's flow over Chinese civil labs by plan."""
    frame, labs = world.frame, world.frame.labs
    row = frame.row("chip", "low_end")
    open_to = (labs.region == CN) & ~labs.military & world.standing.permitted[: len(labs.region), row]
    plan = np.where(open_to, labs.plan_usd[world.tick], 0.0)
    total = float(plan.cumsum()[-1]) if len(plan) and row >= 0 else 0.0
    return np.asarray(frame.low_end_cards_per_week[world.tick] * plan / total if total > 0 else np.zeros(len(plan)))


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
    chips = world.frame.chips
    monthly = world.behaviour.impatience_share_per_month.value if world.behaviour.on("impatience") else 0.0
    lawful = world.orderable[world.law.buyer] & ~chips.domestic if world.law.buyer >= 0 else np.zeros(len(chips.tpp), dtype=bool)
    alike = world.alike & lawful[None, :]
    rival = np.where(alike, wait[CN][None, :], -1.0).max(axis=1)
    weeks = np.where(rival >= 0.0, rival, wait[ROW])
    return np.asarray((1.0 + monthly) ** (weeks / WEEKS_PER_MONTH))


def stand_ins(world: World) -> Bools:
    """Foreign parts of one maker with much the same worth in training, (chips, chips): each stands in for the other."""
    chips = world.frame.chips
    near = np.abs(np.log(chips.worth[0][:, None] / chips.worth[0][None, :])) < world.behaviour.stand_in_distance.value
    return np.asarray(near & (chips.maker[:, None] == chips.maker[None, :]) & ~chips.domestic[:, None])


def wanted_grey(world: World, worth: Floats, wait_weeks: Floats) -> tuple[Bools, Floats]:
    """Parts barred for China that networks deal in, and how they split their purchases by what a part is worth there per dollar,
    less for those that must be waited for; wait_weeks (chips,). (chips,) each."""
    chips, law = world.frame.chips, world.law
    if law.buyer < 0:
        return np.zeros(len(chips.tpp), dtype=bool), np.zeros(len(chips.tpp))
    barred = ~world.standing.permitted[law.buyer] & ~chips.domestic & ~chips.for_china & (chips.market == 0)
    on_sale = (chips.volume_tick <= world.tick) & (chips.volume_tick < NEVER) & (chips.owner_lab < 0)
    parts = barred & on_sale & (chips.worth[0] >= 0.3)
    pull = np.where(parts, _pull(world, worth[0, law.buyer], wait_weeks), 0.0)
    total = float(pull.cumsum()[-1]) if len(pull) else 0.0
    return parts, pull / total if total > 0 else pull


def _traders_wait(world: World) -> Floats:
    """Weeks that orders of traders and offshore clouds take by their own books, (chips,): twice what those outstanding have
    waited so far."""
    frame, book, n_labs = world.frame, world.primary, len(world.frame.names.lab)
    traders = np.flatnonzero(np.isin(frame.distributors.subkind, (RESELLER, BROKER, CLOUD))) + n_labs
    queue = book.queue[traders]
    waited = (queue * book.waited[traders]).cumsum(axis=0)[-1] if len(traders) else np.zeros(queue.shape[1])
    return np.asarray(2.0 * waited / np.maximum(queue.sum(axis=0, dtype=np.int64), 1))


def _pull(world: World, worth: Floats, wait_weeks: Floats) -> Floats:
    """How strongly who buys to pass on or to let is drawn to each part in volume, (chips,): worth per dollar, less for a wait."""
    behaviour, chips = world.behaviour, world.frame.chips
    monthly = behaviour.impatience_share_per_month.value if behaviour.on("impatience") else 0.0
    value = worth / (world.list_usd + behaviour.host_cost_usd.value) * 1e4 * (1.0 + monthly) ** (-wait_weeks / WEEKS_PER_MONTH)
    shipping = (world.primary.quarter[1:].sum(axis=0) > 0) & (chips.owner_lab < 0)
    return np.asarray(np.where(shipping, value ** behaviour.choice_exponent.value, 0.0))


def cloud_mix(world: World, wait_weeks: Floats) -> Floats:
    """How an offshore cloud splits its purchases over the parts it may buy, (distributors, chips)."""
    frame, chips = world.frame, world.frame.chips
    n_labs = len(frame.names.lab)
    out = np.zeros((len(frame.names.distributor), len(chips.tpp)))
    allowed = world.orderable[n_labs:]
    pull = _pull(world, chips.worth[0], wait_weeks)
    for row in np.flatnonzero(frame.distributors.subkind == CLOUD):
        own = np.where(allowed[row] & ~chips.domestic & ~chips.for_china, pull, 0.0)
        total = float(own.cumsum()[-1])
        out[row] = own / total if total > 0 else 0.0
    return out


def book_lines(world: World) -> None:
    """Foreign makers learn from this week's orders and commit packaging lines."""
    frame, behaviour, lines, tick = world.frame, world.behaviour, world.lines, world.tick
    chips = frame.chips
    at_list = world.orders.sum(axis=0) * world.market.list_multiple  # a maker plans by what its list price would sell
    lines.learn(at_list, behaviour.forecast_weeks.value)
    weeks = world.lead_weeks + world.title_weeks
    bookable = (~chips.domestic) & (chips.maker >= 0) & (chips.volume_tick - weeks <= tick) & (chips.volume_tick < NEVER)
    bookable &= (chips.family == np.arange(len(bookable))) & ~doomed(world, weeks)
    if (low_end := frame.row("chip", "low_end")) >= 0:
        bookable[low_end] = False
    wafers = frame.makers.wafers_per_week[min(tick + world.lead_weeks, frame.clock.n_ticks - 1)]
    row = np.array([getattr(behaviour, name).value for name in PLAN_ROW])
    supply = lines.under_way() + world.ledger.finished.sum(axis=0) + world.ledger.ready
    wanted, seed, fused, freed = plans(
        tick, weeks, row, lines.forecast, lines.peak, world.primary.queue.sum(axis=0) + at_list, supply, world.law.lost_forecast_usd,
        world.list_usd, wafers, bookable, world.law.open_before, chips.maker, chips.family, chips.packages_per_wafer, chips.list_usd,
        chips.domestic, chips.for_china, chips.announced_tick, chips.volume_tick, chips.succeeded_tick, chips.successor_of)
    china, outdated = np.where(chips.for_china, np.inf, fused), chips.succeeded_tick <= tick
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
    shipping = world.primary.quarter.sum(axis=0) > 0
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
    return np.asarray(np.clip(seen, 0.0, np.log(4.0) / 52.0))


def _use_share(world: World) -> Floats:
    """Split of the plan between uses, (labs, uses); rebound moves it towards inference."""
    share = world.frame.labs.use_share.copy()
    share[:, 1] *= world.minds.wants
    return np.asarray(share / (share[:, :1] + share[:, 1:]))


@njit(cache=True)
def _open_cells(permitted, licensable, grant_share, hopeful_share, offered, for_china, in_china):  # type: ignore[no-untyped-def]
    """Lawful cells, or such as a licence may be hoped for, of parts on offer and meant for the buyer, (buyers, chips)."""
    n_buyers, n_chips = permitted.shape
    out = np.zeros((n_buyers, n_chips), dtype=np.bool_)
    for b in range(n_buyers):
        for c in range(n_chips):
            if offered[c] and (in_china[b] or not for_china[c]):
                out[b, c] = permitted[b, c] or (licensable[b, c] and grant_share[b, c] >= hopeful_share)
    return out


@njit(cache=True)
def _all_in(list_usd, markup, duty, tariff, freight):  # type: ignore[no-untyped-def]
    """See `card_cost`: list_usd (chips,), duty and freight (labs,), tariff (labs, chips)."""
    n_labs, n_chips = tariff.shape
    out = np.empty((n_labs, n_chips))
    for i in range(n_labs):
        for c in range(n_chips):
            out[i, c] = list_usd[c] * (1.0 + markup + duty[i] + tariff[i, c]) + freight[i]
    return out


@njit(cache=True)
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
