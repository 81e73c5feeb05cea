"""Calibration: which values of the free parameters the facts leave standing. History matching in waves (Craig et al. 1997;
Vernon, Goldstein & Bower 2010): a space-filling design is run, an emulator with a stated error stands in for the model,
points it calls implausible are left out, the next wave samples the rest; then draws, weighted by what is left of the misfit.

Facts used: tagged `emerges`, read off the world itself, observed before CUTOFF. Runs are kept (experiments.readings), so the
same command goes on where it stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sim
from experiments.backtest import WORLD
from experiments.batch import ranges_of
from experiments.facts import Fact, Facts, read_facts
from experiments.posterior import Posterior, settings_of
from experiments.provenance import canonical
from experiments.readings import Job, Lost, read_jobs
from experiments.sampling import Factor, Sampling, points
from experiments.scoring import band_of
from sim.clock import Clock
from sim.errors import UsageError, nearest
from sim.provenance import digest

CUTOFF = date(2025, 5, 1)
"""Nothing observed later is used to fit."""

CANDIDATES = 4096
IMPLAUSIBLE = 3.0
"""Standard deviations beyond which a point is left out (Pukelsheim 1994)."""

EXCUSED_SHARE = 0.1
"""Share of the facts, worst first, that a point may miss: the model has faults of structure that no value mends."""

DISCREPANCY_SHARE = 0.1
"""Standard deviation of the model's own error, over the observed value: an assumption."""

KEPT_SHARE = 0.05
"""Where no candidate is plausible, the least implausible share goes on, and the result says so."""

TOUCHES = 0.1
"""A parameter touches a fact when it explains at least this share of its variance over the design."""

_LENGTHS = (0.5, 1.0, 2.0, 4.0)
_NUGGETS = (0.01, 0.1, 0.3, 1.0)
Floats = NDArray[np.float64]
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Emulator:
    """A Gaussian process on a linear trend: inputs in the unit cube, one output. error: root mean square of what it says of
    each point left out, in the output's own unit."""

    x: Floats
    trend: Floats
    weights: Floats
    inverse: Floats
    length: float
    variance: float
    error: float

    @classmethod
    def fit(cls, x: Floats, y: Floats) -> Emulator:
        """To inputs (n, k) and outputs (n,), by the length and nugget with the least leave-one-out error."""
        design = np.column_stack([np.ones(len(x)), x])
        ridge = 1e-3 * len(x) * np.eye(design.shape[1])
        ridge[0, 0] = 0.0
        trend: Floats = np.linalg.solve(design.T @ design + ridge, design.T @ y).astype(np.float64)
        rest = y - design @ trend
        variance = float(rest.var()) or 1e-12
        best: tuple[float, Any] = (math.inf, None)
        for length in _LENGTHS:
            near = _kernel(x, x, length)
            for nugget in _NUGGETS:
                inverse = np.linalg.inv(near + nugget * np.eye(len(x)))
                weights = inverse @ rest
                error = float(np.sqrt(np.mean((weights / np.diag(inverse)) ** 2)))
                if error < best[0]:
                    best = (error, (weights, inverse, length))
        weights, inverse, length = best[1]
        return cls(x, trend, weights, inverse, length, variance, best[0])

    def at(self, x: Floats) -> tuple[Floats, Floats]:
        """Mean and variance at inputs (m, k); the variance is never below the squared stated error."""
        near = _kernel(x, self.x, self.length)
        mean = np.column_stack([np.ones(len(x)), x]) @ self.trend + near @ self.weights
        spread = self.variance * np.clip(1.0 - np.einsum("ij,jk,ik->i", near, self.inverse, near), 0.0, None)
        return mean, np.maximum(spread, self.error**2)


def _kernel(a: Floats, b: Floats, length: float) -> Floats:
    """Squared exponential, with the length in units of the cube's mean distance."""
    apart = ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2) / (a.shape[1] / 6.0)
    return np.asarray(np.exp(-apart / (2.0 * length**2)))


