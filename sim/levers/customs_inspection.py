"""Customs inspection: consignments opened at the border."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import StrictBool

from sim.levers.base import Force, Lever, Mask, lever
from sim.quantity import Share
from sim.scope import Places
from sim.terms import Draft


@lever("customs_inspection")
class CustomsInspection(Lever):
    """At the borders of the places named, or the rule's authors; of several the highest share holds.

    inspected         share of consignments opened.
    grey_tolerated    false where duty-paid goods that evaded a foreign rule are no longer let through.
    """

    on_cells: ClassVar[bool] = False

    lever: Literal["customs_inspection"] = "customs_inspection"
    places: Places = ()
    inspected: Share
    grey_tolerated: StrictBool = True

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        places = force.atlas.members(self.places or force.by)
        terms.most("customs", places, self.inspected.at(force.day))
        if not self.grey_tolerated:
            terms.end_tolerance(places)
