"""Location verification: chips shipped while it is in force tell where they run."""

from __future__ import annotations

from typing import ClassVar, Literal

from sim.levers.base import Force, Lever, Mask, lever
from sim.terms import Draft


@lever("location_verification")
class LocationVerification(Lever):
    """Binds chips shipped after the rule only; earlier stock stays silent."""

    on_cells: ClassVar[bool] = False

    lever: Literal["location_verification"] = "location_verification"

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        terms.fold(cells, verification=True)
