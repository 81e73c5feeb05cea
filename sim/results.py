"""Result: what a run says, as panels, tidy tables, yearly figures and files, with where every number came from."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.clock import Clock
from sim.errors import UsageError, nearest
from sim.headline import Headline, headline
from sim.metrics import DIMS, LEVELS, METRICS, Level, Tally, metrics
from sim.panel import Panel
from sim.posterior import Fitted
from sim.provenance import digest, lock_hash, machine, source_hash, versions
from sim.record import Event, Record

RESULTS_SCHEMA = 1
"""Version of the results folder: its files, their columns and their keys."""

_ROWS_OF = {"seller": "actor", "buyer": "actor", "chip": "chip", "channel": "channel", "ship_to": "country",
            "bill_to": "country", "customer_hq": "country", "end_hq": "country", "lane": "lane", "use": "use"}
"""Trade columns that hold rows, and the axis whose labels they stand for."""

_ROWS_AT_ONCE = 32_768
"""Rows that are packed together on disk: more need more memory, and nobody reads them faster."""

_BOOKS = ("primary", "spot", "rental", "input")


class ScenarioLike(Protocol):
    """What a result needs of its scenario."""

    @property
    def title(self) -> str: ...

    @property
    def summary(self) -> str: ...

    @property
    def rules(self) -> Mapping[str, Any]: ...

    @property
    def hash(self) -> str: ...

    @property
    def posterior(self) -> Fitted: ...

    def plain(self) -> dict[str, Any]: ...


@dataclass
class Result:
    """One finished run.

    name  what the scenario is called: the word it was asked for by; labels tables and folders.
    asked  the shipped name or path it was asked for by, which loads it again; its name when left out.
    overrides  what was set or named on top of the scenario's file, as typed.
    """

    record: Record
    scenario: ScenarioLike
    seed: int
    recording: Level = "standard"
    name: str = ""
    overrides: tuple[str, ...] = ()
    asked: str = ""
    wall_s: float = 0.0
    _panels: dict[str, Panel] = field(default_factory=dict, repr=False)

    @classmethod
    def from_record(cls, record: Record, scenario: ScenarioLike, seed: int, recording: Level = "standard",
                    name: str = "", overrides: Sequence[str] = ()) -> Result:
        """Raises UsageError for a recording level that is none of LEVELS."""
        if recording not in LEVELS:
            raise UsageError(f'"{recording}" is no recording level; {nearest(recording, list(LEVELS))}')
        return cls(record, scenario, seed, recording, name or _slug(scenario.title), tuple(overrides))

    @property
    def clock(self) -> Clock:
        return self.record.clock

    @property
    def events(self) -> list[Event]:
        return self.record.events

    @cached_property
    def run_id(self) -> str:
        """The same scenario, seed and sources: the same id; 12 hex digits."""
        return digest(self.scenario.hash, str(self.seed), source_hash())[:12]

    # --- panels

    @cached_property
    def _tally(self) -> Tally:
        return Tally(self.record)

    @cached_property
    def _plain_tally(self) -> Tally:
        """For the levels that do not tell buyers apart."""
        return Tally(self.record, buyers=False)

    def panel(self, name: str) -> Panel:
        """One observable at full detail, whatever the recording level. Raises UsageError for an unknown one."""
        if name not in self._panels:
            if name not in METRICS and name not in [metric.name for metric in metrics()]:
                raise UsageError(f'"{name}" is no observable; {nearest(name, METRICS.names)}')
            self._panels[name] = METRICS[name].panel(self._tally)
        return self._panels[name]

    def panels(self) -> Mapping[str, Panel]:
        """Every observable at full detail, by name."""
        found = {metric.name: self.panel(metric.name) for metric in metrics()}
        vars(self).pop("_tally", None)  # what they shared is done with
        return found

    def recorded(self, level: Level | None = None) -> Iterator[Panel]:
        """The panels a recording level keeps, by name, as it keeps them."""
        wanted = level or self.recording
        for metric in metrics():
            dims = metric.kept(wanted)
            if dims is not None:
                whole = "actor" in dims
                yield metric.at(wanted, self.panel(metric.name) if whole else metric.panel(self._plain_tally))

    def read(self, metric: str, window: str = "", **filters: str | Sequence[str]) -> float:
        """One number: the series that pass the filters as one, over a window (the whole run without one), weeks
        combined as the metric declares. NaN where no week has a value. Raises UsageError for an unknown word."""
        try:
            chosen = self.panel(metric).select(**{dim: labels if isinstance(labels, str) else list(labels)
                                                  for dim, labels in filters.items()})
            weights = self.clock.window(window) if window else np.ones(self.clock.n_ticks)
        except (KeyError, ValueError) as error:
            raise UsageError(f"{metric}: {error.args[0]}") from error
        if not chosen.keys:
            return float("nan") if chosen.over_time == "mean" or not weights.any() else 0.0
        return float(chosen.by().over(weights)[0])

    def headline(self) -> Headline:
        """The figures of each year, and the rules that began to bind in it."""
        return self._headline

    @cached_property
    def _headline(self) -> Headline:
        return headline(self)

    def let_go(self) -> None:
        """Free the panels worked out so far; one that is asked for again is worked out again."""
        self._panels.clear()
        for shared in ("_tally", "_plain_tally"):
            vars(self).pop(shared, None)

    # --- tables

    def table(self, level: Level | None = None) -> Any:
        """Tidy pyarrow table, one row a series and week with a value: run_id scenario seed tick date metric unit, the
        dimensions in use, value. Text columns are dictionaries."""
        return _Tidy(self, list(self.recorded(level))).table()

    def trades_table(self) -> Any:
        """Every trade with names for rows; money in USD."""
        columns = self.record.trades
        out: dict[str, Any] = {"tick": _numbers(columns["tick"]), "date": self._dates(columns["tick"]),
                               "book": _labels(_BOOKS, columns["book"].astype(np.int32))}
        for column, rows in columns.items():
            if column in _ROWS_OF:
                out[column] = _labels(self.record.names[_ROWS_OF[column]], rows.astype(np.int32))
            elif column.endswith("_cents"):
                out[column.replace("_cents", "_usd")] = _numbers(rows / 100.0)
            elif column not in out:
                out[column] = _numbers(rows)
        return _table(out)

    def events_table(self) -> Any:
        """The event log, with its place in it (`event`), which `cause` refers to."""
        log = self.events
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

    # --- identity

    @cached_property
    def hashes(self) -> dict[str, str]:
        """sha256 of each table at full detail, bit for bit. Rows are hashed by name, so that an actor, a part or a rule
        that nothing happens to changes none of them."""
        found = {name: _panel_hash(panel) for name, panel in self.panels().items()}
        return {**found, "trades": self._trades_hash(), "events": digest(*map(repr, self.events))}

    @cached_property
    def hash(self) -> str:
        """sha256 over all tables."""
        return digest(*(part for name, said in sorted(self.hashes.items()) for part in (name, said)))

    def _trades_hash(self) -> str:
        hashed = hashlib.sha256()
        for column, rows in self.record.trades.items():
            named = rows
            if column in _ROWS_OF:
                marks = [hashlib.blake2b(label.encode(), digest_size=8).digest()
                         for label in self.record.names[_ROWS_OF[column]]]
                named = np.frombuffer(b"".join(marks) + bytes(8), dtype=np.uint64)[rows]
            hashed.update(column.encode() + np.ascontiguousarray(named).tobytes())
        return hashed.hexdigest()

    @property
    def manifest(self) -> dict[str, Any]:
        """Where the numbers came from: scenario, seed, code, packages, machine, and the hash of every table."""
        return {
            "results_schema": RESULTS_SCHEMA, "kind": "run", "run_id": self.run_id,
            "scenario": {"name": self.name, "title": self.scenario.title, "hash": self.scenario.hash,
                         "asked": self.asked or self.name, "overrides": list(self.overrides),
                         "posterior": self.scenario.posterior.note},
            "seeds": [self.seed], "recording": self.recording,
            "time": {"start": self.clock.start.isoformat(), "end": self.clock.end.isoformat(),
                     "ticks": self.clock.n_ticks},
            "code": {"version": versions().get("chokepoint", "unknown"), "sources": source_hash()},
            "versions": versions(), "lock": lock_hash(), "platform": machine(),
            "others": dict(METRICS.provenance),
            "wall_s": round(self.wall_s, 3), "hash": self.hash, "hashes": self.hashes,
        }

    # --- files

    def write(self, folder: Path, level: Level | None = None, extra: Mapping[str, bytes] | None = None) -> Path:
        """Write the folder whole: it appears under its name when everything in it is on disk, and replaces an earlier
        result there. `extra` are further files by name (a report). Raises UsageError when the folder holds something
        else or cannot be written."""
        _replace(folder, lambda spare: self._write_into(spare, level or self.recording, extra or {}))
        return folder

    def _write_into(self, folder: Path, level: Level, extra: Mapping[str, bytes]) -> None:
        import pyarrow.parquet as pq

        manifest = {**self.manifest, "recording": level, "headline": self.headline().plain()}
        tables = {"timeseries": self.table(level), "events": self.events_table()}
        if level == "full":
            tables["trades"] = self.trades_table()
        for name, table in tables.items():
            (folder / name).mkdir(parents=True)
            pq.write_table(table, folder / name / f"{self.run_id}.parquet", compression="zstd", row_group_size=_ROWS_AT_ONCE)
        files = {"manifest.json": _json(manifest), "scenario.json": _json(self.scenario.plain()), **extra}
        for name, data in files.items():
            (folder / name).write_bytes(data)


class _Tidy:
    """Panels as one long table."""

    def __init__(self, result: Result, panels: list[Panel]) -> None:
        self.result, self.panels = result, panels
        self.known = [~np.isnan(panel.values) for panel in panels]
        self.rows = [known.sum(axis=1) for known in self.known]

    def table(self) -> Any:
        result, panels = self.result, self.panels
        n_rows = int(sum(int(rows.sum()) for rows in self.rows))
        same = np.zeros(n_rows, dtype=np.int32)
        ticks = _joined([np.nonzero(known)[1] for known in self.known]).astype(np.int32)
        columns: dict[str, Any] = {
            "run_id": _labels((result.run_id,), same), "scenario": _labels((result.name,), same),
            "seed": _numbers(np.full(n_rows, result.seed, dtype=np.int64)), "tick": _numbers(ticks),
            "date": result._dates(ticks), "metric": self._by_panel([panel.name for panel in panels]),
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


# --- folders


def write_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files by name into a folder that is whole or absent, in place of an earlier result. Raises UsageError."""

    def fill(spare: Path) -> None:
        spare.mkdir(parents=True)
        for name, data in contents.items():
            (spare / name).write_bytes(data)

    _replace(folder, fill)


