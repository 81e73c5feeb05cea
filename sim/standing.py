"""Standing: what the law in force says of each buyer and part this week, laid out in the frame's rows.

Terms are folded over legal classes; this gathers them into (buyers, chips) columns, anew only when the terms object or the
list of listed parties changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.clock import WHOLE_WEEK
from sim.frame import BROKER, CN, RESELLER, Frame
from sim.ordered_sum import weighted_sum
from sim.quotas import Limit, limits
from sim.rulebook import Rulebook
from sim.scope import LegalClass
from sim.terms import Retroactive

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

OPEN_SHARE = np.array([bin(mask).count("1") / 7.0 for mask in range(WHOLE_WEEK + 1)])
"""Share of the week that a mask of open days leaves open."""

TOOL_MAKERS = {"US": 0.4, "NL": 0.3, "JP": 0.3}
"""Countries whose firms make the tools for advanced chips, with about their part of the market; an assumption."""

END_USES = ("civil", "military", "state")
CIVIL, MILITARY, STATE = range(len(END_USES))

MACHINE_PLACES = ("CN", "US", "MY")
"""A country that stands for each region where machines are rented."""


@dataclass
class Standing:
    """Cells of (buyers, chips) as of one week.

    permitted     goods may flow on some day; open_share of the week on which they may
    licensable    barred without a grant, and grants are made; grant_share, delay_weeks
    tariff_share  duty under rules, on the ask; levy_share the vendor's revenue share
    demand_factor purchase guidance; rule index of the binding rule, -1 none
    foreign_share (labs,) part of a plan that may go to foreign parts under a mandate
    hosted        (labs, regions, chips) may it rent such a machine that stands there
    hosted_abroad (labs,) may it rent any machine outside China
    memory_share  share of memory stacks wanted from abroad that reaches China
    fab_open      (chips,) foundries abroad may make the part's dies for its designer in China
    tools_share   share of chip-making tools that reaches China, over its suppliers' countries
    subsidy_share share of the cost of domestic capacity that Beijing bears
    limits        quotas in force
    """

    frame: Frame
    rulebook: Rulebook
    permitted: Bools = field(init=False)
    open_share: Floats = field(init=False)
    licensable: Bools = field(init=False)
    grant_share: Floats = field(init=False)
    delay_weeks: Ints = field(init=False)
    tariff_share: Floats = field(init=False)
    levy_share: Floats = field(init=False)
    demand_factor: Floats = field(init=False)
    rule: Ints = field(init=False)
    foreign_share: Floats = field(init=False)
    hosted: Bools = field(init=False)
    hosted_abroad: Bools = field(init=False)
    listed: Bools = field(init=False)
    memory_share: float = 1.0
    fab_open: Bools = field(init=False)
    tools_share: float = 1.0
    subsidy_share: float = 0.0
    limits: tuple[Limit, ...] = ()
    verified: bool = False
    changed: bool = False
    terms: Any = None
    listing: Any = None

    def __post_init__(self) -> None:
        frame = self.frame
        names = list(self.rulebook.catalog.ids)
        self._column = np.array([names.index(name) for name in frame.names.chip], dtype=np.int64)
        self._use = self._end_uses()
        labs, makers = len(frame.names.lab), range(len(frame.names.maker))
        front = np.isin(frame.distributors.subkind, (RESELLER, BROKER))
        # A hub's trader declares its own seat whoever stands behind it: this is how goods evade the headquarters rule.
        declared = np.where(np.concatenate([np.zeros(labs, dtype=bool), front]), frame.buyer_country, frame.buyer_hq)
        seats, seat_of = _alike(frame.buyer_country, declared, self._use)
        tenants, tenant_of = _alike(frame.labs.hq, frame.labs.hq, self._use[:labs])
        sales = [self._sale(listed, m, *kind) for listed in range(2) for m in makers for kind in seats]
        rents = [self._rent(listed, place, *kind) for listed in range(2) for place in MACHINE_PLACES for kind in tenants]
        home = "CN" if "CN" in frame.names.country else frame.names.country[0]
        inputs = [LegalClass("hbm", "KR", home, home), *(LegalClass("tools", place, home, home) for place in TOOL_MAKERS)]
        fabs = [LegalClass("fab", "TW", home, home, listed) for listed in range(2)]
        rows = self.rulebook.register([*sales, *rents, *fabs, *inputs])
        self._sale_rows = rows[: len(sales)].reshape(2, len(makers), -1)[:, :, seat_of]
        self._rent_rows = rows[len(sales): len(sales) + len(rents)].reshape(2, len(MACHINE_PLACES), -1)[:, :, tenant_of]
        self._fab_rows, self._tools_rows = rows[-len(inputs) - 2: -len(inputs)], rows[-len(TOOL_MAKERS):]
        self._hbm_row = int(rows[-len(inputs)])
        self.listed = np.zeros(len(frame.buyer_hq), dtype=bool)
        self.buyer = self._ordinary_buyer()

    def _end_uses(self) -> Ints:
        """Row of END_USES for each buyer; distributors buy for civil use."""
        labs = self.frame.labs
        own = np.where(labs.military, MILITARY, np.where(labs.state, STATE, CIVIL))
        return np.concatenate([own, np.full(len(self.frame.names.distributor), CIVIL)])

    def _sale(self, listed: int, maker: int, seat: int, declared: int, use: int) -> LegalClass:
        country = self.frame.names.country
        return LegalClass("sale", country[self.frame.makers.hq[maker]], country[seat], country[declared], listed, END_USES[use])

    def _rent(self, listed: int, place: str, hq: int, declared: int, use: int) -> LegalClass:
        country = self.frame.names.country
        home = place if place in country else country[0]
        return LegalClass("rental", home, home, country[declared], listed, END_USES[use])

    def _ordinary_buyer(self) -> int:
        """Row of a civil, unlisted buyer in China, whose cells beliefs and charges look at: the first with money to spend, else
        the first; -1 without one."""
        labs = self.frame.labs
        here = self.frame.buyer_region[: len(labs.region)] == CN
        rows = np.flatnonzero((labs.region == CN) & ~labs.military & ~labs.state & here)
        rows = rows[np.argsort(~(labs.plan_usd[:, rows] > 0.0).any(axis=0), kind="stable")]
        parties = self.rulebook.listing(self.rulebook.clock.n_ticks - 1).parties
        unlisted = (int(row) for row in rows if self.frame.names.lab[row] not in parties and not labs.drawn_listed[row])
        return next(unlisted, -1)

    def read(self, tick: int) -> bool:
        """Bring the columns to this week; returns whether anything changed."""
        terms, listing = self.rulebook.terms(tick), self.rulebook.listing(tick)
        self.changed = terms is not self.terms or listing is not self.listing
        if self.changed:
            self.terms, self.listing = terms, listing
            self.listed = np.array([name in listing.parties for name in self.frame.names.buyer])
            self.listed[: len(self.frame.names.lab)] |= self.frame.labs.drawn_listed
            self._gather()
        return self.changed

    def _cells(self) -> tuple[Ints, Ints]:
        """Class row and catalog column of every (buyer, chip) cell."""
        maker, buyers = self.frame.chips.maker, np.arange(len(self.listed))
        rows = self._sale_rows[self.listed.astype(np.int64)[:, None], maker[None, :], buyers[:, None]]
        return rows, np.broadcast_to(self._column[None, :], rows.shape)

    def _gather(self) -> None:
        terms, frame = self.terms, self.frame
        cells = self._cells()
        own, buyers = frame.chips.owner_lab, np.arange(len(self.listed))
        on_sale = (frame.chips.market != 2)[None, :] | (own[None, :] == buyers[:, None])
        self.open_share = np.where(on_sale, OPEN_SHARE[terms.open_days[cells]], 0.0)
        self.permitted = np.asarray(terms.permitted[cells] & on_sale)
        self.grant_share = terms.grant_rate[cells]
        self.licensable = ~self.permitted & terms.licence[cells] & (self.grant_share > 0) & on_sale
        self.delay_weeks = terms.delay_ticks[cells]
        self.tariff_share = terms.tariff_rate[cells]
        self.levy_share = terms.share_rate[cells]
        self.demand_factor = terms.demand_factor[cells]
        self.rule = terms.rule[cells]
        self.limits = limits(terms.quota, [quota.cells[cells] for quota in terms.quota], frame.buyer_country, frame.chips.tpp)
        labs = np.arange(len(frame.names.lab))
        rent = self._rent_rows[self.listed[: len(labs)].astype(np.int64)[:, None], np.arange(3)[None, :], labs[:, None]]
        self.hosted = np.asarray(terms.permitted[rent][:, :, self._column])
        self.hosted_abroad = np.asarray(self.hosted[:, 1:].any(axis=(1, 2)))
        self.memory_share = 1.0 if terms.permitted[self._hbm_row].any() else float(terms.grant_rate[self._hbm_row].max())
        listed = np.array([name in self.listing.foundry for name in frame.names.maker], dtype=np.int64)
        self.fab_open = np.asarray(terms.permitted[self._fab_rows[listed[frame.chips.maker]], self._column])
        self.tools_share = weighted_sum(terms.grant_rate[self._tools_rows, 0], np.array(list(TOOL_MAKERS.values())))
        self.subsidy_share = float(terms.subsidy_rate.get("CN", 0.0))
        self.verified = bool(terms.verification.any())
        mandate = np.array([terms.domestic_mandate.get(use, 0.0) for use in END_USES])[self._use[: len(labs)]]
        self.foreign_share = np.where(frame.labs.region == CN, 1.0 - mandate, 1.0)

    @property
    def retroactive(self) -> tuple[Retroactive, ...]:
        """Duties in force on chips delivered earlier."""
        return self.terms.retroactive or ()

    def in_frame(self, chips: Bools) -> Bools:
        """A mask over the catalog's chips in the frame's order, (chips,)."""
        return np.asarray(chips[self._column])

    def china_cells(self, cells: Bools) -> tuple[Bools, bool]:
        """Of a mask over (classes, catalog chips): the ordinary Chinese buyer's row in the frame's order, and memory's."""
        if self.buyer < 0:
            return np.zeros(len(self._column), dtype=bool), False
        maker = self.frame.chips.maker
        rows = self._sale_rows[0, maker, self.buyer]
        return np.asarray(cells[rows, self._column]), bool(cells[self._hbm_row].any())

    def closing_cells(self, closing: Bools) -> Bools:
        """A mask over (classes, catalog chips) as cells of (buyers, chips)."""
        return np.asarray(closing[self._cells()])

    def enforcement(self, country: Ints) -> Floats:
        """Effort at each distributor's country over that of 2024: Washington's reaches everywhere, a hub's own adds."""
        table, names = self.terms.enforcement, self.frame.names.country
        us = table.get("US", 1.0)
        return np.array([us * table.get(names[at], 1.0) if names[at] != "US" else us for at in country])

    @property
    def penalty_factor(self) -> float:
        """Penalties over those of 2024."""
        return float(self.terms.penalty.get("US", 1.0))

    @property
    def customs_share(self) -> float:
        """Chance that a consignment is inspected on its way into China where grey goods are hunted."""
        hunted = not self.terms.grey_tolerated.get("CN", True)
        return float(self.terms.customs.get("CN", 0.0)) if hunted else 0.0


def _alike(seat: Ints, declared: Ints, use: Ints) -> tuple[list[tuple[int, ...]], Ints]:
    """The distinct (seat, declared, use) among buyers, and which of them each buyer is: the law knows no more of it."""
    kinds, of = np.unique(np.stack([seat, declared, use], axis=1), axis=0, return_inverse=True)
    return [tuple(kind) for kind in kinds.tolist()], np.asarray(of).reshape(-1)
