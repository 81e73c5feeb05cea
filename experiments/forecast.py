"""Forecast: what the model says of the time after the facts it was fitted on, with intervals, before anything is scored.

Two worlds: one where both governments sign the record, and the test, where Beijing decides for itself. Parameters are those of
the posterior, which saw nothing later than its cutoff; the page names commit, sources, scenario and parameters by hash.
"""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import sim
from experiments.backtest import figure
from experiments.calibration import CUTOFF
from experiments.posterior import drawn
from experiments.scoring import Spread
from experiments.workers import each
from sim.errors import ChokepointError, UsageError
from sim.headline import figures_of
from sim.provenance import source_hash

TEST = "history-adaptive-cn"
"""The world that is the test."""

GIVEN = "history"
Values = Mapping[tuple[str, str], float]
"""By figure and window."""

Job = tuple[str, int]
"""A world and a seed."""


@dataclass(frozen=True)
class Forecast:
    """Spreads by world, figure and window. lines: (figure, title, unit) in order."""

    worlds: tuple[str, ...]
    windows: tuple[str, ...]
    lines: tuple[tuple[str, str, str], ...]
    spreads: Mapping[tuple[str, str, str], Spread]
    seeds: tuple[int, ...]
    hashes: Mapping[str, str]
    posteriors: Mapping[str, str]
    parameters: str


def windows_of(end: date) -> tuple[str, ...]:
    """The rest of the year of the cutoff, then half-years, as far as a run goes."""
    first = [f"{CUTOFF}..{CUTOFF.year}-12-31"]
    halves = [(f"{year}H{half}", date(year, 6 * half, 1)) for year in range(CUTOFF.year + 1, end.year + 1) for half in (1, 2)]
    return (*first, *(name for name, day in halves if day <= end))


def forecast(worlds: Sequence[str], seeds: Sequence[int], workers: int, told: Callable[[int, int], None]) -> Forecast:
    """Run every world on every seed. Raises UsageError for a world that ends before the cutoff or a run that fails."""
    loaded = {name: sim.load(name) for name in worlds}
    for name, scenario in loaded.items():
        if scenario.clock.end <= CUTOFF + timedelta(weeks=1):
            raise UsageError(f"{name} ends before {CUTOFF}; there is nothing to forecast")
    first = loaded[worlds[0]]
    windows = windows_of(first.clock.end)
    found = _read_all([(name, seed) for seed in seeds for name in worlds], windows, workers, told)
    figures = figures_of(sim.build(first, 1).record)
    spreads = {(name, one.name, window): Spread.of([found[name, seed][one.name, window] for seed in seeds])
               for name in worlds for one in figures for window in windows}
    lines = tuple((one.name, f"{one.group}: {one.title}", one.unit) for one in figures
                  if any(_shown(spreads[name, one.name, window]) for name in worlds for window in windows))
    return Forecast(tuple(worlds), windows, lines, spreads, tuple(seeds), {name: one.hash for name, one in loaded.items()},
                    {name: one.posterior.note for name, one in loaded.items()}, first.posterior.hash)


def _read_all(jobs: Sequence[Job], windows: Sequence[str], workers: int, told: Callable[[int, int], None]) -> dict[Job, Values]:
    """Every world on every seed, on this process or several."""
    try:
        return dict(zip(jobs, each(read, [(*job, windows) for job in jobs], workers, told), strict=True))
    except ChokepointError as error:
        raise UsageError(f"a run failed: {error}") from error


def _shown(spread: Spread) -> bool:
    return not math.isnan(spread.median) and (spread.q05, spread.q95) != (0.0, 0.0)


def read(world: str, seed: int, windows: Sequence[str]) -> Values:
    """Every headline figure of one run over every window, in the figure's unit."""
    result = sim.run(sim.load(world, drawn(world, (), seed)), seed, "headline")
    return {(one.name, window): one.read(result, window) / one.scale for one in figures_of(result.record) for window in windows}


def commit() -> str:
    """The commit of the clone this runs in; empty where there is none."""
    try:
        said = subprocess.run(["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return said.stdout.strip()


def page(found: Forecast) -> str:
    """Markdown."""
    meaning = {
        GIVEN: "both governments sign the record, also after the cutoff: forecast is how firms answer rules that are given",
        TEST: "**the test**: American rules are given, but from May 2025 China's acts come from its own objective alone",
    }
    lines = [
        f"# Forecast: what the model says of the time after {CUTOFF}", "",
        "Made by `chokepoint forecast`; not edited by hand, and made before anything after that day was scored. No "
        f"outcome observed after {CUTOFF} was used to build, fit or choose anything here. Inputs given in both worlds - American "
        "rules, budgets and capacity plans as published - run to the end of 2026.", "",
        f"- Commit: {commit() or 'no clone'}; sources of the model {source_hash()[:16]}.",
        f"- Parameters: {found.parameters[:16] or 'no posterior applies'}, frozen at {CUTOFF}.",
        *(f"- `{name}` (scenario {found.hashes[name][:16]}): {meaning.get(name, 'another world')}. {found.posteriors[name]}."
          for name in found.worlds),
        f"- {len(found.seeds)} runs a world, on the same seeds and draws; median, and 5th to 95th percentile in brackets.",
        "- These intervals are the spread of the ensemble. They hold no fault of structure and are not the error of a forecast "
        "([validation](validation.md)).", ""]
    for window in found.windows:
        heads = " | ".join(f"`{name}`" for name in found.worlds)
        lines += [f"## {window.replace('..', ' to ')}", "", f"| figure | unit | {heads} |", "|---" * (2 + len(found.worlds)) + "|"]
        for name, title, unit in found.lines:
            cells = [_cell(found.spreads[world, name, window]) for world in found.worlds]
            lines.append(f"| {title} | {unit} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def _cell(spread: Spread) -> str:
    return "–" if math.isnan(spread.median) else f"{figure(spread.median)} ({figure(spread.q05)} to {figure(spread.q95)})"
