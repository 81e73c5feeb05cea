"""Scenario: everything a run is told, as frozen models; a key they do not know is refused.

Maps are keyed by id. A number is a `Quantity`; its unit is the one its field declares, its source its own or its row's.
`sim.scenario_io` reads files into these models; nothing here touches the disk.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StrictBool,
    WithJsonSchema,
    model_validator,
)

from sim.clock import Clock
from sim.kept import kept
from sim.levers.base import Rule
from sim.parameters import Behaviour
from sim.posterior import UNFITTED, Fitted
from sim.quantity import Day, Of, Quantity, Share, Usd, Weeks, day_of, fault, number_of

SCHEMA = 1
"""Number of the scenario form this version writes; older files are brought forward when read."""

MAX_WEEKS = 2600

ID = r"^[A-Za-z][A-Za-z0-9_-]*$"


def _monday(day: date) -> date:
    if day.weekday():
        raise fault(f"{day} is a {day:%A}", "a run starts and ends on a Monday, such as 2022-01-03")
    return day


def _texts(value: object) -> object:
    return [value] if isinstance(value, str) else value


Id = Annotated[str, Field(pattern=ID)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts), WithJsonSchema(
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})]
"""A word or a list of words."""

DayText = Annotated[str, AfterValidator(lambda text: day_of(text).isoformat())]
"""A day as the key of a map."""

Number = Annotated[float, BeforeValidator(number_of)]
Monday = Annotated[Day, AfterValidator(_monday)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Year = Annotated[str, Field(pattern=r"^\d{4}$")]
Quarter = Annotated[str, Field(pattern=r"^FY\d{2}Q[1-4]$")]
UsdBn = Annotated[Quantity, Of("USD bn", 0)]
UsdBnYearly = Annotated[Quantity, Of("USD bn per year", 0)]
Switch = Literal["on", "off"]


class Section(BaseModel):
    """A part of a scenario: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Row(Section):
    """An entry that says where it comes from; a quantity without a source of its own has its row's."""

    source: str = Field("this scenario", description="where the entry comes from; `assumption` when nowhere")
    evidence: Literal["checked", "derived", "unchecked"] | None = Field(
        None, description="checked: read in the cited place; derived: computed; unchecked: recalled or assumed")
    confidence: Literal["high", "medium", "low"] | None = None
    note: str = ""

    def source_of(self, name: str) -> str:
        """Source of the quantity in a field: its own or the row's."""
        value = getattr(self, name)
        return value.source if isinstance(value, Quantity) and value.source else self.source


class Time(Section):
    """When a run starts and ends: weeks from Monday, `end` not included."""

    start: Monday
    end: Monday

    @model_validator(mode="after")
    def _ordered(self) -> Time:
        if self.end <= self.start:
            raise fault(f"the run ends on {self.end}, not after its start {self.start}", "write a later Monday",
                        ("end",))
        weeks = (self.end - self.start).days // 7
        if weeks > MAX_WEEKS:
            raise fault(f"the run lasts {weeks} weeks", f"write at most {MAX_WEEKS} weeks", ("end",))
        return self


Spec = Literal["fp16_dense_tflops", "tpp", "die_area_mm2", "pd", "memory_gb", "membw_gbps", "io_gbps"]


