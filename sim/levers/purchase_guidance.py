"""Purchase guidance: a government tells its buyers to hold back."""

from __future__ import annotations

from typing import ClassVar, Literal

from sim.levers.base import Force, Lever, Mask, Sphere, lever
from sim.quantity import Share
from sim.terms import CHARGE, Draft


@lever("purchase_guidance")
class PurchaseGuidance(Lever):
    """Buyers order `factor` of what they would. Rungs of a ladder: of several the strongest holds."""

    activities: ClassVar[tuple[str, ...]] = ("sale", "reexport")
    sphere: ClassVar[Sphere] = "import"

    lever: Literal["purchase_guidance"] = "purchase_guidance"
    factor: Share

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        terms.fold(cells, demand_factor=self.factor.at(force.day))
        terms.bind(cells, force.rule, CHARGE)
