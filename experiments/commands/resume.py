"""resume: do what a folder still misses."""

from __future__ import annotations

from pathlib import Path

import click

from experiments import console
from experiments.common import options


@click.command("resume")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--retry-failed", is_flag=True, help="Run the failed runs again too.")
@console.engine_options
@options("json", "quiet")
def command(
    folder: Path, retry_failed: bool, engine: str, workers: int, scheduler: str, as_json: bool, quiet: bool
) -> int:
    """Do the runs that FOLDER still misses, after any kind of stop."""
    from experiments.store import Store

    store = Store.open(folder)
    progress = console.carried(store, console.choice_of(engine, workers, scheduler), quiet, retry_failed)
    return console.say_done(store, progress, as_json)
