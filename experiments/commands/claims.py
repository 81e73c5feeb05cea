"""claims: what the model says of the article's claims, as a page."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.common import Bar, options


@click.command(short_help="What the model says of the claims this project began with.")
@click.option("--seeds", type=click.IntRange(1, 1000), default=20, show_default=True, help="Paired seeds a world.")
@click.option("--touches", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="What `chokepoint screen` wrote: its ten most influential parameters are set to both their ends.")
@options("seed", "out", "workers", "quiet")
def command(seeds: int, touches: Path | None, seed: int, out: Path | None, workers: int, quiet: bool) -> None:
    """Run the worlds that the claims of the article need and write one page, docs/claims.md unless --out names another."""
    from experiments.claims import CLEARINGS, answers, flips, page
    from experiments.screening import ends_of_most_influential, read_csv

    target = out or Path("docs") / "claims.md"
    numbers = tuple(range(seed, seed + seeds))
    departures = [*CLEARINGS, *(ends_of_most_influential(read_csv(touches.read_text(encoding="utf-8"))) if touches else ())]
    bar = Bar("claims", quiet, "runs")
    text = page(answers(numbers, workers, bar), flips(departures, seed, workers, bar), numbers)
    bar.close()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text + "\n", encoding="utf-8")
    click.echo(f"{target}  nine claims, {seeds} seeds")
