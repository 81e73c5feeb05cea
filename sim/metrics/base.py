"""Metrics: observables of a finished run. Each is a function of a Tally, found by its folder, and gives one Panel.

    @metric(unit="chips", over_time="sum", dims=("route", "to", "chip"), standard=("route",), headline=())
    def smuggled_chips(tally: Tally) -> Series:
        ...

Dimensions are these and no other; a label is a name of the scenario, or a word given here:

    actor    lab that orders or buys; distributor in seizures    owner    lab that holds
    vendor   chipmaker                                           chip     part
    from     seller's headquarters (hub flows: loading)          to       destination, under the basis named
    country  headquarters of the actor or owner
    basis    bill_to ship_to customer_hq end_user_hq             region   CN US ROW: of `to`, else of `country`
    place    CN US ROW: where the machine stands                 channel  licensed domestic grey resale rented
    route    lane, or seller where the maker ships itself        use      train infer both
    segment  datacentre consumer other                           origin   domestic foreign
    by       units value                                         stage    of a licence or a redesign
    spec     of a redesign                                       input    what bound output
    user     listed civil                                        party    of the welfare account

Recording levels say what a table keeps of a metric: `full` all its dimensions, `standard` and `headline` those listed
(none: one series; a list of None: left out). An entry "basis=ship_to|bill_to" keeps only these labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.panel import OverTime, Panel
from sim.record import Record
from sim.registry import Registry
from sim.units import CENTS_PER_USD, H100_TPP

Level = Literal["headline", "standard", "full"]
LEVELS: tuple[Level, ...] = ("headline", "standard", "full")
DIMS = ("actor", "owner", "vendor", "chip", "from", "to", "basis", "channel", "country", "region", "place", "route",
        "use", "segment", "origin", "by", "stage", "spec", "input", "user", "party")

PRIMARY, SPOT, RENTAL, INPUT = range(4)
LICENSED, DOMESTIC, GREY, RESALE, RENTED = range(5)
CN = "CN"

BASES = (("bill_to", "bill_to"), ("customer_hq", "customer_hq"), ("end_user_hq", "end_hq"), ("ship_to", "ship_to"))
"""Basis, and the trade column that holds its country."""

Key = tuple[str, ...]
Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


class Series(NamedTuple):
    """What a metric counts: one key a series, values (n_series, n_ticks), and the base of a mean or None."""

    keys: Sequence[Key]
    values: Floats
    base: Floats | None = None


@dataclass(frozen=True)
class Metric:
    """An observable: its name, what it says, and what each recording level keeps of it (None: nothing)."""

    name: str
    text: str
    unit: str
    over_time: OverTime
    dims: tuple[str, ...]
    standard: tuple[str, ...] | None
    headline: tuple[str, ...] | None
    measure: Callable[[Tally], Series]

    def panel(self, tally: Tally) -> Panel:
        """Every series that is ever other than zero or nothing, at full detail, sorted by key."""
        keys, values, base = self.measure(tally)
        kept = [row for row, live in enumerate(_live(values)) if live]
        kept.sort(key=keys.__getitem__)
        return Panel(self.name, self.unit, self.over_time, self.dims, tuple(keys[row] for row in kept), values[kept],
                     None if base is None else base[kept])

    def kept(self, level: Level) -> tuple[str, ...] | None:
        """Dimensions, some with their labels, that a level keeps; None where it leaves the metric out."""
        return {"full": self.dims, "standard": self.standard, "headline": self.headline}[level]

    def at(self, level: Level, panel: Panel) -> Panel:
        """The panel as a level keeps it. Raises ValueError where the level leaves the metric out."""
        kept = self.kept(level)
        if kept is None:
            raise ValueError(f"{self.name} is not kept at {level}")
        if level == "full":
            return panel
        parts = [entry.partition("=") for entry in kept]
        chosen = panel.select(**{dim: labels.split("|") for dim, _, labels in parts if labels})
        return chosen.by(*(dim for dim, _, _ in parts))


METRICS: Registry[Metric] = Registry("metric")


def metric(*, unit: str, over_time: OverTime, dims: tuple[str, ...] = (), standard: tuple[str, ...] | None = (),
           headline: tuple[str, ...] | None = None, name: str = "") -> Callable[[Callable[[Tally], Series]], Metric]:
    """Decorator that files a function of a Tally as an observable under its own name (or `name`); its docstring says
    what it is. Raises ValueError for a dimension that is none of DIMS or a name already taken."""

    def keep(measure: Callable[[Tally], Series]) -> Metric:
        called = name or measure.__name__
        for entry in (*dims, *(standard or ()), *(headline or ())):
            if entry.partition("=")[0] not in DIMS:
                raise ValueError(f'metric "{called}": "{entry}" is no dimension; known: {", ".join(DIMS)}')
        text = " ".join((measure.__doc__ or "").split())
        return METRICS.register(called)(Metric(called, text, unit, over_time, dims, standard, headline, measure))

    return keep


class Axis(NamedTuple):
    """Where a trade falls on one dimension: a row of `labels` for each trade."""

    labels: Sequence[str]
    rows: NDArray[Any]


class _Rows(NamedTuple):
    """An axis without its labels."""

    size: int
    rows: NDArray[Any]


class Tally:
    """A Record and what several metrics need of it, worked out once. Where `buyers` is false the buyers of trades are
    not told apart (label ""), which spares levels that drop them most of the work."""

    def __init__(self, record: Record, buyers: bool = True) -> None:
        self.record, self.buyers = record, buyers
        self.names, self.of, self.trades = record.names, record.of, record.trades
        self.n_ticks = record.clock.n_ticks

    @cached_property
    def chip_h100e(self) -> Floats:
        """H100 equivalents of one chip, by chip."""
        return np.asarray(self.of["chip_tpp"] / H100_TPP)

    @cached_property
    def chip_vendor(self) -> list[str]:
        return [self.names["maker"][row] for row in self.of["chip_maker"]]

    @cached_property
    def vendor_of(self) -> dict[str, str]:
        """Vendor by name of chip."""
        return dict(zip(self.names["chip"], self.chip_vendor, strict=True))

    @cached_property
    def country_region(self) -> dict[str, str]:
        return {name: self.names["region"][row] for name, row in
                zip(self.names["country"], self.of["country_region"], strict=True)}

    @cached_property
    def lab_of_actor(self) -> Rows:
        """Row of lab by row of actor, -1 for the others."""
        return self._place(self.of["lab_actor"])

    @cached_property
    def distributor_of_actor(self) -> Rows:
        """Row of distributor by row of actor, -1 for the others."""
        return self._place(self.of["distributor_actor"])

    def _place(self, actors: NDArray[Any]) -> Rows:
        place = np.full(len(self.names["actor"]), -1, dtype=np.int64)
        place[actors] = np.arange(len(actors))
        return place

    @cached_property
    def sales(self) -> Rows:
        """Trades in which a maker sells its own chips: what it delivers and books."""
        chips, book = self.trades["chip"], self.trades["book"]
        own = self.of["maker_actor"][self.of["chip_maker"]][chips] == self.trades["seller"]
        return np.flatnonzero(own & (book <= SPOT))

    @cached_property
    def sold(self) -> list[tuple[str, list[tuple[int, str, str]], Floats, Floats]]:
        """For each basis, the makers' sales by (row of chip, first buyer, country): cells, chips, USD at list; both
        (n_cells, n_ticks)."""
        rows = self.sales
        chip, buyer = _Rows(len(self.names["chip"]), self.trades["chip"][rows]), self.labels("actor", "buyer", rows)
        out = []
        for basis, country in self.sale_axes(rows):
            axes = [chip, *(_Rows(len(axis.labels), axis.rows) for axis in (buyer, country))]
            cells, (chips, cents) = self._cells(rows, axes, self.trades["chips"][rows], self.trades["list_cents"][rows])
            named = [(at[0], buyer.labels[at[1]], country.labels[at[2]]) for at in cells]
            out.append((basis, named, chips, cents / CENTS_PER_USD))
        return out

    @cached_property
    def arrivals(self) -> Rows:
        """Trades in which a lab comes to own chips."""
        return np.flatnonzero((self.trades["book"] <= SPOT) & (self.lab_of_actor[self.trades["buyer"]] >= 0))

    @cached_property
    def smuggled(self) -> Rows:
        """Arrivals by the grey channel."""
        return np.asarray(self.arrivals[self.trades["channel"][self.arrivals] == GREY])

    @cached_property
    def stock(self) -> tuple[list[Key], NDArray[np.int64], Floats]:
        """Chips that labs own or (channel rented) lease: keys (owner, country, region, place, channel, vendor, chip),
        rows of chip, and (n_keys, n_ticks)."""
        owned, chips = self.state("stock_chips")
        leased, rented = self.state("rented_chips")
        regions, channels = self.names["region"], self.names["channel"]
        cells = [(lab, chip, regions[self.of["lab_region"][lab]], channels[channel]) for lab, chip, channel in owned]
        cells += [(lab, chip, regions[region], channels[RENTED]) for lab, chip, region in leased]
        keys = [(*self._owner(lab), place, channel, self.chip_vendor[chip], self.names["chip"][chip])
                for lab, chip, place, channel in cells]
        return keys, np.array([chip for _, chip, *_ in cells], dtype=np.int64), np.concatenate([chips, rented])

    def _owner(self, lab: int) -> Key:
        country = self.names["country"][self.of["lab_hq"][lab]]
        return self.names["lab"][lab], country, self.country_region[country]

    def sale_axes(self, trades: Rows) -> list[tuple[str, Axis]]:
        """Each basis, and the countries of the trades on it."""
        return [(basis, self.labels("country", column, trades)) for basis, column in BASES]

    def labels(self, axis: str, column: str, trades: Rows) -> Axis:
        """The axis of a trade column that holds rows of names[axis]."""
        if column == "buyer" and not self.buyers:
            return Axis(("",), np.zeros(len(trades), dtype=np.int64))
        return Axis(self.names[axis], self.trades[column][trades])

    def count(self, trades: Rows, axes: Sequence[Axis], *amounts: NDArray[Any]) -> tuple[list[Key], list[Floats]]:
        """Amounts of the given trades added up by tick and axes: keys, and for each amount (n_keys, n_ticks)."""
        cells, sums = self._cells(trades, [_Rows(len(axis.labels), axis.rows) for axis in axes], *amounts)
        return [tuple(axis.labels[row] for axis, row in zip(axes, cell, strict=True)) for cell in cells], sums

    def _cells(self, trades: Rows, axes: Sequence[_Rows], *amounts: NDArray[Any]
               ) -> tuple[list[tuple[int, ...]], list[Floats]]:
        """As `count`, with rows for labels."""
        sizes = [axis.size for axis in axes]
        cells = np.zeros(len(trades), dtype=np.int64)
        for axis, size in zip(axes, sizes, strict=True):
            cells = cells * size + axis.rows
        used = np.flatnonzero(np.bincount(cells, minlength=1)) if len(cells) else np.zeros(0, dtype=np.int64)
        at = np.zeros(int(used[-1]) + 1 if len(used) else 1, dtype=np.int64)
        at[used] = np.arange(len(used)) * self.n_ticks
        flat = at[cells] + self.trades["tick"][trades]
        shape = (len(used), self.n_ticks)
        size = shape[0] * shape[1]
        sums = [np.asarray(np.bincount(flat, amount, size), dtype=np.float64).reshape(shape) for amount in amounts]
        rows = [row.tolist() for row in np.unravel_index(used, sizes)] if axes else []
        return list(zip(*rows, strict=True)) if rows else [()] * len(used), sums

    def state(self, name: str) -> tuple[list[tuple[int, ...]], Floats]:
        """The cells of a state array that are ever other than zero or nothing: rows on its axes, (n_cells, n_ticks)."""
        array = self.record.state[name]
        flat = array.reshape(self.n_ticks, -1)
        live = _live(flat.T)
        used = np.flatnonzero(live)
        rows = np.unravel_index(used, array.shape[1:]) if array.ndim > 1 else ()
        return list(zip(*(row.tolist() for row in rows), strict=True)) if rows else [()] * len(used), \
            np.ascontiguousarray(flat[:, used].T, dtype=np.float64)


def _live(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Series (n_series, n_ticks) with at least one value that is neither zero nor NaN."""
    if values.dtype.kind == "f":
        return np.asarray(((values != 0) & (values == values)).any(axis=1))
    return np.asarray(values.any(axis=1))
