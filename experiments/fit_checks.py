"""Fit checks: what a calibration is worth, without a new run. Two folds by group of origin, from the runs that were made; each
parameter refitted on the emulators without the fact it touches most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.calibration import BEST, CUTOFF, Calibration, ensemble_for, settle
from experiments.emulator import Emulator
from experiments.misfit import Key
from sim.provenance import digest

TOUCHES = 0.1
"""A parameter touches a fact when it explains at least this share of its variance over the design."""

Floats = NDArray[np.float64]


def folds(found: Calibration) -> list[dict[str, Any]]:
    """Two folds by group: an ensemble of the runs matched to one alone and scored on the other, beside what the other scores
    in the ensemble that ships. No run is new."""
    names = sorted(set(found.yardstick.groups.values()), key=lambda name: digest("fold", name))
    ids = list(found.ids)
    whole = _passing(found, found.draws)
    out = []
    for fold in (0, 1):
        own = [name for name in ids if names.index(found.yardstick.groups[name]) % 2 == fold]
        held = [name for name in ids if name not in own]
        if not own or not held:
            continue
        now = _passing(found, ensemble_for(found, own))
        out.append({"fitted": own, "held": held, "fitted_share": _share(found, now, own), "held_share": _share(found, now, held),
                    "held_share_when_fitted": _share(found, whole, held)})
    return out


def _passing(found: Calibration, rows: Sequence[int]) -> dict[str, bool]:
    """Which facts an ensemble of the runs passes."""
    scores = found.pool.score(rows, found.facts, found.clock)
    return {name: bool(one.passed) for name, one in zip(found.pool.said[0], scores, strict=True)}


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
