"""cite: print BibTeX for the model, its data and a run."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.common import options, print_json


@click.command(short_help="Print BibTeX for the model, its data and a run.")
@click.argument("folder", type=click.Path(path_type=Path), metavar="[DIR]", required=False)
@options("json")
def command(folder: Path | None, as_json: bool) -> None:
    """BibTeX entries for the model and its data; with DIR also for the run or comparison in that folder."""
    from experiments.cite import bibtex
    from experiments.rebuild import citable

    text = bibtex(citable(folder) if folder else None)
    if as_json:
        print_json({"bibtex": text})
    else:
        print(text)
