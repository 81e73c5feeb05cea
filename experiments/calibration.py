"""Calibration: which values of the free parameters the facts leave standing. History matching in waves (Craig et al. 1997;
Vernon, Goldstein & Bower 2010): a space-filling design is run, emulators with a stated error stand in for the model, the next
wave goes half where they find the least misfit (experiments.misfit), spread out, half around the best runs so far (in the first
wave around the stated values); later waves go downhill from around the best runs, as the emulators see it. Draws are taken from
the runs themselves, so that nothing ships that was not simulated.

Facts used: tagged `emerges`, read off the world itself, observed before CUTOFF. The posterior a scenario names is left out
while it is fitted. Runs are kept (experiments.readings), so the same command goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments import scoring
from experiments.backtest import WORLD
from experiments.batch import ranges_of, uncertain_of, value_at
from experiments.emulator import Emulator, bases, kernels
from experiments.facts import Fact, Facts, read_facts
from experiments.misfit import Key, Yardstick, matched
from experiments.posterior import settings_of
from experiments.provenance import canonical
from experiments.readings import Job, Lost, Reading, read_jobs
from experiments.sampling import Factor, Sampling, points
from sim.clock import Clock
from sim.errors import UsageError, nearest
from sim.posterior import Posterior
from sim.provenance import digest, source_hash
from sim.scenario_io import assembled, read_layers

CUTOFF = date(2025, 5, 1)
"""Nothing observed later is used to fit."""

CANDIDATES = 4096
ROUNDS = 4
"""How often a search goes again around the best twentieth of its points."""

NEAR = 0.2
"""Half the width, as a share of each range, of the part of the box that is searched around a good point."""

SMALL = 1e-4
"""Step of a difference, as a share of a range."""

EXPLORING = 0.65
"""Share of the waves that look everywhere; those after it only better what was found."""

BEST = 600
"""Points of least emulated misfit among which a wave is spread out."""

IMPLAUSIBLE = 3.0
"""Standard deviations beyond which a point is left out (Pukelsheim 1994)."""

EXCUSED_SHARE = 0.1
"""Share of the facts, worst first, that a point may miss: the model has faults of structure that no value mends."""

DISCREPANCY_SHARE = 0.1
"""Standard deviation of the model's own error, over the observed value: an assumption."""

KEPT_SHARES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7)
"""Shares of the runs, least misfit first, tried as the posterior."""

Floats = NDArray[np.float64]
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Pool:
    """Runs done: inputs (n, k) in the unit cube, the values of every target (n,), and what each run said."""

    x: Floats
    values: dict[Key, Floats]
    said: tuple[Reading, ...]

    def __len__(self) -> int:
        return len(self.x)

    def score(self, rows: Sequence[int], facts: Facts, clock: Clock) -> list[scoring.Score]:
        """Facts against the ensemble of some of the runs."""
        found = []
        for name in self.said[0]:
            readings = [[self.said[row][name][at] for row in rows] for at in range(len(self.said[0][name]))]
            found.append(scoring.score(name, facts.facts[name], readings, [], clock))
        return found


@dataclass(frozen=True)
class Calibration:
    """What was found. factors: low, high by path; emulators by target; standing: share of the box that is not implausible
    after each wave; losses: misfit of every run, (n,); draws, centre: rows of the pool; scored: counts of the draws' ensemble."""

    scenario: str
    hash: str
    facts: Facts
    clock: Clock
    factors: dict[str, tuple[float, float]]
    yardstick: Yardstick
    emulators: dict[Key, Emulator]
    standing: tuple[float, ...]
    pool: Pool
    losses: Floats
    draws: tuple[int, ...]
    centre: int
    scored: dict[str, int]
    lost: tuple[Lost, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self.yardstick.weights)

    def values(self, shares: Floats) -> dict[str, float]:
        """A point of the unit cube as values by path."""
        return _values(self.factors, shares)

    def posterior(self) -> Posterior:
        """As the file that ships."""
        facts = digest(canonical({name: self.facts.facts[name].model_dump(mode="json") for name in self.ids}))
        title = f"Posterior of {self.scenario}: {len(self.ids)} facts before {CUTOFF}, {len(self.factors)} parameters"
        told = ", ".join(f"{share:.1%}" for share in self.standing)
        best, mean, own = self.losses[self.centre], self.losses[list(self.draws)].mean(), self.losses[0]
        summary = (f"Made by chokepoint calibrate. Each draw is a run that was made; the centre is the one of least misfit "
                   f"({best:.3f}; the draws' mean {mean:.3f}; the scenario's own values {own:.3f}). Share of the box not "
                   f"implausible after each wave: {told}.")
        return Posterior(title=title, summary=summary, scenario=self.scenario, hash=self.hash, facts=facts[:32],
                         cutoff=CUTOFF.isoformat(), sources=source_hash(), waves=len(self.standing), runs=len(self.pool),
                         centre=self.values(self.pool.x[self.centre]), draws=[self.values(self.pool.x[row]) for row in self.draws])


