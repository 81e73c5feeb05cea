"""Serve and clear: the primary queue ships at list; channel stock, grey goods and resale clear on the spot market.

The spot market is a spatial price equilibrium in whole chips (Samuelson 1952; Takayama & Judge 1971) with its proof each week;
the street price is its dual. Sellers offer what they held when the week began.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.agents.distributor import asks_usd, pays, risk_share
from sim.clearing.base import Lanes
from sim.clearing.equilibrium import affordable, price_multiples
from sim.clearing.posted import ration
from sim.clock import WHOLE_WEEK
from sim.frame import BROKER, CN, NEVER, RESELLER, ROW, US
from sim.kernel import kernel
from sim.keyed_random import keys_of
from sim.market import MarketResult, Memory, Offers, Wants, clear_two_use, offer_keys
from sim.record import BOOKS, CHANNELS, REGIONS
from sim.tick_law import remember_shipments, within
from sim.units import WEEKS_PER_MONTH, WEEKS_PER_YEAR

if TYPE_CHECKING:
    from sim.world import World

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LICENSED, DOMESTIC, GREY, RESALE, RENTED = range(len(CHANNELS))
PRIMARY, SPOT, RENTAL, INPUT = range(len(BOOKS))
QUARTER_WEEKS = 13
STEPS = ((1.30, 0.25), (1.10, 0.25), (0.95, 0.25), (0.80, 0.25))
"""Tranches of a want: value over the buyer's alternative, and part of the money; an assumption."""

STEP_VALUE, STEP_MONEY = np.array(STEPS).T.copy()

DEAR_CENTS = 2**50
"""More than any card costs: nobody bids where nothing is offered."""

WEIGHT_FLOOR = 0.02
"""A part worth less than this to a buyer is not bought on the spot or rented."""


@dataclass
class Market:
    """What the spot market remembers, and running sales.

    offer_price (distributors, chips) cents, unit_value (labs, uses) cents a unit; nan where none is known
    quarter_sales_usd (regions, chips) sales at list over the last quarter
    list_multiple (chips,) price at makers' doors over list: 1 where parts queue at list
    street_usd (regions, chips) this week's spot price delivered, nan without trade
    """

    n_chips: int
    n_labs: int
    offer_price: Floats = field(init=False)
    unit_value: Floats = field(init=False)
    sales_ring: Floats = field(init=False)
    list_multiple: Floats = field(init=False)
    street_usd: Floats = field(init=False)
    last_street_usd: Floats = field(init=False)
    smuggled: Ints = field(init=False)
    smuggled_usd: Floats = field(init=False)
    utility_usd: float = 0.0
    grey_rent_usd: float = 0.0

    def __post_init__(self) -> None:
        self.sales_ring = np.zeros((QUARTER_WEEKS, len(REGIONS), self.n_chips))
        self.list_multiple = np.ones(self.n_chips)
        self.street_usd = np.full((len(REGIONS), self.n_chips), np.nan)
        self.last_street_usd = np.full(self.n_chips, np.nan)
        self.unit_value = np.full((self.n_labs, 2), np.nan)
        self.smuggled = np.zeros(0, dtype=np.int64)
        self.smuggled_usd = np.zeros(0)

    def size(self, n_distributors: int) -> None:
        """Make room for distributors' columns."""
        self.offer_price = np.full((n_distributors, self.n_chips), np.nan)
        self.diverts = np.zeros(n_distributors, dtype=bool)
        self.smuggled = np.zeros(n_distributors, dtype=np.int64)
        self.smuggled_usd = np.zeros(n_distributors)

    @property
    def quarter_sales_usd(self) -> Floats:
        return np.asarray(self.sales_ring.cumsum(axis=0)[-1])


