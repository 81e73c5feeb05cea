"""Compare: two scenarios on the same seeds, so that what differs is the rules; and the first event where they part."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import shorten
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.common import name_of
from experiments.pairing import Paired, paired
from experiments.single import run_one
from experiments.workers import each
from sim.errors import ChokepointError, UsageError
from sim.headline import Figure, figures_of
from sim.posterior import UNFITTED, Fitted
from sim.provenance import digest, lock_hash, machine, source_hash, versions
from sim.record import Event
from sim.results import RESULTS_SCHEMA, Result, write_folder

WHOLE = "whole run"
_RULE_KINDS = ("leak", "decree_announced", "decree_in_force", "decree_ended")
_SHOWN_EVENTS = 3
_TOLD = 64
"""Most letters of an event's own text."""

CURVES: tuple[tuple[str, str, str, dict[str, tuple[str, ...]], float], ...] = (
    ("Compute delivered to Chinese users", "k H100e a quarter", "delivered_h100e", {"region": ("CN",)}, 1e3),
    ("Chips past the rules into China", "k chips a quarter", "smuggled_chips", {"region": ("CN",)}, 1e3),
    (
        "Domestic share of cards in China",
        "share",
        "cards_share",
        {"to": ("CN",), "origin": ("domestic",), "by": ("units",)},
        1.0,
    ),
    ("Lag of the best Chinese lab", "months", "lag_months", {}, 1.0),
    (
        "Foreign vendors' AI-chip revenue from China",
        "USD bn a quarter",
        "revenue_usd",
        {"from": ("US",), "region": ("CN",), "segment": ("datacentre",), "basis": ("customer_hq",)},
        1e9,
    ),
)
"""Series drawn for both scenarios: title, unit, metric, filters, scale."""


@dataclass(frozen=True)
class Side:
    """One of the two: the scenario as asked for, and what is set on top of it."""

    scenario: str
    settings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return name_of(self.scenario) + (" with " + ", ".join(self.settings) if self.settings else "")


@dataclass(frozen=True)
class Job:
    """One run to do, with the posterior draw of its seed; `traced` keeps its events and trades for the comparison of two
    logs."""

    side: Side
    seed: int
    traced: bool
    draw: tuple[str, ...] = ()

    @property
    def settings(self) -> tuple[str, ...]:
        return (*self.side.settings, *self.draw)


@dataclass(frozen=True)
class Reading:
    """What a comparison keeps of one run. figures: what each line reads; values[figure][window]; curves by title over
    quarters; events and flows (week -> (seller, buyer, chip) -> chips) of a traced run."""

    title: str
    hash: str
    scenario_hash: str
    start: str
    end: str
    figures: tuple[Figure, ...]
    windows: tuple[str, ...]
    values: NDArray[np.float64]
    quarters: tuple[str, ...]
    curves: dict[str, NDArray[np.float64]]
    posterior: str
    events: tuple[tuple[str, Event], ...] = ()
    flows: tuple[dict[tuple[str, str, str], int], ...] = ()


@dataclass(frozen=True)
class Failure:
    """A run that ended with an error, and the command that shows it."""

    error: str
    command: str


@dataclass(frozen=True)
class Line:
    """One figure over one window in both scenarios, means over the seeds, and their paired difference."""

    figure: Figure
    window: str
    a: float
    b: float
    difference: Paired


@dataclass(frozen=True)
class Parting:
    """Where two logs of one seed part: the week, its entries that only one has, the first other consequence, the first
    trade that differs."""

    seed: int
    date: str
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    consequence: str
    trade: str


@dataclass(frozen=True)
class Comparison:
    """b minus a over the seeds that ran in both."""

    a: Side
    b: Side
    seeds: tuple[int, ...]
    lines: tuple[Line, ...]
    parting: Parting | None
    runs: Mapping[tuple[Side, int], Reading]
    failures: tuple[Failure, ...]

    def line(self, figure: str, window: str = WHOLE) -> Line | None:
        """The line of a figure, if the runs have it."""
        found = [line for line in self.lines if line.figure.name == figure and line.window == window]
        return found[0] if found else None


