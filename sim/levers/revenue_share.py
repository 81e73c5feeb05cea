"""Revenue share: a part of the seller's revenue, owed to the state that granted the licence."""

from __future__ import annotations

from typing import Literal

from sim.levers.base import Force, Lever, Mask, lever
from sim.quantity import Share
from sim.terms import CHARGE, Draft


@lever("revenue_share")
class RevenueShare(Lever):
    """The seller keeps the rest; shares under several rules add, up to the whole."""

    lever: Literal["revenue_share"] = "revenue_share"
    rate: Share

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        terms.fold(cells, share_rate=self.rate.at(force.day))
        terms.bind(cells, force.rule, CHARGE)
