"""schema: print the JSON Schema of scenario files, by which editors complete and check."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command(short_help="Print the JSON Schema of scenario files.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it to a file.")
def command(out: Path | None) -> None:
    """Print the JSON Schema (2020-12) of scenario files. In an editor that reads it, put
    `# yaml-language-server: $schema=FILE` on the first line of a scenario."""
    from sim.scenario_io import json_schema

    text = json.dumps(json_schema(), indent=1, ensure_ascii=False)
    if out is None:
        click.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
        click.echo(f"{out}: put `# yaml-language-server: $schema={out}` on the first line of a scenario")
