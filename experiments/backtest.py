"""Backtest: a world's ensemble against a file of facts, naive rivals beside it; hits and misses as JSON, Markdown and HTML."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sim
from experiments import scoring
from experiments.facts import Facts, read_facts
from experiments.labels import labels_of
from experiments.readings import Job, Lost, Reading, read_jobs
from experiments.scoring import MECHANISMS, NO_RULES, Score, Spread
from sim.errors import UsageError
from sim.provenance import digest, lock_hash, machine, source_hash, versions

WORLD = "history"
"""What facts say for the world under test; facts of another world are read off that one."""

RIVAL_SEEDS = 3
"""Seeds on which the model without a mechanism is run."""

Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Backtest:
    """Scores of every fact, in the order of the file."""

    world: str
    scenario_hash: str
    facts: Facts
    seeds: tuple[int, ...]
    draws: str
    scores: tuple[Score, ...]
    readings: Mapping[str, Sequence[float]]
    lost: tuple[Lost, ...]

    @property
    def summary(self) -> dict[str, int]:
        return scoring.summary(self.scores)

    def plain(self) -> dict[str, Any]:
        """As JSON data; `rivals` and `misses` say more of a fact than its line."""
        rivals = {one.id: {name: scoring.known(value) for name, value in one.rivals.items()}
                  for one in self.scores if one.scored}
        parts = {one.id: [{"window": item.window, "central": item.central, "median": scoring.known(spread.median),
                           "q05": scoring.known(spread.q05), "q95": scoring.known(spread.q95), "pass": good}
                          for item, spread, good in one.parts] for one in self.scores if one.parts}
        return {"world": self.world, "scenario_hash": self.scenario_hash, "facts_file": self.facts.file,
                "seeds": list(self.seeds), "draws": self.draws,
                "facts": [one.plain() for one in self.scores], "summary": self.summary,
                "groups": [{"name": group.name, "facts": list(group.ids), "weight": group.weight, "pass": group.passed,
                            "beats_baselines": group.beats} for group in scoring.groups(self.scores)],
                "misses": {one.id: one.why for one in self.scores if one.scored and not one.passed},
                "rivals": rivals, "sequences": parts,
                "calibration": [{"share": share, "inside": scoring.known(inside)}
                                for share, inside in scoring.calibration(self.scores, self.readings)]}


def backtest(world: str, said: str, seeds: Sequence[int], workers: int, told: Told, with_rivals: bool = True) -> Backtest:
    """Run what the facts ask for and score them. Raises UsageError, ScenarioError."""
    facts = read_facts(said)
    scenario = sim.load(world)
    by_world = _by_world(facts, world)
    for name, ids in by_world.items():
        known = sim.load(name)
        facts.check_labels(labels_of(known), known.clock, ids)
    fitted = {name: sim.load(name).posterior for name in by_world}
    plan = {(name, seed): Job(name, fitted[name].settings(seed), seed, said, tuple(ids))
            for name, ids in by_world.items() for seed in seeds}
    rivals = _rival_jobs(facts, by_world, said, seeds[:RIVAL_SEEDS]) if with_rivals else {}
    jobs = list(dict.fromkeys((*plan.values(), *(job for own in rivals.values() for job in own))))
    found = read_jobs(jobs, workers, told)
    clock = sim.build(scenario, 1).record.clock
    scores, kept = [], {}
    for name, fact in facts.facts.items():
        own = fact.world if fact.world not in ("", WORLD) else world
        rows = _columns([found[plan[own, seed]] for seed in seeds], name) if fact.observation else []
        off = _columns([found[job] for job in rivals.get(name, ())], name)
        scores.append(scoring.score(name, fact, rows, off[_scored_row(off)] if off else [], clock))
        kept[name] = rows[-1] if rows else []
    lost = tuple(dict.fromkeys(one for one in found.values() if isinstance(one, Lost)))
    if len([one for one in plan.values() if isinstance(found[one], Lost)]) == len(plan):
        raise UsageError(f"no run of {world} ended; first error: {lost[0].error}")
    return Backtest(world, scenario.hash, facts, tuple(seeds), scenario.posterior.note, tuple(scores), kept, lost)


def _scored_row(rows: Sequence[Sequence[float]]) -> int:
    """The reading that a score shows: the middle member of a sequence, else the only one."""
    return (len(rows) - 1) // 2


def _by_world(facts: Facts, world: str) -> dict[str, list[str]]:
    """Facts with an observation, by the scenario they are read off."""
    found: dict[str, list[str]] = {}
    for name, fact in facts.facts.items():
        if fact.observation is not None:
            found.setdefault(fact.world if fact.world not in ("", WORLD) else world, []).append(name)
    return found


def _rival_jobs(facts: Facts, by_world: Mapping[str, Sequence[str]], said: str, seeds: Sequence[int]) -> dict[str, list[Job]]:
    """For each fact without two earlier observations, the runs with its mechanism off, at the posterior's centre."""
    found: dict[str, list[Job]] = {}
    wanted: dict[tuple[str, str], list[str]] = {}
    for world, ids in by_world.items():
        for name in ids:
            fact = facts.facts[name]
            if fact.tag == "emerges" and len(fact.earlier) < 2 and fact.mechanism:
                if fact.mechanism != "rules" and fact.mechanism not in MECHANISMS:
                    raise UsageError(f'{facts.file}: {name} names no mechanism "{fact.mechanism}"; known: '
                                     f'{", ".join(sorted((*MECHANISMS, "rules")))}')
                wanted.setdefault((world, fact.mechanism), []).append(name)
    for (world, mechanism), ids in wanted.items():
        scenario = NO_RULES if mechanism == "rules" else world
        switch = () if mechanism == "rules" else (MECHANISMS[mechanism],)
        jobs = [Job(scenario, switch, seed, said, tuple(ids)) for seed in seeds]
        for name in ids:
            found[name] = jobs
    return found


