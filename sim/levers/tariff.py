"""Tariff: an ad-valorem duty, paid by the buyer, on the deals and chips in scope."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from sim.levers.base import Force, Lever, Mask, lever
from sim.quantity import Of, Quantity
from sim.terms import CHARGE, Draft


@lever("tariff")
class Tariff(Lever):
    """Of the ask. Stacks with other duties in force on the same cell, as in customs law."""

    sphere: ClassVar[Literal["export", "import", "named"]] = "named"

    lever: Literal["tariff"] = "tariff"
    rate: Annotated[Quantity, Of("share of ask", 0)]

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        terms.fold(cells, tariff_rate=self.rate.at(force.day))
        terms.bind(cells, force.rule, CHARGE)
