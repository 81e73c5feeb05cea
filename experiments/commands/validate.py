"""validate: say whether scenarios can be run, or everything that is wrong with them."""

from __future__ import annotations

import click

from experiments.common import options, print_json
from sim.errors import ScenarioError


@click.command(short_help="Say whether scenarios can be run, or all that is wrong with them.")
@click.argument("scenarios", metavar="SCENARIO...", nargs=-1, required=True)
@options("set", "json", "quiet")
def command(scenarios: tuple[str, ...], settings: tuple[str, ...], as_json: bool, quiet: bool) -> None:
    """Read each SCENARIO (a shipped name or a file) and tell every fault with its file, line and key; exit 3 if any."""
    from sim.scenario_io import load

    reports = []
    faults = []
    for name in scenarios:
        try:
            scenario = load(name, settings)
        except ScenarioError as error:
            faults.extend(error.faults)
            reports.append({"scenario": name, "valid": False, "faults": [vars(fault) for fault in error.faults]})
            continue
        parts = {"weeks": scenario.clock.n_ticks, "rules": len(scenario.rules), "actors": len(scenario.world.actors),
                 "chips": len(scenario.world.chips)}
        reports.append({"scenario": name, "valid": True, "hash": scenario.hash, **parts})
        if not (as_json or quiet):
            said = ", ".join(f"{count} {part}" for part, count in parts.items())
            click.echo(f"{name} is valid: {said} (content {scenario.hash[:12]})")
    if as_json:
        print_json(reports)
    if faults:
        raise ScenarioError(list(dict.fromkeys(faults)))