def check_replaceable(folder: Path) -> None:
    """Raises UsageError when a folder holds anything but an earlier result, or cannot be made."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "manifest.json").is_file():
        raise UsageError(f"{folder} holds other files (no manifest.json); choose another --out")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; choose another --out")
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    if not (above.is_dir() and os.access(above, os.W_OK | os.X_OK)):
        raise UsageError(f"{folder} cannot be made: {above} is no folder you may write in; choose another --out")


def _replace(folder: Path, fill: Callable[[Path], None]) -> None:
    """Fill a folder under a temporary name, then put it in its place; an earlier result stays until then."""
    check_replaceable(folder)
    spare, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{end}") for end in ("tmp", "old"))
    try:
        fill(spare)
        if folder.exists():
            os.replace(folder, old)
        os.replace(spare, folder)
    except OSError as error:
        if old.exists() and not folder.exists():
            os.replace(old, folder)
        said = error.strerror or error
        raise UsageError(f"{folder} cannot be written: {said}; nothing half-written was left") from error
    finally:
        shutil.rmtree(spare, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


# --- small change


def _panel_hash(panel: Panel) -> str:
    hashed = hashlib.sha256(repr((panel.name, panel.unit, panel.over_time, panel.dims, panel.keys)).encode())
    for values in (panel.values, panel.base):
        hashed.update(b"" if values is None else np.ascontiguousarray(values).tobytes())
    return hashed.hexdigest()


def _slug(title: str) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in title.lower()).split()
    return "-".join(words[:6]) or "scenario"


def _json(data: Any) -> bytes:
    return (json.dumps(data, indent=1, ensure_ascii=False, default=str) + "\n").encode()