@dataclass(frozen=True)
class Calibration:
    """What was found. factors: low, high by path; facts: ids fitted; emulators by fact; standing: share of the box left after
    each wave; plausible: whether any point was; x: draws in the unit cube (n_draws, k)."""

    scenario: str
    hash: str
    facts: Facts
    clock: Clock
    factors: dict[str, tuple[float, float]]
    ids: tuple[str, ...]
    emulators: dict[str, Emulator]
    standing: tuple[float, ...]
    plausible: bool
    n_runs: int
    x: Floats
    lost: tuple[Lost, ...]

    def values(self, shares: Floats) -> dict[str, float]:
        """A point of the unit cube as values by path."""
        return _values(self.factors, shares)

    def posterior(self) -> Posterior:
        """As the file that ships."""
        facts = digest(canonical({name: self.facts.facts[name].model_dump(mode="json") for name in self.ids}))
        title = f"Posterior of {self.scenario}: what {len(self.ids)} facts before {CUTOFF} leave of {len(self.factors)} parameters"
        told = ", ".join(f"{share:.1%}" for share in self.standing)
        summary = f"Share of the box left standing after each wave: {told}." + (
            "" if self.plausible else " No point was plausible; the least implausible went on.")
        return Posterior(title=title, summary=summary, scenario=self.scenario, hash=self.hash, facts=facts[:32],
                         waves=len(self.standing), runs=self.n_runs, centre=self.values(self.x.mean(axis=0)),
                         draws=[self.values(row) for row in self.x])


def fitted_ids(facts: Facts, clock: Clock) -> tuple[str, ...]:
    """Facts that may be fitted: earned, of the world itself, with windows that end before CUTOFF, and no sequences."""
    return tuple(name for name, fact in facts.facts.items()
                 if fact.tag == "emerges" and fact.world in ("", WORLD) and not fact.sequence and _ends(fact, clock) <= CUTOFF)


def _ends(fact: Fact, clock: Clock) -> date:
    assert fact.observation is not None
    windows = [window for _, part in fact.observation.leaves() for window in (part.window, part.since, *part.windows) if window]
    return max((clock.span(window)[1] for window in windows), default=clock.end)


def calibrate(scenario: str, said: str, paths: Sequence[str], waves: int, n_runs: int, n_draws: int, workers: int, told: Told
              ) -> Calibration:
    """Fit. paths: parameters to fit; none: those the scenario declares uncertain. Raises UsageError, ScenarioError."""
    loaded, facts = sim.load(scenario), read_facts(said)
    clock = sim.build(loaded, 1).record.clock
    factors, ids = _factors(loaded, paths), fitted_ids(facts, clock)
    if not ids:
        raise UsageError(f"{facts.file} holds no fact that can be fitted: tagged emerges, read off the world, before {CUTOFF}")
    design = _lhs(len(factors), n_runs, 1)
    x, y, lost = np.zeros((0, len(factors))), np.zeros((0, len(ids))), []
    emulators: dict[str, Emulator] = {}
    standing: list[float] = []
    for wave in range(waves):
        seeds = range(1 + wave * n_runs, 1 + (wave + 1) * n_runs)
        jobs = [Job(scenario, settings_of(_values(factors, row)), seed, said, ids)
                for seed, row in zip(seeds, design, strict=True)]
        found = read_jobs(jobs, workers, _wave_told(told, wave * n_runs, waves * n_runs))
        good = [job for job in jobs if not isinstance(found[job], Lost)]
        lost += [one for one in found.values() if isinstance(one, Lost)]
        rows = dict(zip(jobs, design, strict=True))
        x = np.vstack([x, *(rows[job][None] for job in good)])
        y = np.vstack([y, *(_outputs(found[job], ids)[None] for job in good)])
        emulators = _emulators(x, y, ids)
        candidates = _lhs(len(factors), CANDIDATES, 100 + wave)
        misfit = implausibility(emulators, facts, candidates)
        standing.append(float((misfit <= IMPLAUSIBLE).mean()))
        design = _spread_out(candidates[_left(misfit)], n_runs)
    misfit = implausibility(emulators, facts, candidates)
    return Calibration(scenario, loaded.hash, facts, clock, factors, ids, emulators, tuple(standing),
                       bool((misfit <= IMPLAUSIBLE).any()), len(x), draws_of(emulators, facts, candidates, n_draws), tuple(lost))


