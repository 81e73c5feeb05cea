"""Tail: labs drawn from a size distribution, as columns; one cohort a country and kind of money stands for them in the record.

A lab's draws hang on its own name and the generator's seed: the first thousand of ten thousand are the same thousand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.errors import Fault, ScenarioError
from sim.keyed_random import keys_of, normal, uniforms
from sim.scenario import Scenario

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

BASE_YEAR = 2022
"""Year whose spend the generator's median is."""


@dataclass(frozen=True)
class Tail:
    """Drawn labs, in order of id, (labs,) each: `cohort` names the row of the record that they are told in."""

    names: tuple[str, ...]
    country: tuple[str, ...]
    cohort: tuple[str, ...]
    spend_usd: Floats
    """A year, in BASE_YEAR."""
    listed: Bools
    state: Bools


def drawn(scenario: Scenario) -> Tail:
    """The tail of a scenario's generator, empty without one. Raises ScenarioError where an actor already has a drawn name."""
    rule = scenario.world.generator
    if rule is None:
        return Tail((), (), (), np.zeros(0), np.zeros(0, dtype=bool), np.zeros(0, dtype=bool))
    names = tuple(sorted(f"tail-{number:05d}" for number in range(1, rule.labs + 1)))
    keys = keys_of("drawn lab", names)
    places = sorted(name for name, share in rule.countries.items() if share.value > 0)
    bounds = np.cumsum([rule.countries[name].value for name in places])
    at = np.searchsorted(bounds, uniforms(rule.seed, keys, 0, 0) * bounds[-1], side="right")
    country = tuple(places[min(row, len(places) - 1)] for row in at.tolist())
    listed = uniforms(rule.seed, keys, 0, 1) < rule.listed_share.value
    state = uniforms(rule.seed, keys, 0, 2) < rule.state_share.value
    size = np.array([normal(rule.seed, key, 1, 0) for key in keys])
    spend = rule.spend_median_usd.value * np.exp(rule.spend_sigma.value * size)
    cohort = tuple(f"tail-{place}-state" if paid else f"tail-{place}" for place, paid in zip(country, state.tolist(), strict=True))
    taken = sorted(scenario.world.actors.keys() & {*names, *cohort})
    if taken:
        where, said = scenario.title or "scenario", "is the name of a drawn lab or cohort"
        raise ScenarioError([Fault(where, 0, f"world.actors.{name}", f'"{name}" {said}', "choose another name") for name in taken])
    return Tail(names, country, cohort, spend, listed, state)