class Chip(Row):
    """One accelerator as sold: what rules look at, what buyers value, what it takes to make it."""

    name: str = ""
    aliases: Texts = Field((), description="other names of the same part; named-part rules reach them all")
    vendor: Id = Field(description="id of its chipmaker")
    market: Literal["datacentre", "consumer", "captive"] = Field(
        "datacentre", description="captive parts go to the vendor's parent only")
    designed_for: Id | None = Field(None, description="country whose limits it was drawn to")
    announced: Day | None = None
    volume_from: Day | None = Field(None, description="first day of billed volume; never offered when absent")
    fp16_dense_tflops: Annotated[Quantity, Of("TFLOPS", 0)]
    tpp: Annotated[Quantity, Of("tpp", 0)] = Field(
        description="largest over precisions of dense tera-operations/s x bit length (ECCN 3A090)")
    die_area_mm2: Annotated[Quantity, Of("mm2", above=0)]
    pd: Annotated[Quantity, Of("tpp per mm2", 0)] = Field(description="performance density, tpp over die area")
    memory_gb: Annotated[Quantity, Of("GB", 0)]
    membw_gbps: Annotated[Quantity, Of("GB/s", 0)]
    io_gbps: Annotated[Quantity, Of("GB/s", 0)] = Field(description="aggregate bidirectional interconnect")
    unknown_specs: tuple[Spec, ...] = Field(
        (), description="specifications that are imputed: rules take them as unknown")
    list_price_usd: Usd
    unit_cost_usd: Usd
    memory: Literal["HBM2", "HBM2E", "HBM3", "HBM3E", "HBM4", "GDDR", "other"] = "HBM2E"
    hbm_stacks: Annotated[Quantity, Of("stacks per chip", 0)]
    dies: Annotated[Quantity, Of("dies per chip", above=0)]
    packages_per_wafer: Annotated[Quantity, Of("packages per wafer", 0)] = Field(
        description="from one packaging wafer at full yield; 0 when it needs no advanced packaging")
    fab_jurisdiction: Id
    design_jurisdiction: Id
    node: str = ""
    cut_from: Id | None = Field(None, description="global part it is fused or cut from")
    recut: Literal["fuse", "board"] | None = None
    successor_of: Id | None = None
    sold_as: Id | None = Field(None, description="class of cards that already counts its sales; not offered by itself")
    legality: dict[DayText, str] = Field(
        {}, description="verdict on export to China by day, for tests only: rules decide")

    @model_validator(mode="after")
    def _dated(self) -> Chip:
        if self.announced and self.volume_from and self.volume_from < self.announced:
            raise fault(f"volume from {self.volume_from} comes before the announcement on {self.announced}",
                        "write a day on or after the announcement", ("volume_from",))
        return self


Subkind = Literal["agent", "ally", "hub", "merchant", "captive", "tail", "hyperscaler", "lab", "neocloud", "state",
                  "military", "server_maker", "reseller", "offshore_cloud", "broker", "foundry", "foundry_packaging",
                  "memory", "memory_foundry", "packaging", "tools"]


class Actor(Row):
    """Who acts: a government, chipmaker, distributor, lab or supplier."""

    name: str = ""
    kind: Literal["government", "chipmaker", "distributor", "lab", "supplier"]
    subkind: Subkind
    seat: Id = Field(description="country where it stands")
    hq: Id = Field(description="country of its ultimate parent's headquarters")
    parent: Id | None = Field(None, description="actor that owns at least half of it")
    listed_since: Day | None = Field(None, description="first day on the entity list")
    aggregate: StrictBool = Field(False, description="stands for a group or class")
    military: StrictBool = False
    state_funded: StrictBool = False
    software_train_share: Share | None = Field(
        None, description="worth of a chipmaker's parts in training over equal parts with the most mature software")
    software_infer_share: Share | None = Field(None, description="the same in inference")


Group = Literal["D1", "D4", "D5", "A5", "A6"]


class Country(Row):
    """A country: its region, export-control groups and 2025 tier."""

    name: str = ""
    region: Literal["US", "CN", "EU", "SEA", "MENA", "ROW"]
    groups: tuple[Group, ...] = Field((), description="country groups of 15 CFR 740 Supplement 1")
    tier: Literal["home", "tier1", "tier2", "tier3"] = Field("tier2", description="tier of the January 2025 framework")


HANDLING_UNITS = ("thousand chips per year", "thousand H100-equivalents hosted", "thousand dies per year")