def _columns(found: Sequence[Reading | Lost], name: str) -> list[list[float]]:
    """The readings of one fact over runs: one row a reading, one column a run; a failed run has no value."""
    sizes = [len(one[name]) for one in found if not isinstance(one, Lost)]
    return [[math.nan if isinstance(one, Lost) else one[name][row] for one in found] for row in range(max(sizes, default=0))]


# --- what people read -------------------------------------------------------------------------------------------------


def manifest(found: Backtest) -> dict[str, Any]:
    """Where the numbers came from."""
    return {"kind": "backtest", "world": found.world, "scenario_hash": found.scenario_hash, "facts": found.facts.file,
            "seeds": list(found.seeds), "draws": found.draws, "code": {"sources": source_hash()}, "versions": versions(),
            "lock": lock_hash(), "platform": machine(), "summary": found.summary}


def figure(value: float) -> str:
    """A number at three figures; a dash for none."""
    if math.isnan(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _interval(spread: Spread) -> str:
    return f"{figure(spread.q05)} to {figure(spread.q95)}"


def _rivals(one: Score) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {figure(value)}" for name, value in one.rivals.items())


def scoreboard(found: Backtest) -> str:
    """Markdown: counts, then every fact that is scored, misses as plainly as hits, then the inputs."""
    counts = found.summary
    own = [one for one in found.scores if one.scored]
    n_off = sum(len(one.fact.earlier) < 2 for one in own)
    lines = [
        f"World `{found.world}` (scenario {found.scenario_hash[:12]}), {len(found.seeds)} runs, {found.draws}. "
        f"**{sum(bool(one.passed) for one in own)} of {counts['facts_scored']} facts pass; "
        f"{counts['groups_passed']} of {counts['groups']} groups pass; the model beats its rivals on "
        f"{counts['groups_beating_baselines']} of {counts['groups']} groups.**",
        f"Rivals: last value and trend for {len(own) - n_off} facts, the model with the mechanism off for {n_off}.",
        "", "| fact | what | observed | model median | 90% of runs | | why not | rivals | beats |",
        "|---|---|---|---|---|---|---|---|---|"]
    for one in own:
        fact = one.fact
        seen = f"{figure(fact.central)} ({figure(fact.low)} to {figure(fact.high)}) {fact.unit}"
        lines.append(_row(one.id, fact.title, seen, figure(one.spread.median), _interval(one.spread),
                          "pass" if one.passed else "**miss**", one.why, _rivals(one), "yes" if one.beats else "no"))
        lines += [_row("", f"… in {item.window}", f"{figure(item.central)} ({figure(item.low)} to {figure(item.high)})",
                       figure(spread.median), _interval(spread), "pass" if good else "miss", "", "", "")
                  for item, spread, good in one.parts]
    lines += ["", "| group | facts | weight | passes | beats rivals |", "|---|---|---|---|---|"]
    lines += [_row(group.name, " ".join(group.ids), figure(group.weight), "yes" if group.passed else "**no**",
                   "yes" if group.beats else "no") for group in scoring.groups(found.scores)]
    lines += ["", "Not counted:", "", "| fact | tag | reason | observed | model |", "|---|---|---|---|---|"]
    lines += [_row(one.id, one.fact.tag, one.fact.reason, f"{figure(one.fact.central)} {one.fact.unit}",
                   figure(one.spread.median)) for one in found.scores if not one.scored]
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(re.sub(r"\s+", " ", cell).replace("|", "/") for cell in cells) + " |"


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:15px/1.5 Helvetica,Arial,sans-serif;max-width:78rem;margin:2rem auto;padding:0 1rem;color:#222}}
table{{border-collapse:collapse;width:100%;font-size:13px}}td,th{{border-bottom:1px solid #ddd;padding:.3rem .5rem;
text-align:left;vertical-align:top}}.miss{{color:#a33b00;font-weight:600}}
.pass{{color:#00614a}}svg text{{font:11px Helvetica,Arial,sans-serif}}</style>
<h1>{title}</h1><p>{lead}</p><h2>Predicted against observed</h2><p>Each fact's median
and 90% interval, in half widths of its band from the observed value; shaded: near enough.</p>{strip}
<h2>Calibration</h2><p>Share of scored facts whose value lies in the ensemble's central
interval of each size. On the line: as often as claimed; below it: the ensemble is too sure of itself.</p>{plot}<h2>Facts</h2>
{table}</html>
"""


def page(found: Backtest) -> str:
    """One self-contained HTML page: the counts, a strip of every fact, the calibration plot, the table."""
    counts = found.summary
    own = [one for one in found.scores if one.scored]
    lead = (f"{sum(bool(one.passed) for one in own)} of {counts['facts_scored']} facts pass, {counts['groups_passed']} of "
            f"{counts['groups']} groups; the model beats its rivals on {counts['groups_beating_baselines']} groups. "
            f"{len(found.seeds)} runs, {found.draws}; scenario {found.scenario_hash[:12]}.")
    head = "".join(f"<th>{word}</th>" for word in ("fact", "what", "observed", "median", "90% of runs", "", "rivals", "source"))
    rows = "".join(_html_row(one) for one in own)
    return _PAGE.format(title=html.escape(f"Facts against {found.world}"), lead=html.escape(lead), strip=_strip(own),
                        plot=_plot(scoring.calibration(found.scores, found.readings)),
                        table=f"<table><tr>{head}</tr>{rows}</table>")


def _html_row(one: Score) -> str:
    fact = one.fact
    seen = f"{figure(fact.central)} ({figure(fact.low)} to {figure(fact.high)}) {fact.unit}"
    mark = "pass" if one.passed else "miss"
    cells = (one.id, fact.title, seen, figure(one.spread.median), _interval(one.spread))
    verdict = f'<td class="{mark}">{mark}{f": {html.escape(one.why)}" if one.why else ""}</td>'
    plain = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
    return f"<tr>{plain}{verdict}<td>{html.escape(_rivals(one))}</td><td>{html.escape(fact.source)}</td></tr>"


def _strip(scores: Sequence[Score]) -> str:
    """Every fact's median and 90% interval in half bands from the observed value; the shaded part is the band."""
    width, step = 900, 14
    height = step * len(scores) + 30

    def across(value: float) -> float:
        return 150 + (max(-4.0, min(4.0, value)) + 4.0) / 8.0 * (width - 170)

    marks = [f'<rect x="{across(-1):.0f}" y="0" width="{across(1) - across(-1):.0f}" height="{height - 24}" fill="#e8f3ee"/>']
    for row, one in enumerate(scores):
        at = step * row + 10
        colour = "#009E73" if one.passed else "#D55E00"
        marks.append(f'<text x="4" y="{at + 4}">{html.escape(one.id)} {html.escape(one.fact.topic)}</text>')
        if not math.isnan(one.miss_bands):
            ends = (across(one.in_bands(value)) for value in (one.spread.q05, one.spread.q95))
            marks.append('<line x1="{:.1f}" x2="{:.1f}" y1="{at}" y2="{at}" stroke="{colour}" stroke-width="2"/>'.format(
                *ends, at=at, colour=colour))
            marks.append(f'<circle cx="{across(one.miss_bands):.1f}" cy="{at}" r="4" fill="{colour}"/>')
        else:
            marks.append(f'<text x="{across(0):.0f}" y="{at + 4}" fill="{colour}">no value</text>')
    marks += [f'<text x="{across(value):.0f}" y="{height - 8}" text-anchor="middle">{value:+d}</text>' for value in range(-4, 5)]
    return (f'<svg role="img" aria-label="Medians and 90% intervals in half bands from the observed value" '
            f'viewBox="0 0 {width} {height}" width="100%">{"".join(marks)}</svg>')


def _plot(points: Sequence[tuple[float, float]]) -> str:
    size = 300
    inside = [(share, value) for share, value in points if not math.isnan(value)]
    line = " ".join(f"{40 + share * (size - 60):.1f},{size - 40 - value * (size - 60):.1f}" for share, value in inside)
    ticks = "".join(f'<text x="{40 + share * (size - 60):.0f}" y="{size - 22}" text-anchor="middle">{share:.0%}</text>'
                    f'<text x="34" y="{size - 36 - share * (size - 60):.0f}" text-anchor="end">{share:.0%}</text>'
                    for share in (0.0, 0.5, 1.0))
    return (f'<svg role="img" aria-label="Calibration plot" viewBox="0 0 {size} {size}" width="{size}"><line x1="40" '
            f'y1="{size - 40}" x2="{size - 20}" y2="20" stroke="#999" stroke-dasharray="4 3"/><polyline points="{line}" '
            f'fill="none" stroke="#0072B2" stroke-width="2"/>{ticks}<text x="{size / 2}" y="{size - 6}" '
            f'text-anchor="middle">size of the interval</text></svg>')


def files(found: Backtest) -> dict[str, bytes]:
    """A backtest's folder: manifest.json, backtest.json, scoreboard.md, report.html."""
    import json

    def as_json(data: Any) -> bytes:
        return (json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()

    return {"manifest.json": as_json(manifest(found)), "backtest.json": as_json(found.plain()),
            "scoreboard.md": scoreboard(found).encode(), "report.html": page(found).encode()}


def folder_of(world: str, said: str, n: int) -> Path:
    """Where a backtest goes that nobody named a folder for."""
    return Path("runs") / f"backtest-{Path(world).stem}-{Path(said).stem}-{digest(world, said)[:4]}-{n}seeds"
