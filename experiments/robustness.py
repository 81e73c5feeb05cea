"""Robustness: does a policy's effect keep its sign over the uncertainties, and if not, where does it flip?"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.frames import Draw, Frame
from experiments.sampling import Scalar
from sim.errors import UsageError

_CLEAR = 0.5
"""How much more often the sign must flip on one side of a threshold (share there minus share elsewhere) to be told."""


@dataclass(frozen=True)
class Threshold:
    """The best single cut: the sign flips in `there` of the draws on its side and in `elsewhere` of the others."""

    factor: str
    side: str
    at: Scalar
    there: float
    elsewhere: float

    def __str__(self) -> str:
        words = {"above": "exceeds", "below": "is below", "equal": "is"}[self.side]
        value = f"{self.at:.4g}" if isinstance(self.at, float) else str(self.at)
        return f"{self.factor} {words} {value} (in {self.there:.0%} of those draws, {self.elsewhere:.0%} of the others)"


@dataclass(frozen=True)
class Verdict:
    """sign: of the mean effect; kept: share of draws with that sign; thresholds: cuts that tell where it flips, best
    first."""

    outcome: str
    policy: str
    baseline: str
    mean: float
    draws: int
    flipped: int
    thresholds: tuple[Threshold, ...]

    def __str__(self) -> str:
        if not self.mean and not self.flipped:
            return f"{self.policy} does not move {self.outcome} against {self.baseline} in any of {self.draws} draws"
        effect = f"{self.policy} {'raises' if self.mean > 0 else 'lowers'} {self.outcome} against {self.baseline}"
        if not self.flipped:
            return f"{effect} in all {self.draws} draws"
        kept = f"{effect} by {abs(self.mean):.4g} on average, in {self.draws - self.flipped} of {self.draws} draws"
        if not self.thresholds:
            return f"{kept}; no single factor tells where the sign flips"
        return f"{kept}; the sign flips if {self.thresholds[0]}"


def verdict(baseline: Frame, policy: Frame) -> Verdict:
    """Compare two policies draw by draw, means over shared seeds. Raises UsageError without shared draws."""
    differences = policy.values - baseline.values
    done = np.asarray(~np.isnan(differences).all(axis=1))
    if not done.any():
        raise UsageError(f"{policy.policy} and {baseline.policy} have no finished draw in common")
    draws = [draw for draw, kept in zip(policy.draws, done, strict=True) if kept]
    effects = np.nanmean(differences[done], axis=1)
    mean = float(effects.mean())
    flipped = effects * mean < 0
    found = [cut for name in sorted(draws[0].factors) for cut in _cuts(name, draws, flipped)]
    clear = [cut for cut in found if cut.there - cut.elsewhere >= _CLEAR]
    ranked = sorted(clear, key=lambda cut: (cut.elsewhere - cut.there, cut.factor))
    return Verdict(policy.outcome, policy.policy, baseline.policy, mean, len(draws), int(flipped.sum()), tuple(ranked))


def _cuts(name: str, draws: list[Draw], flipped: NDArray[np.bool_]) -> list[Threshold]:
    """The best cut of one factor, above or below a value, or on a value; none when nothing flips or all does."""
    if not flipped.any() or flipped.all():
        return []
    column = [draw.factors[name] for draw in draws]
    words = any(isinstance(value, str | bool) for value in column)
    cuts = _on_words(name, column, flipped) if words else _on_numbers(name, np.array(column, dtype=np.float64), flipped)
    return [max(cuts, key=lambda cut: cut.there - cut.elsewhere)] if cuts else []


def _on_words(name: str, column: list[Scalar], flipped: NDArray[np.bool_]) -> list[Threshold]:
    cuts = []
    for value in sorted(set(column), key=str):
        here = np.array([other == value for other in column])
        if not here.all():
            cuts.append(Threshold(name, "equal", value, float(flipped[here].mean()), float(flipped[~here].mean())))
    return cuts


def _on_numbers(name: str, column: NDArray[np.float64], flipped: NDArray[np.bool_]) -> list[Threshold]:
    values = np.unique(column)
    cuts = []
    for low, high in itertools.pairwise(values):
        middle = float((low + high) / 2)
        above = column > middle
        there, elsewhere = float(flipped[above].mean()), float(flipped[~above].mean())
        cuts.append(Threshold(name, "above", middle, there, elsewhere))
        cuts.append(Threshold(name, "below", middle, elsewhere, there))
    return cuts
