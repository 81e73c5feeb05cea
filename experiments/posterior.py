"""Posterior: the draws of free parameters that calibration left, as a file keyed to the scenario it was fitted on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from sim.errors import UsageError
from sim.scenario_io import merged, read_layers, shipped_folder


class Posterior(BaseModel):
    """scenario, hash: what it was fitted on. centre and draws: values by path. facts: the hash of the facts fitted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: int = 1
    title: str = ""
    summary: str = ""
    scenario: str
    hash: str
    facts: str
    waves: int
    runs: int
    centre: dict[str, float]
    draws: list[dict[str, float]]


@dataclass(frozen=True)
class Draws:
    """Settings for the members of an ensemble, and a sentence on where they come from."""

    settings: tuple[tuple[str, ...], ...]
    note: str

    def of(self, row: int) -> tuple[str, ...]:
        """The settings of the ensemble's member."""
        return self.settings[row % len(self.settings)] if self.settings else ()


def path_of() -> Path:
    """Where the shipped posterior stands."""
    return shipped_folder() / "posterior.yaml"


def read_posterior(path: Path) -> Posterior:
    """Raises UsageError when the file is no posterior."""
    data = {key: value for key, value in merged(read_layers(path)).items() if key != "schema"}
    try:
        return Posterior.model_validate(data)
    except ValidationError as error:
        raise UsageError(f"{path} is no posterior: {error.errors()[0]['msg']}; make one with chokepoint calibrate") from None


def settings_of(values: dict[str, float]) -> tuple[str, ...]:
    """Values by path in the words of --set."""
    return tuple(f"{path}={json.dumps(value)}" for path, value in sorted(values.items()))


def draws_for(scenario_hash: str) -> Draws:
    """The shipped draws when they were fitted on this scenario; else none, and why."""
    file = path_of()
    if not file.is_file():
        return Draws((), "seeds only: no posterior is shipped")
    said = read_posterior(file)
    if said.hash != scenario_hash:
        return Draws((), f"seeds only: the shipped posterior was fitted on another scenario ({said.hash[:12]})")
    return Draws(tuple(settings_of(values) for values in said.draws), f"{len(said.draws)} posterior draws")
