"""Named part: a letter that names parts, whatever their specifications."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from sim.levers.base import Control, lever
from sim.quantity import fault


@lever("named_part")
class NamedPart(Control):
    """Leave needed for the parts in `chips.named`, by any of their aliases."""

    lever: Literal["named_part"] = "named_part"

    @model_validator(mode="after")
    def _names_one(self) -> NamedPart:
        if not self.chips.named:
            raise fault("a letter that names no part", "write `chips: {named: [...]}`", ("chips",))
        return self
