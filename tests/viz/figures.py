"""Figures that the teachers' pages and the answer key of Why? give, read again from runs: `python -m tests.viz.figures`.

It says for each what is written, what the model says now, and whether the words still hold. It writes nothing: a figure that no
longer holds is put right by hand, in the page or in the key, after asking why it moved.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from viz.desk import Desk
from viz.lessons import folder

KEY = json.loads((Path(__file__).parent / "why_history.json").read_text(encoding="utf-8"))["questions"]
NEAR = 0.06
"""A rounded figure ("about 59,000") may be this far off."""


class Worlds:
    """Runs of the teaching worlds and of history, seed 1, each made once."""

    def __init__(self) -> None:
        self._desk = Desk(["history", *(f"teaching/{name}" for name in LESSON_WORLDS)])

    def series(self, world: str, chart: str, *levers: str) -> list[float]:
        """A chart's values by week, zero where it has none; all zero where the run has no such chart."""
        made = self._desk.framed(f"teaching/{world}", {f"levers.{lever}": True for lever in levers}, 1)
        found = next((one["values"] for one in made.series if one["id"] == chart), [0.0])
        return [value or 0.0 for value in found]

    def on(self, day: str, world: str, chart: str, *levers: str) -> float:
        """A chart's value in the week of a day."""
        return self.series(world, chart, *levers)[self._desk.scenario(f"teaching/{world}").clock.tick_of(date.fromisoformat(day))]

    def last(self, world: str, chart: str, *levers: str) -> float:
        return self.series(world, chart, *levers)[-1]

    def day_above(self, share: float, since: str, world: str, chart: str) -> str:
        """The first week from a day in which a chart passes a share of its highest value before that day."""
        clock, values = self._desk.scenario(f"teaching/{world}").clock, self.series(world, chart)
        start = clock.tick_of(date.fromisoformat(since))
        line = share * max(values[:start])
        return next((clock.date_of(tick).isoformat() for tick in range(start, len(values)) if values[tick] >= line), "never")

    def history(self) -> dict[str, Any]:
        return dict(json.loads(self._desk.framed("history", {}, 1).text))


LESSON_WORLDS = ("rush", "best-legal-chip", "grey-market", "scarcity", "two-governments")


@dataclass(frozen=True)
class Figure:
    """Words of a teacher's page, and what the runs say to them: the reading in words, and whether the words hold."""

    page: str
    words: str
    read: Callable[[Worlds], tuple[str, bool]]


def about(said: float, read: Callable[[Worlds], float]) -> Callable[[Worlds], tuple[str, bool]]:
    """A rounded figure."""

    def reading(worlds: Worlds) -> tuple[str, bool]:
        now = read(worlds)
        return f"{now:,.4g}", abs(now / said - 1) <= NEAR

    return reading


def order(read: Callable[[Worlds], tuple[float, ...]]) -> Callable[[Worlds], tuple[str, bool]]:
    """Values said to grow from one to the next."""

    def reading(worlds: Worlds) -> tuple[str, bool]:
        now = read(worlds)
        return " < ".join(f"{value:,.4g}" for value in now), all(a < b for a, b in pairwise(now))

    return reading


def hardly(read: Callable[[Worlds], tuple[float, float]]) -> Callable[[Worlds], tuple[str, bool]]:
    """Two values said to be nearly alike."""

    def reading(worlds: Worlds) -> tuple[str, bool]:
        a, b = read(worlds)
        return f"{a:,.4g} and {b:,.4g}", abs(a / b - 1) <= 0.03

    return reading


def _summer(worlds: Worlds) -> tuple[str, bool]:
    now = worlds.day_above(0.5, "2030-07-01", "two-governments", "cn_units")
    return now, "2031-06-01" <= now < "2031-09-22"


def _routes_move(worlds: Worlds) -> tuple[str, bool]:
    """Five times the inspectors change the sum by less than a quarter, since what one network loses the next takes up."""
    before, after = worlds.last("grey-market", "smuggled"), worlds.last("grey-market", "smuggled", "five-times")
    return f"{before:,.0f} chips, then {after:,.0f}", before != after and abs(after / before - 1) < 0.25


