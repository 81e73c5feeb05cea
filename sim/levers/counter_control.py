"""Counter-control: inputs that a country withholds from makers elsewhere."""

from __future__ import annotations

from typing import ClassVar, Literal

from sim.levers.base import Control, Force, Mask, lever
from sim.quantity import Share
from sim.scope import Places
from sim.terms import Draft


@lever("counter_control")
class CounterControl(Control):
    """Deals of activity `input` need leave, and suppliers seated in `against` make `factor` of what they would.

    Factors of several rules multiply."""

    activities: ClassVar[tuple[str, ...]] = ("input",)

    lever: Literal["counter_control"] = "counter_control"
    against: Places
    factor: Share

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        super().apply(terms, cells, force)
        hit = force.atlas.members(self.against)
        suppliers = [supplier for supplier, seat in force.seats.items() if seat in hit]
        terms.scale("input_factor", suppliers, self.factor.at(force.day))
