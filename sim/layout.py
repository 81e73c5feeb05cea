"""Build: a scenario and a seed become a world. Reads every dated value once; nothing here is looked up again during a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.clock import Clock
from sim.errors import Fault, ScenarioError
from sim.frame import (
    BROKER,
    CLOUD,
    CN,
    NEVER,
    RESELLER,
    ROW,
    SERVER_MAKER,
    US,
    Chips,
    Distributors,
    Frame,
    Labs,
    Makers,
    Names,
    steps,
    worths,
)
from sim.keyed_random import keys_of
from sim.ledger import Ledger
from sim.parameters import Behaviour
from sim.quantity import Point, Quantity
from sim.record import REGIONS
from sim.scenario import Actor, Generator, Lane, Scenario
from sim.tail import BASE_YEAR, Tail, drawn
from sim.units import WEEKS_PER_MONTH, WEEKS_PER_YEAR

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MARKETS = ("datacentre", "consumer", "captive")
SERVICE_CLASS = {"hyperscaler": 0, "lab": 1, "neocloud": 1, "state": 1}
STIGMA_PLATFORMS = ("hyperscaler",)
LAST_EARLY_YEAR = 2023
"""Budgets up to here are of years before the boom was planned for; later ones rest on other accounts and err on their own."""
KIND_OF_DISTRIBUTOR = {"server_maker": SERVER_MAKER, "reseller": RESELLER, "offshore_cloud": CLOUD, "broker": BROKER}


def names_of(scenario: Scenario, tail: Tail) -> Names:
    """Axis labels in order of id."""
    actors = scenario.world.actors
    cohorts = sorted(set(tail.cohort))

    def of(kind: str) -> tuple[str, ...]:
        return tuple(sorted(name for name, actor in actors.items() if actor.kind == kind))

    labs = of("lab")
    return Names(tuple(sorted([*actors, *tail.names])), of("chipmaker"), tuple(sorted([*labs, *tail.names])),
                 of("distributor"), of("supplier"), tuple(sorted(scenario.world.chips)), tuple(sorted(scenario.world.countries)),
                 tuple(sorted([*actors, *cohorts])), tuple(sorted([*labs, *cohorts])))


def _told(names: tuple[str, ...], told: tuple[str, ...], tail: Tail) -> Ints:
    """Row of each name among those the record tells."""
    row, cohort = {name: at for at, name in enumerate(told)}, dict(zip(tail.names, tail.cohort, strict=True))
    return np.array([row[cohort.get(name, name)] for name in names], dtype=np.int64)


def frame_of(scenario: Scenario, seed: int) -> Frame:
    """The fixed columns of a run."""
    tail = drawn(scenario)
    clock, names = scenario.clock, names_of(scenario, tail)
    _refuse_empty(scenario, names)
    region = _country_regions(scenario, names)
    chips = _chips(scenario, names, clock)
    labs = _labs(scenario, names, clock, region, tail)
    distributors = _distributors(scenario, names, clock, region)
    country = np.concatenate([labs.country, distributors.country])
    freight, weeks, duty = _ways(scenario, names, country)
    frontier = scenario.world.frontier
    behaviour = scenario.behaviour
    past_months, past_levels = _frontier_past(scenario, clock)
    return Frame(
        clock=clock, seed=seed, names=names, told_actor=_told(names.actor, names.told_actor, tail),
        told_lab=_told(names.lab, names.told_lab, tail), chips=chips, labs=labs, distributors=distributors,
        makers=_makers(scenario, names, clock),
        country_region=region,
        buyer_keys=keys_of("buyer", names.buyer),
        buyer_country=country,
        buyer_hq=np.concatenate([labs.hq, distributors.hq]),
        buyer_region=np.concatenate([region[labs.country], distributors.region]),
        buyer_class=np.concatenate([labs.service_class, np.full(len(names.distributor), 2)]),
        buyer_actor=np.concatenate([labs.actor, distributors.actor]),
        freight_usd=freight, transit_weeks=weeks, duty_share=duty,
        server_maker=_server_makers(names, labs, distributors),
        domestic_dies_per_week=_domestic_dies(scenario, names, clock),
        proxy_dies_per_week=_proxy_dies(scenario, names, clock),
        domestic_cards_per_week=_domestic_cards(scenario, names, clock, chips),
        memory_supply_stacks=steps(clock, lambda day: behaviour.memory_flow_stacks_per_week.along(day)),
        domestic_stacks_per_week=_level(scenario, clock, "cn-hbm-stacks", 0.0) * 1e6 / WEEKS_PER_YEAR,
        die_bank_dies=round(_level(scenario, clock, "huawei-die-bank", 0.0)[0] * 1000),
        memory_start_stacks=round(behaviour.memory_start_stacks.value),
        low_end_cards_per_week=steps(clock, lambda day: behaviour.low_end_cards_per_week.value
                                     * behaviour.low_end_growth_per_year.value ** _years(clock.start, day)),
        us_frontier=_frontier_path(scenario, clock) if frontier else np.zeros(clock.n_ticks),
        frontier_past_months=past_months, frontier_past_level=past_levels,
        bill_abroad_share=_billing(scenario, clock),
        row_chinese_customer_share=np.zeros(clock.n_ticks),
    )


def _refuse_empty(scenario: Scenario, names: Names) -> None:
    """A world needs somebody who makes, somebody who buys, and something to sell; raises ScenarioError naming what is missing."""
    missing = [(axis, wanted) for axis, wanted in (("maker", "a chipmaker"), ("lab", "a lab"), ("chip", "a chip"),
                                                  ("country", "a country")) if not getattr(names, axis)]
    if missing:
        where = "world.chips" if missing[0][0] == "chip" else "world.countries" if missing[0][0] == "country" else "world.actors"
        raise ScenarioError([Fault(scenario.title or "scenario", 0, where, f"the world has no {axis}", f"add {wanted}")
                             for axis, wanted in missing])


def opening(scenario: Scenario, frame: Frame) -> Ledger:
    """The ledger of the first morning: initial stocks in place, accounts at zero."""
    names = frame.names
    ledger = Ledger(len(names.actor), len(names.lab), len(names.distributor), len(names.chip))
    stock, held = ledger.stock.copy(), ledger.held.copy()
    for owner, parts in scenario.world.initial_stock.items():
        for chip, entry in parts.items():
            lab, column = frame.row("lab", owner), frame.row("chip", chip)
            if column < 0:
                continue
            channel = 1 if frame.chips.domestic[column] else 0
            if lab >= 0:
                stock[lab, column, channel] += int(entry.chips.value)
            elif (distributor := frame.row("distributor", owner)) >= 0:
                held[distributor, column] += int(entry.chips.value)
    ledger.open_with(stock, held, ledger.ready.copy())
    return ledger


def grey_lanes(scenario: Scenario, frame: Frame) -> Ints:
    """Row among the scenario's lanes of each distributor's grey way to China, -1 for none, (distributors,)."""
    lanes = sorted(scenario.world.lanes)
    first = {scenario.world.lanes[name].origin: row for row, name in reversed(list(enumerate(lanes)))
             if scenario.world.lanes[name].kind == "grey" and scenario.world.lanes[name].carries == "chips"}
    seats = [scenario.world.actors[name].seat for name in frame.names.distributor]
    return np.array([first.get(seat, -1) for seat in seats], dtype=np.int64)


def _years(start: date, day: date) -> float:
    return (day - start).days / 365.25


def _tick(clock: Clock, day: date | None) -> int:
    return NEVER if day is None else clock.tick_of(day)


def _country_regions(scenario: Scenario, names: Names) -> Ints:
    of = {"CN": CN, "US": US}
    return np.array([of.get(scenario.world.countries[name].region, ROW) for name in names.country], dtype=np.int64)


def _chips(scenario: Scenario, names: Names, clock: Clock) -> Chips:
    rows = [scenario.world.chips[name] for name in names.chip]
    maker = {name: row for row, name in enumerate(names.maker)}
    column = {name: row for row, name in enumerate(names.chip)}
    specs = {spec: np.array([getattr(chip, spec).value for chip in rows])
             for spec in ("fp16_dense_tflops", "io_gbps", "membw_gbps", "memory_gb")}
    soft = np.array([software_of(scenario, chip.vendor) for chip in rows])
    board = scenario.behaviour.board_cost_multiple.value
    succeeded = np.full(len(rows), NEVER)
    for chip in rows:
        if chip.successor_of in column and chip.volume_from:
            at = column[chip.successor_of]
            succeeded[at] = min(succeeded[at], clock.tick_of(chip.volume_from))
    domestic = np.array([chip.design_jurisdiction == "CN" for chip in rows])
    return Chips(
        maker=np.array([maker.get(chip.vendor, -1) for chip in rows], dtype=np.int64),
        market=np.array([MARKETS.index(chip.market) for chip in rows], dtype=np.int64),
        domestic=domestic,
        for_china=np.array([chip.designed_for == "CN" for chip in rows]),
        worth=worths(specs, soft[:, 0], soft[:, 1]),
        tpp=np.array([chip.tpp.value for chip in rows]),
        list_usd=np.array([chip.list_price_usd.value for chip in rows]),
        unit_cost_usd=np.array([chip.unit_cost_usd.value for chip in rows]) * board,
        packages_per_wafer=np.array([chip.packages_per_wafer.value for chip in rows]),
        hbm_stacks=np.array([round(chip.hbm_stacks.value) for chip in rows], dtype=np.int64),
        dies=np.array([max(1, round(chip.dies.value)) for chip in rows], dtype=np.int64),
        memory_gb=specs["memory_gb"],
        announced_tick=np.array([_tick(clock, chip.announced or chip.volume_from) for chip in rows]),
        volume_tick=np.array([NEVER if chip.sold_as else _tick(clock, chip.volume_from) for chip in rows]),
        cut_from=np.array([column.get(chip.cut_from or "", -1) for chip in rows], dtype=np.int64),
        fused=np.array([chip.recut == "fuse" for chip in rows]),
        family=np.array([column.get(chip.cut_from or "", row) if chip.recut == "fuse" else row for row, chip in enumerate(rows)],
                        dtype=np.int64),
        successor_of=np.array([column.get(chip.successor_of or "", -1) for chip in rows], dtype=np.int64),
        succeeded_tick=succeeded,
        fabbed_in_tw=np.array([chip.fab_jurisdiction == "TW" for chip in rows]),
        owner_lab=np.array([_owner(scenario, names, chip.vendor) if chip.market == "captive" else -1 for chip in rows]),
    )


def software_of(scenario: Scenario, vendor: str) -> tuple[float, float]:
    """Software maturity of a maker's parts, training and inference; that of small makers where its entry states none."""
    maker = scenario.world.actors.get(vendor)
    train, infer = (maker.software_train_share, maker.software_infer_share) if maker else (None, None)
    other = scenario.behaviour
    return (train or other.software_other_train_share).value, (infer or other.software_other_infer_share).value


