"""Posterior: the draws of free parameters that calibration left, and what a scenario that stands on one knows of it.

A scenario names the file (`posterior: posterior`). Its centre is then laid over what that scenario and the files it extends
say, so that all that extend it start from it; its draws go to the members of an ensemble by their seed. It binds only
while those files say what it was fitted on: it holds their hash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sim.provenance import digest
from sim.quantity import fault
from sim.scenario_layers import Layer, Pointer


class Posterior(BaseModel):
    """A posterior file. scenario, hash: what it was fitted on, its own centre left out; facts: the hash of the facts fitted;
    cutoff: nothing observed later was; sources: the model's code; centre and draws: values by path."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_number: int = Field(1, alias="schema")
    title: str = ""
    summary: str = ""
    scenario: str
    hash: str
    facts: str
    cutoff: str
    sources: str
    waves: int
    runs: int
    centre: dict[str, float] = Field(min_length=1)
    draws: list[dict[str, float]] = Field(min_length=1)

    @model_validator(mode="after")
    def _alike(self) -> Posterior:
        for row, draw in enumerate(self.draws):
            if draw.keys() != self.centre.keys():
                raise fault(f"draw {row + 1} has other parameters than the centre", "make it with chokepoint calibrate")
        return self

    @property
    def content(self) -> str:
        """Hash of centre and draws: what a forecast says its parameters are."""
        return digest(json.dumps([self.centre, self.draws], sort_keys=True))


@dataclass(frozen=True)
class Fitted:
    """A scenario's posterior. note: in words, also why it does not apply; hash: of its values, empty where it does not apply;
    draws: values by path, without those that a later file, a lever or a setting states."""

    note: str
    hash: str = ""
    draws: tuple[Mapping[str, float], ...] = ()

    def settings(self, seed: int) -> tuple[str, ...]:
        """The draw of a seed, in the words of --set: seed 1 takes the first, and round again after the last."""
        if not self.draws:
            return ()
        return tuple(f"{path}={json.dumps(value)}" for path, value in sorted(self.draws[(seed - 1) % len(self.draws)].items()))


UNFITTED = Fitted("no posterior is named")


@dataclass
class CentreLayer:
    """A posterior's centre as a layer; empty where the posterior does not apply. said: the file's own layer."""

    said: Layer
    data: dict[str, Any]
    fitted: Fitted
    has_nulls: bool = False

    def __post_init__(self) -> None:
        self.file = self.said.file

    def line(self, pointer: Pointer) -> int:
        """A dotted path is one key under `centre`; a part of a quantity stands where the quantity does."""
        if not self.data:
            return 0
        return next((line for end in range(len(pointer), 0, -1)
                     if (line := self.said.line(("centre", ".".join(pointer[:end]))))), 0)


def centre_layer(said: Layer, posterior: Posterior, under: Mapping[str, Any]) -> CentreLayer:
    """The layer of a posterior that applies, over data of what it was fitted on: each value keeps unit, range and source."""
    data: dict[str, Any] = {}
    for path, value in posterior.centre.items():
        *above, last = path.split(".")
        here, there = data, under
        for word in above:
            here = here.setdefault(word, {})
            there = there.get(word) or {}
        kept = there.get(last)
        slots = {"path", "yearly"}
        here[last] = {**{key: part for key, part in kept.items() if key not in slots}, "value": value} if isinstance(
            kept, dict) else value
    note = f"posterior of {posterior.scenario}, {posterior.content[:12]}: its centre, and {len(posterior.draws)} draws by seed"
    return CentreLayer(said, data, Fitted(note, posterior.content, tuple(posterior.draws)))


def standing(layers: list[Layer]) -> Fitted:
    """The posterior of layers, the last if several, its draws without the paths that a later layer says."""
    fitted = UNFITTED
    for row, layer in enumerate(layers):
        if isinstance(layer, CentreLayer):
            after = layers[row + 1:]
            kept = [path for path in next(iter(layer.fitted.draws), {}) if not any(_says(later, path) for later in after)]
            draws = tuple({path: draw[path] for path in kept} for draw in layer.fitted.draws)
            fitted = Fitted(layer.fitted.note, layer.fitted.hash, draws)
    return fitted


def _says(layer: Layer, path: str) -> bool:
    """Whether a layer says a path, or its number alone."""
    pointer = tuple(path.split("."))
    return any(layer.line(said) for said in (pointer, *((*pointer, slot) for slot in ("value", "path", "yearly"))))