class Lane(Row):
    """A way goods or hours go from one country to another, and what that takes."""

    origin: Id
    destination: Id
    via: tuple[Id, ...] = Field((), description="countries crossed on the way")
    via_at_times: tuple[Id, ...] = Field((), description="countries crossed by some consignments")
    kind: Literal["direct", "channel", "hub", "grey", "cloud"]
    carries: Literal["chips", "hbm", "dies", "compute"] = "chips"
    goods: str = ""
    freight_share: Annotated[Quantity, Of("share of value", 0, 1)]
    freight_usd_per_chip: Annotated[Quantity, Of("USD per chip", 0)]
    transit_weeks: Weeks
    import_duty_share: Annotated[Quantity, Of("share of value", 0, 10)]
    vat_share: Annotated[Quantity, Of("share of value", 0, 10)]
    margin_share: Annotated[Quantity, Of("share of value", 0, 10)] = Field(
        description="middleman's margin, without freight and tax")
    handling: Annotated[Quantity, Of(HANDLING_UNITS, 0)] | None = Field(
        None, description="recorded and inert (2024 was scaled to the smuggling estimate): handling is no cap")
    since: Day | None = Field(None, description="opened; always open when absent")
    until: Day | None = None

    @model_validator(mode="after")
    def _dated(self) -> Lane:
        if self.since and self.until and self.until < self.since:
            raise fault(f"it closes on {self.until}, before it opens on {self.since}", "write a later day", ("until",))
        return self


Metric = Literal["capacity", "output", "share", "yield", "packages_per_wafer", "dies_per_wafer", "price", "lead_weeks",
                 "utilisation", "stock", "rate", "need", "units_sold", "gross_margin", "sales"]


CAPACITY_UNITS = (
    "wafers per month", "thousand wafers per month", "wafers per year", "packages per wafer", "dies per wafer",
    "thousand dies per week", "thousand dies", "thousand stacks per week", "million stacks per year",
    "million GB per year", "thousand chips per year", "share", "weeks", "USD", "USD per GB", "USD bn per year", "RMB",
)


class Capacity(Row):
    """One upstream figure: how much a supplier can make, at what yield, price and lead time."""

    supplier: str = Field(description="id of the supplier; ALL for the world, chain for a step every chip takes")
    item: str
    metric: Metric
    measure: Literal["level", "flow", "constant"] = Field(
        description="level at the end of a period (read along the path), flow over a year, or constant")
    amount: Annotated[Quantity, Of(CAPACITY_UNITS, 0)]
    inert: str = Field("", description="why the model must not read it: it restates an outcome")


class Budget(Row):
    """What a lab spends on accelerators, at module or card price, by calendar year."""

    basis: Literal["owns", "owns_at_cost", "owns_and_leases", "rents", "rents_mostly"] = Field(
        description="rents pays owners and adds no chips; rents_mostly owns a tenth")
    spend: UsdBnYearly
    total_capex: UsdBnYearly | None = None
    sources: dict[Year, str] = Field({}, description="source by year where it differs")


class Stock(Row):
    """Chips an owner holds when the run starts."""

    chips: Annotated[Quantity, Of("chips", 0)]


class VendorStart(Row):
    """What a vendor's books hold when the run starts."""

    inventory: UsdBn
    datacentre_inventory: UsdBn
    supply_commitments: UsdBn


class OtherRevenue(Row):
    """A vendor's revenue outside data centres, by fiscal quarter, and China's part of it: data, gaming is no topic."""

    quarters: dict[Quarter, Annotated[Quantity, Of("USD bn per quarter", 0)]]
    china_share: Share


class Routing(Row):
    """Part of a vendor's sales to customers of one headquarters that is billed in a country."""

    vendor: Id
    customer_hq: Id
    bill_to: Id
    share: Share


class Adoption(Row):
    """An event after which people want more compute."""

    since: Day
    regions: tuple[Literal["US", "CN", "ROW"], ...]
    use: Literal["train", "infer", "both"]
    want_factor: Annotated[Quantity, Of("times", above=0)] = Field(description="wants after the ramp over wants before")
    ramp_weeks: Weeks


class Frontier(Row):
    """The frontier of training before the run, and how fast it is known to move."""

    us_flop_log10: Annotated[Quantity, Of("log10 FLOP", 0, 60)] = Field(
        description="largest published US training run, from 2019: the lag reads it")
    cn_flop_log10: Annotated[Quantity, Of("log10 FLOP", 0, 60)] = Field(
        description="largest published Chinese training run, recorded to check the first weeks' runs; read by no rule")
    compute_growth: Annotated[Quantity, Of("times per year", above=0)]
    efficiency_growth: Annotated[Quantity, Of("times per year", above=0)]