def _owner(scenario: Scenario, names: Names, vendor: str) -> int:
    parent = scenario.world.actors[vendor].parent if vendor in scenario.world.actors else None
    return names.lab.index(parent) if parent in names.lab else -1


def _labs(scenario: Scenario, names: Names, clock: Clock, region: Ints, tail: Tail) -> Labs:
    """Columns of the labs: the named ones by their rows, the drawn ones by the tail's; the two are laid in order of id."""
    chosen = [name for name in names.lab if name in scenario.world.actors]
    place = np.argsort(np.array([*chosen, *tail.names])) if tail.names else np.arange(len(chosen))
    actors, drawn_labs = [scenario.world.actors[name] for name in chosen], len(tail.names)
    behaviour, country = scenario.behaviour, {name: row for row, name in enumerate(names.country)}
    account = {name: row for row, name in enumerate(names.actor)}
    own_use = {"hyperscaler": behaviour.utilisation_hyperscaler_share, "lab": behaviour.utilisation_lab_share,
               "neocloud": behaviour.utilisation_lessor_share, "state": behaviour.utilisation_state_share}
    budgets = scenario.world.budgets
    seats = [country[name] for name in tail.country]
    platform, stigma = behaviour.stigma_platform_share.value, behaviour.stigma_other_share.value

    def column(named: list[Any], of_tail: Any, dtype: Any = None) -> Any:
        """The named labs' values and the tail's (a scalar stands for all), in order of id."""
        return np.concatenate([np.array(named, dtype=dtype), np.broadcast_to(np.asarray(of_tail, dtype=dtype), drawn_labs)])[place]

    hq = column([country[actor.hq] for actor in actors], seats, np.int64)
    state = column([actor.state_funded or actor.subkind == "state" for actor in actors], tail.state, bool)
    china = region[hq] == CN
    train = behaviour.train_share.value
    plans = np.concatenate([_plans(scenario, tuple(chosen), clock, region[[country[actor.hq] for actor in actors]]),
                            _drawn_plans(scenario, tail, clock, region[np.array(seats, dtype=np.int64)])], axis=1)
    return Labs(
        actor=np.array([account[name] for name in names.lab], dtype=np.int64),
        country=column([country[actor.seat] for actor in actors], seats, np.int64),
        hq=hq, region=region[hq],
        service_class=column([SERVICE_CLASS.get(actor.subkind, 2) for actor in actors], 2, np.int64),
        military=column([actor.military for actor in actors], False, bool),
        state=state,
        listed_tick=column([_tick(clock, actor.listed_since) for actor in actors], np.where(tail.listed, 0, NEVER), np.int64),
        tail=column([actor.subkind == "tail" for actor in actors], True, bool),
        stigma_share=column([platform if actor.subkind in STIGMA_PLATFORMS else stigma for actor in actors], stigma, float),
        preference=_preference(scenario, state & china, ~state & china),
        own_use_share=column([own_use.get(actor.subkind, behaviour.utilisation_tail_share).value for actor in actors],
                             behaviour.utilisation_tail_share.value, float),
        owns_share=column([_owns(budgets[name].basis) if name in budgets else 0.0 for name in chosen], 1.0, float),
        plan_usd=plans[:, place] if drawn_labs else plans,
        use_share=np.repeat([[train, 1.0 - train]], len(names.lab), axis=0),
        lessor=column([actor.subkind == "neocloud" for actor in actors], False, bool),
        offers_hours=column([actor.subkind in ("hyperscaler", "neocloud", "state") for actor in actors], False, bool),
        drawn=column([False] * len(actors), True, bool),
        drawn_listed=column([False] * len(actors), tail.listed, bool),
        keys=keys_of("lab", names.lab),
    )


