"""calibrate: fit free parameters to facts, in waves, and leave a posterior."""

from __future__ import annotations

import json
from pathlib import Path

import click

from experiments.common import Bar, keeping, name_of, options, print_json

SOME_FAILED = 4


@click.command(short_help="Fit free parameters to facts, in waves, and leave a posterior.")
@click.argument("scenario")
@click.option("--facts", "facts", default="open", show_default=True, metavar="FILE|open", help="The facts to fit.")
@click.option("--parameter", "paths", multiple=True, metavar="PATH",
              help="A value to fit, within the range it states; without any, the uncertainties the scenario declares.")
@click.option("--waves", type=click.IntRange(1, 20), default=3, show_default=True, help="Rounds of runs.")
@click.option("--runs", type=click.IntRange(6, 100_000), default=120, show_default=True, help="Runs a wave.")
@click.option("--draws", type=click.IntRange(2, 10_000), default=40, show_default=True, help="Draws of the posterior.")
@options("out", "workers", "json", "quiet")
def command(scenario: str, facts: str, paths: tuple[str, ...], waves: int, runs: int, draws: int, out: Path | None, workers: int,
            as_json: bool, quiet: bool) -> int:
    """History matching of SCENARIO: run a space-filling design, emulate, leave out what is implausible, run again. Writes
    posterior.yaml, calibration.json and manifest.json. Runs are kept: the same command goes on where it stopped."""
    from experiments.calibration import calibrate
    from experiments.fit_checks import plain
    from sim.provenance import source_hash, versions
    from sim.results import check_replaceable, write_folder
    from sim.scenario_io import dumps

    folder = out or Path("runs") / f"calibrate-{name_of(scenario)}"
    check_replaceable(folder)
    bar = Bar(f"calibrate {scenario}", quiet or as_json, "runs")
    with keeping(lambda: "finished runs are kept; the same command goes on"):
        try:
            found = calibrate(scenario, facts, paths, waves, runs, draws, workers, bar)
        finally:
            bar.close()
    told = plain(found)
    manifest = {"kind": "calibration", "scenario": scenario, "hash": found.hash, "code": {"sources": source_hash()},
                "versions": versions(), "runs": len(found.pool)}
    posterior = found.posterior().model_dump(mode="json", by_alias=True)
    write_folder(folder, {"manifest.json": (json.dumps(manifest, indent=1) + "\n").encode(),
                          "calibration.json": (json.dumps(told, indent=1) + "\n").encode(),
                          "posterior.yaml": dumps(posterior).encode()})
    if as_json:
        print_json({"folder": str(folder), **told})
    elif not quiet:
        left = ", ".join(f"{share:.1%}" for share in found.standing)
        misfit, scored = told["misfit"], found.scored
        click.echo(f"{len(found.pool)} runs, {len(found.ids)} facts, {len(found.factors)} parameters; not implausible after each "
                   f"wave: {left} of the box; misfit {misfit['own']:.3f} as the scenario stands, {misfit['centre']:.3f} at the "
                   f"centre; {len(found.draws)} draws pass {scored['facts_passed']} of {scored['facts']} facts, "
                   f"{scored['groups_passed']} of {scored['groups']} groups")
        for path, value in told["centre"].items():
            click.echo(f"  {path} = {value:g}  touches {', '.join(told['touches'][path]) or 'no fact'}")
        for fold in told["folds"]:
            click.echo(f"fold of {len(fold['held'])} facts held out: {fold['held_share']:.0%} of its groups pass, "
                       f"{fold['held_share_when_fitted']:.0%} when fitted")
        click.echo(f"{folder / 'posterior.yaml'}  ships as scenarios/posterior.yaml")
    for one in found.lost:
        click.echo(f"failed: {one.error}\n  {one.command}", err=True)
    return SOME_FAILED if found.lost else 0
