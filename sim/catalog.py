"""Catalog: chips as rows, specifications as columns, and what is not known of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.errors import UsageError, nearest
from sim.quantity import Quantity

SPECS = ("tpp", "pd", "io_gbps", "membw_gbps", "memory_gb", "die_area_mm2")
"""Specifications that a rule can draw a line through."""

Floats = NDArray[np.float64]


class ChipRow(Protocol):
    """What the catalog reads of a chip; `unknown_specs` are those that are imputed."""

    @property
    def name(self) -> str: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...
    @property
    def vendor(self) -> str: ...
    @property
    def market(self) -> str: ...
    @property
    def design_jurisdiction(self) -> str: ...
    @property
    def fab_jurisdiction(self) -> str: ...
    @property
    def designed_for(self) -> str | None: ...
    @property
    def unknown_specs(self) -> tuple[str, ...]: ...
    @property
    def tpp(self) -> Quantity: ...
    @property
    def pd(self) -> Quantity: ...
    @property
    def io_gbps(self) -> Quantity: ...
    @property
    def membw_gbps(self) -> Quantity: ...
    @property
    def memory_gb(self) -> Quantity: ...
    @property
    def die_area_mm2(self) -> Quantity: ...


@dataclass(frozen=True)
class Part:
    """A chip that exists on paper: a redesign under study, or one that somebody asks about."""

    tpp: Quantity
    pd: Quantity
    io_gbps: Quantity
    membw_gbps: Quantity
    memory_gb: Quantity
    die_area_mm2: Quantity
    unknown_specs: tuple[str, ...] = ()
    name: str = ""
    aliases: tuple[str, ...] = ()
    vendor: str = ""
    market: str = "datacentre"
    design_jurisdiction: str = "US"
    fab_jurisdiction: str = "TW"
    designed_for: str | None = None


def part(specs: Mapping[str, float], **words: Any) -> Part:
    """A part of these specifications (any of SPECS); what is left out and does not follow from the rest is unknown."""
    given = dict(specs)
    if "pd" not in given and given.get("die_area_mm2") and "tpp" in given:
        given["pd"] = given["tpp"] / given["die_area_mm2"]
    if "die_area_mm2" not in given and given.get("pd") and "tpp" in given:
        given["die_area_mm2"] = given["tpp"] / given["pd"]
    numbers: dict[str, Any] = {spec: Quantity.model_validate(given.get(spec, 0.0)) for spec in SPECS}
    return Part(**numbers, unknown_specs=tuple(spec for spec in SPECS if spec not in given), **words)


class Catalog:
    """Chips in the order given.

    ids                     chip ids; `row(name)` finds one by id, name or alias, whatever its case.
    vendor market design fab    text columns, (n_chips,); global_part is true where drawn to no one country's limits.
    spec[name]              value, also where imputed, (n_chips,); low[name], high[name] what the law may take it for:
                            both the value where it is known, 0 and infinity where it is not.
    unknown[name]           bool, (n_chips,).
    """

    def __init__(self, chips: Mapping[str, ChipRow]) -> None:
        rows = list(chips.values())
        self.ids = tuple(chips)
        self.vendor = _texts(row.vendor for row in rows)
        self.market = _texts(row.market for row in rows)
        self.design = _texts(row.design_jurisdiction for row in rows)
        self.fab = _texts(row.fab_jurisdiction for row in rows)
        self.global_part = np.array([not row.designed_for for row in rows], np.bool_)
        self.spec: dict[str, Floats] = {
            spec: np.array([getattr(row, spec).value for row in rows], np.float64) for spec in SPECS
        }
        self.unknown = {spec: np.array([spec in row.unknown_specs for row in rows], np.bool_) for spec in SPECS}
        self.low = {spec: np.where(self.unknown[spec], 0.0, self.spec[spec]) for spec in SPECS}
        self.high = {spec: np.where(self.unknown[spec], np.inf, self.spec[spec]) for spec in SPECS}
        self._rows: dict[str, int] = {}
        for index, (chip, row) in enumerate(chips.items()):
            for word in (chip, row.name, *row.aliases):
                self._rows.setdefault(word.casefold(), index)
        self._rows.pop("", None)
        self._words = [
            word for chip, row in chips.items() for word in dict.fromkeys((chip, row.name, *row.aliases)) if word
        ]

    @classmethod
    def of_columns(
        cls, spec: Mapping[str, Floats], vendor: str, design: str, fab: str, designed_for: str | None
    ) -> Catalog:
        """Nameless data-centre parts of a vendor by columns of SPECS, (n_chips,) each, all known: a grid of designs."""
        out = cls({})
        n = len(spec["tpp"])
        out.ids = tuple(str(row) for row in range(n))
        out.vendor, out.market = np.full(n, vendor), np.full(n, "datacentre")
        out.design, out.fab = np.full(n, design), np.full(n, fab)
        out.global_part = np.full(n, not designed_for)
        out.spec = {name: np.asarray(spec[name], np.float64) for name in SPECS}
        out.unknown = {name: np.zeros(n, np.bool_) for name in SPECS}
        out.low, out.high = out.spec, out.spec
        return out

    def redrawn(self, row: int, spec: Mapping[str, float]) -> Catalog:
        """A copy in which one chip has these specifications, all known."""
        out = Catalog.__new__(Catalog)
        out.__dict__.update(self.__dict__)
        out.spec = {name: _with(column, row, spec[name]) for name, column in self.spec.items()}
        out.unknown = {name: _with(column, row, False) for name, column in self.unknown.items()}
        out.low = {name: _with(column, row, spec[name]) for name, column in self.low.items()}
        out.high = {name: _with(column, row, spec[name]) for name, column in self.high.items()}
        return out

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, name: str) -> int:
        """Row of a chip by id, name or alias. Raises UsageError with the nearest known word."""
        found = self._rows.get(name.casefold())
        if found is None:
            raise UsageError(f'"{name}" is no chip; {nearest(name, self._words)}')
        return found

    def knows(self, name: str) -> bool:
        """Whether a name leads to a chip."""
        return name.casefold() in self._rows

    def named(self, names: Iterable[str]) -> NDArray[np.bool_]:
        """Chips that go by any of these names, (n_chips,); a name that no chip here bears matches nothing."""
        mask = np.zeros(len(self), np.bool_)
        mask[[self._rows[name.casefold()] for name in names if self.knows(name)]] = True
        return mask


def _with(column: NDArray[Any], row: int, value: float) -> NDArray[Any]:
    out = column.copy()
    out[row] = value
    return out


def _texts(words: Iterable[str]) -> NDArray[np.str_]:
    return np.array(list(words), np.str_)
