"""compare: what one scenario changes against another, on the same seeds."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.common import Bar, folder_for, keeping, name_of, options, print_json


@click.command(short_help="What one scenario changes against another, on the same seeds.")
@click.argument("first", metavar="A")
@click.argument("second", metavar="[B]", required=False)
@click.option("--seeds", type=click.IntRange(1, 100_000), default=20, show_default=True, help="Pairs of runs.")
@click.option("--all", "with_all", is_flag=True,
              help="Compare A with every shipped scenario of the same weeks, and write one page of them all.")
@options("set", "seed", "out", "workers", "json", "quiet")
def command(
    first: str,
    second: str | None,
    seeds: int,
    with_all: bool,
    settings: tuple[str, ...],
    seed: int,
    out: Path | None,
    workers: int,
    as_json: bool,
    quiet: bool,
) -> int:
    """B minus A with 95% intervals over paired seeds, and the first event where two paired runs part. --set changes B
    (without B: A itself)."""
    from experiments.comparing import compare_all, compare_two, say

    if with_all and (second or settings):
        raise click.UsageError("--all compares A with every shipped scenario; leave out B and --set")
    if not with_all and not second and not settings:
        raise click.UsageError("give a second scenario, --set PATH=VALUE, or --all")
    numbers = tuple(range(seed, seed + seeds))
    other = second or first
    parts = ("all",) if with_all else ("vs", name_of(other))
    folder = out or folder_for(name_of(first), settings, *parts, f"{seeds}seeds")
    bar = Bar(name_of(first), quiet or as_json, "runs")
    with keeping(lambda: f"comparisons are kept only when complete; nothing was written to {folder}"):
        if with_all:
            found = compare_all(first, numbers, workers, folder, bar)
        else:
            found = [compare_two(first, other, settings, numbers, workers, folder, bar)]
    return say(found, folder, with_all, as_json, quiet, print_json)