class Valuation(Row):
    """What investors pay for a vendor: an input of its announcement returns."""

    market_value: UsdBn
    forward_pe: Annotated[Quantity, Of("ratio", 0)]


class GreyCosts(Row):
    """What a grey lane costs beside freight, tax and margin; added to every grey lane."""

    warranty_share: Annotated[Quantity, Of("share of value", 0, 1)]
    seizure_share: Annotated[Quantity, Of("share of value", 0, 1)]
    concealment_share: Annotated[Quantity, Of("share of value", 0, 1)]
    prepayment_share: Annotated[Quantity, Of("share of value", 0, 1)]


class Evidence(Row):
    """A figure from the record about behaviour: which parameter uses it, or why none does."""

    says: str
    of: str = ""
    when: str = ""
    low: Number
    central: Number
    high: Number
    unit: str
    used_by: str | None = None
    unused: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> Evidence:
        if not self.low <= self.central <= self.high:
            raise fault(f"{self.low:g}, {self.central:g}, {self.high:g} are out of order", "low <= central <= high",
                        ("central",))
        if bool(self.used_by) == bool(self.unused):
            raise fault("a figure is used by a parameter or unused for a reason", "write used_by or unused",
                        ("used_by",))
        return self


class Generator(Section):
    """A tail of labs drawn from a size distribution instead of listed one by one."""

    labs: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**63)] = 1
    spend_median_usd: Annotated[Quantity, Of("USD per year", above=0)]
    spend_sigma: Annotated[Quantity, Of("log standard deviation", 0, 10)]
    spend_growth: Annotated[Quantity, Of("times per year", above=0)]
    countries: dict[str, Share] = Field(description="country -> part of the labs; the parts add to one")
    listed_share: Share = Field(description="part of the labs that are on the entity list")
    state_share: Share = Field(description="part of the labs that are state-funded")

    @model_validator(mode="after")
    def _adds_up(self) -> Generator:
        total = sum(share.value for share in self.countries.values())
        if abs(total - 1) > 1e-6:
            raise fault(f"the parts of the countries add to {total:g}", "make them add to 1", ("countries",))
        return self


class World(Section):
    """Who and what there is."""

    chips: dict[Id, Chip] = Field({}, description="accelerators")
    actors: dict[Id, Actor] = Field({}, description="governments, chipmakers, distributors, labs and suppliers")
    countries: dict[Id, Country] = Field({}, description="places, by ISO code; EU and XX for the rest")
    lanes: dict[Id, Lane] = Field({}, description="ways from one country to another")
    grey_costs: GreyCosts | None = Field(
        None, description="parts of what a grey lane costs, as recorded; read by no rule, for behaviour.grey_network_multiple, "
        "concealment_share and seizure_share stand for them")
    capacity: dict[Id, Capacity] = Field({}, description="what suppliers can make")
    budgets: dict[Id, Budget] = Field({}, description="lab -> what it spends")
    initial_stock: dict[Id, dict[Id, Stock]] = Field({}, description="owner -> chip -> chips held at the start")
    vendor_start: dict[Id, VendorStart] = Field(
        {}, description="vendor -> its books at the start, as recorded; read by no rule, for lines open from the first orders")
    non_datacentre_revenue: dict[Id, OtherRevenue] = Field({}, description="vendor -> its other revenue")
    routing: dict[Id, Routing] = Field({}, description="where sales are billed")
    adoption: dict[Id, Adoption] = Field({}, description="events after which people want more compute")
    frontier: Frontier | None = Field(None, description="the frontier of training before the run")
    fiscal: dict[Id, dict[Quarter, Day]] = Field(
        {}, description="vendor -> fiscal quarter -> its last day")
    valuation: dict[Id, Valuation] = Field({}, description="vendor -> what investors pay for it")
    exchange_rates: dict[Currency, Annotated[Quantity, Of("per USD", above=0)]] = Field(
        {}, description="what sums were converted at; read by no rule, for all money is in USD")
    evidence: dict[Id, Evidence] = Field({}, description="figures of the record and what uses them; read by no rule")
    generator: Generator | None = Field(None, description="a tail of labs that is drawn")

    @model_validator(mode="after")
    def _billed_once(self) -> World:
        parts: dict[tuple[str, str], float] = {}
        for key, row in self.routing.items():
            sold = (row.vendor, row.customer_hq)
            parts[sold] = parts.get(sold, 0.0) + max([point.value for point in row.share.path] or [row.share.value])
            if parts[sold] > 1 + 1e-9:
                raise fault(f"{parts[sold]:g} of {row.vendor}'s sales to {row.customer_hq} is billed somewhere",
                            "make the shares add to 1 at most", ("routing", key, "share"))
        return self


