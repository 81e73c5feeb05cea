"""Frame: what stays fixed in a run, as columns: who, what parts, which ways, and the dated paths read once per tick.

Rows of every axis are in order of id, so the order in which a scenario lists things changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.clock import Clock

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CN, US, ROW = 0, 1, 2
"""Rows of sim.record.REGIONS."""

NEVER = 1_000_000
"""A tick no run reaches."""


@dataclass
class Names:
    """Labels of each axis, sorted by id."""

    actor: tuple[str, ...]
    maker: tuple[str, ...]
    lab: tuple[str, ...]
    distributor: tuple[str, ...]
    supplier: tuple[str, ...]
    chip: tuple[str, ...]
    country: tuple[str, ...]
    told_actor: tuple[str, ...]
    """Actors as the record tells them: the named ones, and a cohort for drawn labs."""
    told_lab: tuple[str, ...]

    @cached_property
    def buyer(self) -> tuple[str, ...]:
        """Rows of the primary book: labs, then distributors."""
        return self.lab + self.distributor


@dataclass
class Chips:
    """Parts as columns, (chips,) each; worth (uses, chips) in H100 weights, before skill."""

    maker: Ints
    market: Ints
    """0 data centre, 1 consumer, 2 captive."""
    domestic: Bools
    for_china: Bools
    worth: Floats
    tpp: Floats
    list_usd: Floats
    unit_cost_usd: Floats
    packages_per_wafer: Floats
    hbm_stacks: Ints
    dies: Ints
    memory_gb: Floats
    announced_tick: Ints
    volume_tick: Ints
    """Negative for parts on sale before the run, NEVER where the part is never offered."""
    cut_from: Ints
    """Row of the global part it is fused or cut from, -1 for none."""
    fused: Bools
    family: Ints
    """Row of the part whose lines it shares: the global part for a fused one, itself for the rest."""
    successor_of: Ints
    """Row of the part it takes over from, -1 for none."""
    succeeded_tick: Ints
    """Tick from which a successor is in volume; large for none."""
    fabbed_in_tw: Bools
    owner_lab: Ints
    """Lab that alone may have a captive part, -1 for a part on sale."""


@dataclass
class Labs:
    """Labs as columns, (labs,) each."""

    actor: Ints
    country: Ints
    hq: Ints
    region: Ints
    """Region of headquarters: whose bloc its compute counts for."""
    service_class: Ints
    military: Bools
    state: Bools
    listed_tick: Ints
    tail: Bools
    stigma_share: Floats
    preference: Floats
    own_use_share: Floats
    owns_share: Floats
    """Part of the plan spent on own chips; the rest rents."""
    plan_usd: Floats
    """(ticks, labs) planned spend on compute, USD a week."""
    use_share: Floats
    lessor: Bools
    offers_hours: Bools
    drawn: Bools
    """Of the generated tail."""
    drawn_listed: Bools
    """Drawn as a party of the entity list; the named ones' listing is the rulebook's."""
    keys: NDArray[np.uint64]


@dataclass
class Distributors:
    """Distributors as columns, (distributors,) each."""

    actor: Ints
    country: Ints
    hq: Ints
    region: Ints
    subkind: Ints
    """0 server maker, 1 reseller, 2 offshore cloud, 3 broker."""
    grey_since_tick: Ints
    """Tick from which a grey lane to China is open from its country; large for none."""
    grey_weeks: Ints
    grey_freight_share: Floats
    listed_tick: Ints
    network_share: Floats
    """Part of the world's diversion networks that work here at the start."""
    keys: NDArray[np.uint64]


SERVER_MAKER, RESELLER, CLOUD, BROKER = 0, 1, 2, 3


@dataclass
class Makers:
    """Chipmakers as columns, (makers,) each."""

    actor: Ints
    hq: Ints
    domestic: Bools
    captive: Bools
    listed_tick: Ints
    wafers_per_week: Floats
    """(ticks, makers) packaging wafers; inf for makers that need none."""
    other_revenue_usd: Floats
    """(ticks, makers, regions) outside data centres, USD a week."""
    value_usd: Floats
    """(ticks, makers) market value where the scenario gives one, else nan."""
    earnings_yield: Floats
    """(ticks, makers) forward earnings over value, nan likewise."""
    quarter_end_tick: Ints
    """(ticks, makers) last tick of the fiscal quarter that a tick lies in."""