def _factors(scenario: Any, paths: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Ranges by path. Raises UsageError for a path without a range, or when none is named or declared."""
    ranges = {path: (item["low"], item["high"]) for path, item in ranges_of(scenario).items()}
    for name, item in scenario.uncertainties.items():
        factor = Factor.model_validate({key: value for key, value in item.model_dump().items() if key in Factor.model_fields})
        if factor.low is not None and factor.high is not None:
            ranges[factor.path or name] = (factor.low, factor.high)
    declared = [item.path or name for name, item in scenario.uncertainties.items()]
    chosen = list(paths) or [path for path in declared if path in ranges]
    unknown = [path for path in chosen if path not in ranges]
    if unknown:
        raise UsageError(f'"{unknown[0]}" has no range to fit in; {nearest(unknown[0], sorted(ranges))}')
    if not chosen:
        raise UsageError("no parameter to fit; name some with --parameter, or declare uncertainties in the scenario")
    return {path: ranges[path] for path in sorted(set(chosen))}


def _values(factors: Mapping[str, tuple[float, float]], shares: Floats) -> dict[str, float]:
    return {path: float(f"{low + (high - low) * share:.6g}")
            for (path, (low, high)), share in zip(factors.items(), shares, strict=True)}


def _lhs(k: int, n: int, seed: int) -> Floats:
    """A Latin hypercube in the unit cube, (n, k)."""
    names = [f"x{row:03d}" for row in range(k)]
    found = points({name: Factor(low=0.0, high=1.0) for name in names}, Sampling(kind="lhs", n=n, seed=seed))
    return np.array([[float(value) for _, value in point.values] for point in found])


def _outputs(found: Any, ids: Sequence[str]) -> Floats:
    return np.array([found[name][-1] for name in ids])


def _emulators(x: Floats, y: Floats, ids: Sequence[str]) -> dict[str, Emulator]:
    """One a fact that has a value in at least half of the runs and enough of them to learn from."""
    found = {}
    for column, name in enumerate(ids):
        known = ~np.isnan(y[:, column])
        if known.sum() >= max(5, len(x) // 2):
            found[name] = Emulator.fit(x[known], y[known, column])
    if not found:
        raise UsageError("no fact has a value in enough runs to learn from; raise --runs")
    return found


def distances(emulators: Mapping[str, Emulator], facts: Facts, x: Floats) -> Floats:
    """Standardised misfit of every fact at inputs (m, k): |emulator - observed| over the root of the variances of emulator,
    observation (half a band is two standard deviations) and the model's own error; (n_facts, m)."""
    rows = []
    for name, emulator in emulators.items():
        fact = facts.facts[name]
        mean, variance = emulator.at(x)
        observed = (band_of(fact.low, fact.central, fact.high) / 4.0) ** 2
        own = (DISCREPANCY_SHARE * fact.central) ** 2
        rows.append(np.abs(mean - fact.central) / np.sqrt(variance + observed + own))
    return np.array(rows)


def implausibility(emulators: Mapping[str, Emulator], facts: Facts, x: Floats) -> Floats:
    """The worst distance of each point once its worst EXCUSED_SHARE of the facts is excused, (m,)."""
    apart = np.sort(distances(emulators, facts, x), axis=0)[::-1]
    return np.asarray(apart[min(int(EXCUSED_SHARE * len(apart)), len(apart) - 1)])


def _left(misfit: Floats) -> NDArray[np.bool_]:
    """The plausible candidates, or the least implausible share when they are fewer."""
    return np.asarray(misfit <= max(IMPLAUSIBLE, float(np.quantile(misfit, KEPT_SHARE))))


def _spread_out(x: Floats, n: int) -> Floats:
    """n of the points, each as far as can be from those taken before (greedy maximin)."""
    taken = [0]
    apart = ((x - x[0]) ** 2).sum(axis=1)
    while len(taken) < n:
        taken.append(int(apart.argmax()))
        apart = np.minimum(apart, ((x - x[taken[-1]]) ** 2).sum(axis=1))
    return x[taken]


def _wave_told(told: Told, before: int, n_runs: int) -> Callable[[int, int], None]:
    """One wave's progress, told as that of all waves."""
    return lambda done, _: told(before + done, n_runs)


def draws_of(emulators: Mapping[str, Emulator], facts: Facts, x: Floats, n: int) -> Floats:
    """n of the candidates left, by systematic resampling on exp(-misfit^2/2) of a mean fact; (n, k)."""
    left = _left(implausibility(emulators, facts, x))
    squared = np.minimum(distances(emulators, facts, x[left]), IMPLAUSIBLE) ** 2
    logs = -0.5 * squared.sum(axis=0)
    weights = np.exp(logs - logs.max())
    ends = np.cumsum(weights) / weights.sum()
    rows = np.searchsorted(ends, (np.arange(n) + 0.5) / n)
    kept: Floats = x[left][np.minimum(rows, left.sum() - 1)]
    return kept


# --- what the fit is worth --------------------------------------------------------------------------------------------


def folds(found: Calibration) -> list[dict[str, Any]]:
    """Two folds by independence group: each fitted alone, then both scored by the emulators at its draws' median."""
    names = sorted({found.facts.facts[name].group for name in found.emulators}, key=lambda name: digest("fold", name))
    out = []
    candidates = _lhs(len(found.factors), CANDIDATES, 200)
    for fold in (0, 1):
        own = {name: one for name, one in found.emulators.items() if names.index(found.facts.facts[name].group) % 2 == fold}
        held = {name: one for name, one in found.emulators.items() if name not in own}
        if not own or not held:
            continue
        draws = draws_of(own, found.facts, candidates, len(found.x))
        out.append({"fitted": sorted(own), "held": sorted(held), "fitted_near": _near(own, found.facts, draws),
                    "held_near": _near(held, found.facts, draws)})
    return out


def _near(emulators: Mapping[str, Emulator], facts: Facts, x: Floats) -> float:
    """Share of facts whose emulated median lies within half a band."""
    near = []
    for name, emulator in emulators.items():
        fact = facts.facts[name]
        middle = float(np.median(emulator.at(x)[0]))
        near.append(abs(middle - fact.central) <= band_of(fact.low, fact.central, fact.high) / 2)
    return float(np.mean(near))


def touched(found: Calibration) -> dict[str, list[str]]:
    """For each parameter the facts it touches: its linear share of a fact's variance over the cube is at least TOUCHES."""
    out = {}
    for column, path in enumerate(found.factors):
        out[path] = [name for name, one in found.emulators.items() if _linear_share(one, column) >= TOUCHES]
    return out


def _linear_share(emulator: Emulator, column: int) -> float:
    whole = float((emulator.trend[1:] ** 2).sum() / 12.0 + emulator.variance)
    return float(emulator.trend[column + 1] ** 2 / 12.0 / whole)


def leave_one_out(found: Calibration) -> list[dict[str, Any]]:
    """For each parameter: the fact it touches most is dropped, the rest fitted again; the move of its centre, in widths of
    its range."""
    candidates = _lhs(len(found.factors), CANDIDATES, 300)
    whole = draws_of(found.emulators, found.facts, candidates, len(found.x)).mean(axis=0)
    out = []
    for column, path in enumerate(found.factors):
        dropped = max(found.emulators, key=lambda name: _linear_share(found.emulators[name], column))
        rest = {name: one for name, one in found.emulators.items() if name != dropped}
        if rest:
            centre = draws_of(rest, found.facts, candidates, len(found.x)).mean(axis=0)
            out.append({"parameter": path, "dropped": dropped, "move": float(centre[column] - whole[column])})
    return out


def plain(found: Calibration) -> dict[str, Any]:
    """As JSON data: what was fitted, how well the emulators know the model, what is left, and what the fit is worth."""
    reach = touched(found)
    return {
        "scenario": found.scenario, "hash": found.hash, "facts_file": found.facts.file, "cutoff": CUTOFF.isoformat(),
        "parameters": {path: list(ends) for path, ends in found.factors.items()}, "runs": found.n_runs,
        "standing": list(found.standing), "plausible": found.plausible,
        "emulators": {name: {"error": one.error, "unit": found.facts.facts[name].unit, "length": one.length}
                      for name, one in found.emulators.items()},
        "centre": found.values(found.x.mean(axis=0)), "folds": folds(found), "leave_one_out": leave_one_out(found),
        "touches": reach, "touch_one_fact_only": sorted(path for path, names in reach.items() if len(names) == 1),
    }