def fitted_ids(facts: Facts, clock: Clock) -> tuple[str, ...]:
    """Facts that may be fitted: earned, of the world itself, with windows that end before CUTOFF."""
    return tuple(name for name, fact in facts.facts.items()
                 if fact.tag == "emerges" and fact.world in ("", WORLD) and _ends(fact, clock) <= CUTOFF)


def _ends(fact: Fact, clock: Clock) -> date:
    assert fact.observation is not None
    windows = [window for _, part in fact.observation.leaves() for window in (part.window, part.since, *part.windows) if window]
    return max((clock.span(window)[1] for window in windows), default=clock.end)


def calibrate(scenario: str, said: str, paths: Sequence[str], waves: int, n_runs: int, n_draws: int, workers: int, told: Told
              ) -> Calibration:
    """Fit. paths: parameters to fit; none: those the scenario declares uncertain. Raises UsageError, ScenarioError."""
    loaded, facts = assembled(read_layers(scenario, unfitted=True)), read_facts(said)
    clock = loaded.clock
    factors, ids = _factors(loaded, paths), fitted_ids(facts, clock)
    if not ids:
        raise UsageError(f"{facts.file} holds no fact that can be fitted: tagged emerges, read off the world, before {CUTOFF}")
    yardstick = Yardstick.of(facts, ids)
    stated = np.array([[(value_at(loaded, path) - low) / (high - low) for path, (low, high) in factors.items()]])
    design = np.vstack([stated, around(stated, n_runs // 2, 1), lhs(len(factors), n_runs - n_runs // 2 - 1, 1)])
    pool = Pool(np.zeros((0, len(factors))), {key: np.zeros(0) for key in yardstick.targets}, ())
    lost: list[Lost] = []
    standing: list[float] = []
    for wave in range(waves):
        jobs = [Job(scenario, settings_of(_values(factors, row)), 1 + wave * n_runs + at, said, ids, unfitted=True)
                for at, row in enumerate(design)]
        found = read_jobs(jobs, workers, _wave_told(told, wave * n_runs, waves * n_runs))
        pool = _grown(pool, design, [found[job] for job in jobs])
        lost += [one for one in found.values() if isinstance(one, Lost)]
        emulators = emulators_of(pool)
        apart = implausibility(emulators, yardstick, lhs(len(factors), CANDIDATES, 100 + wave))
        standing.append(float((apart <= IMPLAUSIBLE).mean()))
        losses = yardstick.loss(pool.values)
        best = pool.x[np.argsort(losses, kind="stable")[: max(2, len(pool) // 20)]]
        if wave + 1 < EXPLORING * waves:
            far = spread_out(settle(emulators, yardstick, 200 + wave)[:BEST], n_runs - n_runs // 2)
            design = np.vstack([far, around(best, n_runs // 2, 300 + wave)])
        elif wave + 1 < waves:
            design = downhill(emulators, yardstick, around(best, n_runs, 300 + wave))
    draws, scores = _chosen(pool, losses, yardstick, len(design), n_draws, facts, clock)
    counts = {"facts": len(scores), "facts_passed": sum(bool(one.passed) for one in scores), **scoring.summary(scores)}
    counts.pop("groups_beating_baselines")
    return Calibration(scenario, loaded.hash, facts, clock, factors, yardstick, emulators, tuple(standing), pool, losses, draws,
                       int(losses.argmin()), counts, tuple(lost))


def _factors(scenario: Any, paths: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Ranges by path. Raises UsageError for a path without a range, or when none is named or declared."""
    declared = {item["path"]: (item["low"], item["high"]) for item in uncertain_of(scenario).values() if not item["values"]}
    ranges = {path: (item["low"], item["high"]) for path, item in ranges_of(scenario).items()} | declared
    chosen = list(paths) or list(declared)
    unknown = [path for path in chosen if path not in ranges]
    if unknown:
        raise UsageError(f'"{unknown[0]}" has no range to fit in; {nearest(unknown[0], sorted(ranges))}')
    if not chosen:
        raise UsageError("no parameter to fit; name some with --parameter, or declare uncertainties in the scenario")
    return {path: ranges[path] for path in sorted(set(chosen))}


def _values(factors: Mapping[str, tuple[float, float]], shares: Floats) -> dict[str, float]:
    return {path: float(f"{low + (high - low) * share:.6g}")
            for (path, (low, high)), share in zip(factors.items(), shares, strict=True)}


def _grown(pool: Pool, design: Floats, found: Sequence[Reading | Lost]) -> Pool:
    """The pool with the runs of a wave that ended."""
    good = [(row, said) for row, said in zip(design, found, strict=True) if not isinstance(said, Lost)]
    if not good:
        raise UsageError(f"no run of the wave ended; first error: {next(one for one in found if isinstance(one, Lost)).error}")
    values = {key: np.append(old, [said[key[0]][key[1]] for _, said in good]) for key, old in pool.values.items()}
    return Pool(np.vstack([pool.x, *(row for row, _ in good)]), values, (*pool.said, *(said for _, said in good)))


def lhs(k: int, n: int, seed: int) -> Floats:
    """A Latin hypercube in the unit cube, (n, k)."""
    names = [f"x{row:03d}" for row in range(k)]
    found = points({name: Factor(low=0.0, high=1.0) for name in names}, Sampling(kind="lhs", n=n, seed=seed))
    return np.array([[float(value) for _, value in point.values] for point in found])


def emulators_of(pool: Pool) -> dict[Key, Emulator]:
    """One a target that has a value in at least half of the runs and enough of them to learn from."""
    found, shared = {}, bases(pool.x)
    for key, values in pool.values.items():
        known = ~np.isnan(values)
        if known.sum() >= max(5, len(pool) // 2):
            whole = bool(known.all())
            found[key] = Emulator.fit(pool.x, values, shared) if whole else Emulator.fit(pool.x[known], values[known])
    if not found:
        raise UsageError("no fact has a value in enough runs to learn from; raise --runs")
    return found


def implausibility(emulators: Mapping[Key, Emulator], yardstick: Yardstick, x: Floats) -> Floats:
    """The worst standardised distance of each point once its worst EXCUSED_SHARE of the targets is excused, (m,): |emulator -
    observed| over the root of the variances of emulator, observation (half a band is two standard deviations) and the model's
    own error."""
    near = kernels(emulators, x)
    rows = []
    for key, emulator in emulators.items():
        target = yardstick.targets[key]
        mean, variance = emulator.at(x, near[key])
        own = (DISCREPANCY_SHARE * target.middle) ** 2
        rows.append(np.abs(mean - target.middle) / np.sqrt(variance + (target.half / 2.0) ** 2 + own))
    apart = np.sort(np.array(rows), axis=0)[::-1]
    return np.asarray(apart[min(int(EXCUSED_SHARE * len(apart)), len(apart) - 1)])


def emulated(emulators: Mapping[Key, Emulator], x: Floats) -> dict[Key, Floats]:
    """What the emulators say of points, (m,) a target."""
    near = kernels(emulators, x)
    return {key: one.mean(x, near[key]) for key, one in emulators.items()}


def settle(emulators: Mapping[Key, Emulator], yardstick: Yardstick, seed: int) -> Floats:
    """Points of the unit cube, the least emulated misfit first: a space-filling design, then ROUNDS rounds around the best."""
    k = len(next(iter(emulators.values())).trend) - 1
    x = lhs(k, CANDIDATES, seed)
    loss = yardstick.loss(emulated(emulators, x))
    for turn in range(ROUNDS):
        best = x[np.argsort(loss, kind="stable")[:CANDIDATES // 20]]
        shift = (lhs(k, CANDIDATES // 2, seed + 1000 * (turn + 1)) - 0.5) * 0.8**turn
        near = np.clip(np.resize(best, shift.shape) + shift, 0.0, 1.0)
        x, loss = np.vstack([x, near]), np.append(loss, yardstick.loss(emulated(emulators, near)))
    return x[np.argsort(loss, kind="stable")]


def downhill(emulators: Mapping[Key, Emulator], yardstick: Yardstick, starts: Floats) -> Floats:
    """Each start moved to where emulated misfit is least within NEAR of it, inside the unit cube (L-BFGS-B, Byrd et al. 1995,
    doi:10.1137/0916069, with differences for a gradient); where starts lie around good runs, nothing is asked far from a run."""
    from scipy.optimize import minimize

    def loss(x: Floats) -> tuple[float, Floats]:
        found = yardstick.loss(emulated(emulators, np.vstack([x, x + SMALL * np.eye(len(x))])))
        return float(found[0]), (found[1:] - found[0]) / SMALL

    ends = [minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 30},
                     bounds=list(zip(np.maximum(start - NEAR, 0.0), np.minimum(start + NEAR, 1.0), strict=True))).x
            for start in starts]
    return np.array(ends)


def around(centres: Floats, n: int, seed: int) -> Floats:
    """n points within NEAR of the centres (m, k), each centre in turn, inside the unit cube."""
    shift = (lhs(centres.shape[1], n, seed) - 0.5) * 2.0 * NEAR
    return np.asarray(np.clip(np.resize(centres, shift.shape) + shift, 0.0, 1.0))


def spread_out(x: Floats, n: int) -> Floats:
    """n of the points, the first among them, each as far as can be from those taken before (greedy maximin)."""
    taken = [0]
    apart = ((x - x[0]) ** 2).sum(axis=1)
    while len(taken) < n:
        taken.append(int(apart.argmax()))
        apart = np.minimum(apart, ((x - x[taken[-1]]) ** 2).sum(axis=1))
    return x[taken]


def _wave_told(told: Told, before: int, n_runs: int) -> Told:
    """One wave's progress, told as that of all waves."""
    return lambda done, _: told(before + done, n_runs)


def ensemble_for(found: Calibration, ids: Sequence[str]) -> tuple[int, ...]:
    """The draws that would have been taken had these facts alone been fitted, from the same runs."""
    own = found.yardstick.only(ids)
    kept = {name: found.facts.facts[name] for name in ids}
    pool = replace(found.pool, said=tuple({name: said[name] for name in kept} for said in found.pool.said))
    return _chosen(pool, own.loss(pool.values), own, 0, len(found.draws), found.facts, found.clock)[0]


def _chosen(pool: Pool, losses: Floats, yardstick: Yardstick, last: int, n_draws: int, facts: Facts, clock: Clock
            ) -> tuple[tuple[int, ...], list[scoring.Score]]:
    """The draws: of the ensembles tried the one that scores best (groups passed, then facts, then the least misfit of its
    runs). Tried are those matched to the facts among the better runs, and the `last` runs, of the last wave. The
    first few stand for all."""
    order = [int(row) for row in np.argsort(losses, kind="stable")]
    best: tuple[tuple[float, ...], list[int], list[scoring.Score]] = ((-1.0,), [], [])
    cloud = list(range(len(pool) - last, len(pool)))
    tried = [cloud[:n_draws], matched(yardstick, pool.values, cloud, n_draws)] if cloud else []
    tried += [matched(yardstick, pool.values, order[: max(min(n_draws, len(order)), round(share * len(order)))], n_draws)
              for share in KEPT_SHARES]
    for rows in tried:
        scores = pool.score(rows, facts, clock)
        mark = (float(scoring.summary(scores)["groups_passed"]), float(sum(bool(one.passed) for one in scores)),
                -float(losses[rows].mean()))
        if mark > best[0]:
            best = (mark, rows, scores)
    return tuple(best[1]), best[2]
