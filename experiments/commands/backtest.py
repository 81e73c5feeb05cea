"""backtest: score a world against observed facts, naive rivals beside it."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.common import Bar, keeping, options, print_json

SOME_FAILED = 4


@click.command(short_help="Score a world against observed facts, naive rivals beside it.")
@click.argument("world")
@click.option("--facts", "facts", required=True, metavar="FILE|open", help="A file of facts, or the shipped ones by name.")
@click.option("--seeds", type=click.IntRange(1, 100_000), default=20, show_default=True, help="Runs of the ensemble.")
@options("seed", "out", "workers", "json", "quiet")
def command(world: str, facts: str, seeds: int, seed: int, out: Path | None, workers: int, as_json: bool, quiet: bool) -> int:
    """Run WORLD over many seeds (and posterior draws where there are some), read every fact off each run, and say which are
    met: medians, 90% intervals, rivals, groups. Writes scoreboard.md, backtest.json and report.html."""
    from experiments.backtest import backtest, files, folder_of, scoreboard
    from sim.results import check_replaceable, write_folder

    folder = out or folder_of(world, facts, seeds)
    check_replaceable(folder)
    bar = Bar(f"backtest {world}", quiet or as_json, "runs")
    with keeping(lambda: f"finished runs are kept; the same command goes on; nothing was written to {folder}"):
        try:
            found = backtest(world, facts, range(seed, seed + seeds), workers, bar)
        finally:
            bar.close()
    write_folder(folder, files(found))
    if as_json:
        print_json({"folder": str(folder), **found.plain()})
    elif not quiet:
        click.echo(scoreboard(found))
        click.echo(f"{folder / 'report.html'}  opens offline")
    for one in found.lost:
        click.echo(f"failed: {one.error}\n  {one.command}", err=True)
    return SOME_FAILED if found.lost else 0
