"""Tables: what a run keeps, as tidy pyarrow tables and their files.

They are built from the panels of a recording level, which are small: a run's tables can be handed to another process and be
written there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.clock import Clock
from sim.metrics import DIMS
from sim.panel import Panel
from sim.record import Event

ROWS_OF = {"seller": "actor", "buyer": "actor", "chip": "chip", "channel": "channel", "ship_to": "country",
            "bill_to": "country", "customer_hq": "country", "end_hq": "country", "lane": "lane", "use": "use"}
"""Trade columns that hold rows, and the axis whose labels they stand for."""

_ROWS_AT_ONCE = 32_768
"""Rows that are packed together on disk: more need more memory, and nobody reads them faster."""

_BOOKS = ("primary", "spot", "rental", "input")


@dataclass(frozen=True)
class Tables:
    """What the files of a run are written from: its id, name, seed and clock, the panels its recording level keeps, its event
    log, and its trades (columns of rows, with the labels by axis) where the level keeps them."""

    run_id: str
    name: str
    seed: int
    clock: Clock
    panels: tuple[Panel, ...]
    log: Sequence[Event]
    trade_rows: Mapping[str, NDArray[Any]] | None
    labels: Mapping[str, Sequence[str]]

    @cached_property
    def timeseries(self) -> Any:
        """Tidy pyarrow table, one row a series and week with a value: run_id scenario seed tick date metric unit, the
        dimensions in use, value. Text columns are dictionaries."""
        return _Tidy(self).table()

    def trades(self) -> Any:
        """Every trade with names for rows; money in USD."""
        columns = self.trade_rows or {}
        out: dict[str, Any] = {"tick": _numbers(columns["tick"]), "date": self._dates(columns["tick"]),
                               "book": _labels(_BOOKS, columns["book"].astype(np.int32))}
        for column, rows in columns.items():
            if column in ROWS_OF:
                out[column] = _labels(self.labels[ROWS_OF[column]], rows.astype(np.int32))
            elif column.endswith("_cents"):
                out[column.replace("_cents", "_usd")] = _numbers(rows / 100.0)
            elif column not in out:
                out[column] = _numbers(rows)
        return _table(out)

    def events(self) -> Any:
        """The event log, with its place in it (`event`), which `cause` refers to."""
        log = self.log
        ticks = np.array([event.tick for event in log], dtype=np.int32)
        out: dict[str, Any] = {"event": _numbers(np.arange(len(log), dtype=np.int32)), "tick": _numbers(ticks),
                               "date": self._dates(ticks)}
        for at, name in enumerate(Event._fields):
            if name in ("kind", "actor", "chip", "other", "rule", "unit", "text"):
                out[name] = _strings([str(event[at]) for event in log])
        out["quantity"] = _numbers(np.array([event.quantity for event in log], dtype=np.float64))
        out["cause"] = _numbers(np.array([event.cause for event in log], dtype=np.int32))
        return _table(out)

    def _dates(self, ticks: NDArray[Any]) -> Any:
        return _days(ticks.astype(np.int32) * 7 + (self.clock.start - date(1970, 1, 1)).days)

    def write(self, folder: Path) -> None:
        """Write the tables under a folder, made if need be. Raises OSError."""
        import pyarrow.parquet as pq

        tables = {"timeseries": self.timeseries, "events": self.events()}
        if self.trade_rows is not None:
            tables["trades"] = self.trades()
        for name, table in tables.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            pq.write_table(table, folder / name / f"{self.run_id}.parquet", compression="zstd", row_group_size=_ROWS_AT_ONCE,
                           write_statistics=False)  # half the time, for what a reader of one run does not look at


Rest = Callable[[Mapping[str, Any]], Mapping[str, bytes]]
"""Of a run's manifest: waits until its tables are on disk, and tells further files of the folder by name."""

Fill = Callable[[Tables, Path], AbstractContextManager[Rest]]
"""Begins to write tables into a folder; at the end of the context nothing is written any more."""


