"""Repeal: another rule ends, or rests for as long as this one is in force."""

from __future__ import annotations

from typing import Annotated, Literal

from sim.levers.base import Force, Lever, Mask, lever
from sim.scope import Names
from sim.terms import Draft


@lever("repeal")
class Repeal(Lever):
    """The rules named rest while this one holds; with an `until` it is a suspension. A repealed repeal lifts none."""

    lever: Literal["repeal"] = "repeal"
    rules: Annotated[tuple[str, ...], Names("rule")]

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        """Nothing of its own: the Rulebook leaves the rules out."""