def serve(world: World) -> None:
    """New orders join the queue; makers ship what is ready; money, duty and levies change hands."""
    frame, ledger, book = world.frame, world.ledger, world.primary
    low_end = _low_end_orders(world)
    book.place(world.orders + low_end)
    standing, law = world.standing, world.law
    cap = _caps(standing.permitted, standing.open_share, book.queue, law.allowance)
    for limit in standing.limits:
        cap = within(world, limit, cap, book.queue)
    if world.scenario.clearing == "equilibrium":
        cap = _clear_primary(world, cap)
    shipped = book.serve(ledger.ready, cap, frame.buyer_class, frame.buyer_keys, world.tick // QUARTER_WEEKS)
    if world.scenario.clearing == "equilibrium":
        book.queue[:] = 0  # nobody waits: at this price nothing is left to ask for
    multiple = world.market.list_multiple
    _use_allowance(standing.permitted, shipped, law.allowance)
    by_region = book.remember(world.tick, shipped, frame.buyer_region)
    ledger.take_ready(by_region.sum(axis=0, dtype=np.int64))
    remember_shipments(world, shipped, by_region)
    ring = world.market.sales_ring[world.tick % QUARTER_WEEKS]
    ring[:] = 0.0
    _book_sales(frame.buyer_region, shipped, world.list_usd * multiple, ring)
    _settle_primary(world, shipped, multiple)


def _clear_primary(world: World, cap: Ints) -> Ints:
    """Set the week's price of each part on sale at makers' doors; returns what buyers can pay of their wants, (buyers, chips)."""
    market, asked = world.market, np.minimum(world.primary.queue, cap)
    last = market.list_multiple
    market.list_multiple = price_multiples(asked.sum(axis=0, dtype=np.int64), last, world.ledger.ready)
    low_end = world.frame.row("chip", "low_end")
    if low_end >= 0:
        market.list_multiple[low_end] = 1.0  # a given flow, made as it is ordered
    return affordable(asked, last, market.list_multiple)


def _low_end_orders(world: World) -> Ints:
    """The scenario's flow of foreign inference cards, in whole cards by lab; what ordinary budgets pay is paid in."""
    out = np.zeros_like(world.orders)
    row = world.frame.row("chip", "low_end")
    if row < 0:
        return out
    world.low_end_fraction += world.view.low_end_cards
    cards = np.floor(world.low_end_fraction).astype(np.int64)
    world.low_end_fraction -= cards
    out[: len(cards), row] = cards
    outside = cards * (world.list_usd[row] * (1.0 - world.behaviour.low_end_budget_share.value))
    world.ledger.pay("budget", world.ledger.outside("funders"), world.frame.labs.actor, np.rint(outside * 106.0).astype(np.int64))
    return out


def _settle_primary(world: World, shipped: Ints, multiple: Floats) -> None:
    frame, ledger, behaviour = world.frame, world.ledger, world.behaviour
    buyer, chip = np.nonzero(shipped)
    if len(buyer) == 0:
        return
    chips = shipped[buyer, chip]
    unit = np.rint((world.list_usd * multiple)[chip] * 100).astype(np.int64)
    at_list = unit * chips
    freight = np.rint(frame.freight_usd[buyer] * 100).astype(np.int64) * chips
    markup = np.rint(at_list * behaviour.server_markup_share.value).astype(np.int64)
    duty = np.rint(at_list * (world.standing.tariff_share[buyer, chip] + frame.duty_share[buyer])).astype(np.int64)
    levy = np.rint(at_list * world.standing.levy_share[buyer, chip]).astype(np.int64)
    actor, maker = frame.buyer_actor[buyer], frame.makers.actor[frame.chips.maker[chip]]
    n_labs = len(frame.names.lab)
    ship_to = np.where(buyer < n_labs, frame.server_maker[np.minimum(buyer, n_labs - 1)], -1)
    through = np.where(ship_to >= 0, frame.distributors.actor[ship_to], ledger.outside("carriers"))
    ledger.pay("purchase", actor, maker, at_list)
    ledger.pay("mark-up", actor, through, markup)
    ledger.pay("freight", actor, ledger.outside("carriers"), freight)
    ledger.pay("duty", actor, _treasury(world, frame.buyer_country[buyer], world.standing.tariff_share[buyer, chip]), duty)
    ledger.pay("share", maker, _government(world, "gov_us"), levy)
    domestic = frame.chips.domestic[chip]
    channel = np.where(domestic, DOMESTIC, LICENSED)
    weeks = frame.transit_weeks[buyer]
    lab = buyer < n_labs
    ledger.ship_to_labs(buyer[lab], chip[lab], channel[lab], chips[lab], weeks[lab])
    ledger.ship_to_distributors(buyer[~lab] - n_labs, chip[~lab], chips[~lab], weeks[~lab])
    _log_primary(world, buyer, chip, chips, at_list, markup + freight + duty, duty, levy, maker, channel, weeks)


def _log_primary(world: World, buyer: Ints, chip: Ints, chips: Ints, at_list: Ints, extra: Ints, duty: Ints, levy: Ints,
                 maker: Ints, channel: Ints, weeks: Ints) -> None:
    """Trade rows; the part of a sale that is billed through a hub is a row of its own."""
    frame = world.frame
    abroad = frame.bill_abroad_share[frame.buyer_region[buyer], world.tick]
    hubbed = np.where(frame.chips.domestic[chip], 0, np.rint(chips * abroad).astype(np.int64))
    hub = frame.row("country", "SG")
    for part, bill_to in ((chips - hubbed, frame.buyer_country[buyer]), (hubbed, np.full(len(buyer), hub))):
        rows = np.flatnonzero(part > 0)
        if len(rows) == 0:
            continue
        share = part[rows] / chips[rows]
        whole = share == 1.0
        split = np.where(whole, at_list[rows], at_list[rows] // chips[rows] * part[rows])
        world.trades.add(
            len(rows), tick=world.tick, book=PRIMARY, seller=maker[rows], buyer=frame.buyer_actor[buyer[rows]], chip=chip[rows],
            chips=part[rows], list_cents=split,
            paid_cents=split + np.where(whole, extra[rows], np.rint(extra[rows] * share).astype(np.int64)),
            tax_cents=np.rint(duty[rows] * share).astype(np.int64), share_cents=np.rint(levy[rows] * share).astype(np.int64),
            channel=channel[rows], ship_to=frame.buyer_country[buyer[rows]], bill_to=bill_to[rows],
            customer_hq=frame.buyer_hq[buyer[rows]], end_hq=frame.buyer_hq[buyer[rows]], arrives=world.tick + weeks[rows])


def _government(world: World, name: str) -> int:
    row = world.frame.row("actor", name)
    return row if row >= 0 else world.ledger.outside("treasury_other")


def _treasury(world: World, country: Ints, tariff: Floats) -> Ints:
    """Account duty goes to: a duty under a rule to Washington when Washington made it, else the buyer's own tax office."""
    other = np.full(len(country), world.ledger.outside("treasury_other"))
    china = world.frame.country_region[country] == CN
    us = world.frame.country_region[country] == US
    out = np.where(china, _government(world, "gov_cn"), np.where(us, _government(world, "gov_us"), other))
    return np.where(tariff > 0, _government(world, "gov_us"), out)


def clear_spot(world: World) -> None:
    """Offers and wants of the week meet; goods sold leave at once and travel their lane."""
    market = world.market
    market.street_usd[:] = np.nan
    market.smuggled[:] = 0
    market.smuggled_usd[:] = 0.0
    market.utility_usd = market.grey_rent_usd = 0.0
    if world.ledger.held.any():
        offers, lanes, wants, weight, rows = spot_book(world)
        if len(offers.ask) and len(lanes.lane_offer):
            _spend(world, offers, lanes, rows, _clear(world, offers, wants, lanes, weight, rows))
    market.diverts = diverting(world)


def diverting(world: World) -> NDArray[np.bool_]:
    """Distributors for which diversion pays this week, (distributors,)."""
    frame, behaviour, market = world.frame, world.behaviour, world.market
    distributors = frame.distributors
    trader = (distributors.subkind == RESELLER) | (distributors.subkind == BROKER)
    if not behaviour.on("diversion") or not world.networks.started:
        return np.zeros(len(trader), dtype=bool)
    premium = np.maximum(behaviour.grey_network_multiple.value, world.view.substitute_premium)
    street = np.where(np.isnan(market.last_street_usd), world.list_usd * premium, market.last_street_usd)
    cost = world.list_usd[None, :] * (1.0 + behaviour.server_markup_share.value + distributors.grey_freight_share[:, None])
    good = pays(np.broadcast_to(street, cost.shape), cost, behaviour.concealment_share.value, grey_risk(world),
                np.broadcast_to(world.list_usd, cost.shape))
    over = np.where(world.view.grey_parts, street / world.list_usd, 0.0) * world.view.grey_mix
    world.grey_street = float(over.cumsum()[-1]) if len(over) else 0.0
    parts = world.view.grey_parts[None, :]
    return np.asarray(trader & (distributors.grey_since_tick <= world.tick) & (distributors.region != CN)
                      & (good & parts).any(axis=1))


def grey_risk(world: World) -> Floats:
    """Expected loss of diversion over the value of the goods at this week's hazard of a find, (distributors,)."""
    behaviour = world.behaviour
    caught = behaviour.penalty_multiple.value * world.standing.penalty_factor + behaviour.reputation_multiple.value
    return risk_share(world.detection_per_week, behaviour.exposure_weeks.value, caught, world.appetite)


def throughput(world: World) -> Ints:
    """Chips that the networks at each distributor can pass this week, (distributors,): less after a bust there."""
    networks = world.networks
    return np.asarray(np.floor(networks.active * world.behaviour.network_chips_per_week.value * (1.0 - networks.scare)),
                      dtype=np.int64)


def for_sale(held: Ints, grey: NDArray[np.bool_], most: Ints) -> Ints:
    """Chips offered this week, (distributors, chips): all that is held, but of the barred parts of those who divert, grey, no more
    than `most` (distributors,) in all, pro rata to stock."""
    stock = np.where(grey, held, 0)
    share = np.minimum(1.0, most / np.maximum(stock.sum(axis=1, dtype=np.int64), 1))
    return np.asarray(np.where(grey, np.floor(held * share[:, None]), held), dtype=np.int64)


def reference_value(world: World, rows: Ints) -> Floats:
    """What a unit of use-compute costs the labs of `rows` by their best lawful way, host and waiting counted, (rows, uses) USD a
    unit."""
    view = world.view
    monthly = world.behaviour.impatience_share_per_month.value if world.behaviour.on("impatience") else 0.0
    wait = (1.0 + monthly) ** (view.wait_weeks / WEEKS_PER_MONTH)
    host = world.behaviour.host_cost_usd.value
    return np.asarray(_reference(rows, view.cost_usd, host, view.worth, view.orderable, wait, view.region))


def world_price(world: World, host_usd: float) -> Floats:
    """What the world outside China paid for a unit of use-compute over the last quarter, each card with host_usd of server, (uses,)
    USD a unit; inf before any delivery. A plan is made at this price, so that a bar raises what a unit is worth to a lab and leaves
    how many it wants."""
    chips = world.frame.chips
    return np.asarray(_unit_price(world.primary.quarter, chips.market, world.list_usd, world.behaviour.server_markup_share.value,
                                  host_usd, chips.worth))


def spot_book(world: World) -> tuple[Offers, Lanes, Wants, Floats, tuple[Ints, Ints, Ints]]:
    """This week's offers, wants and lanes; rows give each offer's distributor and chip, and the labs of the buyers."""
    frame, ledger, behaviour = world.frame, world.ledger, world.behaviour
    labs, distributors = frame.labs, frame.distributors
    ask = asks_usd(world.view)
    offered = for_sale(ledger.held, world.market.diverts[:, None] & world.view.grey_parts[None, :], throughput(world))
    seller, chip = np.nonzero((offered > 0) & ~np.isnan(ask))
    money = np.maximum(ledger.cash_cents[labs.actor], 0) * behaviour.spot_patience_share.value / behaviour.spot_cash_weeks.value
    money = money + labs.plan_usd[world.tick] * 100.0 * behaviour.spot_plan_share.value
    everybody = np.arange(len(labs.region))
    plan, card = world_price(world, behaviour.host_cost_usd.value), world_price(world, 0.0)
    value = np.minimum(reference_value(world, everybody), plan[None, :] * behaviour.dear_plan_multiple.value)
    wants = wants_of(money[:, None] * world.view.use_share * labs.owns_share[:, None], value, np.minimum(card[None, :], value),
                     np.minimum(plan[None, :], value), world.market_keys)
    weight = buyer_weights(world.view.worth)
    ask_cents = np.rint(ask[seller, chip] * 100).astype(np.int64)
    keys = offer_keys(distributors.keys[seller], world.chip_keys[chip])
    offers = Offers(ask_cents, offered[seller, chip], keys, chip.astype(np.int64), np.ones(len(seller)))
    lawful = world.standing.permitted[: len(labs.region)]
    lanes = Lanes(*_lanes(seller, chip, ask_cents, offers.cap, distributors.region, distributors.grey_freight_share,
                          world.market.diverts, lawful, labs.region, labs.stigma_share, behaviour.host_cost_usd.value * 100,
                          (money >= ask_cents.min(initial=DEAR_CENTS)) & (labs.plan_usd[world.tick] > 0)))
    return offers, lanes, wants, weight, (seller.astype(np.int64), chip.astype(np.int64), everybody)


def buyer_weights(worth: Floats) -> Floats:
    """Worth (uses, labs, chips) as the market wants it: (chips, labs x uses), closed below the floor."""
    weight = np.ascontiguousarray(worth.transpose(2, 1, 0).reshape(worth.shape[2], -1))
    weight[weight < WEIGHT_FLOOR] = 0.0
    return weight


def wants_of(money_cents: Floats, value_usd: Floats, card_usd: Floats, unit_usd: Floats, keys: NDArray[np.uint64]) -> Wants:
    """Tranches of each (lab, use), rows lab by lab, use by use: as many units as its money buys at card_usd, split by STEPS; values
    around value_usd. Money is for cards; what the lanes charge beside them (servers) is let in by unit_usd, the price of a unit
    with all: the budget is that of the units wanted. (labs, uses) each, USD a unit."""
    buyer, units, worth, budget = _tranches(money_cents.reshape(-1), value_usd.reshape(-1), card_usd.reshape(-1),
                                            unit_usd.reshape(-1), STEP_VALUE, STEP_MONEY)
    return Wants(buyer, units, worth, keys, budget)


def _clear(world: World, offers: Offers, wants: Wants, lanes: Lanes, weight: Floats,
           rows: tuple[Ints, Ints, Ints]) -> MarketResult:
    market = world.market
    seller, chip, _ = rows
    if world.scenario.clearing == "posted_price":
        return _posted(offers, wants, lanes, weight)
    memory = Memory(market.offer_price[seller, chip], market.unit_value.reshape(-1))
    result = clear_two_use(offers, wants, lanes, weight, memory, world.tick // QUARTER_WEEKS, world.seed_number)
    market.offer_price[seller, chip] = result.memory.offer_price
    market.unit_value = result.memory.unit_value.reshape(market.unit_value.shape)
    market.utility_usd = result.true_utility / 100.0
    return result


def _posted(offers: Offers, wants: Wants, lanes: Lanes, weight: Floats) -> MarketResult:
    """The week at posted prices: what is sold is sold at its ask, and who comes too late goes without."""
    flow = ration(offers.ask, offers.cap, offers.key, offers.chip, lanes.lane_offer, lanes.lane_buyer, lanes.lane_cost,
                  weight, wants.buyer, wants.value, wants.key, wants.budget)
    sold = np.bincount(lanes.lane_offer, weights=flow, minlength=len(offers.ask)) > 0
    unknown = np.full(len(wants.key), np.nan)
    price = np.where(sold, offers.ask, np.nan)
    paid = np.where(flow > 0, offers.ask[lanes.lane_offer], 0)
    return MarketResult(flow, paid, price, unknown, 0, 0, 0, Memory(price, unknown))


def _spend(world: World, offers: Offers, lanes: Lanes, rows: tuple[Ints, Ints, Ints], result: MarketResult) -> None:
    """Move what was traded and pay for it."""
    frame, ledger, market = world.frame, world.ledger, world.market
    traded = np.flatnonzero(result.lane_flow > 0)
    if len(traded) == 0:
        return
    offer, buyer = lanes.lane_offer[traded], lanes.lane_buyer[traded]
    seller, chip = rows[0][offer], rows[1][offer]
    lab, use = buyer // 2, buyer % 2
    chips = result.lane_flow[traded]
    paid = result.price_paid[traded] * chips
    distributors, labs = frame.distributors, frame.labs
    freight = np.rint(paid * distributors.grey_freight_share[seller]).astype(np.int64)
    ledger.take_held(seller, chip, chips)
    weeks = distributors.grey_weeks[seller]
    barred = ~world.standing.permitted[lab, chip]
    channel = np.where(barred, GREY, RESALE)
    ledger.ship_to_labs(lab, chip, channel, chips, weeks)
    ledger.pay("purchase", labs.actor[lab], distributors.actor[seller], paid)
    ledger.pay("freight", labs.actor[lab], ledger.outside("carriers"), freight)
    at_list = np.rint(world.list_usd[chip] * 100).astype(np.int64) * chips
    passed = np.zeros(market.offer_price.shape, dtype=np.int64)
    over = _smuggle(seller, chip, chips, paid, at_list, barred, market.smuggled, market.smuggled_usd, passed)
    market.grey_rent_usd = over / 100.0
    mean_prices(labs.region[lab], chip, result.offer_price[offer] / 100.0, chips, market.street_usd)
    market.last_street_usd = np.where(np.isnan(market.street_usd[CN]), market.last_street_usd, market.street_usd[CN])
    world.trades.add(
        len(traded), tick=world.tick, book=SPOT, seller=distributors.actor[seller], buyer=labs.actor[lab], chip=chip, chips=chips,
        paid_cents=paid + freight, list_cents=at_list, channel=channel, use=use, ship_to=labs.country[lab],
        bill_to=distributors.country[seller], customer_hq=distributors.hq[seller], end_hq=labs.hq[lab],
        lane=world.grey_lane[seller], arrives=world.tick + weeks)
    _tell_smuggled(world, passed)


def _tell_smuggled(world: World, passed: Ints) -> None:
    """One entry a week and seller for goods that passed a rule, caused by the bar of the part most moved; passed (distributors,
    chips)."""
    total = passed.sum(axis=1, dtype=np.int64)
    for row in np.flatnonzero(total).tolist():
        most = int(passed[row].argmax())
        world.tell("smuggled", actor=world.frame.names.distributor[row], chip=world.frame.names.chip[most],
                   quantity=int(total[row]), unit="chips", cause=world.law.bar_event.get(most, -1))


@kernel
def _smuggle(seller, chip, chips, paid, at_list, barred, smuggled, smuggled_usd, passed):  # type: ignore[no-untyped-def]
    """Add the barred of the week's trades to chips and USD by seller and to `passed` (distributors, chips); returns the cents paid
    for them above list."""
    over = np.int64(0)
    for k in range(len(chips)):
        if barred[k]:
            smuggled[seller[k]] += chips[k]
            smuggled_usd[seller[k]] += paid[k] / 100.0
            passed[seller[k], chip[k]] += chips[k]
            over += paid[k] - at_list[k]
    return over


@kernel
def _unit_price(delivered, market, list_usd, markup, host_usd, worth):  # type: ignore[no-untyped-def]
    """See `world_price`: delivered (regions, chips) over a quarter, market and list_usd (chips,), worth (uses, chips)."""
    money, units = 0.0, np.zeros(len(worth))
    for c in range(len(list_usd)):
        cards = 0
        if market[c] == 0:
            for r in range(1, delivered.shape[0]):
                cards += delivered[r, c]
        money += cards * (list_usd[c] * (1.0 + markup) + host_usd)
        for u in range(len(units)):
            units[u] += cards * worth[u, c]
    out = np.full(len(units), np.inf)
    for u in range(len(units)):
        if units[u] > 0.0:
            out[u] = money / max(units[u], 1e-9)
    return out


@kernel
def _caps(permitted, open_share, queue, allowance):  # type: ignore[no-untyped-def]
    """Chips that may flow this week, (buyers, chips): the open part of the week's queue, or what licences still allow."""
    out = np.empty_like(queue)
    for b in range(queue.shape[0]):
        for c in range(queue.shape[1]):
            out[b, c] = np.int64(np.floor(queue[b, c] * open_share[b, c])) if permitted[b, c] else allowance[b, c]
    return out


@kernel
def _use_allowance(permitted, shipped, allowance):  # type: ignore[no-untyped-def]
    """Take what was shipped under licence, (buyers, chips), from the allowance."""
    for b in range(shipped.shape[0]):
        for c in range(shipped.shape[1]):
            if not permitted[b, c]:
                allowance[b, c] -= shipped[b, c]


@kernel
def _book_sales(region, shipped, price, ring):  # type: ignore[no-untyped-def]
    """Add what was shipped, (buyers, chips), at its price to the week's sales by region, buyer by buyer."""
    for b in range(shipped.shape[0]):
        for c in range(shipped.shape[1]):
            if shipped[b, c] > 0:
                ring[region[b], c] += shipped[b, c] * price[c]


@kernel
def mean_prices(region, chip, price, chips, out):  # type: ignore[no-untyped-def]
    """Mean price of trades by region and part, weighted by chips in row order, into `out` (regions, chips) where any traded."""
    paid, moved = np.zeros(out.shape), np.zeros(out.shape, dtype=np.int64)
    for k in range(len(chips)):
        paid[region[k], chip[k]] += price[k] * chips[k]
        moved[region[k], chip[k]] += chips[k]
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            if moved[r, c] > 0:
                out[r, c] = paid[r, c] / moved[r, c]


@kernel
def _reference(rows, cost, host, worth, orderable, wait, region):  # type: ignore[no-untyped-def]
    n_uses, _, n_chips = worth.shape
    out = np.full((len(rows), n_uses), np.inf)
    for k in range(len(rows)):
        i = rows[k]
        r = region[i]
        for u in range(n_uses):
            for c in range(n_chips):
                if orderable[i, c] and worth[u, i, c] > 1e-3:
                    here = (cost[i, c] + host) / worth[u, i, c] * wait[r, c]
                    if here < out[k, u]:
                        out[k, u] = here
    return out


@kernel
def _tranches(money, value_usd, card_usd, unit_usd, step_value, step_money):  # type: ignore[no-untyped-def]
    """Buyer, units and cents a unit of each tranche, and the budget of each buyer: see `wants_of`."""
    n_steps = len(step_value)
    buyer = np.zeros(len(money) * n_steps, dtype=np.int64)
    units, worth = np.zeros(len(buyer)), np.zeros(len(buyer))
    budget = np.zeros(len(money), dtype=np.int64)
    for j in range(len(money)):
        each = value_usd[j] * 100.0
        wanted = 0.0
        if not np.isfinite(each):
            each = 0.0
        elif each > 0.0 and np.isfinite(card_usd[j]):
            wanted = money[j] / max(card_usd[j] * 100.0, 1e-9)
        budget[j] = np.int64(np.rint(wanted * unit_usd[j] * 100.0 if wanted > 0.0 else money[j]))
        for s in range(n_steps):
            k = j * n_steps + s
            buyer[k] = j
            worth[k] = each * step_value[s]
            units[k] = wanted * step_money[s]
    return buyer, units, worth, budget


@kernel
def _lanes(seller, chip, ask, cap, seller_region, freight_share, diverts, lawful, lab_region, stigma, host, wanting):  # type: ignore[no-untyped-def]
    """Lanes from each offer to the labs it may or does reach: lawful in its own region, grey into China."""
    n_offers, n_labs = seller.shape[0], lab_region.shape[0]
    count = 0
    for _ in range(2):
        if count:
            offer_of = np.empty(count, dtype=np.int64)
            buyer_of = np.empty(count, dtype=np.int64)
            cost_of = np.empty(count, dtype=np.int64)
            cap_of = np.empty(count, dtype=np.int64)
            at = 0
        else:
            offer_of = np.empty(0, dtype=np.int64)
            buyer_of = np.empty(0, dtype=np.int64)
            cost_of = np.empty(0, dtype=np.int64)
            cap_of = np.empty(0, dtype=np.int64)
            at = -1
        for o in range(n_offers):
            s, c = seller[o], chip[o]
            for i in range(n_labs):
                if not wanting[i]:
                    continue
                grey = lab_region[i] == 0 and diverts[s] and not lawful[i, c]
                resale = lawful[i, c] and lab_region[i] == seller_region[s] and not diverts[s]
                if not (grey or resale):
                    continue
                for u in range(2):
                    if at < 0:
                        count += 1
                    else:
                        offer_of[at] = o
                        buyer_of[at] = 2 * i + u
                        risk = stigma[i] if grey else 0.0
                        cost_of[at] = np.int64(ask[o] * (risk + freight_share[s]) + host)
                        cap_of[at] = cap[o]
                        at += 1
        if count == 0:
            break
    return offer_of, buyer_of, cost_of, cap_of


def market_keys(names: tuple[str, ...]) -> NDArray[np.uint64]:
    """Keys of (lab, use) buyers, lab by lab."""
    return keys_of("wants", [f"{name}/{use}" for name in names for use in ("train", "infer")])


__all__ = ["NEVER", "ROW", "WEEKS_PER_YEAR", "WHOLE_WEEK", "Market", "clear_spot", "serve"]
