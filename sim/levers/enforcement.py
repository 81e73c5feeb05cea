"""Enforcement: how many officers look, and what those caught pay."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from sim.levers.base import Force, Lever, Mask, lever
from sim.quantity import Of, Quantity
from sim.scope import Places
from sim.terms import Draft

Multiplier = Annotated[Quantity, Of("x", 0)]


@lever("enforcement")
class Enforcement(Lever):
    """Multipliers on the effort and penalties of the places named, or of the rule's authors; several multiply."""

    on_cells: ClassVar[bool] = False

    lever: Literal["enforcement"] = "enforcement"
    places: Places = ()
    staff: Multiplier | None = None
    penalty: Multiplier | None = None

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        places = force.atlas.members(self.places or force.by)
        terms.scale("enforcement", places, self.staff.at(force.day) if self.staff else 1.0)
        terms.scale("penalty", places, self.penalty.at(force.day) if self.penalty else 1.0)