Distribution = Literal["uniform", "log_uniform", "triangular", "normal", "lognormal", "integer", "choice"]


class Uncertainty(Section):
    """A value that is not known: which one, and how it may fall. Without low, high and values: the range the value states."""

    path: str = Field(description="dotted path of the value, such as behaviour.impatience")
    distribution: Distribution = "uniform"
    low: Number | None = None
    central: Number | None = None
    high: Number | None = None
    values: tuple[Any, ...] = ()
    source: str = Field("", description="where the range comes from; empty: that of the value")
    note: str = ""


class Scenario(Section):
    """A whole scenario, ready to build."""

    schema_number: Annotated[int, Field(strict=True)] = Field(SCHEMA, alias="schema")
    title: str = ""
    summary: str = ""
    time: Time
    clearing: Literal["two_book", "equilibrium", "posted_price"] = Field(
        "two_book", description="queue and spot market, spot market alone, or list prices alone")
    redesign: Literal["recorded", "endogenous"] = Field(
        "recorded", description="parts drawn to a rule: those of the record, or what makers search out")
    governments: dict[Id, Literal["scripted", "adaptive"]] = Field(
        {}, description="stance of a government: it signs the record, or decides for itself")
    world: World = World()
    behaviour: Behaviour
    rules: dict[Id, Rule] = Field({}, description="the record of rules by id; `without: [ids]` leaves some out")
    uncertainties: dict[Id, Uncertainty] = Field({}, description="values that are not known, for designs to draw from")
    levers: dict[Id, dict[str, Any]] = Field({}, description="named overrides: sparse patches of this scenario")
    experiments: dict[Id, dict[str, Any]] = Field({}, description="designs by name, run as SCENARIO:NAME")
    outcomes: dict[Id, dict[str, Any]] = Field(
        {}, description="figures that designs read: metric, where, window, statistic")

    _origin: Any = PrivateAttr(None)
    _fitted: Fitted = PrivateAttr(UNFITTED)

    @property
    def clock(self) -> Clock:
        """The run's clock, fiscal calendars included."""
        return Clock(self.time.start, self.time.end, self.world.fiscal)

    @property
    def posterior(self) -> Fitted:
        """The fitted values it stands on, and its draws."""
        return self._fitted

    def where(self, path: str) -> str:
        """'file:line' of the entry that set a dotted path; empty for a scenario that was not read from files."""
        return str(self._origin.where(path)) if self._origin else ""

    def plain(self) -> dict[str, Any]:
        """The scenario as plain data in the form of a file, with only what differs from defaults."""
        return _plain_section(self)

    def canonical(self) -> str:
        """One text for one content: sorted keys, floats by repr, titles and places of files left out."""
        said = {key: value for key, value in self.plain().items() if key not in ("title", "summary")}
        return json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical text, in hex."""
        return _hash(self)


@kept
def _hash(scenario: Scenario) -> str:
    return hashlib.sha256(scenario.canonical().encode()).hexdigest()


def _plain_section(section: BaseModel) -> dict[str, Any]:
    fields = type(section).model_fields
    said = {field.alias or name: _plain(getattr(section, name)) for name, field in fields.items()}
    return {name: part for name, part in said.items() if part not in (None, "", [], {})}


def _plain(value: Any) -> Any:
    if isinstance(value, Quantity):
        return value.plain()
    if isinstance(value, BaseModel):
        return _plain_section(value)
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value
