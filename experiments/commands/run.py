"""run: simulate one scenario and say what happened."""

from __future__ import annotations

import atexit
import gc
from pathlib import Path

import click

from experiments.common import Bar, folder_for, keeping, name_of, options, print_json, scenario_argument


@click.command(short_help="Simulate one scenario and say what happened.")
@scenario_argument
@options("set", "seed", "out", "json", "quiet")
@click.option(
    "--recording",
    type=click.Choice(["headline", "standard", "full"]),
    default="standard",
    show_default=True,
    help="How much the tables keep.",
)
def command(
    scenario: str, settings: tuple[str, ...], seed: int, out: Path | None, as_json: bool, quiet: bool, recording: str
) -> None:
    """Simulate SCENARIO (a shipped name or a file): the figures of each year on screen; tables, event log, manifest and
    report.html in a folder."""
    from experiments.single import run_and_write
    from sim.posterior import UNFITTED

    atexit.register(gc.freeze)  # who ends need not look for cycles: 0.7 s; not for verbs with DuckDB, which counts what is left

    folder = out or folder_for(name_of(scenario), settings, str(seed))
    bar = Bar(name_of(scenario), quiet or as_json)
    with keeping(lambda: f"nothing was written to {folder}"):
        result = run_and_write(scenario, settings, seed, recording, folder, bar)
    fitted = result.scenario.posterior
    if not quiet and fitted != UNFITTED and not fitted.hash:
        click.echo(fitted.note, err=True)
    if as_json:
        from experiments.report import patterns_of

        print_json({"folder": str(folder), "run_id": result.run_id, "hash": result.hash, **result.headline().plain(),
                    "patterns": patterns_of(result)})
    elif not quiet:
        from experiments.summary import console, show

        screen = console()
        show(result, screen)
        screen.print(
            f"\n{folder / 'report.html'}  charts and tables, opens offline\n"
            f"[dim]{folder}/  tidy parquet, event log, manifest; result {result.hash[:12]}[/dim]"
        )
