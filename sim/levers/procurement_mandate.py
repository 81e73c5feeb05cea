"""Procurement mandate: users that must buy domestic."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from sim.levers.base import Force, Lever, Mask, Sphere, lever
from sim.quantity import Share
from sim.scope import Atlas, EndUse, LegalClasses
from sim.terms import Draft


@lever("procurement_mandate")
class ProcurementMandate(Lever):
    """At least `domestic_share` of what these end users buy; the whole bars the chips in scope to them.

    `chips` names the foreign ones, such as {none: [{design: [CN]}]}. Of several mandates the highest share holds.
    """

    activities: ClassVar[tuple[str, ...]] = ("sale", "reexport", "transfer")
    sphere: ClassVar[Sphere] = "import"

    lever: Literal["procurement_mandate"] = "procurement_mandate"
    end_uses: tuple[EndUse, ...] = ("state",)
    domestic_share: Share

    def rows(self, classes: LegalClasses, atlas: Atlas) -> Mask:
        return np.asarray(super().rows(classes, atlas) & np.isin(classes.end_use, self.end_uses))

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        share = self.domestic_share.at(force.day)
        terms.most("domestic_mandate", self.end_uses, share)
        if share >= 1:
            terms.bar(cells, force.rule)
