"""forecast: what the model says of the time after the facts it was fitted on."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.common import Bar, keeping, options


@click.command(short_help="What the model says of the time after the facts it was fitted on.")
@click.argument("worlds", nargs=-1)
@click.option("--seeds", type=click.IntRange(1, 100_000), default=20, show_default=True, help="Runs a world.")
@click.option("--out", type=click.Path(path_type=Path), help="A page to write; on the screen when absent.")
@options("seed", "workers", "quiet")
def command(worlds: tuple[str, ...], seeds: int, out: Path | None, seed: int, workers: int, quiet: bool) -> None:
    """Run WORLDS (history and history-adaptive-cn when none is named) over many seeds and posterior draws, and write the
    headline figures after the cutoff with their intervals, as a page in Markdown."""
    from experiments.forecast import GIVEN, TEST, forecast, page

    bar = Bar("forecast", quiet, "runs")
    with keeping(lambda: "nothing was written"):
        try:
            found = forecast(worlds or (GIVEN, TEST), range(seed, seed + seeds), workers, bar)
        finally:
            bar.close()
    if out:
        out.write_text(page(found), encoding="utf-8")
    if not out or not quiet:
        click.echo(str(out) if out else page(found))
