"""Terms: what the law makes of every deal, folded over legal classes and chips.

Each column owns the rule by which effects combine (and, or, product, sum, most), and every such rule commutes, so the
order of rules never matters and an effect that expires leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.clock import WHOLE_WEEK

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

COLUMNS: dict[str, tuple[Any, Any, Callable[..., Any]]] = {
    # column: (type, neutral value, combine rule)
    "permitted": (np.bool_, True, np.logical_and),
    "licence": (np.bool_, False, np.logical_or),
    "grant_rate": (np.float64, 1.0, np.multiply),
    "delay_ticks": (np.int64, 0, np.maximum),
    "notify": (np.bool_, False, np.logical_or),
    "tariff_rate": (np.float64, 0.0, np.add),
    "share_rate": (np.float64, 0.0, np.add),
    "demand_factor": (np.float64, 1.0, np.minimum),
    "savings": (np.bool_, True, np.logical_and),
    "verification": (np.bool_, False, np.logical_or),
    "unknown": (np.bool_, False, np.logical_or),
    "binding": (np.int64, -1, np.maximum),
}
"""Columns over (classes, chips). Effects are folded by rule in order of first day and id, so even sums and products
of floats come to the same bits in whatever order the rules were given."""

BAN, DENIAL, REVIEW, NOTICE, CHARGE = 5, 4, 3, 2, 1
"""Weight of an effect when several bind one cell: the heaviest is named, of equals the latest."""

RULE_BITS = 20
MAX_RULES = 1 << RULE_BITS


class Quota(NamedTuple):
    """A limit on quantity that the market must keep.

    cells        bool (classes, chips) it counts.
    unit         "chips", "tpp" or "home_share" (chips as a share of the same part's sales at home).
    cap          in that unit, for each `per`: "model", "country" (of delivery), "customer", or "all" cells together.
    home         country of the home sales, for "home_share".
    period_weeks the cap is renewed after so many weeks; None: one cap for the rule's whole life.
    since_tick   tick in which the quota's life began.
    allocation   "pro_rata" (to last orders), "first_come" or "auction".
    """

    rule: int
    cells: Mask
    unit: str
    cap: float
    per: str
    home: str
    period_weeks: int | None
    since_tick: int
    allocation: str


class CloudDuty(NamedTuple):
    """A control on rented compute: who must check the tenant ("host" or "vendor"), how often a front is found out."""

    rule: int
    cells: Mask
    bearer: str
    kyc_detection: float


class Retroactive(NamedTuple):
    """A duty on chips delivered before it.

    chips             bool (n_chips,).
    inside            countries out of reach of seizure, where support and spares end.
    reachable         countries where leases end after `notice_weeks` and stock of parents in `owners` must be sold.
    owners            countries of the parents concerned.
    buy_back          price offered for stock, share of list; 0 when none.
    since_tick        tick from which the duty binds.
    """

    rule: int
    chips: Mask
    inside: tuple[str, ...]
    reachable: tuple[str, ...]
    owners: tuple[str, ...]
    notice_weeks: float
    buy_back: float
    since_tick: int


@dataclass
class Terms:
    """The law of one week. Arrays over (classes, chips), read-only; the rest by country, end use or supplier.

    permitted        some day of the week is open without a licence; open_days its 7-bit mask (127 the whole week).
    licence          a licence may be asked for; granted with chance grant_rate after delay_ticks.
    notify           open after a notice of delay_ticks.
    tariff_rate      duty on the ask; share_rate the part of revenue owed.
    demand_factor    of what buyers would order, under guidance.
    savings          goods in transit when the cell closed may still arrive.
    verification     chips shipped now carry a location check.
    unknown          a missing specification leaves the answer open.
    rule             index into `rule_ids` of the rule that binds, -1 none; weight how heavily (BAN to CHARGE, 0 none).
    enforcement, penalty   multipliers by country.
    subsidy_rate     share of capacity cost the state bears, by country; subsidy_usd_yearly what it pays in.
    domestic_mandate share that must be domestic, by end use.
    customs          chance that a consignment is inspected, by country; grey_tolerated false where it is also hunted.
    input_factor     of a supplier's output, by supplier id.
    cloud            duties on rented compute; cloud_open is true without any.
    retroactive      duties on chips delivered earlier, None without any.
    quota            limits on quantity.
    """

    permitted: Mask
    open_days: NDArray[np.uint8]
    licence: Mask
    grant_rate: Floats
    delay_ticks: NDArray[np.int64]
    notify: Mask
    tariff_rate: Floats
    share_rate: Floats
    demand_factor: Floats
    savings: Mask
    verification: Mask
    unknown: Mask
    rule: NDArray[np.int64]
    weight: NDArray[np.int64]
    enforcement: dict[str, float] = field(default_factory=dict)
    penalty: dict[str, float] = field(default_factory=dict)
    subsidy_rate: dict[str, float] = field(default_factory=dict)
    subsidy_usd_yearly: dict[str, float] = field(default_factory=dict)
    domestic_mandate: dict[str, float] = field(default_factory=dict)
    customs: dict[str, float] = field(default_factory=dict)
    grey_tolerated: dict[str, bool] = field(default_factory=dict)
    input_factor: dict[str, float] = field(default_factory=dict)
    cloud: tuple[CloudDuty, ...] = ()
    retroactive: tuple[Retroactive, ...] | None = None
    quota: tuple[Quota, ...] = ()

    @property
    def cloud_open(self) -> bool:
        return not self.cloud

    def with_open_days(self, open_days: NDArray[np.uint8]) -> Terms:
        """The same terms in a week of which only some days are open in some cells."""
        open_days.flags.writeable = False
        permitted = open_days > 0
        permitted.flags.writeable = False
        return Terms(**{**self.__dict__, "open_days": open_days, "permitted": permitted})


class Draft:
    """Terms being folded. Levers call `fold`, `add` and `scale`; `finish` hands out the Terms.

    nothing   an empty mask of the shape of every column, (classes, chips); folding over this very one is free.
    columns   those wanted; effects on others are passed over."""

    def __init__(
        self,
        nothing: Mask,
        countries: Iterable[str],
        suppliers: Iterable[str],
        columns: Iterable[str] = tuple(COLUMNS),
    ) -> None:
        self.nothing = nothing
        self.columns: dict[str, NDArray[Any]] = {
            name: np.full(nothing.shape, COLUMNS[name][1], COLUMNS[name][0]) for name in columns
        }
        codes = tuple(countries)
        self.world: dict[str, dict[str, Any]] = {
            "enforcement": dict.fromkeys(codes, 1.0),
            "penalty": dict.fromkeys(codes, 1.0),
            "subsidy_rate": dict.fromkeys(codes, 0.0),
            "subsidy_usd_yearly": dict.fromkeys(codes, 0.0),
            "domestic_mandate": {"civil": 0.0, "military": 0.0, "state": 0.0},
            "customs": dict.fromkeys(codes, 0.0),
            "grey_tolerated": dict.fromkeys(codes, True),
            "input_factor": dict.fromkeys(suppliers, 1.0),
        }
        self.cloud: list[CloudDuty] = []
        self.retroactive: list[Retroactive] = []
        self.quota: list[Quota] = []

    def fold(self, cells: Mask, **columns: float | bool) -> None:
        """Combine values into columns on cells, each by its column's own rule."""
        if cells is self.nothing:
            return
        for name, value in columns.items():
            if name in self.columns:
                column = self.columns[name]
                COLUMNS[name][2](column, value, out=column, where=cells)

    def bind(self, cells: Mask, rule: int, weight: int) -> None:
        """Name a rule as the one that binds these cells, where none weighs more."""
        self.fold(cells, binding=weight * MAX_RULES + rule)

    def bar(self, cells: Mask, rule: int) -> None:
        """Close cells outright: no licence helps."""
        self.fold(cells, permitted=False, grant_rate=0.0)
        self.bind(cells, rule, BAN)

    def scale(self, table: str, keys: Iterable[str], factor: float) -> None:
        """Multiply entries of a world table that is a product: enforcement, penalty, input_factor."""
        for key in keys:
            if key in self.world[table]:
                self.world[table][key] *= factor

    def add(self, table: str, keys: Iterable[str], amount: float) -> None:
        """Add to entries of a world table that is a sum: subsidies."""
        for key in keys:
            if key in self.world[table]:
                self.world[table][key] += amount

    def most(self, table: str, keys: Iterable[str], amount: float) -> None:
        """Raise entries of a world table that keeps the largest: mandates, inspections."""
        for key in keys:
            if key in self.world[table]:
                self.world[table][key] = max(self.world[table][key], amount)

    def end_tolerance(self, keys: Iterable[str]) -> None:
        """Grey goods are no longer let through in these countries."""
        self.world["grey_tolerated"].update((key, False) for key in keys)

    def finish(self) -> Terms:
        """The folded terms, read-only. A cell that is barred outright has no licence to ask for."""
        columns = self.columns
        binding = columns.pop("binding")
        rule = np.where(binding < 0, -1, binding & (MAX_RULES - 1))
        weight = np.maximum(binding, 0) >> RULE_BITS
        columns["licence"] &= weight < BAN
        open_days = np.where(columns["permitted"], WHOLE_WEEK, 0).astype(np.uint8)
        np.minimum(columns["share_rate"], 1.0, out=columns["share_rate"])
        for column in (*columns.values(), rule, weight, open_days):
            column.flags.writeable = False
        folded: dict[str, Any] = {**columns, **self.world}
        return Terms(
            **folded,
            open_days=open_days,
            rule=rule,
            weight=weight,
            cloud=tuple(self.cloud),
            retroactive=tuple(self.retroactive) or None,
            quota=tuple(self.quota),
        )
