"""Rental: idle hours meet tenants, in chip-weeks, by the same clearing as the spot market.

Owners offer what they do not use themselves at marginal cost: power and a floor on the capital tied up. Machines inside China are
not let abroad; tenants barred from a part may rent it abroad while cloud access is open.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.clearing.base import Lanes
from sim.frame import CLOUD, CN, ROW
from sim.kernel import kernel
from sim.keyed_random import keys_of
from sim.market import Memory, Offers, clear_two_use, offer_keys
from sim.record import REGIONS
from sim.tick_trade import QUARTER_WEEKS, RENTAL, RENTED, WEIGHT_FLOOR, mean_prices, reference_value, wants_of, world_price
from sim.units import H100_TPP, HOURS_PER_WEEK, WEEKS_PER_YEAR

if TYPE_CHECKING:
    from sim.world import World

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

RENTAL_ROUNDS = 1


@dataclass
class Hours:
    """What the rental market remembers and this week's leases.

    rented (labs, chips, regions) chips leased by tenant and region of the machine; let (labs, chips) chips leased out
    cloud_let (distributors, chips); cloud_wish (distributors,) cards clouds want to add; rent_usd_per_hour (regions, chips)
    """

    n_labs: int
    n_tenants: int
    n_distributors: int
    n_chips: int
    rented: Ints = field(init=False)
    let: Ints = field(init=False)
    cloud_let: Ints = field(init=False)
    cloud_wish: Floats = field(init=False)
    rent_usd_per_hour: Floats = field(init=False)
    price: Floats = field(init=False)
    unit_value: Floats = field(init=False)
    owner: Any = None
    """Rows on offer this quarter, with chip, regions of all owners and the lanes: see `_contract`; basis the last clearing's
    tree."""
    chip: Any = None
    region: Any = None
    lane_offer: Any = None
    lane_buyer: Any = None
    lane_abroad: Any = None
    basis: Any = None
    utility_usd: float = 0.0

    def __post_init__(self) -> None:
        self.rented = np.zeros((self.n_labs, self.n_chips, len(REGIONS)), dtype=np.int64)
        self.let = np.zeros((self.n_labs, self.n_chips), dtype=np.int64)
        self.cloud_let = np.zeros((self.n_distributors, self.n_chips), dtype=np.int64)
        self.cloud_wish = np.zeros(self.n_distributors)
        self.rent_usd_per_hour = np.full((len(REGIONS), self.n_chips), np.nan)
        self.price = np.full((self.n_labs + self.n_distributors, self.n_chips), np.nan)
        self.unit_value = np.full((self.n_tenants, 2), np.nan)


def floor_usd_per_week(world: World) -> Floats:
    """Least weekly rent of a card, (chips,) USD: power, and a share a year of what card and host would cost today, which for an old
    part is what its compute costs in the parts the world now buys."""
    behaviour = world.behaviour
    today = world_price(world, behaviour.host_cost_usd.value)
    return np.asarray(_floors(world.frame.chips.worth, today, world.list_usd, behaviour.train_share.value,
                              behaviour.host_cost_usd.value, behaviour.rent_floor_share.value / WEEKS_PER_YEAR,
                              behaviour.power_usd_per_hour.value * HOURS_PER_WEEK))


def tenant_money_usd(world: World) -> tuple[Floats, Floats]:
    """What labs can spend on rent this week at home and abroad, (labs,) USD each: who lives on leases pays both from one plan, and
    the many small users rent a part of what they need."""
    labs, behaviour = world.frame.labs, world.behaviour
    plan = labs.plan_usd[world.tick]
    home = plan * np.where(labs.tail & ~labs.drawn, behaviour.tail_rent_share.value, 1.0 - labs.owns_share)
    abroad = np.zeros(len(plan))
    if behaviour.on("offshore"):
        wants = (labs.region == CN) & (labs.service_class <= 1) & ~labs.state & ~labs.military & ~labs.lessor
        abroad = np.where(wants & world.standing.hosted_abroad, plan * behaviour.offshore_rent_share.value, 0.0)
    return np.maximum(home - abroad, 0.0), abroad


def clear_rental(world: World) -> None:
    """Idle hours of the week are let; rent is paid; clouds abroad learn what tenants still wanted."""
    hours, n_labs = world.hours, len(world.frame.names.lab)
    hours.rented[world.tenants] = 0
    if hours.owner is not None:
        own = hours.owner < n_labs
        hours.let[hours.owner[own], hours.chip[own]] = 0
    hours.cloud_let[:] = 0
    hours.rent_usd_per_hour[:] = np.nan
    hours.utility_usd = 0.0
    home, abroad = tenant_money_usd(world)
    floor = floor_usd_per_week(world)
    if world.behaviour.on("rental"):
        _clear(world, home, abroad, floor)
    _wish(world, abroad, floor)


def idle_hours(world: World, owner: Ints, chip: Ints) -> Ints:
    """Chips offered for hire this week, one for each pair of an owner (labs, then distributors) and a part."""
    frame, ledger = world.frame, world.ledger
    labs = frame.labs
    shown = (frame.chips.market != 1) & (frame.chips.worth.max(axis=0) >= world.behaviour.let_worth_least.value)
    hosts = labs.offers_hours & ~labs.military
    return np.asarray(_idle_chips(owner, chip, ledger.stock, ledger.held, hosts, labs.own_use_share,
                                  frame.distributors.subkind == CLOUD, world.behaviour.cloud_let_share.value, shown))


def _contract(world: World, home: Floats, abroad: Floats) -> None:
    """Once a quarter, or when the law changes: which owners' parts are on offer and which tenants they reach.

    Between quarters only quantities move, so that each week's clearing starts from the last one's tree.
    """
    frame, hours, labs = world.frame, world.hours, world.frame.labs
    n_labs = len(labs.region)
    owners = np.concatenate([np.flatnonzero(labs.offers_hours & ~labs.military),
                             n_labs + np.flatnonzero(frame.distributors.subkind == CLOUD)])
    n_chips = len(frame.names.chip)
    owner, chip = np.repeat(owners, n_chips), np.tile(np.arange(n_chips), len(owners))
    large = idle_hours(world, owner, chip) >= world.behaviour.let_chips_least.value
    hours.owner, hours.chip = owner[large], chip[large]
    hours.region = np.concatenate([labs.region, np.full(len(frame.names.distributor), ROW)])
    hours.lane_offer, hours.lane_buyer, hours.lane_abroad = _hour_lanes(
        hours.owner, hours.chip, hours.region, labs.region, home > 0, abroad > 0, world.standing.hosted, world.tenants)
    hours.basis = None


def _clear(world: World, home: Floats, abroad: Floats, floor_usd: Floats) -> None:
    hours, tenants = world.hours, world.tenants
    money = (home + abroad)[tenants, None] * world.view.use_share[tenants] * 100.0
    if not money.any():
        return
    if world.tick % QUARTER_WEEKS == 0 or world.standing.changed or hours.owner is None:
        _contract(world, home, abroad)
    owner, chip = hours.owner, hours.chip
    if len(owner) == 0 or len(hours.lane_offer) == 0:
        return
    cap = idle_hours(world, owner, chip)
    life_weeks = world.behaviour.card_life_years.value * WEEKS_PER_YEAR
    value = reference_value(world, tenants) / life_weeks * world.behaviour.lease_value_multiple.value
    chips = world.frame.chips
    weight = _tenant_weight(chips.worth, world.minds.skill, chips.maker, chips.memory_gb,
                            world.behaviour.frontier_memory_gb.value, tenants)
    floor = np.rint(floor_usd[chip] * 100).astype(np.int64)
    least = np.minimum(value, _cheapest(floor, chip, weight).reshape(-1, 2))
    wants = wants_of(money, value, least, least, world.rental_keys)
    offers = Offers(floor, cap, offer_keys(world.owner_keys[owner], world.chip_keys[chip]), chip, np.ones(len(owner)))
    latency = np.rint(floor * world.behaviour.cloud_latency_share.value).astype(np.int64)
    extra = np.where(hours.lane_abroad, latency[hours.lane_offer], 0)
    lanes = Lanes(hours.lane_offer, hours.lane_buyer, extra, cap[hours.lane_offer])
    planned = _planned(hours.price[owner, chip], chip, hours.region[owner])
    memory = Memory(planned, hours.unit_value.reshape(-1), hours.basis)
    result = clear_two_use(offers, wants, lanes, weight, memory, world.tick // QUARTER_WEEKS, world.seed_number,
                           rounds=RENTAL_ROUNDS)
    hours.basis = result.memory.basis
    share = world.behaviour.rent_adaptation_share.value
    hours.price[owner, chip] = _towards(planned, result.memory.offer_price, share)
    hours.unit_value = _towards(hours.unit_value, result.memory.unit_value.reshape(hours.unit_value.shape), share)
    hours.utility_usd = result.true_utility / 100.0
    _settle(world, owner, chip, lanes, result.lane_flow, result.price_paid, result.offer_price)


def _planned(price: Floats, chip: Ints, region: Ints) -> Floats:
    """Rents (offers,) on which tenants plan: an owner who has let nothing yet is taken for the cheapest with the part in its
    region."""
    least = np.full((int(chip.max()) + 1, len(REGIONS)), np.inf)
    np.fmin.at(least, (chip, region), price)
    shown = least[chip, region]
    return np.where(np.isnan(price) & np.isfinite(shown), shown, price)


def _towards(before: Floats, now: Floats, share: float) -> Floats:
    """What was planned on, moved a share of the way to what was paid; what was paid where nothing was planned on. Planned at
    last week's rents alone, leases swing from week to week (the cobweb of Ezekiel 1938, doi:10.2307/1881734)."""
    return np.asarray(np.where(np.isnan(before), now, before + share * (now - before)))


