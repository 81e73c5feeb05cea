"""Attribution: each lever's share in what a policy package does, by Shapley values on shared luck.

Every coalition of levers runs on the same seeds. The share of a lever is its mean marginal effect over all orders of
adding levers (Shapley 1953); the pairwise interaction index (Grabisch & Roubens 1999, doi:10.1007/s001820050125) says
how much two levers do together beyond what each does alone. Shares add up to the whole effect on every seed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.design import Policy
from experiments.pairing import Interval, bootstrap
from sim.errors import UsageError

MOST = 8
"""Levers at most: their coalitions double with each."""

Coalition = frozenset[str]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Attribution:
    """Interval by lever, by pair, and of the whole package against none of it."""

    outcome: str
    shares: Mapping[str, Interval]
    interactions: Mapping[tuple[str, str], Interval]
    whole: Interval

    @property
    def residual(self) -> float:
        """What the shares leave over of the whole effect: zero but for rounding."""
        return self.whole.value - math.fsum(share.value for share in self.shares.values())


def coalitions(players: Iterable[str]) -> list[Coalition]:
    """Every subset of the levers, the empty one first. Raises UsageError when there are none or too many."""
    names = sorted(players)
    if not 1 <= len(names) <= MOST:
        raise UsageError(f"attribute takes 1 to {MOST} levers, not {len(names)}; put rules that belong together in one")
    return [frozenset(chosen) for size in range(len(names) + 1) for chosen in itertools.combinations(names, size)]


def policies(levers: Mapping[str, Policy], rules: Mapping[str, tuple[str, ...]]) -> dict[str, Policy]:
    """A policy a coalition: levers in it are applied; rules whose group is not in it are left out of the record."""
    both = sorted(set(levers) & set(rules))
    if both:
        raise UsageError(f"{', '.join(both)}: named both as a lever and as a group of rules")
    return {words_of(coalition): _policy(coalition, levers, rules) for coalition in coalitions([*levers, *rules])}


def words_of(coalition: Coalition) -> str:
    return " + ".join(sorted(coalition)) or "none"


def _policy(coalition: Coalition, levers: Mapping[str, Policy], rules: Mapping[str, tuple[str, ...]]) -> Policy:
    applied = [levers[name] for name in sorted(coalition & set(levers))]
    settings = {path: value for policy in applied for path, value in policy.settings.items()}
    without = sorted({rule for name in sorted(set(rules) - coalition) for rule in rules[name]})
    if without:
        settings["rules.without"] = without
    return Policy(levers=tuple(name for policy in applied for name in policy.levers), settings=settings)


def attribute(outcome: str, values: Mapping[Coalition, Floats]) -> Attribution:
    """Shares and interactions of the outcome by seed, each (n_seeds,), for every coalition."""
    players = sorted({player for coalition in values for player in coalition})
    whole = values[frozenset(players)] - values[frozenset()]
    pairs = itertools.combinations(players, 2)
    return Attribution(
        outcome,
        {player: bootstrap(_share(player, players, values)) for player in players},
        {(one, other): bootstrap(_interaction(one, other, players, values)) for one, other in pairs},
        bootstrap(whole),
    )


def _share(player: str, players: list[str], values: Mapping[Coalition, Floats]) -> Floats:
    n = len(players)
    total = np.zeros_like(values[frozenset()])
    for rest in _subsets(players, {player}):
        weight = 1 / (n * math.comb(n - 1, len(rest)))
        total = total + weight * (values[rest | {player}] - values[rest])
    return total


def _interaction(one: str, other: str, players: list[str], values: Mapping[Coalition, Floats]) -> Floats:
    n = len(players)
    total = np.zeros_like(values[frozenset()])
    for rest in _subsets(players, {one, other}):
        weight = 1 / ((n - 1) * math.comb(n - 2, len(rest)))
        together = values[rest | {one, other}] - values[rest | {one}] - values[rest | {other}] + values[rest]
        total = total + weight * together
    return total


def _subsets(players: list[str], left_out: set[str]) -> list[Coalition]:
    rest = [player for player in players if player not in left_out]
    return [frozenset(chosen) for size in range(len(rest) + 1) for chosen in itertools.combinations(rest, size)]
