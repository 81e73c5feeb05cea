"""Licence: applications that wait in a queue and are decided case by case."""

from __future__ import annotations

from typing import Literal

from sim.levers.base import Control, lever


@lever("licence")
class Licence(Control):
    """Leave needed in the whole scope; grants open a cap on the lane that applied."""

    lever: Literal["licence"] = "licence"
    policy: Literal["ban", "denial", "case_by_case", "notify"] = "case_by_case"
