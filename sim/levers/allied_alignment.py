"""Allied alignment: partners take over another rule for their own exporters, with a lag."""

from __future__ import annotations

from typing import Annotated, Literal

from sim.levers.base import Force, Lever, Mask, lever
from sim.quantity import Weeks
from sim.scope import Activity, Names, Places
from sim.terms import Draft


@lever("allied_alignment")
class AlliedAlignment(Lever):
    """What the rules `of` do on these activities, done for exporters of `allies` `lag` weeks after each began.

    The Rulebook turns it into effects of those rules with the allies as origin; with the rule gone, nothing follows.
    """

    lever: Literal["allied_alignment"] = "allied_alignment"
    of: Annotated[tuple[str, ...], Names("rule")]
    allies: Places
    lag: Weeks
    followed: tuple[Activity, ...] = ("tools", "hbm")

    def apply(self, terms: Draft, cells: Mask, force: Force) -> None:
        """Nothing of its own."""
