"""Screening: which facts each parameter touches, one at a time. Every value that carries a range is set to its low and its high
end, the rest as the files have them, without a posterior; how far a fact moves is told in half widths of what passes
(experiments.misfit). A parameter that touches one fact only could be tuned to it and nothing would say so: it must not be free.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from experiments.backtest import WORLD
from experiments.batch import range_at, ranges_of, uncertain_of
from experiments.facts import read_facts
from experiments.misfit import targets_of
from experiments.readings import Job, Lost, Reading, read_jobs
from sim.errors import UsageError
from sim.scenario_io import assembled, read_layers

TOUCHES = 0.25
"""Half widths that a fact must move to count as touched."""

SEED = 1
CAPPED = 3.0
"""A parameter's reach counts each fact at most so many half widths."""

MOST_INFLUENTIAL = 10
"""Parameters that count as the most influential."""

COLUMNS = ("parameter", "free", "low", "high", "fact", "half_widths")


@dataclass(frozen=True)
class Touch:
    """A parameter between its ends moves a fact so far; a parameter that touches none has one line without a fact."""

    parameter: str
    free: bool
    low: float
    high: float
    fact: str
    half_widths: float


def screen(scenario: str, said: str, paths: Sequence[str], workers: int, told: Callable[[int, int], None]
           ) -> tuple[list[Touch], list[Lost]]:
    """Run the ends of every parameter (those named, else all with a range) and read every fact that counts."""
    loaded, facts = assembled(read_layers(scenario, unfitted=True)), read_facts(said)
    ids = tuple(name for name, fact in facts.facts.items() if fact.tag == "emerges" and fact.world in ("", WORLD))
    free = {item["path"]: (item["low"], item["high"]) for item in uncertain_of(loaded).values() if not item["values"]}
    ranges = {path: (item["low"], item["high"]) for path, item in ranges_of(loaded).items()} | free
    missing = [path for path in paths if path not in ranges]
    if missing:
        ranges |= {path: range_at(loaded, path) for path in missing}
    chosen = sorted(paths or ranges)
    jobs = {(path, end): Job(scenario, (f"{path}={end!r}",), SEED, said, ids, unfitted=True)
            for path in chosen for end in ranges[path]}
    base = Job(scenario, (), SEED, said, ids, unfitted=True)
    found = read_jobs([base, *jobs.values()], workers, told)
    middle = found[base]
    if isinstance(middle, Lost):
        raise UsageError(f"{scenario} does not run: {middle.error}")
    targets = targets_of(facts, ids)
    lines: list[Touch] = []
    for path in chosen:
        low, high = ranges[path]
        said_by = [middle, *(one for end in (low, high) if not isinstance(one := found[jobs[path, end]], Lost))]
        moves: dict[str, float] = {}
        for (name, row), target in targets.items():
            moves[name] = max(moves.get(name, 0.0), _move(said_by, name, row) / target.half)
        lines += [Touch(path, path in free, low, high, name, round(move, 2)) for name, move in moves.items() if move >= TOUCHES
                  ] or [Touch(path, path in free, low, high, "", 0.0)]
    return lines, [one for one in found.values() if isinstance(one, Lost)]


def _move(said: Sequence[Reading], name: str, row: int) -> float:
    values = [one[name][row] for one in said if not math.isnan(one[name][row])]
    return max(values) - min(values) if len(values) > 1 else 0.0


def as_csv(lines: Iterable[Touch]) -> str:
    """The table, a line a parameter and fact."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for one in lines:
        table.writerow((one.parameter, "free" if one.free else "fixed", f"{one.low:g}", f"{one.high:g}", one.fact,
                        f"{one.half_widths:g}"))
    return out.getvalue()


def read_csv(text: str) -> list[Touch]:
    """The table back again. Raises UsageError where it is none."""
    try:
        return [Touch(row["parameter"], row["free"] == "free", float(row["low"]), float(row["high"]), row["fact"],
                      float(row["half_widths"])) for row in csv.DictReader(io.StringIO(text))]
    except (KeyError, ValueError, TypeError) as error:
        raise UsageError(f"no table of chokepoint screen ({error}); make one: chokepoint screen history --out FILE") from None


def of_one_fact(lines: Iterable[Touch]) -> dict[str, str]:
    """Parameters that touch one fact only, and which."""
    touched: dict[str, list[str]] = {}
    for one in lines:
        touched.setdefault(one.parameter, []).extend([one.fact] if one.fact else [])
    return {path: names[0] for path, names in sorted(touched.items()) if len(names) == 1}


def reach(lines: Iterable[Touch]) -> list[tuple[str, float, list[str]]]:
    """Parameters by how far they move the record, the most influential first: half widths summed over facts, and the facts
    most moved."""
    moves: dict[str, list[tuple[float, str]]] = {}
    for one in lines:
        if one.fact:
            moves.setdefault(one.parameter, []).append((one.half_widths, one.fact))
    found = [(path, sum(min(move, CAPPED) for move, _ in own), [name for _, name in sorted(own, reverse=True)])
             for path, own in moves.items()]
    return sorted(found, key=lambda item: (-item[1], item[0]))


def ends_of_most_influential(lines: Sequence[Touch]) -> list[tuple[str, ...]]:
    """Settings that put each of the most influential parameters to the low, then the high end of its range."""
    ranges = {one.parameter: (one.low, one.high) for one in lines}
    return [(f"{path}={end:g}",) for path, _, _ in reach(lines)[:MOST_INFLUENTIAL] for end in ranges[path]]
