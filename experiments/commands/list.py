"""list: the scenarios that come with the program, with what each asks."""

from __future__ import annotations

import click

from experiments.common import options, print_json


@click.command(short_help="List the scenarios that come with the program.")
@options("json")
def command(as_json: bool) -> None:
    """List the shipped scenarios: name, title, and what each asks. Any of the names can be given to `run`."""
    from sim.scenario_io import about, shipped_names

    found = [(name, *about(name)) for name in shipped_names()]
    if as_json:
        print_json([{"name": name, "title": title, "summary": summary} for name, title, summary in found])
        return
    for name, title, summary in found:
        click.echo(click.style(name, bold=True) + f"  {title}")
        if summary:
            click.echo(click.wrap_text(summary.strip(), 100, "    ", "    "))