def read_job(job: Job) -> Reading | Failure:
    """Run one job; a run that raises becomes a Failure."""
    try:
        return _reading(run_one(job.side.scenario, job.settings, job.seed, "headline"), job.traced)
    except ChokepointError as error:
        if error.exit_code in (2, 3):
            raise
        settings = "".join(f" --set {setting}" for setting in job.settings)
        return Failure(str(error), f"chokepoint run {job.side.scenario} --seed {job.seed}{settings}")


def read_all(jobs: Sequence[Job], workers: int, told: Callable[[int, int], None]) -> dict[Job, Reading | Failure]:
    """Every job's reading, on this process or several; the answer is the same. `told` hears of each that is done."""
    return dict(zip(jobs, each(read_job, [(job,) for job in jobs], workers, told), strict=True))


def jobs_of(sides: Sequence[Side], seeds: Sequence[int], fitted: Mapping[Side, Fitted] = MappingProxyType({})) -> list[Job]:
    """Every side on every seed, seed by seed, with the draw of the seed from the posterior of each side's scenario; the first
    seed is traced."""
    return [Job(side, seed, seed == seeds[0], fitted.get(side, UNFITTED).settings(seed))
            for seed in seeds for side in dict.fromkeys(sides)]


def comparison(a: Side, b: Side, seeds: Sequence[int], found: Mapping[Job, Reading | Failure]) -> Comparison:
    """b minus a. Raises UsageError when no seed ran in both or when the two do not cover the same weeks."""
    runs = {(job.side, job.seed): said for job, said in found.items() if isinstance(said, Reading)}
    failures = tuple(said for job, said in found.items() if isinstance(said, Failure) and job.side in (a, b))
    both = tuple(seed for seed in seeds if (a, seed) in runs and (b, seed) in runs)
    if not both:
        raise UsageError(f"no seed ran in both scenarios; first error: {failures[0].error}")
    one, other = runs[a, both[0]], runs[b, both[0]]
    if (one.start, one.end) != (other.start, other.end):
        raise UsageError(
            f"{a.name} runs from {one.start} to {one.end}, {b.name} from {other.start} to {other.end}; "
            "only scenarios of the same weeks can be compared"
        )
    parting = _parting(both[0], one, other) if one.events and other.events else None
    return Comparison(
        a,
        b,
        both,
        _lines([runs[a, seed] for seed in both], [runs[b, seed] for seed in both]),
        parting,
        {key: said for key, said in runs.items() if key[0] in (a, b)},
        failures,
    )


# --- reading a run


def _reading(result: Result, traced: bool) -> Reading:
    figures = (*figures_of(result.record), *_more_figures(result))
    windows = (WHOLE, *result.headline().years)
    values = np.array(
        [[figure.read(result, "" if window == WHOLE else window) for window in windows] for figure in figures]
    )
    quarters = _quarters(result)
    curves = {
        title: np.array([result.read(metric, quarter, **filters) / scale for quarter in quarters])
        for title, _, metric, filters, scale in CURVES
    }
    clock = result.clock
    return Reading(
        result.scenario.title,
        result.hash,
        result.scenario.hash,
        clock.start.isoformat(),
        clock.end.isoformat(),
        figures,
        windows,
        values,
        quarters,
        curves,
        result.scenario.posterior.note,
        tuple((clock.date_of(event.tick).isoformat(), event) for event in result.events) if traced else (),
        _flows(result) if traced else (),
    )


def _more_figures(result: Result) -> tuple[Figure, ...]:
    """What a comparison asks beside the headline: chips past the rules, and who gains and who pays."""
    smuggled = Figure("smuggled_chips", "Markets", "chips past the rules", "k chips", "smuggled_chips", {"region": ("CN",)}, 1e3, 1)
    parties = (Figure(f"welfare_{party}", "Welfare by party", party.replace("_", " "), "USD bn", "welfare_usd",
                      {"party": (party,)}, 1e9, 1) for party in result.record.names["party"])
    return smuggled, *parties


