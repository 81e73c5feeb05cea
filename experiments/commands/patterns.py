"""patterns: are the ten patterns of the record there, and gone when their mechanism is?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from experiments.common import Bar, options, print_json

if TYPE_CHECKING:
    from experiments.pairing import Interval
    from experiments.patterns import Finding


@click.command(short_help="Are the ten patterns of the record there, each by its own mechanism?")
@click.argument("names", nargs=-1, metavar="[P1 ... P10]")
@click.option("--seeds", type=click.IntRange(2, 1000), default=20, show_default=True, help="Paired seeds a world.")
@options("set", "seed", "workers", "json", "quiet")
def command(
    names: tuple[str, ...], seeds: int, settings: tuple[str, ...], seed: int, workers: int, as_json: bool, quiet: bool
) -> None:
    """Each pattern's observable against its contrast, and again with its mechanism switched off, over paired seeds with
    95% intervals. A pattern is shown where the interval of the effect excludes zero on the expected side. --set is set in
    every world: with clearing=posted_price or clearing=equilibrium the same under another market, and which of the patterns
    cannot be told there, and why."""
    from experiments.patterns import BY_ID, PATTERNS, study
    from experiments.summary import console
    from sim.errors import UsageError, nearest

    for name in names:
        if name not in BY_ID:
            raise UsageError(f'"{name}" is no pattern; {nearest(name, list(BY_ID))}')
    bar = Bar("patterns", quiet or as_json, "runs")
    found = study([BY_ID[name] for name in names] or list(PATTERNS), range(seed, seed + seeds), workers, bar, settings)
    bar.close()
    if as_json:
        print_json([_plain(finding) for finding in found])
        return
    to = console()
    for finding in found:
        pattern = finding.pattern
        to.print(f"[bold]{pattern.id} {pattern.title}[/bold]: {finding.verdict}")
        if finding.undefined:
            continue
        to.print(f"    {pattern.observable}: {finding.value} {pattern.unit}")
        to.print(f"    effect {finding.effect}; mechanism off {finding.neutral}", style="dim")


def _plain(finding: Finding) -> dict[str, object]:
    pattern = finding.pattern
    return {
        "id": pattern.id,
        "title": pattern.title,
        "observable": pattern.observable,
        "unit": pattern.unit,
        "verdict": finding.verdict,
        "shown": finding.shown,
        "gone": finding.gone,
        "undefined": finding.undefined,
        "value": _ends(finding.value),
        "effect": _ends(finding.effect),
        "neutral": _ends(finding.neutral),
    }


def _ends(part: Interval) -> list[float | None]:
    return [None if math.isnan(value) else value for value in (part.value, part.low, part.high)]
