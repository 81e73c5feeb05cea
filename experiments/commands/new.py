"""new: write a starter file, of a scenario that changes another or of a world of any size."""

from __future__ import annotations

from pathlib import Path

import click

from sim.errors import UsageError

_SCENARIO = """\
# {name}: only what differs from {base} is said here; `chokepoint diff {base} {file}` tells what that is.
schema: 1
title: {title}
summary: What would have happened if ...
extends: {base}
# behaviour: {{stockpiling: off}}  # any value by its path; `chokepoint schema` lists them all
# rules: {{without: [{rule}]}}  # leave rules out by id; add or change them the same way
"""

_WORLD = """\
# {name}: {base} with {labs:,} more labs, drawn from a size distribution when the world is built; no row is written.
schema: 1
title: {base} with a tail of {labs:,} labs
summary: For questions of scale. The same seed draws the same labs whatever else is in the world.
extends: {base}
world:
  generator:
    labs: {labs}
    seed: {seed}
    # accelerator spend of a lab in 2022, lognormal: a few large, many small; then it grows
    spend_median_usd: {{value: 400000, range: [100000, 1500000], source: assumption}}
    spend_sigma: {{value: 1.6, range: [1.2, 2.2], source: assumption}}
    spend_growth: {{value: 1.7, range: [1.2, 2.5], source: assumption}}
    countries: {{US: 0.4, CN: 0.25, EU: 0.12, JP: 0.06, IN: 0.05, SG: 0.04, XX: 0.08}}
    listed_share: {{value: 0.01, range: [0, 0.03], source: assumption}}
    state_share: {{value: 0.05, range: [0.02, 0.15], source: assumption}}
"""


@click.group(short_help="Write a starter file: a scenario or a world of any size.")
def command() -> None:
    """Write a starter file to change. An existing file is never written over."""


@command.command("scenario", short_help="A scenario that says only what differs from another.")
@click.argument("name")
@click.option("--from", "base", default="history", show_default=True, help="The scenario it stands on.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Where to write it; NAME.yaml here when absent.")
def scenario(name: str, base: str, out: Path | None) -> None:
    """Write NAME.yaml, a commented scenario of a few lines that extends another."""
    from sim.scenario_io import load

    rule = next((key for key, rule in load(base).rules.items() if not rule.inert), "RULE_ID")
    path = out or Path(f"{name}.yaml")
    title = name.replace("-", " ").replace("_", " ").capitalize()
    _write(path, _SCENARIO.format(name=name, base=base, file=path, title=title, rule=rule))


@command.command("world", short_help="A world with a drawn tail of any number of labs.")
@click.option("--labs", type=click.IntRange(1, 1_000_000), required=True, help="How many labs to draw.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, help="Seed of the draw.")
@click.option("--from", "base", default="history", show_default=True, help="The scenario it stands on.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Where to write it; labs-N.yaml here when absent.")
def world(labs: int, seed: int, base: str, out: Path | None) -> None:
    """Write a scenario whose labs are drawn from a size distribution: the rule that draws them, never their rows."""
    path = out or Path(f"labs-{labs}.yaml")
    _write(path, world_text(path.stem, labs, seed, base))


def world_text(name: str, labs: int, seed: int = 1, base: str = "history") -> str:
    """A scenario file that adds a drawn tail of so many labs to another scenario."""
    return _WORLD.format(name=name, base=base, labs=labs, seed=seed)


def _write(path: Path, text: str) -> None:
    from sim.scenario_io import load

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} is already there; choose another name") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    load(path)
    click.echo(f"{path}: change it, then `chokepoint validate {path}` and `chokepoint run {path}`")
