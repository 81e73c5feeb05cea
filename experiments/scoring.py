"""Scoring: whether an ensemble meets a fact, whether it beats naive rivals, and how groups of facts add up.

A published band: the median lies inside. An analyst's band or a point: band = max(high - low, 0.3 |central|); the median lies
within half of it from the central value, the central value inside the ensemble's 90% interval, and that interval is at
most three bands wide. Durations are scored within half a tick. Facts of one origin are one group; it passes when facts of
at least half its weight pass, low confidence counting half. Rivals are the last value and the log-linear trend where two
earlier observations exist, else the model with the fact's mechanism off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.facts import DAYS_PER_YEAR, HALF_A_TICK_DAYS, Dated, Fact
from sim.clock import Clock

POINT_SHARE = 0.3
WIDEST_BANDS = 3.0
PASSING_SHARE = 0.5
LOW, HIGH = 0.05, 0.95

MECHANISMS: dict[str, str] = {
    "belief": "behaviour.belief=off",
    "commitments": "behaviour.commitments=off",
    "diversion": "behaviour.diversion=off",
    "domestic_preference": "behaviour.domestic_preference_on=off",
    "enforcement": "behaviour.enforcement=off",
    "impatience": "behaviour.impatience=off",
    "learning": "behaviour.learning=off",
    "queue": "clearing=equilibrium",
    "redesign": "behaviour.redesign=off",
    "rental": "behaviour.rental=off",
    "stockpiling": "behaviour.stockpiling=off",
    "substitution": "behaviour.substitution=off",
    "thrift": "behaviour.thrift=off",
}
"""What turns a fact's mechanism off; `rules` is another scenario, NO_RULES."""

NO_RULES = "no-controls"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """An ensemble's median and 90% interval; NaN when fewer than half of its runs have a value."""

    median: float
    q05: float
    q95: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of one reading over an ensemble."""
        known = np.array([value for value in values if not math.isnan(value)])
        if not len(known) or 2 * len(known) < len(values):
            return cls(math.nan, math.nan, math.nan, len(known))
        low, middle, high = np.quantile(known, (LOW, 0.5, HIGH))
        return cls(float(middle), float(low), float(high), len(known))


@dataclass(frozen=True)
class Score:
    """A fact against an ensemble. parts: of a sequence, each dated member with its spread and whether it passes. off: the
    median of the model with the fact's mechanism off; last, trend: the naive rivals. why: of a miss, the rule it breaks."""

    id: str
    fact: Fact
    spread: Spread
    passed: bool | None
    why: str = ""
    parts: tuple[tuple[Dated, Spread, bool], ...] = ()
    last: float = math.nan
    trend: float = math.nan
    off: float = math.nan

    @property
    def scored(self) -> bool:
        return self.fact.tag == "emerges" and self.passed is not None

    @property
    def weight(self) -> float:
        return weight_of(self.fact)

    @property
    def rivals(self) -> dict[str, float]:
        """The rivals that apply to this fact, by name."""
        if len(self.fact.earlier) >= 2:
            return {"last_value": self.last, "trend": self.trend}
        return {f"{self.fact.mechanism} off": self.off} if self.fact.mechanism else {}

    @property
    def rival(self) -> float:
        """The nearest rival to the truth; NaN when none has a value."""
        known = [value for value in self.rivals.values() if not math.isnan(value)]
        return min(known, key=lambda value: abs(value - self.fact.central)) if known else math.nan

    @property
    def beats(self) -> bool:
        """Whether the model is nearer to the truth than every rival; a rival without a value is beaten by any."""
        if math.isnan(self.spread.median):
            return False
        miss = abs(self.spread.median - self.fact.central)
        return math.isnan(self.rival) or miss < abs(self.rival - self.fact.central)

    @property
    def miss_bands(self) -> float:
        """Distance of the median from the central value, in half bands: at most 1 is near enough."""
        return self.in_bands(self.spread.median)

    def in_bands(self, value: float) -> float:
        """Distance of a value from the central one, in half bands; NaN for a band without width."""
        half = band_of(self.fact.low, self.fact.central, self.fact.high) / 2
        return (value - self.fact.central) / half if half else math.nan

    def plain(self) -> dict[str, Any]:
        """As JSON data, in the keys of the backtest; null where there is no value."""
        fact, spread = self.fact, self.spread
        return {"id": self.id, "tag": fact.tag, "low": fact.low, "central": fact.central, "high": fact.high,
                "median": known(spread.median), "q05": known(spread.q05), "q95": known(spread.q95), "pass": self.passed,
                "rival": known(self.rival)}


def known(value: float) -> float | None:
    """A number, or None for JSON where there is none."""
    return None if math.isnan(value) or math.isinf(value) else value


def band_of(low: float, central: float, high: float) -> float:
    """Width of an analyst's band or of a point."""
    return max(high - low, POINT_SHARE * abs(central))


def weight_of(fact: Fact) -> float:
    """What a fact counts in its group."""
    return 0.5 if fact.confidence == "low" else 1.0


def tolerance_of(fact: Fact) -> float:
    """Half a tick in the fact's unit, for durations; else 0."""
    observation = fact.observation
    return abs(HALF_A_TICK_DAYS / observation.scale) if observation is not None and observation.is_duration else 0.0


