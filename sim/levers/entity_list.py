"""Entity list: parties that may not be supplied, with their affiliates where the list reaches them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import StrictBool

from sim.levers.base import Control, Mask, lever
from sim.scope import Atlas, LegalClasses, Names


@lever("entity_list")
class EntityList(Control):
    """Leave needed to supply a listed buyer.

    entities                 actors this act lists.
    affiliates               those at least half owned by any listed party are listed with it.
    foreign_direct_product   foundries abroad may not make a listed designer's dies either.
    """

    activities: ClassVar[tuple[str, ...]] = ("sale", "reexport", "transfer", "fab")

    lever: Literal["entity_list"] = "entity_list"
    entities: Annotated[tuple[str, ...], Names("actor")] = ()
    affiliates: StrictBool = False
    foreign_direct_product: StrictBool = False

    def rows(self, classes: LegalClasses, atlas: Atlas) -> Mask:
        listed = classes.listed == 1
        if not self.foreign_direct_product:
            listed = listed & (classes.activity != "fab")
        return np.asarray(super().rows(classes, atlas) & listed)
