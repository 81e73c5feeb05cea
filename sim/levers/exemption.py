"""Exemption: deals to which other rules do not apply, such as a licence exception or a carve-out."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from sim.levers.base import Force, Lever, Mask, lever
from sim.scope import Names
from sim.terms import Draft


@lever("exemption")
class Exemption(Lever):
    """The rules `of` do not reach the cells in scope; what else this rule asks of them stands beside it as effects."""

    sphere: ClassVar[Literal["export", "import", "named"]] = "named"
    modifies: ClassVar[bool] = True
    activities: ClassVar[tuple[str, ...]] = ("sale", "reexport", "transfer", "fab", "rental")

    lever: Literal["exemption"] = "exemption"
    of: Annotated[tuple[str, ...], Names("rule")]

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        """Nothing of its own: the Rulebook takes the cells out of the rules named."""
