"""Scope: what a rule touches, as predicates over chip specifications and over legal classes.

A predicate over chips answers yes, no or unknown (Kleene's three values): a specification that is missing or imputed
decides nothing. Unknown never means legal and never means barred: then only a named part does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from sim.catalog import SPECS, Catalog
from sim.errors import UsageError, nearest
from sim.quantity import Of, Quantity, fault

Mask = NDArray[np.bool_]

ACTIVITIES = ("sale", "reexport", "transfer", "rental", "fab", "hbm", "tools", "input")
"""sale: by the maker or from its home; reexport: by a third country's seller; transfer: from owner to owner inside one
country; rental: hours of a machine; fab: a foundry's dies for a designer; hbm, tools, input: what makers need."""

END_USES = ("civil", "military", "state")
GROUPS = ("D1", "D4", "D5", "A5", "A6", "tier1", "tier2", "tier3")
"""Country groups of 15 CFR 740 Supplement 1, and the tiers of the January 2025 framework."""

Activity = Literal["sale", "reexport", "transfer", "rental", "fab", "hbm", "tools", "input"]
EndUse = Literal["civil", "military", "state"]


@dataclass(frozen=True)
class Names:
    """Marks a field whose words must be known elsewhere: chip, vendor, place, actor or rule (`ID` or `ID/clause`)."""

    kind: str


Chips = Annotated[tuple[str, ...], Names("chip")]
Places = Annotated[tuple[str, ...], Names("place")]
Tpp = Annotated[Quantity, Of("tpp", 0)]
Pd = Annotated[Quantity, Of("tpp per mm2", 0)]
Gbps = Annotated[Quantity, Of("GB/s", 0)]
Gb = Annotated[Quantity, Of("GB", 0)]
Mm2 = Annotated[Quantity, Of("mm2", 0)]


class Kleene(NamedTuple):
    """Three-valued answer per chip: `yes` where certainly in, `maybe` where not certainly out; yes implies maybe."""

    yes: Mask
    maybe: Mask

    @property
    def unknown(self) -> Mask:
        return self.maybe & ~self.yes


