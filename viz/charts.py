"""Charts: which observables the page draws, as full-precision series with their unit and the band over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.errors import UsageError
from sim.panel import Panel


class HasPanels(Protocol):
    """The part of a Result that charts read."""

    def panel(self, name: str) -> Panel: ...


@dataclass(frozen=True)
class Chart:
    """One small picture: an observable, what of it, and how its number is written; folded as the observable declares.

    without  labels left out, by dimension.
    running  a flow drawn as its sum since the start, so that a level can be compared at any week.
    """

    id: str
    observable: str
    filters: Mapping[str, str] = field(default_factory=dict)
    without: Mapping[str, str] = field(default_factory=dict)
    running: bool = False
    digits: int = 0


CHARTS: tuple[Chart, ...] = (
    Chart("cn_units", "units_delivered", {"region": "CN", "basis": "customer_hq"}, {"from": "CN"}),
    Chart("cn_stock", "stock_h100e", {"region": "CN"}, {"channel": "rented"}),
    Chart("smuggled", "smuggled_chips", running=True),
    Chart("grey_premium", "grey_premium", digits=2),
    Chart("wait", "wait_months", {"region": "CN"}, digits=1),
    Chart("lag", "lag_months", digits=1),
    Chart("domestic", "cards_share", {"to": "CN", "origin": "domestic", "by": "units"}, digits=2),
    Chart("independence", "independence_index", {"place": "CN"}, digits=2),
    Chart("cn_revenue", "revenue_usd", {"region": "CN", "basis": "customer_hq"}, running=True),
    Chart("writedown", "writedown_usd", running=True),
    Chart("market_value", "market_value_usd"),
    Chart("efficiency_cn", "efficiency", {"region": "CN"}, digits=1),
)


def series_of(result: HasPanels, chart: Chart) -> dict[str, Any] | None:
    """One chart's series as plain data, None where the run has no such observable or no value of it."""
    try:
        panel = result.panel(chart.observable)
    except (KeyError, UsageError):
        return None
    chosen = _chosen(panel, chart)
    if not chosen.keys:
        return None
    values = chosen.by().values[0]
    if not np.isfinite(values).any() or not np.nanmax(np.abs(values)):
        return None
    return {
        "id": chart.id,
        "unit": panel.unit,
        "digits": chart.digits,
        "observable": chart.observable,
        "over_time": "last" if chart.running else panel.over_time,
        "values": numbers(np.nancumsum(values) if chart.running else values),
    }


def _chosen(panel: Panel, chart: Chart) -> Panel:
    """The series a chart is about; a filter on a dimension the observable lacks is none."""
    wanted: dict[str, str | list[str]] = {dim: label for dim, label in chart.filters.items() if dim in panel.dims}
    for dim, label in chart.without.items():
        if dim in panel.dims:
            at = panel.dims.index(dim)
            wanted[dim] = sorted({key[at] for key in panel.keys} - {label})
    return panel.select(**wanted) if wanted else panel


def all_series(result: HasPanels, charts: Sequence[Chart] = CHARTS) -> list[dict[str, Any]]:
    """Every chart the run can fill, in the page's order."""
    return [drawn for chart in charts if (drawn := series_of(result, chart))]


def bands(runs: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, dict[str, list[float | None]]]:
    """Lowest and highest value by chart and week over the seeds; `runs` holds `all_series` of each seed."""
    found: dict[str, dict[str, list[float | None]]] = {}
    for series in runs[0]:
        stack = np.array(
            [[np.nan if v is None else v for v in other["values"]] for run in runs for other in run if other["id"] == series["id"]],
            dtype=float,
        )
        known = np.isfinite(stack).any(axis=0)
        low, high = np.full(stack.shape[1], np.nan), np.full(stack.shape[1], np.nan)
        low[known], high[known] = np.nanmin(stack[:, known], axis=0), np.nanmax(stack[:, known], axis=0)
        found[str(series["id"])] = {"low": numbers(low), "high": numbers(high)}
    return found


def numbers(values: NDArray[np.float64]) -> list[float | None]:
    """Floats as JSON carries them: full precision, no value as None."""
    return [float(v) if np.isfinite(v) else None for v in values]
