"""Stopping: add paired seeds until the interval of an outcome is as narrow as asked, or the seeds run out."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.frames import frames
from experiments.store import Store
from sim.errors import UsageError

FIRST = 10
"""Seeds before the first look: fewer say little about a spread."""

_FORM = re.compile(r"\s*(?P<outcome>\S.*?)\s*(±|\+-|\+/-)\s*(?P<width>[\d.]+([eE][-+]?\d+)?)\s*")


@dataclass(frozen=True)
class Goal:
    """The 95% interval of an outcome's mean (of its difference to the first policy, where there are several) within ±
    width."""

    outcome: str
    width: float

    @classmethod
    def parse(cls, text: str) -> Goal:
        """From "lag_months ±0.2". Raises UsageError on another form."""
        match = _FORM.fullmatch(text)
        try:
            width = float(match["width"]) if match else 0.0
        except ValueError:
            width = 0.0
        if match is None or width <= 0:
            raise UsageError(f'"{text}" is no goal; write outcome ±width, such as "lag_months ±0.2"')
        return cls(match["outcome"], width)


@dataclass(frozen=True)
class Look:
    """What is known after some seeds: half the widest interval, and how many seeds it would take."""

    seeds: int
    half_width: float
    needed: int


def look(store: Store, goal: Goal) -> Look:
    """Measure a store against a goal. Raises UsageError when the design has several draws: draws are not luck."""
    by_policy = list(frames(store, goal.outcome).values())
    if len(by_policy[0].draws) > 1:
        raise UsageError(
            "--until needs an experiment with one draw; the spread between draws does not shrink with seeds"
        )
    columns = [frame.values[0] for frame in by_policy]
    spread = columns if len(columns) == 1 else [column - columns[0] for column in columns[1:]]
    widths = [half_width(values) for values in spread]
    n = int(min(int((~np.isnan(values)).sum()) for values in spread))
    widest = max(widths)
    return Look(n, widest, math.ceil(n * (widest / goal.width) ** 2) if math.isfinite(widest) else 2 * FIRST)


def half_width(values: NDArray[np.float64]) -> float:
    """Half of the 95% interval of a mean by Student's t; infinite for fewer than two values."""
    from scipy.special import stdtrit

    known = values[~np.isnan(values)]
    if len(known) < 2:
        return math.inf
    return float(stdtrit(len(known) - 1, 0.975) * known.std(ddof=1) / math.sqrt(len(known)))


def run_until(store: Store, goal: Goal, most: int, carry: Callable[[], object], told: Callable[[Look], None]) -> Look:
    """Carry out, look, and add as many seeds as seem missing (at most as many again as there are), up to `most` in
    all."""
    while True:
        carry()
        seen = look(store, goal)
        told(seen)
        held = [seed for batch in store.seed_batches for seed in batch]
        if seen.half_width <= goal.width or len(held) >= most:
            return seen
        more = min(max(seen.needed - len(held), math.ceil(len(held) / 4)), len(held), most - len(held))
        store.add_seeds(range(max(held) + 1, max(held) + 1 + more))
