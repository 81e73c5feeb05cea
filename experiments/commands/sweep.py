"""sweep: run a design."""

from __future__ import annotations

from pathlib import Path

import click

from experiments import console
from experiments.common import folder_for, name_of, options


@click.command("sweep")
@click.argument("design")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of results; a new one under runs/ when absent.")
@console.engine_options
@options("json", "quiet")
def command(
    design: str, out: Path | None, engine: str, workers: int, scheduler: str, as_json: bool, quiet: bool
) -> int:
    """Run DESIGN: a file, the name of a shipped design, or SCENARIO:NAME from a scenario's experiments.

    Asked again on the same folder, it does what is missing.
    """
    from experiments.batch import start
    from experiments.design_file import at_home, read_design

    read = read_design(design)
    with at_home(design, read):
        store = start(read, out or folder_for(name_of(design.replace(":", "-")), ()))
    progress = console.carried(store, console.choice_of(engine, workers, scheduler), quiet)
    return console.say_done(store, progress, as_json)
