"""Subsidy: state money for a country's own chip industry."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from sim.levers.base import Force, Lever, Mask, lever
from sim.quantity import Of, Quantity, Share
from sim.scope import Places
from sim.terms import Draft


@lever("subsidy")
class Subsidy(Lever):
    """To the places named, or the rule's authors; several add.

    rate         share of the cost of domestic capacity that the state bears.
    usd_yearly   what it pays in.
    """

    on_cells: ClassVar[bool] = False

    lever: Literal["subsidy"] = "subsidy"
    places: Places = ()
    rate: Share | None = None
    usd_yearly: Annotated[Quantity, Of("USD per year", 0)] | None = None

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        places = force.atlas.members(self.places or force.by)
        terms.add("subsidy_rate", places, self.rate.at(force.day) if self.rate else 0.0)
        terms.add("subsidy_usd_yearly", places, self.usd_yearly.at(force.day) if self.usd_yearly else 0.0)
