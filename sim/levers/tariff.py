"""Tariff: an ad-valorem duty, paid by the buyer, on the deals and chips in scope."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np

from sim.levers.base import Force, Lever, Mask, Sphere, lever
from sim.quantity import Of, Quantity
from sim.scope import Atlas, LegalClasses
from sim.terms import CHARGE, Draft


@lever("tariff")
class Tariff(Lever):
    """Of the ask, on goods that cross a border. Stacks with other duties on the same cell, as in customs law."""

    sphere: ClassVar[Sphere] = "either"

    lever: Literal["tariff"] = "tariff"
    rate: Annotated[Quantity, Of("share of ask", 0)]

    def rows(self, classes: LegalClasses, atlas: Atlas) -> Mask:
        return np.asarray(super().rows(classes, atlas) & (classes.place != classes.destination))

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        terms.fold(cells, tariff_rate=self.rate.at(force.day))
        terms.bind(cells, force.rule, CHARGE)
