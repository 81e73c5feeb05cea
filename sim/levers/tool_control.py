"""Tool control: chip-making tools that may not reach makers abroad."""

from __future__ import annotations

from typing import ClassVar, Literal

from sim.levers.base import Force, Lever, Mask, lever
from sim.quantity import Share
from sim.terms import DENIAL, Draft


@lever("tool_control")
class ToolControl(Lever):
    """Deals of activity `tools` need a licence; `passes` is the share of what was wanted that still comes, under
    licence or because it stays below the line. Shares under several rules multiply."""

    activities: ClassVar[tuple[str, ...]] = ("tools",)

    lever: Literal["tool_control"] = "tool_control"
    passes: Share

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        terms.fold(cells, permitted=False, licence=True, grant_rate=self.passes.at(force.day))
        terms.bind(cells, force.rule, DENIAL)
