"""Headline: the dozen figures of each year that a reader asks for first, and the rules that began to bind in it.

Every figure is a reading of one metric: anybody can repeat it with `Result.read(metric, year, **filters) / scale`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from sim.clock import Clock
from sim.record import Event, Record

CHINA = ("CN", "HK", "MO")
"""Places of sale that vendors report as China."""

_WEEKS_OF_A_YEAR = 8.0
"""A calendar year with fewer weeks in the run gets no column."""


_OF_COURSE = ("licence_granted", "licence_denied")
"""Events too many and too regular to say which rule mattered."""


class Readable(Protocol):
    """What the figures are read off: a `Result`."""

    record: Record
    scenario: Any

    @property
    def clock(self) -> Clock: ...

    def read(self, metric: str, window: str = "", **filters: str | Sequence[str]) -> float: ...


@dataclass(frozen=True)
class Figure:
    """One line: a metric read over a year, divided by scale. digits: decimals shown."""

    name: str
    group: str
    title: str
    unit: str
    metric: str
    filters: dict[str, tuple[str, ...]]
    scale: float = 1.0
    digits: int = 0

    def read(self, result: Readable, window: str) -> float:
        """The reading over a window, in the metric's own unit: `scale` times the figure."""
        return result.read(self.metric, window, **self.filters)


@dataclass(frozen=True)
class Ruling:
    """A rule that began to bind; chain is how many events speak of it: leaks before, consequences after."""

    date: str
    rule: str
    title: str
    chain: int


@dataclass(frozen=True)
class Headline:
    """years across, figures down: readings[figure][year], NaN for none; rulings by year, weightiest first."""

    years: tuple[str, ...]
    figures: tuple[Figure, ...]
    readings: tuple[tuple[float, ...], ...]
    rulings: dict[str, tuple[Ruling, ...]]

    @property
    def values(self) -> tuple[tuple[float, ...], ...]:
        """The readings in the units of the figures."""
        return tuple(tuple(value / figure.scale for value in line)
                     for figure, line in zip(self.figures, self.readings, strict=True))

    def plain(self) -> dict[str, Any]:
        """As JSON data; a figure that is not there is null."""
        figures = [{"name": figure.name, "group": figure.group, "title": figure.title, "unit": figure.unit,
                    "digits": figure.digits, "metric": figure.metric,
                    "filters": {dim: list(labels) for dim, labels in figure.filters.items()},
                    "values": dict(zip(self.years, map(_known, values), strict=True)),
                    "readings": dict(zip(self.years, map(_known, readings), strict=True))}
                   for figure, values, readings in zip(self.figures, self.values, self.readings, strict=True)]
        rulings = {year: [vars(ruling) for ruling in found] for year, found in self.rulings.items()}
        return {"years": list(self.years), "figures": figures, "rulings": rulings}


def figures_of(record: Record) -> tuple[Figure, ...]:
    """The figures, for the countries and makers this record knows."""
    countries = record.names["country"]
    abroad = tuple(country for country in countries if country != "CN")
    china = tuple(country for country in CHINA if country in countries)
    away = tuple(region for region in record.names["region"] if region != "CN")

    def reach(channel: str, title: str) -> Figure:
        return Figure(f"{channel}_compute", "Compute to Chinese users", title, "k H100e", "delivered_h100e",
                      {"country": ("CN",), "channel": (channel,)}, 1e3, 1)

    def revenue(basis: str, title: str) -> Figure:
        return Figure(f"china_revenue_{basis}", "Foreign vendors in China", title, "USD bn", "revenue_usd",
                      {"from": abroad, "to": china, "basis": (basis,), "segment": ("datacentre",)}, 1e9, 1)

    def loss(name: str, title: str, metric: str) -> Figure:
        return Figure(name, "Foreign vendors in China", title, "USD bn", metric, {"vendor": foreign}, 1e9, 1)

    foreign = tuple(maker for maker, hq in zip(record.names["maker"], record.of["maker_hq"], strict=True)
                    if countries[hq] != "CN")
    return (
        reach("licensed", "licensed"), reach("domestic", "domestic"), reach("grey", "grey"),
        reach("resale", "resale"),
        Figure("rented_compute", "Compute to Chinese users", "rented abroad, year end", "k H100e", "stock_h100e",
               {"country": ("CN",), "channel": ("rented",), "place": away}, 1e3, 1),
        revenue("bill_to", "AI-chip revenue, billed there"),
        revenue("customer_hq", "AI-chip revenue, customer HQ"),
        loss("charges", "charges", "writedown_usd"), loss("lost_sales", "lost sales", "lost_sales_usd"),
        Figure("grey_premium", "Markets", "grey price", "x list", "grey_premium", {"region": ("CN",)}, 1.0, 2),
        Figure("domestic_share", "Markets", "domestic share of cards", "%", "cards_share",
               {"to": ("CN",), "origin": ("domestic",), "by": ("units",)}, 0.01, 0),
        Figure("lag", "Frontier", "lag of best Chinese lab", "months", "lag_months", {}, 1.0, 1),
        Figure("military_weeks", "Frontier", "military: 5k H100e after", "weeks", "military_access_weeks",
               {"user": ("listed",)}, 1.0, 0),
        Figure("military_multiple", "Frontier", "military: price over civil", "x", "military_price_multiple", {}, 1.0,
               2),
    )


def headline(result: Readable) -> Headline:
    """Read every figure over every calendar year of the run."""
    years = _years(result.clock)
    figures = figures_of(result.record)
    readings = tuple(tuple(figure.read(result, year) for year in years) for figure in figures)
    shown = [row for row, line in enumerate(readings) if any(value == value and value != 0 for value in line)]
    return Headline(years, tuple(figures[row] for row in shown), tuple(readings[row] for row in shown), rulings(result))


def rulings(result: Readable) -> dict[str, tuple[Ruling, ...]]:
    """Rules by the year in which they began to bind, those that most events speak of first. A rule that states no day is
    dated by its week."""
    record, years = result.record, _years(result.clock)
    since: dict[str, date] = {name: rule.since for name, rule in result.scenario.rules.items()}
    chains = _chains(record.events)
    leaks = Counter(event.rule for event in record.events if event.kind == "leak")
    found: dict[str, list[Ruling]] = {year: [] for year in years}
    seen: set[str] = set()
    for event, chain in zip(record.events, chains, strict=True):
        day = since.get(event.rule) or record.clock.date_of(event.tick)
        if event.kind == "decree_in_force" and str(day.year) in found and event.rule not in seen:
            seen.add(event.rule)
            found[str(day.year)].append(Ruling(day.isoformat(), event.rule, event.text, chain + leaks[event.rule]))
    return {year: tuple(sorted(rows, key=lambda ruling: (-ruling.chain, ruling.date))) for year, rows in found.items()}


def _chains(events: Sequence[Event]) -> list[int]:
    """How many later events trace back to each, licences apart."""
    counts = [0] * len(events)
    for at in range(len(events) - 1, -1, -1):
        if 0 <= events[at].cause < at:
            counts[events[at].cause] += counts[at] + (events[at].kind not in _OF_COURSE)
    return counts


def _years(clock: Clock) -> tuple[str, ...]:
    years = range(clock.start.year, clock.end.year + 1)
    return tuple(str(year) for year in years if clock.window(str(year)).sum() >= _WEEKS_OF_A_YEAR)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
