"""Exemption: deals to which other rules do not apply, such as a carve-out, or what a successor replaces."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from sim.levers.base import Force, Lever, Mask, Sphere, lever
from sim.scope import ACTIVITIES, Names
from sim.terms import Draft


@lever("exemption")
class Exemption(Lever):
    """The rules `of` (`ID`, or `ID/clause` for a part of one) do not reach the cells in scope."""

    activities: ClassVar[tuple[str, ...]] = ACTIVITIES
    sphere: ClassVar[Sphere] = "named"

    lever: Literal["exemption"] = "exemption"
    of: Annotated[tuple[str, ...], Names("rule")]

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        """Nothing of its own: the Rulebook takes the cells out of the rules named."""