def _settle(world: World, owner: Ints, chip: Ints, lanes: Lanes, flow: Ints, paid: Ints, price: Floats) -> None:
    frame, hours, labs = world.frame, world.hours, world.frame.labs
    let = np.flatnonzero(flow)
    if len(let) == 0:
        return
    offer, buyer = lanes.lane_offer[let], lanes.lane_buyer[let]
    tenant, use = world.tenants[buyer // 2], buyer % 2
    who, what, chips = owner[offer], chip[offer], flow[let]
    region = hours.region[who]
    _lease(tenant, who, what, region, chips, hours.rented, hours.let, hours.cloud_let)
    cents = paid[let] * chips
    seller, payer, country, hq = frame.buyer_actor[who], labs.actor[tenant], frame.buyer_country[who], labs.hq[tenant]
    # An owner's plan is for cards of its own: what it leases beside them is paid from other money.
    beside = np.rint(cents * labs.owns_share[tenant]).astype(np.int64)
    world.ledger.pay("budget", world.ledger.outside("funders"), payer, beside)
    world.ledger.pay("rent", payer, seller, cents)
    mean_prices(region, what, price[offer], chips, hours.rent_usd_per_hour)
    hours.rent_usd_per_hour /= 100.0
    hours.rent_usd_per_hour /= HOURS_PER_WEEK
    world.trades.add(
        len(let), tick=world.tick, book=RENTAL, seller=seller, buyer=payer, chip=what, chips=chips, paid_cents=cents,
        channel=RENTED, use=use, ship_to=country, bill_to=country, customer_hq=hq, end_hq=hq, arrives=world.tick)


def _wish(world: World, abroad: Floats, floor_usd: Floats) -> None:
    """Cards offshore clouds want: those that barred tenants' money would keep let at the market's rent, within a growth limit.
    A cloud to whom an announced rule will close a part buys ahead, as labs do: on credit, up to its cover."""
    frame, hours, ledger, behaviour = world.frame, world.hours, world.ledger, world.behaviour
    clouds = frame.distributors.subkind == CLOUD
    hours.cloud_wish[:] = 0.0
    total = float(abroad.cumsum()[-1]) if len(abroad) else 0.0
    if total <= 0 or not clouds.any() or not behaviour.on("offshore"):
        return
    tpp = frame.chips.tpp
    h100 = int(np.argmin(np.abs(tpp - H100_TPP)))
    market = float(np.nan_to_num(hours.rent_usd_per_hour[1:, h100]).max()) * HOURS_PER_WEEK
    own, coming = _computing(ledger.held, ledger.moving, world.primary.queue[len(frame.names.lab):], tpp / H100_TPP,
                             np.flatnonzero(clouds))
    wanted = total / max(market, float(floor_usd[h100]))
    gap = max(0.0, wanted - float((own + coming).cumsum()[-1]))
    each = own + behaviour.cloud_start_chips.value
    normal = behaviour.cloud_growth_share_per_week.value * each
    hurried = _closing_on(world, clouds) if behaviour.on("stockpiling") else np.zeros(len(each), dtype=bool)
    ahead = np.where(hurried, np.maximum(normal * behaviour.cover_max_weeks.value - coming, 0.0), 0.0)
    most = normal * np.where(hurried, behaviour.credit_multiple.value, 1.0)
    hours.cloud_wish[clouds] = np.minimum(gap * each / each.cumsum()[-1] + ahead, most)


def _closing_on(world: World, clouds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of the clouds an announced rule will close a part to that they buy now, (clouds,)."""
    cells = world.rulebook.closing(world.tick)
    if not cells.any():
        return np.zeros(np.count_nonzero(clouds), dtype=bool)
    closing = world.standing.closing_cells(cells)[len(world.frame.names.lab):]
    wanted = world.view.cloud_mix > 0.0
    return np.asarray((closing[clouds] & wanted[clouds]).any(axis=1))


@kernel
def _floors(worth, today, list_usd, train_share, host_usd, interest, power_usd):  # type: ignore[no-untyped-def]
    """Least weekly rent of each part, (chips,) USD: see `floor_usd_per_week`."""
    out = np.empty(len(list_usd))
    for c in range(len(out)):
        replaced = train_share * worth[0, c] * today[0] + (1.0 - train_share) * worth[1, c] * today[1]
        out[c] = np.minimum(list_usd[c] + host_usd, replaced) * interest + power_usd
    return out


@kernel
def _computing(held, moving, queue, unit, clouds):  # type: ignore[no-untyped-def]
    """Compute that each of the clouds has or is on its way to it, and that it waits for, (clouds,) H100 each."""
    own, coming = np.zeros(len(clouds)), np.zeros(len(clouds))
    for k in range(len(clouds)):
        for c in range(len(unit)):
            cards = held[clouds[k], c]
            for week in range(moving.shape[0]):
                cards += moving[week, clouds[k], c]
            own[k] += cards * unit[c]
            coming[k] += queue[clouds[k], c] * unit[c]
    return own, coming


@kernel
def _idle_chips(owner, chip, stock, held, hosts, own_use, clouds, cloud_share, shown):  # type: ignore[no-untyped-def]
    """Whole chips of stock (labs, chips, channels) beyond their owner's own use, and of clouds' held (distributors, chips), for
    each pair; none of parts that are not shown (chips,)."""
    out = np.zeros(len(owner), dtype=np.int64)
    for k in range(len(owner)):
        i, c = owner[k], chip[k]
        if not shown[c]:
            continue
        if i >= len(hosts):
            if clouds[i - len(hosts)]:
                out[k] = np.int64(np.floor(held[i - len(hosts), c] * cloud_share))
        elif hosts[i]:
            in_place = 0
            for channel in range(stock.shape[2]):
                in_place += stock[i, c, channel]
            out[k] = np.int64(np.floor(in_place * (1.0 - own_use[i])))
    return out


@kernel
def _tenant_weight(worth, skill, maker, memory_gb, least_gb, tenants):  # type: ignore[no-untyped-def]
    """Units of use-compute a leased card gives each (tenant, use), (chips, tenants x uses), closed below the floor; small cards
    host no frontier inference."""
    n_chips = len(maker)
    out = np.zeros((n_chips, 2 * len(tenants)))
    for c in range(n_chips):
        for t in range(len(tenants)):
            for u in range(2):
                weight = worth[u, c] * skill[tenants[t], maker[c]]
                if weight >= WEIGHT_FLOOR and (u == 0 or memory_gb[c] >= least_gb):
                    out[c, 2 * t + u] = weight
    return out


@kernel
def _cheapest(floor_cents, chip, weight):  # type: ignore[no-untyped-def]
    """Least rent of a unit of use-compute over all offers, (tenants x uses,) USD a unit; inf where none serves. floor_cents, chip
    (offers,), weight (chips, tenants x uses)."""
    out = np.full(weight.shape[1], np.inf)
    for k in range(len(chip)):
        for j in range(len(out)):
            if weight[chip[k], j] > 0.0:
                out[j] = min(out[j], floor_cents[k] / max(weight[chip[k], j], 1e-9))
    return out / 100.0


@kernel
def _lease(tenant, owner, chip, region, chips, rented, let, cloud_let):  # type: ignore[no-untyped-def]
    """Book leases: what tenants rent by region of the machine, and what labs and clouds let."""
    n_labs = let.shape[0]
    for k in range(len(chips)):
        rented[tenant[k], chip[k], region[k]] += chips[k]
        if owner[k] < n_labs:
            let[owner[k], chip[k]] += chips[k]
        else:
            cloud_let[owner[k] - n_labs, chip[k]] += chips[k]


@kernel
def _hour_lanes(owner, chip, region, tenant_region, at_home, abroad, hosted, tenants):  # type: ignore[no-untyped-def]
    """Lanes from each offer of hours to tenants: at home, or abroad where the law lets the tenant in; and which go abroad."""
    n = owner.shape[0]
    offer_of = np.empty(n * len(tenants) * 2, dtype=np.int64)
    buyer_of = np.empty(n * len(tenants) * 2, dtype=np.int64)
    leaves = np.empty(n * len(tenants) * 2, dtype=np.bool_)
    at = 0
    for o in range(n):
        place = region[owner[o]]
        for place_of, i in enumerate(tenants):
            if owner[o] == i:
                continue
            home = tenant_region[i]
            if place == home or (home != 0 and place != 0):
                allowed, away = at_home[i], False
            elif home == 0 and place != 0:
                allowed, away = abroad[i] and hosted[i, place, chip[o]], True
            else:
                allowed, away = False, False
            if not allowed:
                continue
            for u in range(2):
                offer_of[at], buyer_of[at], leaves[at] = o, 2 * place_of + u, away
                at += 1
    return offer_of[:at].copy(), buyer_of[:at].copy(), leaves[:at].copy()


def rental_keys(names: tuple[str, ...]) -> NDArray[np.uint64]:
    """Keys of (lab, use) tenants, lab by lab."""
    return keys_of("rents", [f"{name}/{use}" for name in names for use in ("train", "infer")])
