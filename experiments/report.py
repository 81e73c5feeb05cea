"""Report: one self-contained HTML page of a run: findings, figures, charts, rules, and how to repeat every number."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from experiments import charts
from experiments.cite import bibtex
from experiments.numbers import said
from experiments.pictures import Picture, pictures
from experiments.seal import sealed
from experiments.tidy import Tidy
from sim.clock import Clock
from sim.errors import UsageError
from sim.headline import rulings
from sim.metrics import METRICS, metrics
from sim.results import Result

_MARKED = 9

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
