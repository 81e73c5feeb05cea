"""Tidy: series read back from the long table of a run, by metric and labels, and combined over calendar periods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sim.clock import Clock
from sim.metrics import metrics

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lines:
    """Series of one metric: a label and (n_ticks,) each, NaN without a value; how weeks combine, and the unit."""

    labels: tuple[str, ...]
    values: Floats
    over_time: str
    unit: str

    def per(self, period: Literal["quarter", "year", "month"], clock: Clock) -> tuple[list[date], Floats]:
        """First days of the periods that the run touches, and each series over them, (n_series, n_periods)."""
        windows = periods(period, clock)
        values = [_over(self.values, clock.window(window), self.over_time) for window in windows]
        return [clock.span(window)[0] for window in windows], np.stack(values, axis=1)


class Tidy:
    """The columns of one run's long table."""

    def __init__(self, table: Any, clock: Clock) -> None:
        self.clock = clock
        self.tick = _buffer(table.column("tick").combine_chunks(), np.int32)
        self.value = _buffer(table.column("value").combine_chunks(), np.float64)
        self.columns = {name: _codes(table.column(name)) for name in table.column_names
                        if name not in ("tick", "value", "date", "seed")}

    def lines(self, metric: str, by: str = "", **filters: str | Sequence[str]) -> Lines:
        """The series of a metric that carry these labels, told apart by one dimension, else added up or averaged."""
        said = {found.name: found for found in metrics()}[metric]
        chosen = self._are("metric", (metric,))
        for dim, labels in filters.items():
            chosen &= self._are(dim, (labels,) if isinstance(labels, str) else tuple(labels))
        rows = np.flatnonzero(chosen)
        words, codes = self.columns[by] if by in self.columns else ((metric,), np.zeros(len(self.tick), dtype=np.int32))
        labels_used = sorted({int(code) for code in np.unique(codes[rows])} - {-1}, key=lambda code: words[code])
        out = np.full((len(labels_used), self.clock.n_ticks), np.nan)
        for at, code in enumerate(labels_used):
            mine = rows[codes[rows] == code]
            count = np.bincount(self.tick[mine], minlength=self.clock.n_ticks)
            total = np.bincount(self.tick[mine], self.value[mine], minlength=self.clock.n_ticks)
            shared = np.maximum(count, 1) if said.over_time == "mean" else 1
            out[at] = np.where(count > 0, total / shared, np.nan)
        return Lines(tuple(words[code] for code in labels_used), out, said.over_time, said.unit)

    def _are(self, column: str, labels: tuple[str, ...]) -> NDArray[np.bool_]:
        words, codes = self.columns.get(column, ((), np.full(len(self.tick), -1, dtype=np.int32)))
        return np.isin(codes, [row for row, word in enumerate(words) if word in labels])


def periods(period: Literal["quarter", "year", "month"], clock: Clock) -> list[str]:
    """Names of the calendar periods with at least half of their weeks in the run."""
    years = range(clock.start.year, clock.end.year + 1)
    names = {"year": [f"{year}" for year in years], "quarter": [f"{year}Q{q}" for year in years for q in range(1, 5)],
             "month": [f"{year}-{month:02d}" for year in years for month in range(1, 13)]}[period]
    half = {"year": 26.0, "quarter": 6.5, "month": 2.0}[period]
    return [name for name in names if clock.window(name).sum() >= half]


def _over(values: Floats, weights: Floats, over_time: str) -> Floats:
    inside = np.flatnonzero(weights > 0)
    part, share = values[:, inside], weights[inside]
    known = ~np.isnan(part)
    if over_time == "last":
        return np.asarray(part[:, -1])
    total = (np.where(known, part, 0.0) * share).sum(axis=1)
    if over_time == "sum":
        return np.asarray(total)
    held = (known * share).sum(axis=1)
    return np.asarray(np.where(held > 0, total / np.where(held > 0, held, 1.0), np.nan))


def _codes(column: Any) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Words and their codes by row, -1 for no value; the table's own codes where every row has one."""
    whole = column.combine_chunks()
    codes = _buffer(whole.indices, np.int32)
    valid = whole.indices.buffers()[0]
    if valid is not None:
        codes = codes.copy()
        bits = np.unpackbits(np.frombuffer(valid, dtype=np.uint8), bitorder="little")
        codes[bits[whole.indices.offset : whole.indices.offset + len(codes)] == 0] = -1
    return tuple(whole.dictionary.to_pylist()), codes


def _buffer(array: Any, kind: type) -> NDArray[Any]:
    """An arrow array's values; its own `to_numpy` would import pandas."""
    return np.frombuffer(array.buffers()[1], dtype=kind)[array.offset : array.offset + len(array)]


