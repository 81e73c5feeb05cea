"""Charts: Vega-Lite specifications as plain data, drawn to SVG text that opens offline and prints whole.

Colours are Okabe and Ito's, told apart by colour-blind readers; lines also differ by dash.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#C9B700",
    "#6B6B6B",
)
PALETTE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, GREY, YELLOW)
_DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (1, 0), (6, 3), (2, 2), (8, 3, 2, 3))

_WIDTH, _HEIGHT = 520, 230
_CONFIG: dict[str, Any] = {
    "font": "Helvetica, Arial, sans-serif",
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "labelColor": "#333",
        "titleColor": "#333",
        "gridColor": "#e6e6e6",
        "domainColor": "#999",
        "tickColor": "#999",
        "labelFlush": False,
    },
    "axisX": {"grid": False},
    "legend": {
        "orient": "bottom",
        "title": None,
        "labelFontSize": 11,
        "symbolStrokeWidth": 3,
        "labelLimit": 220,
        "columns": 4,
    },
}


_AXIS_X = {"format": ",.3~f", "tickCount": 6, "grid": True}
"""A horizontal axis of amounts."""


@dataclass(frozen=True)
class Mark:
    """A day to mark in time charts, with the number it has in the list of rules."""

    day: str
    number: int


Series = Mapping[str, Sequence[float] | NDArray[np.float64]]


def svg(spec: Mapping[str, Any], name: str) -> str:
    """Draw a specification; the SVG scales to its place, and its inner ids start with `name`, so that several can share
    one page."""
    import vl_convert

    drawn = vl_convert.vegalite_to_svg(dict(spec))
    drawn = re.sub(r'(<svg[^>]*?) width="[\d.]+" height="[\d.]+"', r"\1", drawn, count=1)
    return re.sub(r'(id="|url\(#|href="#)(?=[a-z])', rf"\g<1>{name}-", drawn)


def warm_up() -> None:
    """Start the drawing engine, half a second, and draw a chart of each kind: the first of a kind takes twice its time."""
    days = [date(2024, 1, 1) + timedelta(days=91 * quarter) for quarter in range(8)]
    series = {label: [float(at) for at in range(len(days))] for label in ("one", "two", "three")}
    marks = [Mark("2024-06-01", 1), Mark("2025-01-15", 2)]
    for _ in range(2):
        svg(bars(days, series, "x", None, marks), "x")
        svg(lines(days, series, "x", None, marks), "x")


def bars(
    days: Sequence[date],
    series: Series,
    unit: str,
    colours: Mapping[str, str] | None = None,
    marks: Sequence[Mark] = (),
) -> dict[str, Any]:
    """Stacked bars, one a period."""
    order = list(series)
    layer = {
        "mark": {"type": "bar", "width": max(3, int(0.8 * _WIDTH / max(len(days), 1)))},
        "data": {"values": [{**row, "rank": order.index(row["series"])} for row in _rows(days, series)]},
        "encoding": {
            "x": _time(days),
            "y": _amount(unit),
            "color": _colour(order, colours),
            "order": {"field": "rank", "type": "ordinal"},
        },
    }
    return _chart([layer, *_marked(marks)])


def lines(
    days: Sequence[date],
    series: Series,
    unit: str,
    colours: Mapping[str, str] | None = None,
    marks: Sequence[Mark] = (),
    zero: bool = True,
    percent: bool = False,
) -> dict[str, Any]:
    """Lines over time, broken where there is no value."""
    order = list(series)
    stroke = {"symbolType": "stroke", "symbolSize": 300} if len(order) > 1 else None
    dots = {"point": {"size": 18}} if len(days) <= 24 else {}
    dash = {
        "field": "series",
        "type": "nominal",
        "legend": stroke,
        "scale": {"domain": order, "range": [list(_DASHES[at % len(_DASHES)]) for at in range(len(order))]},
    }
    layer = {
        "mark": {"type": "line", "strokeWidth": 2, "invalid": "break-paths-show-domains", **dots},
        "data": {"values": _rows(days, series)},
        "encoding": {
            "x": _time(days),
            "y": _amount(unit, zero, percent),
            "color": _colour(order, colours, stroke),
            "strokeDash": dash,
        },
    }
    return _chart([layer, *_marked(marks)])


def intervals(rows: Sequence[tuple[str, float, float, float]], unit: str) -> dict[str, Any]:
    """A point with its interval on each line: (label, low, middle, high); a rule stands at zero."""
    values = [
        {"label": label, "low": low, "middle": middle, "high": high, "sign": _sign(low, high)}
        for label, low, middle, high in rows
    ]
    y = _labels(rows)
    colour = {
        "field": "sign",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": ["up", "down", "open"], "range": [VERMILION, BLUE, GREY]},
    }
    x = {"field": "low", "type": "quantitative", "title": unit, "axis": _AXIS_X}
    chart = _chart(
        [
            {
                "data": {"values": [{"zero": 0}]},
                "mark": {"type": "rule", "color": "#999"},
                "encoding": {"x": {"field": "zero", "type": "quantitative"}},
            },
            {
                "data": {"values": values},
                "mark": {"type": "rule", "strokeWidth": 3},
                "encoding": {"x": x, "x2": {"field": "high"}, "y": y, "color": colour},
            },
            {
                "data": {"values": values},
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                "encoding": {"x": {"field": "middle", "type": "quantitative"}, "y": y, "color": colour},
            },
        ]
    )
    return {**chart, "height": max(60, 24 * len(rows))}


def tornado(rows: Sequence[tuple[str, float, float]], middle: float, unit: str) -> dict[str, Any]:
    """An outcome with each factor at its low and at its high end: (factor, at low, at high), the widest first; a rule
    stands at its mean over all draws."""
    ends = ("low end of its range", "high end")
    values = [
        {"label": label, "series": end, "from": middle, "to": value}
        for label, *both in rows
        for end, value in zip(ends, both, strict=True)
    ]
    x = {"field": "to", "type": "quantitative", "title": unit, "axis": _AXIS_X, "scale": {"zero": False}}
    bar = {
        "mark": {"type": "bar", "height": 12},
        "data": {"values": values},
        "encoding": {"x": x, "x2": {"field": "from"}, "y": _labels(rows), "color": _colour(ends, None, {})},
    }
    rule = {
        "mark": {"type": "rule", "color": "#333"},
        "data": {"values": [{"middle": middle}]},
        "encoding": {"x": {"field": "middle", "type": "quantitative"}},
    }
    return {**_chart([bar, rule]), "height": max(60, 24 * len(rows))}


def paired_bars(rows: Sequence[tuple[str, Mapping[str, tuple[float, float, float]]]], unit: str) -> dict[str, Any]:
    """For each label a bar a series with its interval: (label, {series: (low, value, high)})."""
    order = list(dict.fromkeys(series for _, bars in rows for series in bars))
    values = [
        {"label": label, "series": series, "low": low, "value": value, "high": high}
        for label, bars in rows
        for series, (low, value, high) in bars.items()
    ]
    offset = {"field": "series", "sort": order}
    y = _labels(rows)
    bar = {
        "mark": {"type": "bar", "opacity": 0.75},
        "encoding": {"x": {**_amount(unit), "axis": _AXIS_X}, "y": y, "yOffset": offset, "color": _colour(order, None, {})},
    }
    rule = {
        "mark": {"type": "rule", "strokeWidth": 1.5, "color": "#222"},
        "encoding": {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}, "y": y, "yOffset": offset},
    }
    return {**_chart([bar, rule]), "data": {"values": values}, "height": max(60, 30 * len(rows))}


def points(
    rows: Sequence[tuple[str, float, float, bool]], x_title: str, y_title: str, joined: bool = False
) -> dict[str, Any]:
    """Named points (label, x, y, marked); the marked ones are named, and joined by a line where asked."""
    values = [{"label": label, "x": x, "y": y, "marked": marked} for label, x, y, marked in rows]
    x = {"field": "x", "type": "quantitative", "title": x_title, "axis": _AXIS_X, "scale": {"zero": False, "padding": 24}}
    y_axis, y_scale = {"format": ",.3~f"}, {"zero": False, "padding": 14}
    y = {"field": "y", "type": "quantitative", "title": y_title, "axis": y_axis, "scale": y_scale}
    only = [{"filter": "datum.marked"}]
    line = {
        "transform": only,
        "mark": {"type": "line", "color": BLUE, "strokeWidth": 1.5},
        "encoding": {"x": x, "y": y, "order": {"field": "x"}},
    }
    dot = {
        "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
        "encoding": {
            "x": x,
            "y": y,
            "color": {"condition": {"test": "datum.marked", "value": BLUE}, "value": "#b5b9be"},
            "shape": {"condition": {"test": "datum.marked", "value": "diamond"}, "value": "circle"},
        },
    }
    text = {
        "transform": only,
        "mark": {"type": "text", "align": "left", "dx": 7, "dy": -6, "fontSize": 10, "limit": 220},
        "encoding": {"x": x, "y": y, "text": {"field": "label"}},
    }
    return {**_chart([*([line] if joined else []), dot, text]), "data": {"values": values}}


def fans(days: Sequence[date], series: Mapping[str, NDArray[np.float64]], unit: str) -> dict[str, Any]:
    """For each label the median of many runs over time and the band that holds nine tenths; (n_runs, n_days) each."""
    order = list(series)
    rows = []
    for label, values in series.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a week in which no run has a value has no band either
            low, middle, high = np.nanquantile(values, (0.05, 0.5, 0.95), axis=0)
        rows += [
            {
                "day": day.isoformat(),
                "series": label,
                "low": _json(low[at]),
                "value": _json(middle[at]),
                "high": _json(high[at]),
            }
            for at, day in enumerate(_middles(days))
        ]
    legend = {"symbolType": "stroke", "symbolSize": 300, "symbolOpacity": 1}
    colour = _colour(order, None, legend)
    dash = {
        "field": "series",
        "type": "nominal",
        "legend": legend,
        "scale": {"domain": order, "range": [list(_DASHES[at % len(_DASHES)]) for at in range(len(order))]},
    }
    band = {
        "mark": {"type": "area", "opacity": 0.2},
        "encoding": {
            "x": _time(days),
            "y": {**_amount(unit), "field": "low"},
            "y2": {"field": "high"},
            "color": colour,
        },
    }
    line = {
        "mark": {"type": "line", "strokeWidth": 2},
        "encoding": {"x": _time(days), "y": _amount(unit), "color": colour, "strokeDash": dash},
    }
    return {**_chart([band, line]), "data": {"values": rows}}


def growth(series: Mapping[str, Sequence[tuple[float, float]]], x_title: str, y_title: str) -> dict[str, Any]:
    """A line of points (x, y) for each label, both axes by powers of ten."""
    values = [{"series": label, "x": x, "y": y} for label, points in series.items() for x, y in points]
    both = {"type": "quantitative", "scale": {"type": "log"}}
    line = {
        "mark": {"type": "line", "point": True, "strokeWidth": 2},
        "encoding": {
            "x": {"field": "x", "title": x_title, "axis": {"format": "~s", "tickCount": 4}, **both},
            "y": {"field": "y", "title": y_title, "axis": {"format": "~g", "tickCount": 5}, **both},
            "color": _colour(list(series), None),
        },
    }
    return {**_chart([line]), "data": {"values": values}}


def _labels(rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """One line a row, named by its first word, in the order given."""
    axis = {"labelLimit": 260, "domain": False, "ticks": False, "grid": False}
    return {"field": "label", "type": "nominal", "sort": [row[0] for row in rows], "title": None, "axis": axis}


def _chart(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": _WIDTH,
        "height": _HEIGHT,
        "padding": 6,
        "config": _CONFIG,
        "layer": list(layers),
    }


def _rows(days: Sequence[date], series: Series) -> list[dict[str, Any]]:
    return [
        {"day": day.isoformat(), "series": label, "value": _json(float(value))}
        for label, values in series.items()
        for day, value in zip(_middles(days), values, strict=True)
    ]


def _middles(days: Sequence[date]) -> list[date]:
    """Middle days of the periods that begin on these."""
    ends = [*days[1:], _end(days)]
    return [day + (end - day) / 2 for day, end in zip(days, ends, strict=True)]


def _end(days: Sequence[date]) -> date:
    """First day after the last of equal periods."""
    return days[-1] + (days[-1] - days[-2] if len(days) > 1 else timedelta(days=91))


def _time(days: Sequence[date]) -> dict[str, Any]:
    return {
        "field": "day",
        "type": "temporal",
        "title": None,
        "axis": {"format": "%Y", "tickCount": "year"},
        "scale": {"domain": [days[0].isoformat(), _end(days).isoformat()]},
    }


def _amount(unit: str, zero: bool = True, percent: bool = False) -> dict[str, Any]:
    axis = {"format": "%" if percent else ",.3~f", "tickCount": 5}
    return {"field": "value", "type": "quantitative", "title": unit, "axis": axis, "scale": {"zero": zero}}


def _colour(
    order: Sequence[str], colours: Mapping[str, str] | None, legend: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Colours of the series; the legend has these properties, and is not there for a single series."""
    shown = [(colours or {}).get(label, PALETTE[at % len(PALETTE)]) for at, label in enumerate(order)]
    return {
        "field": "series",
        "type": "nominal",
        "scale": {"domain": list(order), "range": shown},
        "sort": None,
        "legend": dict(legend or {}) if len(order) > 1 else None,
    }


