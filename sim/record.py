"""Record: what a run leaves behind, tick by tick; metrics, pages and facts read nothing else.

State arrays have a leading tick axis and name their other axes; trades are one row each; events are a log in which
every entry names the entry that led to it, so that a chain can be walked back to the decree that started it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.clock import Clock

CHANNELS = ("licensed", "domestic", "grey", "resale", "rented")
"""How compute reached its user: a maker's sale under the rules, a Chinese maker's sale in China, a sale that evades a rule,
a lawful second-hand or channel sale, a lease."""

USES = ("train", "infer")
REGIONS = ("CN", "US", "ROW")
BOOKS = ("primary", "spot", "rental", "input")

STATE: dict[str, tuple[tuple[str, ...], str, str]] = {
    # name: (axes after tick, unit, what it is)
    "queue_chips": (("lab", "chip"), "chips", "orders at list not yet filled, end of week"),
    "ordered_chips": (("lab", "chip"), "chips", "orders placed this week"),
    "cancelled_chips": (("lab", "chip"), "chips", "orders struck out this week by a bar"),
    "stock_chips": (("lab", "chip", "channel"), "chips", "chips owned and in place, by how they came"),
    "distributor_chips": (("distributor", "chip"), "chips", "chips held by distributors"),
    "rented_chips": (("lab", "chip", "region"), "chips", "chips leased by the lab this week, by the region of the machine"),
    "list_price_usd": (("chip",), "USD", "maker's list price"),
    "street_price_usd": (("region", "chip"), "USD", "spot price delivered in the region; NaN without trade"),
    "rent_usd_per_hour": (("region", "chip"), "USD per hour", "rental price of one chip; NaN without trade"),
    "wait_months": (("region", "chip"), "months", "queue over thirteen-week mean deliveries; NaN without either"),
    "produced_chips": (("chip",), "chips", "completed this week"),
    "booked_chips": (("chip",), "chips", "capacity booked this week"),
    "pipeline_chips": (("chip",), "chips", "booked and not yet completed"),
    "finished_chips": (("chip",), "chips", "completed, title not yet passed"),
    "inventory_usd": (("maker",), "USD", "finished chips and dies at cost"),
    "commitments_usd": (("maker",), "USD", "supply booked and not yet delivered, at cost"),
    "charge_usd": (("maker", "chip"), "USD", "write-down booked this week"),
    "charge_guided_usd": (("maker", "chip"), "USD", "write-down guided when a bar is announced, nothing convertible"),
    "lost_sales_usd": (("maker", "chip"), "USD", "sales to quarter end that a bar prevents"),
    "other_revenue_usd": (("maker", "region"), "USD", "revenue outside data centres, scenario data"),
    "market_value_usd": (("maker",), "USD", "market value"),
    "announcement_return": (("maker",), "share", "price response to a rule announced this week; 0 without one"),
    "yield_share": (("maker",), "share", "good dies over gross, Chinese makers"),
    "die_bank_dies": (("maker",), "dies", "dies in store"),
    "hbm_stacks": (("maker",), "stacks", "memory stacks in store, Chinese makers"),
    "bottleneck": (("maker",), "code", "what bound output: 0 demand 1 dies 2 packaging 3 memory 4 booked capacity"),
    "belief": (("region", "chip"), "probability", "buyers' belief that the chip is barred within a year"),
    "efficiency": (("lab",), "x of 2022", "algorithmic efficiency"),
    "capability": (("lab",), "log10 FLOP", "effective training compute of the best published run"),
    "largest_run": (("lab",), "log10 FLOP", "training compute of the largest published run"),
    "in_training": (("lab",), "h100 train weights", "training worth that the lab's own training uses"),
    "usable_train": (("lab",), "h100 train weights", "training worth of stock owned and rented, net of leases out"),
    "usable_infer": (("lab",), "h100 infer weights", "inference worth likewise"),
    "frontier_us": ((), "log10 FLOP", "effective training compute of the US frontier"),
    "lag_months": ((), "months", "how long ago the US frontier stood where the best Chinese lab stands"),
    "runway_weeks": (("lab",), "weeks", "weeks the stock carries the lab's planned growth of training"),
    "networks_active": (("distributor",), "networks", "diversion networks at work"),
    "busts": (("distributor",), "networks", "networks shut this week"),
    "seized_chips": (("distributor", "chip"), "chips", "seized this week"),
    "seized_usd": (("distributor",), "USD", "value seized this week, at list"),
    "case_usd": (("distributor",), "USD", "goods that networks shut this week had passed in about a year"),
    "licences_asked": (("chip",), "chips", "asked under licence this week"),
    "licences_granted": (("chip",), "chips", "granted this week"),
    "licences_pending": (("chip",), "chips", "in the licence queue"),
    "military_access_weeks": (("place",), "weeks", "weeks to reach 5,000 h100e: listed user, civil user"),
    "military_price_multiple": ((), "ratio", "price of those for a listed user over a civil one"),
    "welfare_usd": (("party",), "USD", "this week's surplus, rent, tax or cost, by party"),
}

PARTIES = ("buyers", "makers", "channel", "grey", "treasury_us", "treasury_cn", "treasury_other", "enforcement", "seized")
PLACES = ("listed", "civil")

TRADE_COLUMNS: dict[str, type] = {
    "tick": np.int32, "book": np.int8, "seller": np.int32, "buyer": np.int32, "chip": np.int16, "chips": np.int64,
    "paid_cents": np.int64, "list_cents": np.int64, "tax_cents": np.int64, "share_cents": np.int64, "channel": np.int8,
    "use": np.int8, "ship_to": np.int16, "bill_to": np.int16, "customer_hq": np.int16, "end_hq": np.int16,
    "lane": np.int16, "arrives": np.int32,
}
"""One row a trade. seller, buyer: rows of actors. paid_cents includes freight and duty; list_cents is chips at list, what a maker
books. use -1 where the sale serves both. ship_to, bill_to, customer_hq, end_hq: rows of countries. lane -1: the maker's own."""