@contextmanager
def write_tables(tables: Tables, folder: Path) -> Iterator[Rest]:
    """The tables and nothing else."""
    tables.write(folder)
    yield lambda manifest: {}


class _Tidy:
    """Panels as one long table."""

    def __init__(self, run: Tables) -> None:
        self.run, self.panels = run, run.panels
        self.known = [~np.isnan(panel.values) for panel in run.panels]
        self.rows = [known.sum(axis=1) for known in self.known]

    def table(self) -> Any:
        run, panels = self.run, self.panels
        n_rows = int(sum(int(rows.sum()) for rows in self.rows))
        same = np.zeros(n_rows, dtype=np.int32)
        ticks = _joined([np.nonzero(known)[1] for known in self.known]).astype(np.int32)
        columns: dict[str, Any] = {
            "run_id": _labels((run.run_id,), same), "scenario": _labels((run.name,), same),
            "seed": _numbers(np.full(n_rows, run.seed, dtype=np.int64)), "tick": _numbers(ticks),
            "date": run._dates(ticks), "metric": self._by_panel([panel.name for panel in panels]),
            "unit": self._by_panel([panel.unit for panel in panels]),
        }
        for dim in DIMS:
            if any(dim in panel.dims for panel in panels):
                columns[dim] = self._by_label(dim)
        values = [panel.values[known] for panel, known in zip(panels, self.known, strict=True)]
        columns["value"] = _numbers(_joined(values).astype(np.float64))
        return _table(columns)

    def _by_panel(self, said: list[str]) -> Any:
        words = sorted(set(said))
        codes = np.array([words.index(word) for word in said], dtype=np.int32)
        return _labels(words, np.repeat(codes, [int(rows.sum()) for rows in self.rows]))

    def _by_label(self, dim: str) -> Any:
        words = sorted({key[panel.dims.index(dim)] for panel in self.panels if dim in panel.dims for key in panel.keys})
        place = {word: row for row, word in enumerate(words)}
        codes = []
        for panel, rows in zip(self.panels, self.rows, strict=True):
            at = panel.dims.index(dim) if dim in panel.dims else -1
            series = [place[key[at]] for key in panel.keys] if at >= 0 else [-1] * len(panel.keys)
            codes.append(np.repeat(np.array(series, dtype=np.int32), rows))
        return _labels(words, _joined(codes).astype(np.int32))


# --- pyarrow, built from buffers: its converters of lists and arrays import pandas, half the time of a short run


def _strings(labels: Sequence[str]) -> Any:
    import pyarrow as pa

    data = [label.encode() for label in labels]
    ends = np.zeros(len(data) + 1, dtype=np.int32)
    np.cumsum([len(text) for text in data], out=ends[1:])
    return pa.StringArray.from_buffers(len(data), pa.py_buffer(ends), pa.py_buffer(b"".join(data)))


def _labels(words: Sequence[str], codes: NDArray[np.int32]) -> Any:
    """Dictionary column; a negative code is no value."""
    import pyarrow as pa

    known = codes >= 0
    valid = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
    rows = pa.Array.from_buffers(pa.int32(), len(codes), [valid, pa.py_buffer(np.maximum(codes, 0))])
    return pa.DictionaryArray.from_arrays(rows, _strings(words))


def _numbers(values: NDArray[Any]) -> Any:
    import pyarrow as pa

    kinds = {"i1": pa.int8(), "i2": pa.int16(), "i4": pa.int32(), "i8": pa.int64(), "f8": pa.float64()}
    kind, data = kinds[values.dtype.str[1:]], pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(kind, len(values), [None, data])


def _days(days: NDArray[np.int32]) -> Any:
    import pyarrow as pa

    return pa.Array.from_buffers(pa.date32(), len(days), [None, pa.py_buffer(np.ascontiguousarray(days))])


def _table(columns: Mapping[str, Any]) -> Any:
    import pyarrow as pa

    return pa.Table.from_arrays(list(columns.values()), list(columns))


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0)