FIGURES = (
    Figure(
        "1-rush",
        "about 59,000 H100 equivalents a quarter after the rule",
        about(59_000, lambda w: w.on("2031-04-07", "rush", "cn_stock")),
    ),
    Figure("1-rush", "about 28,000 with none", about(28_000, lambda w: w.on("2030-10-07", "rush", "cn_stock", "zero-grace"))),
    Figure(
        "1-rush",
        "about 84,000 with a year of it",
        about(84_000, lambda w: w.on("2031-10-06", "rush", "cn_stock", "year-of-grace")),
    ),
    Figure(
        "1-rush",
        "The maker's write-downs: larger with no grace",
        order(lambda w: (w.last("rush", "writedown"), w.last("rush", "writedown", "zero-grace"))),
    ),
    Figure("3-grey-market", "what one network loses the next takes up", _routes_move),
    Figure(
        "3-grey-market",
        "It shows that the side door has become dearer",
        order(lambda w: (w.last("grey-market", "grey_premium"), w.last("grey-market", "grey_premium", "five-times"))),
    ),
    Figure(
        "4-scarcity-and-thrift",
        "about 63% fewer chips",
        about(63, lambda w: 100 - 100 * w.last("scarcity", "cn_stock") / w.last("scarcity", "cn_stock", "no-rule")),
    ),
    Figure("4-scarcity-and-thrift", "the lag is about 12 months", about(12, lambda w: w.last("scarcity", "lag"))),
    Figure("4-scarcity-and-thrift", "against 7 and a half", about(7.5, lambda w: w.last("scarcity", "lag", "no-rule"))),
    Figure("4-scarcity-and-thrift", "about 13 and a half months", about(13.5, lambda w: w.last("scarcity", "lag", "no-thrift"))),
    Figure(
        "4-scarcity-and-thrift",
        "Rebound off: hardly a change",
        hardly(lambda w: (w.last("scarcity", "lag", "no-rebound"), w.last("scarcity", "lag"))),
    ),
    Figure("5-two-governments", "trade comes back in summer 2031", _summer),
)


def page(name: str) -> str:
    """A teacher's page with its lines joined."""
    return " ".join((folder() / f"{name}.teacher.en.md").read_text(encoding="utf-8").split())


def chain_of(history: dict[str, Any], key: dict[str, Any]) -> dict[str, Any] | None:
    """What the log says to a question of the key: week, quantity, unit and the chain of (kind, rule) back to its start."""
    events = history["events"]

    def said(column: str, row: int) -> str:
        return str(events["words"][events[column][row]])

    asked = (key["kind"], key["actor"], key["chip"])
    row = next((r for r in range(len(events["tick"])) if (said("kind", r), said("actor", r), said("chip", r)) == asked), None)
    if row is None:
        return None
    week = date.fromisoformat(history["start"]) + timedelta(weeks=events["tick"][row])
    found = {"week": week.isoformat(), "quantity": events["quantity"][row], "unit": said("unit", row), "chain": []}
    while row >= 0:
        found["chain"].append((said("kind", row), said("rule", row)))
        row = events["cause"][row]
    return found


def answers(history: dict[str, Any], key: dict[str, Any]) -> tuple[str, bool]:
    """Whether the chain comes to the key's rule in the key's week with about its quantity; and what it comes to."""
    found = chain_of(history, key)
    if found is None:
        return "no such event", False
    chain = found["chain"]
    holds = (
        found["week"] == key["week"]
        and chain[-1] == ("decree_announced", key["rule"])
        and ("decree_in_force", key["rule"]) in chain
        and found["unit"] == key["unit"]
        and 0.5 <= found["quantity"] / key["quantity"] <= 2
    )
    return f"{found['week']} {chain[-1][1]} {found['quantity']:.0f} {found['unit']}", holds


def main() -> int:
    worlds = Worlds()
    rows = [(figure.page, figure.words, *figure.read(worlds)) for figure in FIGURES]
    history = worlds.history()
    rows += [
        ("why_history.json", f"{key['ask']} {key['week']} {key['rule']} {key['quantity']} {key['unit']}", *answers(history, key))
        for key in KEY
    ]
    for where, words, now, holds in rows:
        print(f"{'holds ' if holds else 'DIFFERS'} {where}: {words}\n        now: {now}")
    return sum(not holds for *_, holds in rows)


if __name__ == "__main__":
    sys.exit(min(1, main()))