def _marked(marks: Sequence[Mark]) -> list[dict[str, Any]]:
    """Thin rules at the marked days, their numbers above the picture."""
    if not marks:
        return []
    data = {"values": [{"day": mark.day} for mark in marks]}
    near = {"values": [{"day": marks[group[0]].day, "number": _range(marks, group)} for group in _near(marks)]}
    x = {"field": "day", "type": "temporal"}
    return [
        {"data": data, "mark": {"type": "rule", "color": "#888", "strokeDash": [2, 3]}, "encoding": {"x": x}},
        {
            "data": near,
            "mark": {"type": "text", "y": -7, "fontSize": 9.5, "color": "#555"},
            "encoding": {"x": x, "text": {"field": "number"}},
        },
    ]


def _near(marks: Sequence[Mark]) -> list[list[int]]:
    """Marks too close to number apart, together."""
    groups: list[list[int]] = []
    for at, mark in enumerate(marks):
        if groups and date.fromisoformat(mark.day) - date.fromisoformat(marks[groups[-1][0]].day) < timedelta(days=40):
            groups[-1].append(at)
        else:
            groups.append([at])
    return groups


def _range(marks: Sequence[Mark], group: Sequence[int]) -> str:
    first, last = marks[group[0]].number, marks[group[-1]].number
    return str(first) if first == last else f"{first}\u2013{last}"


def _sign(low: float, high: float) -> str:
    return "up" if low > 0 else "down" if high < 0 else "open"


def _json(value: float) -> float | None:
    return None if math.isnan(value) or math.isinf(value) else float(value)
