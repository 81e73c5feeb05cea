"""search: settings of two or three levers that nothing beats."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from experiments import console
from experiments.common import folder_for, name_of, options

if TYPE_CHECKING:
    from experiments.search import Front


@click.command("search")
@click.argument("design")
@click.option(
    "--aim",
    "aims",
    multiple=True,
    required=True,
    metavar='"max|min OUTCOME"',
    help="Twice or more: what to have more or less of.",
)
@click.option("--rounds", type=click.IntRange(0), default=1, show_default=True, help="Refinements of the front after the grid.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of results; a new one under runs/ when absent.")
@console.engine_options
@options("json", "quiet")
def command(
    design: str,
    aims: tuple[str, ...],
    rounds: int,
    out: Path | None,
    engine: str,
    workers: int,
    scheduler: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find the settings of DESIGN's two or three levers that no other setting beats on every aim (the Pareto front)."""
    from experiments.design_file import at_home, read_design
    from experiments.search import Aim, search

    parsed = tuple(Aim.parse(text) for text in aims)
    read = read_design(design)
    wanted = {aim.outcome: aim.outcome for aim in parsed if aim.outcome not in read.outcomes}
    read = read.model_copy(update={"outcomes": {**read.outcomes, **wanted}})
    choice = console.choice_of(engine, workers, scheduler)
    with at_home(design, read):
        front = search(
            read,
            parsed,
            rounds,
            out or folder_for(name_of(design.replace(":", "-")), (), "search"),
            lambda store: console.carried(store, choice, quiet),
        )
    console.tell(asdict(front), as_json, _text(front))


def _text(front: Front) -> str:
    header = ["setting", *(f"{'max' if aim.more else 'min'} {aim.outcome}" for aim in front.aims), "stays on the front"]
    rows = [
        [
            " ".join(f"{lever}={value}" for lever, value in zip(front.levers, option.setting, strict=True)),
            *(str(aim) for aim in option.aims),
            f"{option.stays_share:.0%}",
        ]
        for option in front.best
    ]
    return f"{console.table(header, rows)}\n{len(front.best)} of {len(front.options)} settings tried are beaten by none"