def _drawn_plans(scenario: Scenario, tail: Tail, clock: Clock, region: Ints) -> Floats:
    """Planned spend by week of drawn labs, (ticks, labs) USD: each its size times one path a region."""
    rule: Generator | None = scenario.world.generator
    if rule is None:
        return np.zeros((clock.n_ticks, 0))
    shape = _adoption(scenario, clock)
    yearly = {year: rule.spend_growth.value ** (year - BASE_YEAR) for year in range(clock.start.year, clock.end.year + 1)}
    paths = np.array([smooth_path(clock, yearly, shape[row]) for row in range(len(shape))])
    return np.asarray(paths.T[:, region] * tail.spend_usd[None, :])


def _preference(scenario: Scenario, state: NDArray[np.bool_], private: NDArray[np.bool_]) -> Floats:
    behaviour = scenario.behaviour
    if not behaviour.on("domestic_preference_on"):
        return np.ones(len(state))
    return np.where(state, behaviour.domestic_preference.value,
                    np.where(private, behaviour.domestic_preference_private.value, 1.0))


def _owns(basis: str) -> float:
    return {"rents": 0.0, "rents_mostly": 0.1}.get(basis, 1.0)


def _plans(scenario: Scenario, names: tuple[str, ...], clock: Clock, region: Ints) -> Floats:
    """Planned spend by week, (ticks, labs) USD: a smooth path through the yearly budgets, shaped by adoption events.

    The path is the product of the adoption ramps and a log-linear curve through mid-years whose nodes are set so that each
    year sums to its budget, taken where the scenario says within the budget's own range.
    """
    shape = _adoption(scenario, clock)
    plans = np.zeros((clock.n_ticks, len(names)))
    for row, name in enumerate(names):
        budget = scenario.world.budgets.get(name)
        if budget:
            yearly = {year: _spend_usd(scenario.behaviour, budget.spend.point(date(year, 7, 1)), year, china=region[row] == CN)
                      for year in _years_of(budget.spend, clock)}
            plans[:, row] = smooth_path(clock, yearly, shape[region[row]])
    return plans


