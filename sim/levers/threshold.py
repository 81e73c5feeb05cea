"""Threshold: a line through specifications; chips on the wrong side need leave."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from sim.levers.base import Control, lever
from sim.quantity import FIRST_DAY, fault


@lever("threshold")
class Threshold(Control):
    """Leave needed for every chip on the controlled side of the lines in `chips`, named parts among them."""

    lever: Literal["threshold"] = "threshold"

    @model_validator(mode="after")
    def _draws_a_line(self) -> Threshold:
        if not self.chips.bounds(FIRST_DAY):
            raise fault("a threshold without a line", "write one below `chips`, such as tpp_at_least: 4800", ("chips",))
        return self