class ChipScope(BaseModel):
    """Chips that meet every condition written here; without any, all chips.

    named          parts by name or alias.
    global_part    true: parts drawn to no one country's limits; false: parts cut for one.
    *_at_least     specification at or above the line; `*_below` under it.
    any, none      at least one of these scopes, or none of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    named: Chips = ()
    vendor: Annotated[tuple[str, ...], Names("vendor")] = ()
    market: tuple[Literal["datacentre", "consumer", "captive"], ...] = ()
    market_except: tuple[Literal["datacentre", "consumer", "captive"], ...] = ()
    design: Places = ()
    fab: Places = ()
    global_part: StrictBool | None = None
    tpp_at_least: Tpp | None = None
    tpp_below: Tpp | None = None
    pd_at_least: Pd | None = None
    pd_below: Pd | None = None
    io_gbps_at_least: Gbps | None = None
    io_gbps_below: Gbps | None = None
    membw_gbps_at_least: Gbps | None = None
    membw_gbps_below: Gbps | None = None
    memory_gb_at_least: Gb | None = None
    memory_gb_below: Gb | None = None
    die_area_mm2_at_least: Mm2 | None = None
    die_area_mm2_below: Mm2 | None = None
    any: tuple[ChipScope, ...] = ()
    none: tuple[ChipScope, ...] = ()

    def match(self, catalog: Catalog, day: date) -> Kleene:
        """Which chips are in scope on a day, (n_chips,) yes and maybe."""
        yes = np.ones(len(catalog), np.bool_)
        maybe = yes.copy()
        for part in self._parts(catalog, day):
            yes, maybe = yes & part.yes, maybe & part.maybe
        return Kleene(yes, maybe)

    def bounds(self, day: date) -> list[tuple[str, str, float]]:
        """(specification, "at_least" or "below", line) of every threshold at any depth."""
        own = [
            (spec, end, line.at(day))
            for spec in SPECS
            for end in ("at_least", "below")
            if (line := getattr(self, f"{spec}_{end}", None)) is not None
        ]
        return own + [bound for scope in (*self.any, *self.none) for bound in scope.bounds(day)]

    def _parts(self, catalog: Catalog, day: date) -> Iterable[Kleene]:
        if self.named:
            yield _sure(catalog.named(self.named))
        for words, column in (
            (self.vendor, catalog.vendor),
            (self.market, catalog.market),
            (self.design, catalog.design),
            (self.fab, catalog.fab),
        ):
            if words:
                yield _sure(np.isin(column, words))
        if self.market_except:
            yield _sure(~np.isin(catalog.market, self.market_except))
        if self.global_part is not None:
            yield _sure(catalog.global_part == self.global_part)
        for spec in SPECS:
            at_least, below = getattr(self, f"{spec}_at_least"), getattr(self, f"{spec}_below")
            low, high = catalog.low[spec], catalog.high[spec]
            if at_least is not None:
                yield Kleene(low >= at_least.at(day), high >= at_least.at(day))
            if below is not None:
                yield Kleene(high < below.at(day), low < below.at(day))
        if self.any:
            yield _either(scope.match(catalog, day) for scope in self.any)
        if self.none:
            either = _either(scope.match(catalog, day) for scope in self.none)
            yield Kleene(~either.maybe, ~either.yes)


def _sure(mask: Mask) -> Kleene:
    return Kleene(mask, mask)


def _either(parts: Iterable[Kleene]) -> Kleene:
    every = list(parts)
    return Kleene(
        np.logical_or.reduce([part.yes for part in every]), np.logical_or.reduce([part.maybe for part in every])
    )


class LegalClass(NamedTuple):
    """A kind of deal as the law sees it, by what is declared.

    origin        the exporter's country (for rental: the host's; for fab, hbm, tools, input: the supplier's).
    destination   the place of delivery (for rental: of the machine; for fab: the designer's seat).
    buyer_hq      country of the buyer's ultimate parent.
    listed        1 when the buyer is on the Entity List (for fab: under the foreign-direct-product rule).
    place         where the goods stand when the deal is made; the origin when empty.
    """

    activity: str
    origin: str
    destination: str
    buyer_hq: str
    listed: int = 0
    end_use: str = "civil"
    place: str = ""


class LegalClasses:
    """Legal classes as columns, one row a class; rows are only ever added."""

    def __init__(self, rows: Iterable[LegalClass] = ()) -> None:
        self.rows: list[LegalClass] = []
        self._index: dict[LegalClass, int] = {}
        self.add(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, rows: Iterable[LegalClass]) -> NDArray[np.int64]:
        """Row of each class, added where new. Raises UsageError on an unknown activity or end use."""
        return_rows = np.array([self._row(LegalClass(*row)) for row in rows], np.int64)
        columns = zip(*self.rows, strict=True) if self.rows else ((),) * 7
        (self.activity, self.origin, self.destination, self.buyer_hq, self.listed, self.end_use, self.place) = (
            np.array(column) for column in columns
        )
        return return_rows

    def _row(self, row: LegalClass) -> int:
        if row.activity not in ACTIVITIES:
            raise UsageError(f'"{row.activity}" is no activity; {nearest(row.activity, list(ACTIVITIES))}')
        if row.end_use not in END_USES:
            raise UsageError(f'"{row.end_use}" is no end use; {nearest(row.end_use, list(END_USES))}')
        row = row._replace(listed=int(row.listed), place=row.place or row.origin)
        if row not in self._index:
            self._index[row] = len(self.rows)
            self.rows.append(row)
        return self._index[row]


class Where(BaseModel):
    """Legal classes that meet every condition written here. Places are country codes, or groups such as D5 or tier2."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    activity: tuple[Activity, ...] = ()
    origin: Places = ()
    origin_except: Places = ()
    destination: Places = ()
    destination_except: Places = ()
    buyer_hq: Places = ()
    buyer_hq_except: Places = ()
    place: Places = ()
    place_except: Places = ()
    listed: StrictBool | None = None
    end_use: tuple[EndUse, ...] = Field(default=())

    @model_validator(mode="after")
    def _says_something(self) -> Where:
        if self == Where.model_construct():
            raise fault("an empty `where` item", "write a condition, such as {destination: [CN]}, or leave it out")
        return self

    def match(self, classes: LegalClasses, atlas: Atlas, activities: tuple[str, ...]) -> Mask:
        """Which classes are in scope, (n_classes,); `activities` stand in where none is named."""
        inside = np.isin(classes.activity, self.activity or activities)
        for name in ("origin", "destination", "buyer_hq", "place"):
            column = getattr(classes, name)
            if words := getattr(self, name):
                inside &= np.isin(column, atlas.members(words))
            if words := getattr(self, f"{name}_except"):
                inside &= ~np.isin(column, atlas.members(words))
        if self.listed is not None:
            inside &= classes.listed == int(self.listed)
        if self.end_use:
            inside &= np.isin(classes.end_use, self.end_use)
        return np.asarray(inside)


class CountryRow(Protocol):
    """What the law needs to know of a country."""

    @property
    def groups(self) -> tuple[str, ...]: ...
    @property
    def tier(self) -> str: ...


class Atlas:
    """Countries by code and the groups they belong to."""

    def __init__(self, countries: Mapping[str, CountryRow]) -> None:
        self.codes = tuple(sorted(countries))
        self.groups: dict[str, tuple[str, ...]] = {
            group: tuple(code for code in self.codes if group in (*countries[code].groups, countries[code].tier))
            for group in GROUPS
        }

    @property
    def words(self) -> list[str]:
        """Every word that may stand for a place."""
        return [*self.codes, *GROUPS]

    def members(self, words: Iterable[str]) -> list[str]:
        """Country codes behind codes and groups, in order; a code of no country of this world stands for itself."""
        return list(dict.fromkeys(code for word in words for code in self.groups.get(word, (word,))))

    def country(self, code: str) -> str:
        """A country's code as written or in capitals. Raises UsageError with the nearest known word."""
        for word in (code, code.upper()):
            if word in self.codes:
                return word
        raise UsageError(f'"{code}" is no country; {nearest(code.upper(), list(self.codes))}')