def _years_of(spend: Quantity, clock: Clock) -> list[int]:
    """Years with a figure of their own; every year of the run where one figure stands for all."""
    return [point.since.year for point in spend.path] or list(range(clock.start.year, clock.end.year + 1))


def _spend_usd(behaviour: Behaviour, budget: Point, year: int, china: bool) -> float:
    """A year's budget: its central value, or towards an end of its range by what is common to the labs of one side."""
    early, late = ((behaviour.spend_china_early_share, behaviour.spend_china_late_share) if china else
                   (behaviour.spend_abroad_early_share, behaviour.spend_abroad_late_share))
    place = (early if year <= LAST_EARLY_YEAR else late).value
    return 1e9 * float(np.interp(place, (0.0, 0.5, 1.0), (budget.low, budget.value, budget.high)))


def _adoption(scenario: Scenario, clock: Clock) -> Floats:
    """Product of adoption ramps, (regions, ticks), 1 before the first event; an event of one use moves that use's part of wants."""
    shape = np.ones((3, clock.n_ticks))
    region_row = {"CN": CN, "US": US, "ROW": ROW}
    ticks = np.arange(clock.n_ticks)
    train = scenario.behaviour.train_share.value
    part = {"both": 1.0, "train": train, "infer": 1.0 - train}
    for event in scenario.world.adoption.values():
        ramp = np.clip((ticks - clock.tick_of(event.since)) / max(event.ramp_weeks.value, 1.0), 0.0, 1.0)
        for name in event.regions:
            shape[region_row[name]] *= 1.0 + part[event.use] * (event.want_factor.value**ramp - 1.0)
    return shape


