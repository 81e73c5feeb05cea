"""Invest: capacity of Chinese makers grows along its observed path, faster or slower where other laws than the record's hold.

    d ln F = d ln path x [s (tools - tools observed) + e (subsidy - subsidy observed)],   F = 1 at the start,
with s the slowdown under a full ban on tools and e the response to a subsidy: the path was observed under the record's
controls and funds, so under those F stays 1, and a world without them is told by what differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sim.world import World


def invest(world: World) -> None:
    """Bring each Chinese maker's factor on its capacity path to this week."""
    frame, behaviour, standing, tick = world.frame, world.behaviour, world.standing, world.tick
    day = frame.clock.date_of(tick)
    eased = standing.tools_share - behaviour.tools_observed_share.at(day)
    paid = standing.subsidy_share - behaviour.subsidy_observed_share.at(day)
    faster = behaviour.tool_ban_slowdown_share.value * eased + behaviour.subsidy_response_ratio.value * paid
    if tick == 0 or abs(faster) < 1e-9:
        return
    path = frame.domestic_dies_per_week + frame.domestic_cards_per_week
    before, now = path[tick - 1], path[tick]
    grown = np.log(np.where((before > 0) & (now > before), now / np.maximum(before, 1e-9), 1.0))
    world.capacity_factor = world.capacity_factor * np.exp(grown * faster)
