"""extend: more seeds for a folder."""

from __future__ import annotations

import re
from pathlib import Path

import click

from experiments import console
from experiments.common import options


@click.command("extend")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seeds", "said", required=True, metavar="+N", help="How many more seeds every policy and draw gets.")
@console.engine_options
@options("json", "quiet")
def command(folder: Path, said: str, engine: str, workers: int, scheduler: str, as_json: bool, quiet: bool) -> int:
    """Give every policy and draw of FOLDER more seeds, and run them."""
    from experiments.store import Store
    from sim.errors import UsageError

    if not re.fullmatch(r"\+?[1-9]\d*", said):
        raise UsageError(f"--seeds {said}: write how many more, such as --seeds +200")
    store = Store.open(folder)
    store.check_sources()
    last = max(seed for batch in store.seed_batches for seed in batch)
    with store.lock():
        store.add_seeds(range(last + 1, last + 1 + int(said)))
    progress = console.carried(store, console.choice_of(engine, workers, scheduler), quiet)
    return console.say_done(store, progress, as_json)
