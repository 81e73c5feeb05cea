"""Discovery: in which part of the uncertainties does it happen? A box found by PRIM, told as a sentence.

The patient rule induction method (Friedman & Fisher 1999, doi:10.1023/A:1008894516817) peels the edge of the box that
leaves the densest rest, again and again; of the boxes on the way the one with the best harmonic mean of density and
coverage is kept, and limits that chance explains (Bryant & Lempert 2010, doi:10.1016/j.techfore.2009.08.002) are
dropped.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from experiments.frames import Draw, Frame
from experiments.sampling import Scalar
from sim.errors import UsageError

PEEL = 0.05
"""Share of the points in the box that one peel may take."""

LEAST = 0.05
"""Share of all points below which a box is too small to mean much."""

CHANCE = 0.05
"""A limit whose gain in density is this likely by luck is dropped."""

Mask = NDArray[np.bool_]
_FORM = re.compile(r"\s*(?P<outcome>\w+)\s*(?P<sign><=|>=|<|>)\s*(?P<limit>[-+.\deE]+)\s*")
_SIGNS: dict[str, Callable[[NDArray[np.float64], float], Mask]] = {
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True)
class Limit:
    """What a box asks of one factor: low <= value <= high, or one of the values."""

    factor: str
    low: float | None = None
    high: float | None = None
    values: tuple[Scalar, ...] = ()

    def __str__(self) -> str:
        if self.values:
            return f"{self.factor} is {' or '.join(str(value) for value in self.values)}"
        if self.low is not None and self.high is not None:
            return f"{self.factor} is between {self.low:.4g} and {self.high:.4g}"
        side, limit = ("above", self.low) if self.low is not None else ("below", self.high)
        return f"{self.factor} is {side} {limit:.4g}"

    def holds(self, column: Sequence[Scalar]) -> Mask:
        """Which values of a factor are inside."""
        if self.values:
            return np.array([value in self.values for value in column])
        numbers = np.array(column, dtype=np.float64)
        low, high = -math.inf if self.low is None else self.low, math.inf if self.high is None else self.high
        return np.asarray((numbers >= low) & (numbers <= high))


@dataclass(frozen=True)
class Box:
    """density: share of the draws inside where it happens; coverage: share of where it happens that is inside."""

    says: str
    limits: tuple[Limit, ...]
    density: float
    coverage: float
    inside: int
    cases: int
    draws: int

    def __str__(self) -> str:
        if not self.limits:
            return f"{self.says} in {self.cases} of {self.draws} draws, and no factor tells where"
        where = " and ".join(str(limit) for limit in self.limits)
        return (
            f"{self.says} in {self.density:.0%} of the draws where {where} ({self.inside} of {self.draws} draws), against "
            f"{self.cases / self.draws:.0%} overall; these hold {self.coverage:.0%} of all such draws"
        )


def condition(text: str) -> tuple[str, Callable[[NDArray[np.float64]], Mask]]:
    """Outcome and test of "lag_months > 12". Raises UsageError on another form."""
    match = _FORM.fullmatch(text)
    try:
        limit = float(match["limit"]) if match else math.nan
    except ValueError:
        limit = math.nan
    if match is None or math.isnan(limit):
        raise UsageError(f'"{text}" is no condition; write outcome > number, such as "lag_months > 12"')
    return match["outcome"], lambda values: _SIGNS[match["sign"]](values, limit)


def discover(frame: Frame, says: str, test: Callable[[NDArray[np.float64]], Mask]) -> Box:
    """The box where the mean over seeds of a frame's outcome meets a test. Raises UsageError when nothing tells
    apart."""
    done = np.asarray(~np.isnan(frame.values).all(axis=1))
    draws = [draw for draw, kept in zip(frame.draws, done, strict=True) if kept]
    return find_box(draws, test(np.nanmean(frame.values[done], axis=1)), says)


def find_box(draws: Sequence[Draw], happens: Mask, says: str) -> Box:
    """PRIM over the factors of draws, (n_draws,) happens. Raises UsageError when it happens in no draw, or in every
    one."""
    if not happens.any() or happens.all():
        raise UsageError(
            f"{says} in {'every one' if len(happens) and happens.all() else 'none'} of {len(happens)} draws; "
            "choose another limit"
        )
    columns = {name: [draw.factors[name] for draw in draws] for name in sorted(draws[0].factors)}
    steps = _peeled(columns, happens)
    best = max(steps, key=lambda limits: _balance(_inside(limits, columns), happens))
    kept = _without_chance(best, columns, happens)
    return _box(kept, columns, happens, says)


def _peeled(columns: Mapping[str, Sequence[Scalar]], happens: Mask) -> list[dict[str, Limit]]:
    """The boxes of the peeling trajectory, the whole space first."""
    limits: dict[str, Limit] = {}
    steps = [limits]
    while True:
        inside = _inside(limits, columns)
        best: tuple[float, dict[str, Limit]] | None = None
        for name, column in columns.items():
            for limit in _peels(limits.get(name, Limit(name)), column, inside):
                left = inside & limit.holds(column)
                if left.sum() < max(LEAST * len(happens), 1) or left.sum() == inside.sum():
                    continue
                gain = (happens[left].mean() - happens[inside].mean()) / (inside.sum() - left.sum())
                if gain > 0 and (best is None or gain > best[0]):
                    best = (float(gain), {**limits, name: limit})
        if best is None:
            return steps
        limits = best[1]
        steps.append(limits)


def _peels(now: Limit, column: Sequence[Scalar], inside: Mask) -> list[Limit]:
    """The limits one peel can make of a factor's present limit."""
    present = [value for value, kept in zip(column, inside, strict=True) if kept]
    if any(isinstance(value, str | bool) for value in column):
        values = sorted(set(present), key=str)
        return [
            replace(now, values=tuple(other for other in values if other != value))
            for value in values
            if len(values) > 1
        ]
    numbers = np.sort(np.array(present, dtype=np.float64))
    take = max(int(PEEL * len(numbers)), 1)
    higher, lower = numbers[numbers > numbers[take - 1]], numbers[numbers < numbers[-take]]
    return [
        *([replace(now, low=float(higher[0]))] if len(higher) else []),
        *([replace(now, high=float(lower[-1]))] if len(lower) else []),
    ]


