"""report: rebuild the report of a folder from its tables."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.common import options, print_json


@click.command(short_help="Rebuild the report of a folder from its tables.")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@options("json", "quiet")
def command(folder: Path, as_json: bool, quiet: bool) -> None:
    """Write DIR/report.html anew, from the tables that a run, a comparison, an experiment or a search left there."""
    from experiments.rebuild import rebuild

    page = rebuild(folder)
    if as_json:
        print_json({"report": str(page)})
    elif not quiet:
        print(page)
