"""Pairing: what a policy changes, seed by seed, with an interval; and what the shared luck of keyed draws is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.keyed_random import keys_of, uniforms

RESAMPLES = 2000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95% interval. n: independent values behind it."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


@dataclass(frozen=True)
class Paired:
    """Policy minus baseline over shared seeds. variance_factor: how many times fewer seeds the pairing needs than
    independent seeds would; NaN for fewer than two pairs, infinite when the difference does not vary."""

    difference: Interval
    variance_factor: float
    positive_share: float

    def __str__(self) -> str:
        return f"{self.difference}, {self.variance_factor:.3g} times fewer seeds than unpaired"


def resamples(n: int, repeats: int = RESAMPLES, name: str = "bootstrap") -> NDArray[np.int64]:
    """Rows of `repeats` bootstrap samples of n things, (repeats, n); keyed, so the same everywhere."""
    keys = keys_of(name, [str(row) for row in range(n)])
    drawn = np.array([uniforms(1, keys, repeat, 0) for repeat in range(repeats)])
    return np.minimum((drawn * n).astype(np.int64), n - 1)


def bootstrap(values: Floats, statistic: Callable[[Floats], float] | None = None) -> Interval:
    """Percentile interval of the mean (or another statistic) of values (n,); a point when there are fewer than two."""
    known = values[~np.isnan(values)]
    if not len(known):
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    taken = known[resamples(len(known))]
    spread = taken.mean(axis=1) if statistic is None else np.array([statistic(row) for row in taken])
    value = float(known.mean()) if statistic is None else statistic(known)
    low, high = np.quantile(spread, (0.025, 0.975))
    return Interval(value, float(low), float(high), len(known))


def paired(baseline: Floats, policy: Floats) -> Paired:
    """The difference policy minus baseline, both (n_seeds,) in the same order of seeds; pairs with a NaN are left
    out."""
    both = ~np.isnan(baseline) & ~np.isnan(policy)
    difference = policy[both] - baseline[both]
    share = float((difference > 0).mean()) if len(difference) else float("nan")
    return Paired(bootstrap(difference), variance_factor(baseline[both], policy[both]), share)


def variance_factor(baseline: Floats, policy: Floats) -> float:
    """Measured variance reduction: Var of a difference between independent seeds over Var of the paired difference."""
    if len(baseline) < 2:
        return float("nan")
    apart = float(baseline.var(ddof=1) + policy.var(ddof=1))
    together = float((policy - baseline).var(ddof=1))
    if together == 0.0:
        return float("inf") if apart > 0.0 else float("nan")
    return apart / together
