"""Pictures: the charts of a run, each with the numbers behind it, from its long table alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from experiments import charts
from experiments.numbers import said
from experiments.tidy import Tidy

CHANNELS = {
    "licensed": charts.BLUE,
    "domestic": charts.VERMILION,
    "resale": charts.PURPLE,
    "grey": charts.GREY,
    "rented": charts.GREEN,
}


@dataclass(frozen=True)
class Picture:
    """A chart with its title, one sentence on what is counted, and the numbers behind it (head, rows)."""

    title: str
    note: str
    svg: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


Draw = Callable[[Mapping[str, Any], str], str]
"""Draws a specification; the inner ids of what it draws start with the name."""


def pictures(tidy: Tidy, marks: Sequence[charts.Mark], svg: Draw = charts.svg) -> list[Picture]:
    """The charts for which the run has data, each drawn by `svg`."""
    drawn = [
        _delivered(tidy, marks, svg),
        _held(tidy, marks, svg),
        _revenue(tidy, marks, svg),
        _losses(tidy, marks, svg),
        _street(tidy, marks, svg),
        _smuggled(tidy, marks, svg),
        _cards(tidy, marks, svg),
        _output(tidy, marks, svg),
        _lag(tidy, marks, svg),
        _military(tidy, marks, svg),
    ]
    return [picture for picture in drawn if picture is not None]


def _delivered(tidy: Tidy, marks: Sequence[charts.Mark], svg: Draw) -> Picture | None:
    return _bars(
        tidy,
        marks,
        svg,
        "delivered",
        "Compute reaching Chinese users",
        "Chips that came into the ownership of users headquartered in China, by channel and quarter.",
        "k H100e a quarter",
        1e3,
        "delivered_h100e",
        "channel",
        region="CN",
    )


def _held(tidy: Tidy, marks: Sequence[charts.Mark], svg: Draw) -> Picture | None:
    owned = tidy.lines("stock_h100e", "channel", region="CN", channel=("licensed", "domestic", "grey", "resale"))
    leased = tidy.lines("stock_h100e", "channel", region="CN", channel="rented", place=("US", "ROW"))
    series: dict[str, Any] = {}
    for got in (owned, leased):
        days, values = got.per("quarter", tidy.clock)
        series |= {label: row / 1e3 for label, row in zip(got.labels, values, strict=True)}
    ordered = {label: series[label] for label in CHANNELS if label in series}
    note = "Chips owned, by how they came, and chips leased abroad (rented), at the end of each quarter."
    title = "Compute in the hands of Chinese users"
    return _drawn("held", title, note, days, ordered, "k H100e", marks, svg, bars=True, colours=CHANNELS)


def _revenue(tidy: Tidy, marks: Sequence[charts.Mark], svg: Draw) -> Picture | None:
    names = {"bill_to": "billed to China", "customer_hq": "customers based in China"}
    got = tidy.lines(
        "revenue_usd",
        "basis",
        region="CN",
        segment="datacentre",
        basis=tuple(names),
        **{"from": [word for word in tidy.columns.get("from", ((), None))[0] if word != "CN"]},
    )
    days, values = got.per("quarter", tidy.clock)
    series = {names[label]: row / 1e9 for label, row in zip(got.labels, values, strict=True)}
    return _drawn(
        "revenue",
        "Foreign vendors' AI-chip revenue from China",
        "Two tellings of one trade: where the bill went, and where the customer has its headquarters.",
        days,
        series,
        "USD bn a quarter",
        marks,
        svg,
    )


def _losses(tidy: Tidy, marks: Sequence[charts.Mark], svg: Draw) -> Picture | None:
    parts = {
        name: tidy.lines(metric) for name, metric in (("charges", "writedown_usd"), ("lost sales", "lost_sales_usd"))
    }
    series = {name: got.per("quarter", tidy.clock)[1].sum(axis=0) / 1e9 for name, got in parts.items() if got.labels}
    days, _ = next(iter(parts.values())).per("quarter", tidy.clock)
    return _drawn(
        "losses",
        "What bars cost vendors",
        "Charges booked on supply that lost its market, and sales to quarter end that a bar prevented.",
        days,
        series,
        "USD bn a quarter",
        marks,
        svg,
        bars=True,
    )


def _street(tidy: Tidy, marks: Sequence[charts.Mark], svg: Draw) -> Picture | None:
    street, listed = tidy.lines("market_price_usd", "chip", region="CN"), tidy.lines("list_price_usd", "chip")
    days, paid = street.per("quarter", tidy.clock)
    _, asked = listed.per("quarter", tidy.clock)
    at = dict(zip(listed.labels, asked, strict=True))
    ratio = {label: row / at[label] for label, row in zip(street.labels, paid, strict=True) if label in at}
    foreign = {label: row for label, row in ratio.items() if np.sum(~np.isnan(row)) >= 4}
    main = sorted(foreign, key=lambda label: -np.nanmax(foreign[label]))[:6]
    return _drawn(
        "street",
        "Street price over list price in China",
        "Spot price of one chip delivered in China over its "
        "maker's list price; the six parts with the highest peak. 1 is no premium.",
        days,
        {label: foreign[label] for label in sorted(main)},
        "x list",
        marks,
        svg,
    )


def _smuggled(tidy: Tidy, marks: Sequence[charts.Mark], svg: Draw) -> Picture | None:
    return _bars(
        tidy,
        marks,
        svg,
        "smuggled",
        "Chips past the rules, by route",
        "Chips that reached Chinese users by the grey channel; routes beyond the seven largest are together.",
        "k chips a quarter",
        1e3,
        "smuggled_chips",
        "route",
        region="CN",
    )


def _cards(tidy: Tidy, marks: Sequence[charts.Mark], svg: Draw) -> Picture | None:
    got = tidy.lines("cards_share", "by", to="CN", origin="domestic")
    days, values = got.per("quarter", tidy.clock)
    series = {f"by {label}": row for label, row in zip(got.labels, values, strict=True)}
    return _drawn(
        "cards",
        "Domestic share of accelerator cards in China",
        "Cards of Chinese makers over all cards that vendors sold into China.",
        days,
        series,
        "share of cards",
        marks,
        svg,
        percent=True,
    )


def _output(tidy: Tidy, marks: Sequence[charts.Mark], svg: Draw) -> Picture | None:
    chinese = list(tidy.lines("yield", "vendor").labels)
    return _bars(
        tidy,
        marks,
        svg,
        "output",
        "What Chinese makers produce",
        "Chips completed, by maker and quarter.",
        "k chips a quarter",
        1e3,
        "fab_output_chips",
        "vendor",
        vendor=chinese,
    )


def _lag(tidy: Tidy, marks: Sequence[charts.Mark], svg: Draw) -> Picture | None:
    days, values = tidy.lines("lag_months").per("month", tidy.clock)
    series = {"lag": values[0]} if len(values) else {}
    return _drawn(
        "lag",
        "Lag of the best Chinese lab",
        "How long ago the US frontier stood where the best Chinese lab stands, in effective training compute.",
        days,
        series,
        "months",
        marks,
        svg,
    )


def _military(tidy: Tidy, marks: Sequence[charts.Mark], svg: Draw) -> Picture | None:
    got = tidy.lines("military_access_weeks", "user")
    days, values = got.per("quarter", tidy.clock)
    series = {f"{label} user": row for label, row in zip(got.labels, values, strict=True)}
    return _drawn(
        "military",
        "Time to reach 5,000 H100e in China",
        "Weeks for a listed, military-linked user and for a civil one.",
        days,
        series,
        "weeks",
        marks,
        svg,
    )


def _bars(
    tidy: Tidy,
    marks: Sequence[charts.Mark],
    svg: Draw,
    name: str,
    title: str,
    note: str,
    unit: str,
    scale: float,
    metric: str,
    by: str,
    **filters: Any,
) -> Picture | None:
    got = tidy.lines(metric, by, **filters)
    days, values = got.per("quarter", tidy.clock)
    series = _largest({label: row / scale for label, row in zip(got.labels, values, strict=True)})
    ordered = {label: series[label] for label in CHANNELS if label in series} or series
    return _drawn(name, title, note, days, ordered, unit, marks, svg, bars=True, colours=CHANNELS)


def _largest(series: dict[str, Any], most: int = 7) -> dict[str, Any]:
    """The largest series by their sum, the others added into one."""
    ranked = sorted(series, key=lambda label: (-float(np.nansum(series[label])), label))
    kept = {label: series[label] for label in ranked[:most]}
    if ranked[most:]:
        kept["other"] = np.sum([series[label] for label in ranked[most:]], axis=0)
    return kept


def _drawn(
    name: str,
    title: str,
    note: str,
    days: Sequence[date],
    series: Mapping[str, Any],
    unit: str,
    marks: Sequence[charts.Mark],
    svg: Draw,
    *,
    bars: bool = False,
    colours: Mapping[str, str] | None = None,
    percent: bool = False,
) -> Picture | None:
    """A picture of series over time, or None where there is nothing to see."""
    live = {label: values for label, values in series.items() if np.any(np.nan_to_num(values) != 0)}
    if not live:
        return None
    spec = (
        charts.bars(days, live, unit, colours, marks)
        if bars
        else charts.lines(days, live, unit, colours, marks, percent=percent)
    )
    rows = tuple(
        (_period(day, days), *(said(float(values[at]) * (100 if percent else 1), 1) for values in live.values()))
        for at, day in enumerate(days)
    )
    return Picture(title, note, svg(spec, name), (f"{'%' if percent else unit}", *live), rows)


def _period(day: date, days: Sequence[date]) -> str:
    quarterly = len(days) < 2 or (days[1] - days[0]).days > 40
    return f"{day.year} Q{(day.month + 2) // 3}" if quarterly else f"{day.year}-{day.month:02d}"
