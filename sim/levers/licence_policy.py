"""Licence policy: how leave that another rule requires is given from now on, such as case by case instead of denial."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from sim.levers.base import Control, Sphere, lever
from sim.scope import ACTIVITIES, Names


@lever("licence_policy")
class LicencePolicy(Control):
    """Where the rules `of` (`ID`, or `ID/clause` for a part of one) and this scope meet, this policy replaces theirs.

    With the rules named gone, or exempted, nothing is left to ask leave for.
    """

    activities: ClassVar[tuple[str, ...]] = ACTIVITIES
    sphere: ClassVar[Sphere] = "named"

    lever: Literal["licence_policy"] = "licence_policy"
    of: Annotated[tuple[str, ...], Names("rule")]
    policy: Literal["ban", "denial", "case_by_case", "notify"] = "case_by_case"
