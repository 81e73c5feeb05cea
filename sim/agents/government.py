"""Government: signs the record when scripted; decides by a stated objective when adaptive."""

from __future__ import annotations

from typing import ClassVar

from sim.agents.base import AGENTS, Actor


@AGENTS.register("government")
class Government(Actor):
    """One government; its stance is the scenario's."""

    kind: ClassVar[str] = "government"

    @property
    def stance(self) -> str:
        """scripted: the record of rules binds as dated; adaptive: it adds decrees of its own."""
        return str(self.model.scenario.governments.get(self.name, "scripted"))