def _quarters(result: Result) -> tuple[str, ...]:
    from experiments.tidy import periods

    return tuple(periods("quarter", result.clock))


def _flows(result: Result) -> tuple[dict[tuple[str, str, str], int], ...]:
    """Chips that changed hands, by week and (seller, buyer, chip)."""
    weeks: tuple[dict[tuple[str, str, str], int], ...] = tuple({} for _ in range(result.clock.n_ticks))
    names, trades = result.record.names, result.record.trades
    goods = trades["book"] <= 1
    columns = [trades[name][goods].tolist() for name in ("tick", "seller", "buyer", "chip", "chips")]
    for tick, seller, buyer, chip, chips in zip(*columns, strict=True):
        key = names["actor"][seller], names["actor"][buyer], names["chip"][chip]
        weeks[tick][key] = weeks[tick].get(key, 0) + chips
    return weeks


# --- the difference


def _lines(ones: Sequence[Reading], others: Sequence[Reading]) -> tuple[Line, ...]:
    lines = []
    for at, figure in enumerate(ones[0].figures):
        for when, window in enumerate(ones[0].windows):
            a, b = (np.array([run.values[at, when] / figure.scale for run in runs]) for runs in (ones, others))
            if np.any(np.nan_to_num(a)) or np.any(np.nan_to_num(b)):
                lines.append(Line(figure, window, _mean(a), _mean(b), paired(a, b)))
    return tuple(lines)


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


# --- where they part


def _parting(seed: int, one: Reading, other: Reading) -> Parting | None:
    """The first entries that only one log has; entries are compared by what they say, not by their place."""
    logs = [{_said(event): (day, event) for day, event in run.events} for run in (one, other)]
    only = [[pair for said, pair in logs[at].items() if said not in logs[1 - at]] for at in (0, 1)]
    trade_week, trade = _first_trade(one, other)
    if not only[0] and not only[1] and not trade:
        return None
    first = min((event.tick for part in only for _, event in part), default=trade_week)
    week = [_at_most_once([event for _, event in part if event.tick == first]) for part in only]
    effects = sorted(
        ((event.tick, at, event) for at, part in enumerate(only) for _, event in part if event.kind not in _RULE_KINDS),
        key=lambda found: found[:2],
    )
    consequence = ""
    if effects:
        tick, at, event = effects[0]
        consequence = f"{_day(one, tick)}, only in {'the first' if at == 0 else 'the second'}: {_told(event)}"
    only_a, only_b = (tuple(_told(event) for event in part[:_SHOWN_EVENTS]) for part in week)
    return Parting(seed, _day(one, first), only_a, only_b, consequence, trade)


def _at_most_once(events: list[Event]) -> list[Event]:
    """Without the announcement of a rule that binds in the same week."""
    bound = {event.rule for event in events if event.kind == "decree_in_force"}
    return [event for event in events if event.kind != "decree_announced" or event.rule not in bound]


def _said(event: Event) -> tuple[Any, ...]:
    return event.tick, event.kind, event.actor, event.chip, event.other, event.rule, round(event.quantity, 6)


def _told(event: Event) -> str:
    who = " ".join(word for word in (event.actor, event.chip, event.other and f"({event.other})") if word)
    what = event.rule if event.kind in _RULE_KINDS else who or event.rule
    much = f" {event.quantity:,.0f} {event.unit}" if event.quantity and event.kind not in _RULE_KINDS else ""
    text = shorten(event.text, _TOLD, placeholder="…")
    return f"{event.kind.replace('_', ' ')}: {what}{much}" + (f" – {text}" if text else "")


