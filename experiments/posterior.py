"""Posterior draws in experiments: which settings a seed runs with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import sim


def settings_of(values: Mapping[str, float]) -> tuple[str, ...]:
    """Values by path in the words of --set."""
    return tuple(f"{path}={json.dumps(value)}" for path, value in sorted(values.items()))


def drawn(scenario: str, settings: Sequence[str], seed: int) -> tuple[str, ...]:
    """Settings of a member of an ensemble: those asked for, and the posterior draw of its seed. Raises ScenarioError."""
    return (*settings, *sim.load(scenario, settings).posterior.settings(seed))
