"""Result: what a run says, as panels, tidy tables, yearly figures and files, with where every number came from."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sim.clock import Clock
from sim.errors import UsageError, nearest
from sim.headline import Headline, headline
from sim.metrics import LEVELS, METRICS, Level, Tally, metrics
from sim.panel import Panel
from sim.posterior import Fitted
from sim.provenance import digest, lock_hash, machine, source_hash, versions
from sim.record import Event, Record
from sim.tables import ROWS_OF, Fill, Tables, write_tables

RESULTS_SCHEMA = 1
"""Version of the results folder: its files, their columns and their keys."""


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

    def tables(self, level: Level | None = None) -> Tables:
        """The tables a recording level keeps, trades at `full` alone."""
        wanted = level or self.recording
        trades = self.record.trades if wanted == "full" else None
        return Tables(self.run_id, self.name, self.seed, self.clock, tuple(self.recorded(wanted)), self.events, trades,
                      self.record.names)

    def table(self, level: Level | None = None) -> Any:
        """The long table alone, see `Tables.timeseries`."""
        return self.tables(level).timeseries

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
            if column in ROWS_OF:
                marks = [hashlib.blake2b(label.encode(), digest_size=8).digest()
                         for label in self.record.names[ROWS_OF[column]]]
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

    def write(self, folder: Path, level: Level | None = None, fill: Fill = write_tables) -> Path:
        """Write the folder whole: it appears under its name when everything in it is on disk, and replaces an earlier
        result there. `fill` writes the tables, while this goes on, and tells further files by name (a report). Raises
        UsageError when the folder holds something else or cannot be written."""
        _replace(folder, lambda spare: self._write_into(spare, level or self.recording, fill))
        return folder

    def _write_into(self, folder: Path, level: Level, fill: Fill) -> None:
        with fill(self.tables(level), folder) as rest:
            manifest = {**self.manifest, "recording": level, "headline": self.headline().plain()}
            files = {"manifest.json": _json(manifest), "scenario.json": _json(self.scenario.plain())}
            files |= rest(manifest)
        for name, data in files.items():
            (folder / name).write_bytes(data)


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
