"""IAMC: yearly values in the wide form that integrated-assessment tools read (Model, Scenario, Region, Variable,
Unit, years).

A policy is a scenario; an observable and its labels are a variable, `Smuggled chips|Grey|H100`. Where a policy has
several runs, the variable is their mean, and its `5th percentile` and `95th percentile` stand beside it.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.store import Store, write_whole
from sim.clock import Clock
from sim.panel import OverTime, Panel

MODEL = "chokepoint"
_REGIONS = ("region", "to", "country", "place")
"""Dimensions that name a region, the first that a series carries; a series with none is the World's."""

_NOT_LABELS = ("run_key", "tick", "date", "metric", "unit", "value")
_QUANTILES = {"5th percentile": 0.05, "95th percentile": 0.95}

Name = tuple[str, str, str]
"""Region, variable, unit."""


def write_iamc(store: Store, path: Path, clock: Clock, over_time: Mapping[str, OverTime]) -> int:
    """Write a store's yearly values as CSV; the number of rows. over_time: metric -> how its weeks combine."""
    years = sorted({clock.date_of(tick).year for tick in range(clock.n_ticks)})
    entries = store.entries().select(["policy", "run_key"]).to_pylist()
    by_policy: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        by_policy[entry["policy"]].append(entry["run_key"])
    rows = 0
    file = io.StringIO(newline="")
    out = csv.writer(file)
    out.writerow(["Model", "Scenario", "Region", "Variable", "Unit", *years])
    for policy, keys in by_policy.items():
        for (region, variable, unit), values in _of_policy(store, keys, years, clock, over_time):
            out.writerow([MODEL, policy, region, variable, unit, *(_said(value) for value in values)])
            rows += 1
    write_whole(path, file.getvalue().encode())
    return rows


def _of_policy(
    store: Store, keys: list[str], years: list[int], clock: Clock, over_time: Mapping[str, OverTime]
) -> Iterator[tuple[Name, NDArray[np.float64]]]:
    found: dict[Name, list[NDArray[np.float64]]] = defaultdict(list)
    for _, table in store.series(keys):
        for name, values in yearly(table.to_pandas(), years, clock, over_time):
            found[name].append(values)
    for (region, variable, unit), runs in sorted(found.items()):
        stacked = np.array(runs)
        yield (region, variable, unit), _mean(stacked)
        for words, share in _QUANTILES.items() if len(runs) > 1 else ():
            yield (region, f"{variable}|{words}", unit), _quantile(stacked, share)


def yearly(
    frame: Any, years: list[int], clock: Clock, over_time: Mapping[str, OverTime]
) -> Iterator[tuple[Name, NDArray[np.float64]]]:
    """Each series of a run's tidy frame by year, (n_years,); weeks that straddle a year are shared by their days."""
    labels = [name for name in frame.columns if name not in _NOT_LABELS]
    windows = [clock.window(str(year)) for year in years]
    for key, part in frame.groupby(["metric", "unit", *labels], dropna=False, observed=True, sort=True):
        metric, unit, *said = (str(word) if isinstance(word, str) else "" for word in key)
        values = np.full((1, clock.n_ticks), np.nan)
        values[0, part["tick"].to_numpy()] = part["value"].to_numpy()
        panel = Panel(metric, unit, over_time.get(metric, "mean"), (), ((),), values)
        by_year = np.array([float(panel.over(window)[0]) for window in windows])
        yield _name(metric, unit, dict(zip(labels, said, strict=True))), by_year


def _name(metric: str, unit: str, said: Mapping[str, str]) -> Name:
    place = next((name for name in _REGIONS if said.get(name)), "")
    words = [metric.replace("_", " ").capitalize(), *(word for name, word in said.items() if word and name != place)]
    return said.get(place) or "World", "|".join(word.replace("|", "/") for word in words), unit


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(values)
    held = known.sum(axis=0)
    return np.where(held > 0, np.where(known, values, 0.0).sum(axis=0) / np.maximum(held, 1), np.nan)


def _quantile(values: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    columns = [column[~np.isnan(column)] for column in values.T]
    return np.array([float(np.quantile(column, share)) if len(column) else np.nan for column in columns])


def _said(value: float) -> str:
    return "" if np.isnan(value) else repr(float(value))