def judged(low: float, central: float, high: float, published: bool, spread: Spread, slack: float = 0.0) -> str:
    """Empty when an ensemble meets a band; else the rule it breaks, in words."""
    if math.isnan(spread.median):
        return "no value in half of the runs"
    if published:
        return "" if low - slack <= spread.median <= high + slack else "median outside the published band"
    band = band_of(low, central, high)
    if abs(spread.median - central) > band / 2 + slack:
        return "median further than half a band"
    if not spread.q05 - slack <= central <= spread.q95 + slack:
        return "truth outside the 90% interval"
    return "90% interval wider than three bands" if spread.q95 - spread.q05 > WIDEST_BANDS * band else ""


def score(name: str, fact: Fact, readings: Sequence[Sequence[float]], off: Sequence[float], clock: Clock) -> Score:
    """A fact against the readings of an ensemble: one row a reading of `fact.readings`, one column a run. `off` are the
    readings of the observation with the mechanism off."""
    last, trend = naive(fact, clock)
    if not readings or (fact.tag == "not_scored" and all(math.isnan(value) for value in readings[-1])):
        return Score(name, fact, Spread.of([]), None, "", (), last, trend)
    out = Spread.of(off).median
    whole = Spread.of(readings[-1])
    published = fact.band == "source"
    if not fact.sequence:
        why = judged(fact.low, fact.central, fact.high, published, whole, tolerance_of(fact))
        return Score(name, fact, whole, _verdict(fact, why), why, (), last, trend, out)
    parts = []
    for item, values in zip(fact.sequence, readings, strict=False):
        spread = Spread.of(values)
        parts.append((item, spread, not judged(item.low, item.central, item.high, published, spread)))
    misses = [item.window for item, _, good in parts if not good]
    why = f"missed in {', '.join(misses)}" if misses else "" if whole.median == 1.0 else "out of order"
    middle = parts[len(parts) // 2][1]
    return Score(name, fact, middle, _verdict(fact, why), why, tuple(parts), last, trend, out)


def _verdict(fact: Fact, why: str) -> bool | None:
    return None if fact.tag == "not_scored" else not why


def naive(fact: Fact, clock: Clock) -> tuple[float, float]:
    """Last value and log-linear trend (a straight line where a value is not positive) at the middle of the fact's window,
    from at least two earlier observations; NaN with fewer."""
    observation = fact.observation
    if len(fact.earlier) < 2 or observation is None:
        return math.nan, math.nan
    seen = sorted((_middle(clock, window), value) for window, value in fact.earlier.items())
    days, values = (np.array(column, dtype=np.float64) for column in zip(*seen, strict=True))
    in_logs = bool((values > 0).all())
    line = np.polyfit(days - days[-1], np.log(values) if in_logs else values, 1)
    ahead = float(np.polyval(line, _middle(clock, observation.window) - days[-1]))
    return float(values[-1]), float(math.exp(ahead)) if in_logs else ahead


def _middle(clock: Clock, window: str) -> float:
    first, after = clock.span(window)
    return (first.toordinal() + after.toordinal()) / 2 / DAYS_PER_YEAR


@dataclass(frozen=True)
class Group:
    """Facts of one origin, with the weight that passes and the weight that beats its rivals."""

    name: str
    ids: tuple[str, ...]
    weight: float
    passing: float
    beating: float

    @property
    def passed(self) -> bool:
        return self.passing >= PASSING_SHARE * self.weight

    @property
    def beats(self) -> bool:
        return self.beating >= PASSING_SHARE * self.weight


def groups(scores: Sequence[Score]) -> list[Group]:
    """Groups of the facts that are scored, by name."""
    found: dict[str, list[Score]] = {}
    for one in scores:
        if one.scored:
            found.setdefault(one.fact.group, []).append(one)
    return [Group(name, tuple(one.id for one in own), sum(one.weight for one in own),
                  sum(one.weight for one in own if one.passed), sum(one.weight for one in own if one.beats))
            for name, own in sorted(found.items())]


def summary(scores: Sequence[Score]) -> dict[str, int]:
    """Counts over the facts tagged emerges."""
    own = groups(scores)
    return {"facts_scored": sum(one.scored for one in scores), "groups": len(own),
            "groups_passed": sum(group.passed for group in own),
            "groups_beating_baselines": sum(group.beats for group in own)}


def calibration(scores: Sequence[Score], readings: Mapping[str, Sequence[float]]) -> list[tuple[float, float]]:
    """For a calibration plot: shares p, and the share of scored facts whose central value lies in the ensemble's central
    p interval. A well calibrated ensemble gives p for p."""
    depths = []
    for one in scores:
        values = np.array([value for value in readings.get(one.id, ()) if not math.isnan(value)])
        if one.scored and not one.fact.sequence and len(values):
            below = (values < one.fact.central).mean() + 0.5 * (values == one.fact.central).mean()
            depths.append(abs(2.0 * float(below) - 1.0))
    shares = [round(0.1 * step, 1) for step in range(1, 11)]
    inside = [[depth < share or depth == 0.0 for depth in depths] for share in shares]
    return [(share, float(np.mean(hits)) if hits else math.nan) for share, hits in zip(shares, inside, strict=True)]