def smooth_path(clock: Clock, yearly: dict[int, float], shape: Floats) -> Floats:
    """A weekly path (ticks,) whose years sum to `yearly`, shaped by `shape`; zero in years without a figure."""
    years, where, starts, weeks = _year_grid(clock.start, clock.end)
    known = sorted(year for year, value in yearly.items() if value > 0)
    if not known:
        return np.zeros(clock.n_ticks)
    nodes = np.array([year + 0.5 for year in known])
    level = np.log(np.array([yearly[year] / WEEKS_PER_YEAR for year in known]))
    row = {int(years[start]): at for at, start in enumerate(starts)}
    fitted = [(at, row[year]) for at, year in enumerate(known) if year in row and weeks[row[year]] > 26]
    node, column = np.array([at for at, _ in fitted], dtype=np.int64), np.array([at for _, at in fitted], dtype=np.int64)
    wanted = np.exp(level[node]) * weeks[column]
    for _ in range(40):
        sums = np.add.reduceat(shape * np.exp(np.interp(where, nodes, level)), starts)
        level[node] += 0.7 * np.log(wanted / sums[column])
    path: Floats = shape * np.exp(np.interp(where, nodes, level))
    path[~np.isin(years, known)] = 0.0
    return path


@lru_cache
def _year_grid(start: date, end: date) -> tuple[Ints, Floats, Ints, Ints]:
    """Year of each week, its place on the axis of years, and where each year starts and how many weeks it has."""
    days = [start + timedelta(days=7 * tick + 3) for tick in range((end - start).days // 7)]
    years = np.array([day.year for day in days], dtype=np.int64)
    where = np.array([day.year + (day.timetuple().tm_yday - 1) / 365.25 for day in days])
    starts = np.flatnonzero(np.r_[True, np.diff(years) > 0]).astype(np.int64)
    return years, where, starts, np.diff(np.r_[starts, len(years)]).astype(np.int64)


def _distributors(scenario: Scenario, names: Names, clock: Clock, region: Ints) -> Distributors:
    actors = [scenario.world.actors[name] for name in names.distributor]
    country = {name: row for row, name in enumerate(names.country)}
    grey = {lane.origin: lane for lane in _last_id_first(scenario.world.lanes)
            if lane.kind == "grey" and lane.carries == "chips" and lane.destination == "CN"}
    china = {name for name in names.country if region[country[name]] == CN}
    share = np.array([_network_weight(actor, grey, china) for actor in actors])
    return Distributors(
        actor=np.array([names.actor.index(name) for name in names.distributor], dtype=np.int64),
        country=np.array([country[actor.seat] for actor in actors], dtype=np.int64),
        hq=np.array([country[actor.hq] for actor in actors], dtype=np.int64),
        region=np.array([region[country[actor.seat]] for actor in actors], dtype=np.int64),
        subkind=np.array([KIND_OF_DISTRIBUTOR.get(actor.subkind, RESELLER) for actor in actors], dtype=np.int64),
        grey_since_tick=np.array([_grey_since(actor, grey, china, clock) for actor in actors]),
        grey_weeks=np.array([_weeks(grey[actor.seat].transit_weeks.value) if actor.seat in grey else 1 for actor in actors]),
        grey_freight_share=np.array([grey[actor.seat].freight_share.value if actor.seat in grey else 0.01 for actor in actors]),
        listed_tick=np.array([_tick(clock, actor.listed_since) for actor in actors]),
        network_share=share / share.sum() if share.sum() else share,
        keys=keys_of("distributor", names.distributor),
    )


def _last_id_first(lanes: Mapping[str, Lane]) -> list[Lane]:
    """Lanes so that in a dictionary the first by id wins, whatever the order of the file."""
    return [lane for _, lane in sorted(lanes.items(), reverse=True)]


def _network_weight(actor: Actor, grey: dict[str, Lane], china: set[str]) -> float:
    if actor.subkind not in ("reseller", "broker") or (actor.seat not in grey and actor.seat not in china):
        return 0.0
    return 1.0 if actor.subkind == "reseller" else 0.4


def _grey_since(actor: Actor, grey: dict[str, Lane], china: set[str], clock: Clock) -> int:
    if actor.subkind not in ("reseller", "broker"):
        return NEVER
    lane = grey.get(actor.seat)
    since = getattr(lane, "since", None)
    if lane is not None:
        return clock.tick_of(since) if since else -NEVER
    return -NEVER if actor.seat in china else NEVER


def _weeks(weeks: float) -> int:
    return max(1, min(10, math.ceil(weeks)))


def _ways(scenario: Scenario, names: Names, country: Ints) -> tuple[Floats, Ints, Floats]:
    """Freight USD, transit weeks and unrefunded duty from makers to each buyer: the lane from TW, else its region's nearest."""
    lanes = {lane.destination: lane for lane in _last_id_first(scenario.world.lanes)
             if lane.origin == "TW" and lane.carries == "chips" and lane.kind in ("direct", "hub")}
    freight = np.full(len(names.country), 100.0)
    weeks = np.ones(len(names.country), dtype=np.int64)
    duty = np.zeros(len(names.country))
    regions = {name: scenario.world.countries[name].region for name in names.country}
    for row, name in enumerate(names.country):
        near = lanes.get(name) or next((lane for to, lane in sorted(lanes.items())
                                        if regions.get(to) == regions[name]), None)
        if near:
            freight[row] = near.freight_usd_per_chip.value
            weeks[row] = _weeks(near.transit_weeks.value)
            duty[row] = near.import_duty_share.value
    return freight[country], weeks[country], duty[country]


def _makers(scenario: Scenario, names: Names, clock: Clock) -> Makers:
    actors = [scenario.world.actors[name] for name in names.maker]
    country = {name: row for row, name in enumerate(names.country)}
    n = len(actors)
    ends = np.array([[_quarter_end(scenario, clock, name, tick) for name in names.maker] for tick in range(clock.n_ticks)],
                    dtype=np.int64).reshape(clock.n_ticks, n)
    value = np.full((clock.n_ticks, n), np.nan)
    earnings = np.full((clock.n_ticks, n), np.nan)
    for row, name in enumerate(names.maker):
        if valuation := scenario.world.valuation.get(name):
            value[:, row] = steps(clock, lambda day, v=valuation: v.market_value.at(day) * 1e9)
            earnings[:, row] = steps(clock, lambda day, v=valuation: 1.0 / v.forward_pe.at(day))
    return Makers(
        actor=np.array([names.actor.index(name) for name in names.maker], dtype=np.int64),
        hq=np.array([country[actor.hq] for actor in actors], dtype=np.int64),
        domestic=np.array([actor.hq == "CN" for actor in actors], dtype=bool),
        captive=np.array([actor.subkind == "captive" for actor in actors], dtype=bool),
        listed_tick=np.array([_tick(clock, actor.listed_since) for actor in actors], dtype=np.int64),
        wafers_per_week=_wafers(scenario, names, clock),
        other_revenue_usd=_other_revenue(scenario, names, clock),
        value_usd=value, earnings_yield=earnings, quarter_end_tick=ends,
    )


def _quarter_end(scenario: Scenario, clock: Clock, maker: str, tick: int) -> int:
    ends = scenario.world.fiscal.get(maker) or {}
    today = clock.date_of(tick)
    later = [day for day in ends.values() if day >= today]
    return clock.tick_of(min(later)) if later else tick + 12 - tick % 13


PACKAGING_SHARE = {"nvidia": "tsmc-cowos-nvidia-share", "amd": "tsmc-cowos-amd-share",
                   "google_tpu": "tsmc-cowos-broadcom-share", "amazon_trainium": "tsmc-cowos-marvell-share"}
"""Entry of the scenario's capacities that gives a maker's share of packaging, `packaging-MAKER-share` for others; a maker without
one is held by demand alone."""

PACKAGING_YIELD = "tsmc-cowos-yield"


def _level(scenario: Scenario, clock: Clock, name: str, otherwise: float) -> Floats:
    """A capacity entry as a level along its path, (ticks,); `otherwise` where the scenario has none."""
    entry = scenario.world.capacity.get(name)
    if entry is None:
        return np.full(clock.n_ticks, otherwise)
    read = entry.amount.along if entry.measure == "level" and entry.metric == "capacity" else entry.amount.at
    return steps(clock, read)


def _wafers(scenario: Scenario, names: Names, clock: Clock) -> Floats:
    """Packaging wafers a week by maker, (ticks, makers): capacity path x the maker's share x packaging yield."""
    out = np.full((clock.n_ticks, len(names.maker)), np.inf)
    wafers = _level(scenario, clock, "tsmc-cowos", np.inf) / WEEKS_PER_MONTH
    good = _level(scenario, clock, PACKAGING_YIELD, 0.97)
    for row, name in enumerate(names.maker):
        if share := scenario.world.capacity.get(PACKAGING_SHARE.get(name, f"packaging-{name}-share")):
            out[:, row] = wafers * good * steps(clock, share.amount.along)
    return out


def _other_revenue(scenario: Scenario, names: Names, clock: Clock) -> Floats:
    """Revenue outside data centres, (ticks, makers, regions) USD a week: quarters spread evenly, China's part by its share."""
    out = np.zeros((clock.n_ticks, len(names.maker), 3))
    for row, name in enumerate(names.maker):
        other = scenario.world.non_datacentre_revenue.get(name)
        for label, amount in (other.quarters.items() if other else ()):
            weights = clock.window(f"{name}:{label}")
            first, after = clock.span(f"{name}:{label}")
            weekly = amount.value * 1e9 / ((after - first).days / 7.0)
            china = other.china_share.value if other else 0.0
            out[:, row, CN] += weights * weekly * china
            out[:, row, ROW] += weights * weekly * (1.0 - china)
    return out


def _server_makers(names: Names, labs: Labs, distributors: Distributors) -> Ints:
    """A ship-to for each lab: a server maker of its own region, spread by key; -1 where there is none."""
    out = np.full(len(names.lab), -1, dtype=np.int64)
    for region in range(len(REGIONS)):
        own = [d for d in range(len(names.distributor))
               if distributors.subkind[d] == SERVER_MAKER and (distributors.region[d] == region or region == ROW)
               and distributors.listed_tick[d] == NEVER]
        if own:
            rows = labs.region == region
            out[rows] = np.array(own)[labs.keys[rows] % np.uint64(len(own))]
    return out


def _domestic_dies(scenario: Scenario, names: Names, clock: Clock) -> Floats:
    """Gross dies a week by Chinese maker, (ticks, makers): SMIC wafers x AI share x Huawei's part x gross dies per wafer."""
    out = np.zeros((clock.n_ticks, len(names.maker)))
    if "huawei" in names.maker:
        wafers = _level(scenario, clock, "smic-n7", 0.0) / WEEKS_PER_MONTH * _level(scenario, clock, "smic-n7-ai-share", 0.0)
        dies = _level(scenario, clock, "smic-910b-dies", 0.0)
        out[:, names.maker.index("huawei")] = wafers * scenario.behaviour.huawei_wafer_share.value * dies
    return out


def _proxy_dies(scenario: Scenario, names: Names, clock: Clock) -> Floats:
    """Dies bought abroad through fronts, (ticks, makers) a week."""
    out = np.zeros((clock.n_ticks, len(names.maker)))
    if "huawei" in names.maker:
        out[:, names.maker.index("huawei")] = _level(scenario, clock, "proxy-dies", 0.0) * 1000.0
    return out


def _domestic_cards(scenario: Scenario, names: Names, clock: Clock, chips: Chips) -> Floats:
    """Cards a week that smaller Chinese makers can assemble, (ticks, makers): a common path split evenly among those on sale."""
    behaviour = scenario.behaviour
    path = steps(clock, lambda day: behaviour.other_domestic_start_cards.value
                 * behaviour.other_domestic_growth_per_year.value ** (_years(clock.start, day) - 1.0))
    small = np.array([scenario.world.actors[name].hq == "CN" and name != "huawei" for name in names.maker], dtype=bool)
    first = np.full(len(names.maker), NEVER, dtype=np.int64)
    np.minimum.at(first, chips.maker[chips.maker >= 0], chips.volume_tick[chips.maker >= 0])
    selling = small[None, :] & (first[None, :] <= np.arange(clock.n_ticks)[:, None])
    many = np.maximum(selling.sum(axis=1, dtype=np.int64), 1)
    return np.where(selling, (path / many)[:, None], 0.0)


def _frontier_path(scenario: Scenario, clock: Clock) -> Floats:
    """US frontier in effective compute, log10 FLOP (ticks,): the record to the start, then its growth of compute and efficiency."""
    frontier = scenario.world.frontier
    if frontier is None:
        return np.zeros(clock.n_ticks)
    at_start = _frontier_level(scenario, clock.start)
    slope = math.log10(frontier.compute_growth.value) + math.log10(frontier.efficiency_growth.value)
    return np.array([at_start + slope * _years(clock.start, clock.date_of(tick)) for tick in range(clock.n_ticks)])


def _frontier_level(scenario: Scenario, day: date) -> float:
    """log10 of the frontier's compute on a day, with 2022's efficiency as 1: the largest run on record, grown by the trend."""
    frontier = scenario.world.frontier
    if frontier is None:
        return 0.0
    compute = math.log10(frontier.compute_growth.value)
    efficiency = math.log10(frontier.efficiency_growth.value)
    points = [(point.since, point.value) for point in frontier.us_flop_log10.path if point.since <= scenario.time.start]
    level = frontier.us_flop_log10.value
    today = max([value + compute * _years(when, scenario.time.start) for when, value in points] or [level])
    return today + (compute + efficiency) * _years(scenario.time.start, day)


def _frontier_past(scenario: Scenario, clock: Clock) -> tuple[Floats, Floats]:
    """Months before the start and the frontier's level then: the trend back to 2015."""
    months = np.arange(-84.0, 0.0, 1.0)
    level = np.array([_frontier_level(scenario, clock.start + timedelta(days=30.4375 * month)) for month in months])
    return months, level


def _billing(scenario: Scenario, clock: Clock) -> Floats:
    """Part of sales to each region that is billed in a hub, (regions, ticks)."""
    out = np.zeros((3, clock.n_ticks))
    for route in scenario.world.routing.values():
        if route.customer_hq == "CN" and route.bill_to == "CN":
            out[CN] = 1.0 - steps(clock, lambda day, r=route: r.share.at(day))
        elif route.bill_to == "SG" and route.customer_hq != "CN":
            out[US] = np.maximum(out[US], steps(clock, lambda day, r=route: r.share.at(day)))
    return out
