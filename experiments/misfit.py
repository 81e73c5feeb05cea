"""Misfit: how far readings of runs lie from facts, by the rule that scores them.

A reading's distance is in half widths: 1 at the edge of what passes (a published band's middle and half width; else the central
value and half of max(high - low, 0.3 |central|)). A distance d costs d^2 / (1 + d^2): one fact that cannot be reached drags no
other with it. A sequence costs what its worst member does. A group passes at half its weight, so its cost is the mean of two:
that of all its facts, and that of the half of its weight that fits best. All groups count the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.facts import Fact, Facts
from experiments.scoring import HIGH, LOW, PASSING_SHARE, WIDEST_BANDS, band_of, tolerance_of, weight_of

Floats = NDArray[np.float64]
Key = tuple[str, int]
"""A fact and the number of its reading: members of a sequence have one each, and its order none."""


@dataclass(frozen=True)
class Target:
    """What one reading should be. half: the distance from the middle at which it stops passing; low to high as the fact says."""

    fact: str
    row: int
    middle: float
    half: float
    low: float
    central: float
    high: float
    analyst: bool
    """Whether the band is an analyst's: then the truth must lie inside the ensemble's interval too."""


def targets_of(facts: Facts, ids: Sequence[str]) -> dict[Key, Target]:
    """Targets of facts, members of a sequence each on their own."""
    return {(target.fact, target.row): target for name in ids for target in _targets(name, facts.facts[name])}


def _targets(name: str, fact: Fact) -> list[Target]:
    bands = [(item.low, item.central, item.high) for item in fact.sequence] or [(fact.low, fact.central, fact.high)]
    slack = tolerance_of(fact)
    found = []
    for row, (low, central, high) in enumerate(bands):
        middle, half = ((low + high) / 2, (high - low) / 2) if fact.band == "source" else (central, band_of(low, central, high) / 2)
        found.append(Target(name, row, middle, half + slack, low, central, high, fact.band != "source"))
    return found


@dataclass(frozen=True)
class Yardstick:
    """Targets, and the weight and group of their facts."""

    targets: Mapping[Key, Target]
    weights: Mapping[str, float]
    groups: Mapping[str, str]

    @classmethod
    def of(cls, facts: Facts, ids: Sequence[str]) -> Yardstick:
        """For the named facts."""
        return cls(targets_of(facts, ids), {name: weight_of(facts.facts[name]) for name in ids},
                   {name: facts.facts[name].group for name in ids})

    def only(self, ids: Sequence[str]) -> Yardstick:
        """For some of its facts."""
        kept = {key: one for key, one in self.targets.items() if key[0] in ids}
        return Yardstick(kept, {name: self.weights[name] for name in ids}, {name: self.groups[name] for name in ids})

    def distances(self, values: Mapping[Key, Floats]) -> dict[str, Floats]:
        """By fact the distance of its worst reading, (m,); infinite where a reading has no value."""
        found: dict[str, Floats] = {}
        for key, target in self.targets.items():
            if key in values:
                apart = np.nan_to_num(np.abs(values[key] - target.middle) / target.half, nan=np.inf)
                found[target.fact] = np.maximum(found.get(target.fact, np.zeros_like(apart)), apart)
        return found

    def loss(self, values: Mapping[Key, Floats]) -> Floats:
        """Mean cost of the groups, (m,), in 0 to 1."""
        costs: dict[str, list[tuple[float, Floats]]] = {}
        for name, apart in self.distances(values).items():
            squared = apart**2
            cost = np.where(np.isinf(apart), 1.0, squared / (1.0 + np.where(np.isinf(apart), 0.0, squared)))
            costs.setdefault(self.groups[name], []).append((self.weights[name], cost))
        return np.asarray(np.mean([_of_group(own) for own in costs.values()], axis=0))


def matched(yardstick: Yardstick, values: Mapping[Key, Floats], rows: Sequence[int], n: int) -> list[int]:
    """n of the rows whose ensemble scores best: one is added at a time, that which leaves the ensemble of those taken with
    the least loss, where a reading's distance is its median's, and past the edge when the interval leaves the truth out or is
    too wide (Caruana et al. 2004, doi:10.1145/1015330.1015432, on selecting an ensemble forward)."""
    taken: list[int] = []
    left = list(rows)
    while left and len(taken) < n:
        losses = yardstick.loss({key: _of_ensembles(target, values[key], taken, left)
                                 for key, target in yardstick.targets.items() if key in values})
        taken.append(left.pop(int(losses.argmin())))
    return taken


def _of_ensembles(target: Target, values: Floats, taken: Sequence[int], left: Sequence[int]) -> Floats:
    """For each row left, what the ensemble of those taken and it stands for: a value as far from the middle as it scores."""
    held = np.broadcast_to(values[list(taken)][:, None], (len(taken), len(left)))
    low, median, high = np.quantile(np.vstack([held, values[list(left)]]), (LOW, 0.5, HIGH), axis=0)
    apart = np.abs(median - target.middle) / target.half
    if target.analyst and len(taken) > _FEW:
        out = np.maximum(np.maximum(low - target.central, target.central - high), 0.0) / target.half
        apart = np.where(out > 0.0, np.maximum(apart, 1.0 + out), apart)
        apart = np.maximum(apart, (high - low) / (2.0 * WIDEST_BANDS * target.half))
    return np.asarray(target.middle + target.half * apart)


_FEW = 5
"""Rows below which an ensemble has no interval worth judging."""


def _of_group(own: Sequence[tuple[float, Floats]]) -> Floats:
    """Cost of a group from the weights and costs (m,) of its facts."""
    weights = np.array([weight for weight, _ in own])
    costs = np.array([cost for _, cost in own])
    order = np.argsort(costs, axis=0)
    sorted_costs, sorted_weights = np.take_along_axis(costs, order, axis=0), weights[order]
    before = np.cumsum(sorted_weights, axis=0) - sorted_weights
    counted = np.clip(PASSING_SHARE * weights.sum() - before, 0.0, sorted_weights)
    best = (counted * sorted_costs).sum(axis=0) / counted.sum(axis=0)
    return np.asarray(0.5 * best + 0.5 * (weights @ costs) / weights.sum())
