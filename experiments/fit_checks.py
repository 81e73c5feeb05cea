"""Fit checks: what a calibration is worth, by its emulators and so without a new run. Two folds by group of origin; each
parameter refitted without the fact it touches most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.calibration import BEST, CUTOFF, Calibration, emulated, lhs, settle, spread_out
from experiments.emulator import Emulator
from experiments.misfit import Key
from experiments.scoring import Spread, judged, tolerance_of
from sim.provenance import digest

TOUCHES = 0.1
"""A parameter touches a fact when it explains at least this share of its variance over the design."""

ENSEMBLE = 60
"""Emulated members."""

Floats = NDArray[np.float64]


def folds(found: Calibration) -> list[dict[str, Any]]:
    """Two folds by group: each fitted alone and the other scored, beside what the other scores when all are fitted."""
    names = sorted(set(found.yardstick.groups.values()), key=lambda name: digest("fold", name))
    ids = sorted({name for name, _ in found.emulators})
    whole = _passing(found, ids, ids)
    out = []
    for fold in (0, 1):
        own = [name for name in ids if names.index(found.yardstick.groups[name]) % 2 == fold]
        held = [name for name in ids if name not in own]
        if not own or not held:
            continue
        now = _passing(found, own, ids)
        out.append({"fitted": own, "held": held, "fitted_share": _share(found, now, own), "held_share": _share(found, now, held),
                    "held_share_when_fitted": _share(found, whole, held)})
    return out


def _members(found: Calibration, fitted: Sequence[str]) -> Floats:
    """Points of least emulated misfit over some facts, spread out."""
    own = {key: one for key, one in found.emulators.items() if key[0] in fitted}
    return spread_out(settle(own, found.yardstick.only(fitted), 300)[:BEST], ENSEMBLE)


def _passing(found: Calibration, fitted: Sequence[str], scored: Sequence[str]) -> dict[str, bool]:
    """Which facts the emulated ensemble of a fit passes; the emulators' stated errors are part of its spread."""
    x = _members(found, fitted)
    said = emulated({key: one for key, one in found.emulators.items() if key[0] in scored}, x)
    passing = dict.fromkeys(scored, True)
    for at, (key, means) in enumerate(said.items()):
        normal = np.array([NormalDist().inv_cdf(share) for share in lhs(1, ENSEMBLE, 400 + at)[:, 0]])
        target, fact = found.yardstick.targets[key], found.facts.facts[key[0]]
        spread = Spread.of((means + found.emulators[key].error * normal).tolist())
        why = judged(target.low, target.central, target.high, fact.band == "source", spread, tolerance_of(fact))
        passing[key[0]] = passing[key[0]] and not why
    return passing


def _share(found: Calibration, passing: Mapping[str, bool], ids: Sequence[str]) -> float:
    """Share of the groups of some facts that pass at half their weight."""
    weights: dict[str, list[float]] = {}
    for name in ids:
        weight = found.yardstick.weights[name]
        whole = weights.setdefault(found.yardstick.groups[name], [0.0, 0.0])
        whole[0] += weight * passing[name]
        whole[1] += weight
    return float(np.mean([passed >= 0.5 * whole for passed, whole in weights.values()]))


def touched(found: Calibration) -> dict[str, list[str]]:
    """For each parameter the facts it touches over the box."""
    return {path: sorted({key[0] for key, one in found.emulators.items() if one.linear_share(column) >= TOUCHES})
            for column, path in enumerate(found.factors)}


def leave_one_out(found: Calibration) -> list[dict[str, Any]]:
    """For each parameter: the fact it touches most is dropped, the rest fitted again; the move of its mean over the points of
    least misfit, in widths of its range, beside their standard deviation."""
    ids = sorted({name for name, _ in found.emulators})
    whole = _best(found, found.emulators, ids)
    out = []
    for column, path in enumerate(found.factors):
        dropped = max(found.emulators, key=lambda key: found.emulators[key].linear_share(column))[0]
        rest = [name for name in ids if name != dropped]
        if rest:
            moved = _best(found, {key: one for key, one in found.emulators.items() if key[0] != dropped}, rest)
            out.append({"parameter": path, "dropped": dropped, "move": float(moved[:, column].mean() - whole[:, column].mean()),
                        "spread": float(whole[:, column].std())})
    return out


def _best(found: Calibration, emulators: Mapping[Key, Emulator], ids: Sequence[str]) -> Floats:
    return settle(emulators, found.yardstick.only(ids), 500)[:BEST]


def plain(found: Calibration) -> dict[str, Any]:
    """As JSON data: what was fitted, how well the emulators know the model, what is left, and what the fit is worth."""
    return {
        "scenario": found.scenario, "hash": found.hash, "facts_file": found.facts.file, "cutoff": CUTOFF.isoformat(),
        "parameters": {path: list(ends) for path, ends in found.factors.items()}, "runs": len(found.pool),
        "standing": list(found.standing), "scored": found.scored,
        "misfit": {"own": float(found.losses[0]), "centre": float(found.losses[found.centre]),
                   "draws": float(found.losses[list(found.draws)].mean())},
        "emulators": {f"{name}.{row}" if row else name: {"error": one.error, "unit": found.facts.facts[name].unit,
                      "error_half_widths": one.error / found.yardstick.targets[name, row].half}
                      for (name, row), one in found.emulators.items()},
        "centre": found.values(found.pool.x[found.centre]), "folds": folds(found), "leave_one_out": leave_one_out(found),
        "touches": touched(found),
    }
