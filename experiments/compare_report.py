"""The page of a comparison: differences with their intervals, both scenarios as fans, and where they part."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from experiments import charts
from experiments.cite import bibtex
from experiments.numbers import said, said_difference
from experiments.pictures import Picture
from experiments.report import Finding, anchor, embedded, render
from sim.errors import UsageError
from sim.metrics import METRICS, metrics

WHOLE = "whole run"
_ASKED_FIRST = (
    "licensed_compute",
    "domestic_compute",
    "grey_compute",
    "rented_compute",
    "china_revenue_customer_hq",
    "charges",
    "domestic_share",
    "lag",
    "military_weeks",
)
_TABLE = "whole"
"""The id of the table of the whole run."""

TRIFLE = 0.02
"""Smallest share of a figure that is worth a sentence."""


def comparison_report(manifest: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """The whole page, from what `compare` keeps."""
    a, b = data["a_name"], data["b_name"]
    lines = [line for line in data["lines"] if line["window"] == WHOLE]
    return render(
        title=f"{b} against {a}",
        summary=f"{data['b_title']} minus {data['a_title']}, on the same {len(data['seeds'])} seeds: "
        "every draw is keyed, so the difference is what the rules do.",
        manifest=manifest,
        changed=data["b"]["settings"],
        findings=findings(data),
        head=[],
        years=[],
        rulings=[],
        pictures=_pictures(data, lines),
        tables=[_whole(a, b, lines), *_yearly(data)],
        notes=_notes(data),
        command=_command(data),
        cite=bibtex(manifest),
        claims=embedded("chokepoint-claims", claims(data)),
    )


def folder_page(folder: Path, manifest: Mapping[str, Any]) -> str:
    """The page of a comparison's folder. Raises UsageError when it cannot be read."""
    try:
        data = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder}/comparison.json cannot be read: {error}") from error
    return comparison_report(manifest, data)