@dataclass
class Frame:
    """Everything fixed, once a run."""

    clock: Clock
    seed: int
    names: Names
    told_actor: Ints
    """(actors,) row of `names.told_actor`; the row itself without a drawn tail."""
    told_lab: Ints
    """(labs,) row of `names.told_lab`, likewise."""
    chips: Chips
    labs: Labs
    distributors: Distributors
    makers: Makers
    country_region: Ints
    buyer_keys: NDArray[np.uint64]
    buyer_country: Ints
    buyer_hq: Ints
    buyer_region: Ints
    buyer_class: Ints
    buyer_actor: Ints
    freight_usd: Floats
    """(buyers,) freight of one card from the maker's lane, USD."""
    transit_weeks: Ints
    """(buyers,)"""
    duty_share: Floats
    """(buyers,) ordinary import duty and tax that is not refunded."""
    server_maker: Ints
    """(labs,) row of the distributor that is ship-to; -1 for none."""
    domestic_dies_per_week: Floats
    """(ticks, makers) gross dies at full yield for Chinese makers."""
    proxy_dies_per_week: Floats
    """(ticks, makers) dies obtained abroad through fronts."""
    domestic_cards_per_week: Floats
    """(ticks, makers) output that smaller Chinese makers can assemble."""
    memory_supply_stacks: Floats
    """(ticks,) stacks Chinese buyers can get in an ordinary week."""
    domestic_stacks_per_week: Floats
    """(ticks,) memory stacks made in China."""
    die_bank_dies: int
    memory_start_stacks: int
    low_end_cards_per_week: Floats
    """(ticks,)"""
    us_frontier: Floats
    """(ticks,) log10 FLOP of effective training compute; frontier_past covers the years before."""
    frontier_past_months: Floats
    frontier_past_level: Floats
    bill_abroad_share: Floats
    """(regions, ticks) part of a maker's sales to the region billed in a hub."""
    row_chinese_customer_share: Floats
    """(ticks,) part of sales outside China whose customer is headquartered in China."""

    def row(self, axis: str, name: str) -> int:
        """Row of a name on an axis, -1 when it is not there."""
        return self._rows[axis].get(name, -1)

    @cached_property
    def _rows(self) -> dict[str, dict[str, int]]:
        """Row by name, axis by axis."""
        axes = {**{axis.name: getattr(self.names, axis.name) for axis in fields(self.names)}, "buyer": self.names.buyer}
        return {axis: {name: row for row, name in enumerate(labels)} for axis, labels in axes.items()}


def worths(specs: dict[str, Floats], soft_train: Floats, soft_infer: Floats) -> Floats:
    """What chips are worth in H100 weights, (2, chips): training and inference.

    T = fp16/989, I = io/900, B = membw/3350, M = memory/80;
    train = soft / [(1 - a - m)/T + a/I + m/B], a = m = 0.12;  infer = soft T^0.12 B^0.78 M^0.10.
    Roofline-style harmonic mean of compute, link and memory time (Williams, Waterman & Patterson 2009,
    doi:10.1145/1498765.1498785); the exponents are an assumption.
    """
    t = specs["fp16_dense_tflops"] / 989.0
    i = specs["io_gbps"] / 900.0
    b = specs["membw_gbps"] / 3350.0
    m = specs["memory_gb"] / 80.0
    link, memory = 0.12, 0.12
    train = soft_train / ((1.0 - link - memory) / t + link / i + memory / b)
    infer = soft_infer * t**0.12 * b**0.78 * m**0.10
    return np.array([train, infer])


def steps(clock: Clock, value_at: Any) -> Floats:
    """A dated function read on each week's Monday, (ticks,)."""
    return np.array([value_at(clock.date_of(tick)) for tick in range(clock.n_ticks)])