def _first_trade(one: Reading, other: Reading) -> tuple[int, str]:
    """The week of the first trade that differs, and the largest difference of that week in words."""
    for tick, (a, b) in enumerate(zip(one.flows, other.flows, strict=True)):
        if a != b:
            keys = sorted(set(a) | set(b), key=lambda key: (-abs(b.get(key, 0) - a.get(key, 0)), key))
            seller, buyer, chip = keys[0]
            return tick, (
                f"{_day(one, tick)}: {buyer} buys {a.get(keys[0], 0):,} {chip} of {seller} in the first, "
                f"{b.get(keys[0], 0):,} in the second"
            )
    return len(one.flows), ""


def _day(run: Reading, tick: int) -> str:
    from datetime import date, timedelta

    return (date.fromisoformat(run.start) + timedelta(weeks=tick)).isoformat()


# --- the folder


def plain(found: Comparison) -> dict[str, Any]:
    """A comparison as JSON data: everything its report shows."""
    one = found.runs[found.a, found.seeds[0]]
    return {
        "a": asdict(found.a),
        "b": asdict(found.b),
        "a_name": found.a.name,
        "b_name": found.b.name,
        "a_title": one.title,
        "b_title": found.runs[found.b, found.seeds[0]].title,
        "seeds": list(found.seeds),
        "posterior": one.posterior,
        "windows": list(one.windows),
        "lines": [_plain_line(line) for line in found.lines],
        "parting": asdict(found.parting) if found.parting else None,
        "quarters": list(one.quarters),
        "curves": {
            title: {"unit": unit, "a": _curve(found, found.a, title), "b": _curve(found, found.b, title)}
            for title, unit, *_ in CURVES
        },
        "failures": [asdict(failure) for failure in found.failures],
    }


def _plain_line(line: Line) -> dict[str, Any]:
    interval = line.difference.difference
    figure = {**asdict(line.figure), "filters": {dim: list(labels) for dim, labels in line.figure.filters.items()}}
    return {
        "figure": figure,
        "window": line.window,
        "a": _known(line.a),
        "b": _known(line.b),
        "difference": _known(interval.value),
        "low": _known(interval.low),
        "high": _known(interval.high),
        "n": interval.n,
        "variance_factor": _known(line.difference.variance_factor),
    }


def _curve(found: Comparison, side: Side, title: str) -> list[list[float | None]]:
    return [[_known(value) for value in found.runs[side, seed].curves[title].tolist()] for seed in found.seeds]


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def manifest_of(found: Comparison) -> dict[str, Any]:
    """Where a comparison's numbers came from."""
    one = found.runs[found.a, found.seeds[0]]
    hashes = {f"{side.name} {seed}": said.hash for (side, seed), said in found.runs.items()}
    pair = digest(one.scenario_hash, found.runs[found.b, found.seeds[0]].scenario_hash)
    scenario = {
        "name": name_of(found.b.scenario),
        "title": f"{found.b.name} against {found.a.name}",
        "overrides": list(found.b.settings),
        "against": name_of(found.a.scenario),
        "hash": pair,
    }
    return {
        "results_schema": RESULTS_SCHEMA,
        "kind": "comparison",
        "scenario": scenario,
        "seeds": list(found.seeds),
        "time": {"start": one.start, "end": one.end},
        "code": {"version": versions().get("chokepoint", "unknown"), "sources": source_hash()},
        "versions": versions(),
        "lock": lock_hash(),
        "platform": machine(),
        "hashes": hashes,
        "hash": digest(*(word for pair in hashes.items() for word in pair)),
        "run_id": digest(pair, *map(str, found.seeds), source_hash())[:12],
    }


def write(found: Comparison, folder: Path) -> None:
    """manifest.json, comparison.json and report.html in a folder that is whole or absent."""
    from experiments.compare_report import comparison_report

    manifest, data = manifest_of(found), plain(found)
    page = comparison_report(manifest, data)
    write_folder(
        folder,
        {
            "manifest.json": (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode(),
            "comparison.json": (json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n").encode(),
            "report.html": page.encode(),
        },
    )
