"""diff: what two scenarios say differently, key by key, with sources."""

from __future__ import annotations

import click

from experiments.common import options, print_json


@click.command(short_help="What two scenarios say differently, key by key.")
@click.argument("before", metavar="BEFORE")
@click.argument("after", metavar="AFTER", required=False)
@options("set", "json")
def command(before: str, after: str | None, settings: tuple[str, ...], as_json: bool) -> None:
    """Tell every key in which AFTER (with the settings, if any) differs from BEFORE: both values, where each is said,
    and its source. With settings, AFTER may be left out: then BEFORE is compared with itself as set."""
    from experiments.scenario_diff import differences
    from sim.errors import UsageError
    from sim.scenario_io import load

    if after is None and not settings:
        raise UsageError("name two scenarios, or one and a --set")
    found = differences(load(before), load(after or before, settings))
    if as_json:
        print_json([vars(item) for item in found])
        return
    for item in found:
        click.echo(click.style(item.key, bold=True))
        for mark, text, at, source in (("-", item.before, item.before_at, item.before_source),
                                       ("+", item.after, item.after_at, item.after_source)):
            if text:
                click.echo(f"  {mark} {text}" + (f"   [{at}]" if at else "") + (f"  {source}" if source else ""))
    click.echo(f"{len(found)} difference{'s' if len(found) != 1 else ''}" if found else "no difference")
