"""Foundry control: dies that a foundry may not make for a designer abroad, presumed caught unless shown otherwise."""

from __future__ import annotations

from typing import ClassVar, Literal

from sim.levers.base import Control, lever


@lever("foundry_control")
class FoundryControl(Control):
    """Reaches the fab lane. A die whose specifications are unknown is presumed to be in scope."""

    activities: ClassVar[tuple[str, ...]] = ("fab",)
    presumes: ClassVar[bool] = True

    lever: Literal["foundry_control"] = "foundry_control"