def _inside(limits: Mapping[str, Limit], columns: Mapping[str, Sequence[Scalar]]) -> Mask:
    inside = np.ones(len(next(iter(columns.values()))), dtype=bool)
    for name, limit in limits.items():
        inside &= limit.holds(columns[name])
    return inside


def _balance(inside: Mask, happens: Mask) -> float:
    """Harmonic mean of density and coverage."""
    both = float((inside & happens).sum())
    return 2 * both / float(inside.sum() + happens.sum())


def _without_chance(
    limits: Mapping[str, Limit], columns: Mapping[str, Sequence[Scalar]], happens: Mask
) -> dict[str, Limit]:
    """The limits without those that would gain as much density by luck: a binomial test against the box that lacks
    them."""
    kept = dict(limits)
    for name in sorted(limits):
        others = {other: limit for other, limit in kept.items() if other != name}
        inside, wider = _inside(kept, columns), _inside(others, columns)
        if _at_least(int((inside & happens).sum()), int(inside.sum()), float(happens[wider].mean())) > CHANCE:
            kept = others
    return kept


def _at_least(successes: int, tries: int, chance: float) -> float:
    """Probability of at least so many successes."""
    if chance <= 0.0 or chance >= 1.0:
        return 1.0 if chance >= 1.0 or not successes else 0.0
    whole = math.lgamma(tries + 1)
    return math.fsum(
        math.exp(
            whole
            - math.lgamma(k + 1)
            - math.lgamma(tries - k + 1)
            + k * math.log(chance)
            + (tries - k) * math.log1p(-chance)
        )
        for k in range(successes, tries + 1)
    )


def _box(limits: Mapping[str, Limit], columns: Mapping[str, Sequence[Scalar]], happens: Mask, says: str) -> Box:
    inside = _inside(limits, columns)
    both = int((inside & happens).sum())
    return Box(
        says,
        tuple(limits[name] for name in sorted(limits)),
        both / int(inside.sum()),
        both / int(happens.sum()),
        int(inside.sum()),
        int(happens.sum()),
        len(happens),
    )
