"""Run: a scenario, built and stepped to its end, as a Result."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from sim.mesa_core import Agent
from sim.metrics import Level
from sim.results import Result
from sim.scenario import Scenario
from sim.world import World


def build(scenario: Scenario, seed: int = 1) -> World:
    """The world of a scenario on its first morning."""
    return World(scenario, seed)


def run(scenario: Scenario, seed: int = 1, recording: str = "standard",
        progress: Callable[[int, int], None] | None = None) -> Result:
    """Run to the end. progress, when given, is called with weeks done and weeks in all."""
    world = build(scenario, seed)
    weeks = world.frame.clock.n_ticks
    try:
        for week in range(weeks):
            world.step()
            if progress:
                progress(week + 1, weeks)
        world.record.trades = world.trades.joined()
        return Result.from_record(world.record, scenario, seed, cast(Level, recording))
    finally:
        forget(world)


def forget(world: World) -> None:
    """Empty a world that is done with, so that its columns go at once: Mesa keeps every model that ever made an agent in
    a table of its class (Agent._ids), and a model and its agents hold each other."""
    Agent._ids.pop(world, None)
    world.__dict__.clear()