def claims(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each mean of each scenario as a claim: the metric over the window, averaged over the seeds."""
    metrics()
    out = []
    for line in data["lines"]:
        figure = line["figure"]
        for side in ("a", "b"):
            if line[side] is not None:
                out.append(
                    {
                        "id": f"{_name(line)}-{side}",
                        "scenario": data[side]["scenario"],
                        "overrides": data[side]["settings"],
                        "seeds": data["seeds"],
                        "drawn": True,
                        "metric": figure["metric"],
                        "filters": figure["filters"],
                        "window": "" if line["window"] == WHOLE else line["window"],
                        "statistic": METRICS[figure["metric"]].over_time,
                        "value": line[side] * figure["scale"],
                    }
                )
    return out


def _name(line: Mapping[str, Any]) -> str:
    """Of a figure over a window: the id of its row, and of its claims with the side after it."""
    return anchor(line["figure"]["name"], line["window"])


def findings(data: Mapping[str, Any]) -> list[Finding]:
    """The differences a reader asks for first, those whose interval leaves zero out and that are no trifle."""
    found = {line["figure"]["name"]: line for line in data["lines"] if line["window"] == WHOLE and sure(line)}
    told = [found[name] for name in _ASKED_FIRST if name in found and share_of(found[name]) >= TRIFLE]
    out = [_finding(line, data["a_name"], data["b_name"]) for line in told]
    return out or [Finding("No figure differs by more than its interval.", _TABLE)]


def _finding(line: Mapping[str, Any], a: str, b: str) -> Finding:
    figure, low, high = line["figure"], signed(line, "low"), signed(line, "high")
    levels = f"{_at(line, 'a')} {figure['unit']} in {a}, {_at(line, 'b')} in {b}"
    text = f"{title_of(figure)}: {levels}; {signed(line, 'difference')} (95% interval {low} to {high})."
    return Finding(text, _name(line))


def share_of(line: Mapping[str, Any]) -> float:
    """A difference against the larger of the two."""
    larger = max(abs(line["a"] or 0.0), abs(line["b"] or 0.0))
    return float(abs(line["difference"]) / larger) if larger else 0.0


def sure(line: Mapping[str, Any]) -> bool:
    """Whether the interval of a difference leaves zero out."""
    low, high = line["low"], line["high"]
    return line["n"] > 1 and low is not None and high is not None and (low > 0 or high < 0)


def signed(line: Mapping[str, Any], part: str) -> str:
    """A difference, or an end of its interval, with its sign."""
    value = line[part]
    return "–" if value is None else said_difference(value, line["figure"]["digits"])


def _at(line: Mapping[str, Any], side: str) -> str:
    value = line[side]
    return said(math.nan if value is None else value, line["figure"]["digits"])


def title_of(figure: Mapping[str, Any]) -> str:
    said_as = f"{figure['group']}, {figure['title']}" if figure["group"].startswith(("Compute", "Welfare")) else figure["title"]
    return said_as[0].upper() + said_as[1:]


def _whole(a: str, b: str, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows = [
        (
            figure["title"],
            figure["unit"],
            _at(line, "a"),
            _at(line, "b"),
            signed(line, "difference"),
            f"{signed(line, 'low')} to {signed(line, 'high')}",
            _factor(line["variance_factor"]),
        )
        for line in lines
        for figure in (line["figure"],)
    ]
    return {
        "title": "The whole run",
        "at": _TABLE,
        "ids": [_name(line) for line in lines],
        "head": ("Figure", "unit", a, b, "difference", "95% interval", "fewer seeds"),
        "rows": rows,
        "note": "Means over the seeds; flows summed, stocks at the end, prices and shares averaged. The "
        "interval is a bootstrap over seeds. Fewer seeds: how many times more seeds unpaired runs would need.",
    }


def _yearly(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    years = [window for window in data["windows"] if window != WHOLE]
    by_name: dict[str, dict[str, Mapping[str, Any]]] = {}
    for line in data["lines"]:
        by_name.setdefault(line["figure"]["name"], {})[line["window"]] = line
    rows = []
    for found in by_name.values():
        figure = next(iter(found.values()))["figure"]
        cells = [
            signed(found[year], "difference") + ("*" if sure(found[year]) else "") if year in found else "–"
            for year in years
        ]
        rows.append((figure["title"], figure["unit"], *cells))
    return (
        [
            {
                "title": "Differences by year",
                "head": ("Figure", "unit", *years),
                "rows": rows,
                "note": "* the 95% interval leaves zero out",
            }
        ]
        if years
        else []
    )


def _factor(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}x"


def _pictures(data: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> list[Picture]:
    pictures = []
    days = [_quarter_day(quarter) for quarter in data["quarters"]]
    for at, (title, curve) in enumerate(data["curves"].items()):
        fans = {data[f"{side}_name"]: np.array(curve[side], dtype=np.float64) for side in ("a", "b")}
        if any(np.any(np.nan_to_num(values)) for values in fans.values()):
            note = "Median and the band that holds nine tenths of the seeds."
            pictures.append(Picture(title, note, charts.svg(charts.fans(days, fans, curve["unit"]), f"fan{at}")))
    relative = [
        (line["figure"]["title"], *(100 * line[part] / abs(line["a"]) for part in ("low", "difference", "high")))
        for line in lines
        if line["a"] and line["low"] is not None
    ]
    shown = [row for row in relative if max(abs(row[1]), abs(row[3])) <= 1000]
    if shown:
        pictures.append(
            Picture(
                "Differences, % of the first",
                "Paired differences over the whole run with their 95% intervals; grey where the interval holds zero.",
                charts.svg(charts.intervals(shown, "%"), "differences"),
            )
        )
    return pictures


def _quarter_day(quarter: str) -> date:
    return date(int(quarter[:4]), 3 * int(quarter[-1]) - 2, 1)


def _notes(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    notes = []
    if data["parting"]:
        notes.append(
            {"title": f"Where the two worlds part (seed {data['parting']['seed']})", "paragraphs": parting_lines(data)}
        )
    if data["failures"]:
        notes.append(
            {
                "title": "Runs that failed",
                "paragraphs": [f"{failure['error']}  ({failure['command']})" for failure in data["failures"]],
            }
        )
    return notes


def parting_lines(data: Mapping[str, Any]) -> list[str]:
    """The parting in words, one line each."""
    parting = data["parting"]
    lines = [
        f"{parting['date']}, only in {data[f'{side}_name']}: {text}"
        for side in ("a", "b")
        for text in parting[f"only_{side}"]
    ]
    words = {"the first": data["a_name"], "the second": data["b_name"]}
    for title, text in (("First consequence", parting["consequence"]), ("First trade that differs", parting["trade"])):
        if text:
            for said_as, name in words.items():
                text = text.replace(said_as, name)
            lines.append(f"{title}, {text}")
    return lines


def _command(data: Mapping[str, Any]) -> str:
    settings = "".join(f" --set {setting}" for setting in data["b"]["settings"])
    return f"chokepoint compare {data['a']['scenario']} {data['b']['scenario']} --seeds {len(data['seeds'])}{settings}"
