"""Report: one self-contained HTML page of a run: findings, figures, charts, rules, and how to repeat every number."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments import charts
from experiments.cite import bibtex
from experiments.seal import sealed
from experiments.summary import said
from experiments.tidy import Tidy
from sim.clock import Clock
from sim.errors import UsageError
from sim.headline import rulings
from sim.metrics import METRICS, metrics
from sim.results import Result

CHANNELS = {
    "licensed": charts.BLUE,
    "domestic": charts.VERMILION,
    "resale": charts.PURPLE,
    "grey": charts.GREY,
    "rented": charts.GREEN,
}
_MARKED = 9


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

PATTERNS_FILE = "patterns.json"
"""Where a run's folder keeps what it shows of the patterns."""


def run_report(result: Result) -> str:
    """The page of a run that has just ended."""
    manifest = {**result.manifest, "headline": result.headline().plain()}
    drawn = pictures(Tidy(result.table(), result.clock), marks_of(result))
    return page(manifest, drawn, result.scenario.summary, patterns_of(result))


def marks_of(result: Result) -> list[charts.Mark]:
    """The days of the rules most spoken of, which the charts of a run mark."""
    return _marks({year: [vars(ruling) for ruling in found] for year, found in rulings(result).items()})


def patterns_of(result: Result) -> list[dict[str, Any]]:
    """The ten patterns as this run alone shows them, as JSON data; none where the run does not span their weeks."""
    from experiments.patterns import covers, measure

    return [seen.plain() for seen in measure(result)] if covers(result) else []


def folder_report(folder: Path) -> str:
    """The page of a run's folder, from its tables alone. Raises UsageError when it holds no run."""
    import pyarrow.parquet as pq

    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        scenario = json.loads((folder / "scenario.json").read_text(encoding="utf-8"))
        table = pq.ParquetFile(folder / "timeseries" / f"{manifest['run_id']}.parquet").read()
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"{folder} holds no run that can be read ({error}); write one with chokepoint run") from error
    clock = Clock(date.fromisoformat(manifest["time"]["start"]), date.fromisoformat(manifest["time"]["end"]))
    kept = folder / PATTERNS_FILE
    patterns = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else []
    drawn = pictures(Tidy(table, clock), _marks(manifest["headline"]["rulings"]))
    return page(manifest, drawn, str(scenario.get("summary", "")), patterns)