NEVER = 2**31 - 1
"""A tick that does not come, in the attribute arrays."""

ATTRIBUTES: dict[str, tuple[str, str]] = {
    # name: (axis, what it is); "row of X" is a place in names[X]
    "chip_maker": ("chip", "row of maker"),
    "chip_tpp": ("chip", "total processing performance, ECCN 3A090 technical notes"),
    "chip_io_gbps": ("chip", "aggregate bidirectional interconnect"),
    "chip_membw_gbps": ("chip", "memory bandwidth"),
    "chip_memory_gb": ("chip", "memory"),
    "chip_train_weight": ("chip", "worth in training, H100 = 1"),
    "chip_infer_weight": ("chip", "worth in inference, H100 = 1"),
    "chip_datacentre": ("chip", "bool: not a consumer part"),
    "chip_fab": ("chip", "row of country where it is made"),
    "chip_cut_from": ("chip", "row of chip it is a redesign of, -1 for none"),
    "chip_announced_tick": ("chip", "tick of announcement, negative before the start, NEVER for none"),
    "chip_volume_tick": ("chip", "tick of first volume, likewise"),
    "maker_actor": ("maker", "row of actor"),
    "maker_hq": ("maker", "row of country of the ultimate parent"),
    "lab_actor": ("lab", "row of actor"),
    "lab_country": ("lab", "row of country of its seat"),
    "lab_hq": ("lab", "row of country of the ultimate parent"),
    "lab_region": ("lab", "row of region where the chips it owns stand"),
    "lab_military": ("lab", "bool: linked to the military"),
    "lab_state": ("lab", "bool: paid by the state"),
    "distributor_actor": ("distributor", "row of actor"),
    "distributor_country": ("distributor", "row of country of its seat"),
    "country_region": ("country", "row of region"),
    "lane_from": ("lane", "row of country of the exporter"),
    "lane_to": ("lane", "row of country of the importer"),
}
"""What `Record.of` holds, one entry a row of the axis; metrics read no other attribute."""


EVENT_KINDS: dict[str, str] = {
    "leak": "a rule is reported before it is announced",
    "decree_announced": "a rule becomes public; text is its title",
    "decree_in_force": "a rule begins to bind; text is its title",
    "decree_ended": "a rule ceases to bind",
    "barred": "a chip may no longer go to China",
    "queue_cancelled": "a bar strikes orders out",
    "charge": "a vendor books a write-down",
    "charge_guided": "a vendor announces a write-down",
    "lost_sales": "sales that a bar prevents to quarter end",
    "redesign_announced": "a part cut to a rule becomes known",
    "redesign_volume": "a part cut to a rule ships in volume",
    "licence_granted": "a licence is granted",
    "licence_denied": "a licence is refused",
    "smuggled": "goods move past a rule",
    "bust": "a diversion network is shut",
    "seizure": "goods are taken",
    "forced_sale": "a retroactive rule makes owners sell what stands within reach",
    "bought_back": "a vendor takes back chips at the price a retroactive rule names",
    "price_response": "a vendor's market value answers a rule",
    "shell_entered": "a new diversion network begins",
}
"""Kinds of event; `other` is the counterpart, `quantity` and `unit` say how much."""


class Event(NamedTuple):
    """Something that happened and why: `cause` is the place in the log of what led to it, -1 for a beginning."""

    tick: int
    kind: str
    actor: str
    chip: str
    other: str
    rule: str
    quantity: float
    unit: str
    cause: int
    text: str


@dataclass
class Record:
    """One run's record.

    names  axis -> labels, for actor maker lab distributor supplier chip country channel use region place party rule lane.
    of     the arrays of ATTRIBUTES.
    """

    clock: Clock
    names: Mapping[str, tuple[str, ...]]
    of: Mapping[str, NDArray[Any]]
    state: dict[str, NDArray[Any]] = field(default_factory=dict)
    trades: dict[str, NDArray[Any]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    ticks_run: int = 0

    def axes(self, name: str) -> tuple[str, ...]:
        """Axes of a state array after the tick axis."""
        return STATE[name][0]

    def unit(self, name: str) -> str:
        return STATE[name][1]
