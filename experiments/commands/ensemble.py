"""ensemble: one scenario, and policies beside it, over many seeds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experiments import console
from experiments.common import folder_for, name_of, options

if TYPE_CHECKING:
    from experiments.batch import EngineChoice, Progress
    from experiments.store import Store


@click.command("ensemble")
@click.argument("scenario")
@click.option("--seeds", type=click.IntRange(1), default=100, show_default=True,
              help="Seeds a policy; with --until, at most so many.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The first seed.")
@click.option("--set", "settings", multiple=True, metavar="PATH=VALUE", help="Change a value in every run.")
@click.option(
    "--policy",
    "policies",
    multiple=True,
    metavar="NAME",
    help="Also run a lever or another scenario, on the same seeds.",
)
@click.option(
    "--outcome",
    "outcomes",
    multiple=True,
    metavar="OUTCOME",
    help="Keep a number of each run, such as lag_months@2025.",
)
@click.option("--until", "goal", metavar='"OUTCOME ±WIDTH"', help="Stop once the 95% interval is this narrow.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of results; a new one under runs/ when absent.")
@console.engine_options
@options("json", "quiet")
def command(
    scenario: str,
    seeds: int,
    seed: int,
    settings: tuple[str, ...],
    policies: tuple[str, ...],
    outcomes: tuple[str, ...],
    goal: str | None,
    out: Path | None,
    engine: str,
    workers: int,
    scheduler: str,
    as_json: bool,
    quiet: bool,
) -> int:
    """Run SCENARIO over many seeds, each with its draw of the posterior where there is one; with --policy, each named lever
    or scenario on the same seeds and draws."""
    import sim
    from experiments.batch import start
    from experiments.design import Design
    from experiments.stopping import FIRST, Goal

    levers = sim.load(scenario).levers
    named = {name: {"levers": [name]} if name in levers else {"scenario": _known(name, levers)} for name in policies}
    aim = Goal.parse(goal) if goal else None
    kept = dict.fromkeys([*outcomes, *([aim.outcome] if aim else [])])
    words: dict[str, Any] = {
        "scenario": scenario,
        "policies": {"base": {}, **named},
        "constants": console.scalar_settings(settings),
        "outcomes": {text: text for text in kept},
        "seeds": list(range(seed, seed + (min(seeds, FIRST) if aim else seeds))),
        "posterior": True,
    }
    store = start(Design.model_validate(words), out or folder_for(name_of(scenario), settings, "ensemble"))
    choice = console.choice_of(engine, workers, scheduler)
    progress = _until(store, aim, seeds, choice, quiet) if aim else console.carried(store, choice, quiet)
    return console.say_done(store, progress, as_json)


def _known(name: str, levers: Iterable[str]) -> str:
    """A scenario by name or path. Raises UsageError, with levers among what is known, where there is none."""
    import sim
    from sim.errors import UsageError, nearest
    from sim.scenario_io import shipped_names

    try:
        sim.load(name)
    except UsageError:
        known = [*sorted(levers), *shipped_names()]
        raise UsageError(f'--policy {name}: neither a lever nor a scenario; {nearest(name, known)}') from None
    return name


def _until(store: Store, goal: Any, most: int, choice: EngineChoice, quiet: bool) -> Progress:
    from experiments.stopping import Look, run_until

    carried: list[Progress] = []

    def told(seen: Look) -> None:
        if not quiet:
            click.echo(f"{seen.seeds} seeds: {goal.outcome} ±{seen.half_width:.4g} (wanted ±{goal.width:g})", err=True)

    run_until(store, goal, most, lambda: carried.append(console.carried(store, choice, quiet)), told)
    return carried[-1]