def claims(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every figure of the headline as a claim that can be checked by running again: metric, filters, window, statistic
    and the value before any rounding or change of unit."""
    metrics()
    run = manifest["scenario"]
    out = []
    for figure in manifest["headline"]["figures"]:
        for year, value in figure["readings"].items():
            if value is not None:
                out.append(
                    {
                        "id": f"{figure['name']}-{year}",
                        "scenario": run["asked"],
                        "overrides": run["overrides"],
                        "seeds": manifest["seeds"],
                        "metric": figure["metric"],
                        "filters": figure["filters"],
                        "window": year,
                        "statistic": METRICS[figure["metric"]].over_time,
                        "value": value,
                    }
                )
    return out


def embedded(name: str, data: Any) -> str:
    """JSON for a script element: nothing in it can end the element."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>'


def render(**words: Any) -> str:
    """Fill the page's template."""
    return sealed(template().render(**words))


@lru_cache(maxsize=1)
def template() -> Any:
    """The template of every page."""
    from jinja2 import Environment, StrictUndefined

    text = files("experiments").joinpath("report.html.j2").read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(text)


class Finding(NamedTuple):
    """A sentence of a page, and the id of the row or table that its numbers stand in."""

    text: str
    at: str


def anchor(*words: str) -> str:
    """An id that a link can name."""
    return re.sub(r"[^\w.=-]+", "-", "-".join(words))


def findings(head: Mapping[str, Any]) -> list[Finding]:
    """The run in a few sentences, each made of figures of the headline."""
    by_name = {figure["name"]: figure for figure in head["figures"]}
    years = head["years"]
    sentences = [_compute_sentence(by_name, years), _vendor_sentence(by_name, years), _change_sentence(by_name)]
    return [Finding(sentence, "figures") for sentence in sentences if sentence]


def page(manifest: Mapping[str, Any], drawn: Sequence[Picture], summary: str, patterns: Sequence[Mapping[str, Any]]) -> str:
    """The page of a run, from its manifest with the headline in it, its charts and the patterns it shows."""
    head = manifest["headline"]
    rulings = _numbered(head["rulings"])
    run = manifest["scenario"]
    settings = "".join(f" --set {setting}" for setting in run["overrides"])
    return render(
        title=run["title"] or run["name"],
        summary=" ".join(summary.split()),
        manifest=manifest,
        changed=run["overrides"],
        findings=findings(head),
        head=_figure_rows(head),
        years=head["years"],
        rulings=rulings,
        pictures=drawn,
        tables=_pattern_table(patterns),
        notes=(),
        command=f"chokepoint run {run['asked']} --seed {manifest['seeds'][0]}{settings}",
        cite=bibtex(manifest),
        claims=embedded("chokepoint-claims", claims(manifest)),
    )


def _marks(rulings: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[charts.Mark]:
    return [charts.Mark(ruling["date"], ruling["number"]) for ruling in _numbered(rulings) if ruling["number"]]


def _pattern_table(patterns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The patterns as a table of the page, none without any."""
    if not patterns:
        return []
    rows = [(f"{row['id']} {row['title']}", row["observable"], f"{said(_number(row['value']), 2)} {row['unit']}",
             row["verdict"], row["contrast"]) for row in patterns]
    note = ("What this run alone says. Whether a pattern comes of its own mechanism takes the world without it, on the same seeds: "
            "the last column runs that.")
    return [{"title": "Patterns", "note": note, "head": ("pattern", "observable", "here", "verdict", "contrast"), "rows": rows}]


def _figure_rows(head: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The figures as rows for the page, with the group named where it begins."""
    rows, group = [], ""
    for figure in head["figures"]:
        rows.append(
            {
                "group": figure["group"] if figure["group"] != group else "",
                "title": figure["title"],
                "unit": figure["unit"],
                "name": figure["name"],
                "cells": [(year, said(_number(value), figure["digits"])) for year, value in figure["values"].items()],
            }
        )
        group = figure["group"]
    return rows


def _numbered(rulings: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """All rules by date; those with the longest chains of consequences carry the numbers that charts show."""
    found = [dict(ruling) for year in rulings.values() for ruling in year]
    main = sorted(found, key=lambda ruling: (-ruling["chain"], ruling["date"]))[:_MARKED]
    number = 0
    for ruling in sorted(found, key=lambda ruling: (ruling["date"], ruling["rule"])):
        number += ruling in main
        ruling["number"] = number if ruling in main else 0
    return sorted(found, key=lambda ruling: (ruling["date"], ruling["rule"]))


# --- pictures


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


# --- sentences


def _compute_sentence(figures: Mapping[str, Any], years: Sequence[str]) -> str:
    sums = {
        name: sum(_number(value) for value in figures[f"{name}_compute"]["values"].values() if value is not None)
        for name in ("licensed", "domestic", "grey", "resale")
        if f"{name}_compute" in figures
    }
    whole = sum(sums.values())
    if not whole:
        return ""
    shares = ", ".join(f"{100 * part / whole:.0f}% {name}" for name, part in sums.items() if part / whole >= 0.005)
    return (
        f"From {years[0]} to {years[-1]}, {said(whole, 0)} thousand H100 equivalents of compute came into the hands of "
        f"Chinese users: {shares}."
    )


def _vendor_sentence(figures: Mapping[str, Any], years: Sequence[str]) -> str:
    if "china_revenue_bill_to" not in figures:
        return ""
    billed, based, charged = (
        sum(_number(value) for value in figures[name]["values"].values() if value is not None)
        if name in figures
        else 0.0
        for name in ("china_revenue_bill_to", "china_revenue_customer_hq", "charges")
    )
    return (
        f"Foreign vendors billed USD {said(billed, 1)} bn of AI chips to China and sold USD {said(based, 1)} bn to "
        f"customers based there; they booked USD {said(charged, 1)} bn of charges on supply that lost its market."
    )


def _change_sentence(figures: Mapping[str, Any]) -> str:
    parts = []
    for name, text in (
        ("domestic_share", "the domestic share of cards went from {} to {}%"),
        ("lag", "the lag of the best Chinese lab from {} to {} months"),
    ):
        known = {
            year: value for year, value in figures.get(name, {"values": {}})["values"].items() if value is not None
        }
        if len(known) > 1:
            (first, low), *_, (last, high) = known.items()
            digits = figures[name]["digits"]
            parts.append(text.format(said(low, digits), said(high, digits)) + f" ({first} to {last})")
    return (" and ".join(parts)[:1].upper() + " and ".join(parts)[1:] + ".") if parts else ""


def _number(value: float | None) -> float:
    return math.nan if value is None else value
