"""Gallery: one page of what every other world would have changed against one, with intervals, and where each parts from it."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from experiments import charts
from experiments.cite import bibtex
from experiments.compare import Comparison, manifest_of, plain
from experiments.compare_report import TRIFLE, WHOLE, parting_lines, share_of, signed, sure, title_of
from experiments.numbers import said
from experiments.pictures import Picture
from experiments.report import Finding, anchor, render
from sim.provenance import digest

PAGE = "gallery.html"

DRAWN = ("lag", "military_weeks", "licensed_compute", "domestic_compute", "grey_compute", "rented_compute",
         "china_revenue_customer_hq", "charges", "smuggled_chips", "domestic_share", "welfare_buyers", "welfare_makers")
"""Figures with a chart of their own, in order."""

_PARTINGS = "partings"
"""The id of the table of where worlds part."""

_TOLD = ("lag", "domestic_share", "china_revenue_customer_hq", "grey_compute", "military_weeks")
"""Figures the first sentences speak of."""


def write_gallery(found: Sequence[Comparison], folder: Path) -> Path:
    """The page beside the folders of its comparisons; whole or as it was."""
    page, spare = folder / PAGE, folder / f".{PAGE}.{os.getpid()}"
    spare.write_text(gallery([plain(one) for one in found], manifest(found)), encoding="utf-8")
    os.replace(spare, page)
    return page


def manifest(found: Sequence[Comparison]) -> dict[str, Any]:
    """Where the page's numbers came from: its comparisons' manifests in one."""
    each = [manifest_of(one) for one in found]
    whole = digest(*(one["hash"] for one in each))
    scenario = {"name": each[0]["scenario"]["against"], "title": f"every other world against {each[0]['scenario']['against']}",
                "overrides": [], "hash": digest(*(one["scenario"]["hash"] for one in each))}
    return {**each[0], "kind": "gallery", "scenario": scenario, "hash": whole, "run_id": digest(whole)[:12]}


def gallery(found: Sequence[Mapping[str, Any]], manifest: Mapping[str, Any]) -> str:
    """The page, from what each comparison keeps."""
    base, seeds = found[0]["a_name"], len(found[0]["seeds"])
    return render(
        title=f"What {len(found)} other worlds change against {base}",
        summary=f"Each world minus {base} over the whole run, on the same {seeds} seeds with the same draws: the difference is "
        "what its rules do. Under it the 95% interval over the seeds; bold with a star where that leaves zero out.",
        manifest=manifest,
        changed=[],
        findings=_findings(found),
        head=[],
        years=[],
        rulings=[],
        pictures=_pictures(found),
        tables=[*_tables(found), _partings(found)],
        notes=[{"title": "The worlds", "paragraphs": [f"{one['b_name']}: {one['b_title']}." for one in found]}],
        command=f"chokepoint compare {found[0]['a']['scenario']} --all --seeds {seeds}",
        cite=bibtex(manifest),
        claims="",
    )


def _lines(data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {line["figure"]["name"]: line for line in data["lines"] if line["window"] == WHOLE}


def _figures(found: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Every figure that some comparison has, by name."""
    return {name: line["figure"] for data in found for name, line in _lines(data).items()}


def _tables(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A table a group of figures: the base's level first, then a row a world."""
    figures = _figures(found)
    out = []
    for group in dict.fromkeys(figure["group"] for figure in figures.values()):
        own = {name: figure for name, figure in figures.items() if figure["group"] == group}
        level = {name: line for data in reversed(found) for name, line in _lines(data).items()}
        rows = [(found[0]["a_name"], *(_level(level[name]) for name in own))]
        rows += [(data["b_name"], *(_cell(_lines(data).get(name)) for name in own)) for data in found]
        head = ("world", *(f"{figure['title']}, {figure['unit']}" for figure in own.values()))
        note = f"First row: {found[0]['a_name']} itself; below it differences."
        out.append({"title": group, "at": anchor("group", group), "note": note, "head": head, "rows": rows})
    return out


def _level(line: Mapping[str, Any]) -> str:
    return said(math.nan if line["a"] is None else line["a"], line["figure"]["digits"])


def _cell(line: Mapping[str, Any] | None) -> str:
    """A difference, bold and starred where its interval leaves zero out, and under it the interval unless all is zero."""
    if line is None or line["difference"] is None:
        return "–"
    if line["difference"] == line["low"] == line["high"] == 0:
        return "0"
    middle = Markup("<b>{}*</b>" if sure(line) else "{}").format(signed(line, "difference"))
    return Markup("{}<br><small>{} to {}</small>").format(middle, signed(line, "low"), signed(line, "high"))


def _partings(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Week, first entries and first trade at which each world leaves the base, on the first seed."""
    rows = []
    for data in found:
        parting = data["parting"]
        first = parting["date"] if parting else "never"
        rows.append((data["b_name"], first, "; ".join(parting_lines(data)[:2]) if parting else "the two logs are the same"))
    note = "The first week in which the two logs differ, and what only one of them has."
    return {"title": "Where each world parts", "at": _PARTINGS, "note": note,
            "head": ("world", "week", "first entries that differ"), "rows": rows, "words": True}


def _findings(found: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """For each of a few figures, the worlds that raise and lower it most, of those whose interval leaves zero out; no trifles."""
    out = []
    for name in _TOLD:
        lines = [(data["b_name"], _lines(data)[name]) for data in found if name in _lines(data)]
        told_of = ((world, line) for world, line in lines if sure(line) and share_of(line) >= TRIFLE)
        moved = sorted(told_of, key=lambda pair: (pair[1]["difference"], pair[0]))
        if not moved:
            continue
        figure = moved[0][1]["figure"]
        ends = [(word, pair) for word, pair, side in (("up most", moved[-1], 1), ("down most", moved[0], -1))
                if pair[1]["difference"] * side > 0]
        told = "; ".join(f"{word} in {world} ({signed(line, 'difference')} {figure['unit']})" for word, (world, line) in ends)
        out.append(Finding(f"{title_of(figure)}: {told}.", anchor("group", figure["group"])))
    return out or [Finding("No figure differs by more than its interval in any world.", _PARTINGS)]


def _pictures(found: Sequence[Mapping[str, Any]]) -> list[Picture]:
    figures = _figures(found)
    out = []
    for name in (name for name in DRAWN if name in figures):
        rows = [(data["b_name"], line["low"], line["difference"], line["high"])
                for data in found for line in (_lines(data).get(name),) if line and line["low"] is not None]
        if any(middle for _, _, middle, _ in rows):
            figure = figures[name]
            note = f"Difference over the whole run, {figure['unit']}, with its 95% interval; grey where it holds zero."
            out.append(Picture(title_of(figure), note, charts.svg(charts.intervals(rows, figure["unit"]), name)))
    return out
