"""screen: which facts each parameter touches, one at a time."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.common import Bar, keeping, options, print_json

SOME_FAILED = 4


@click.command(short_help="Which facts each parameter touches, one at a time.")
@click.argument("scenario")
@click.option("--facts", "facts", default="open", show_default=True, metavar="FILE|open", help="The facts to read.")
@click.option("--parameter", "paths", multiple=True, metavar="PATH", help="A value to move; without any, all with a range.")
@click.option("--out", type=click.Path(path_type=Path), help="A CSV file to write.")
@options("workers", "json", "quiet")
def command(scenario: str, facts: str, paths: tuple[str, ...], out: Path | None, workers: int, as_json: bool, quiet: bool) -> int:
    """Run SCENARIO with each value at the low and the high end of its range, and say which facts move, in half widths of
    what passes. Those that touch one fact only must not be free."""
    from experiments.screening import as_csv, of_one_fact, reach, screen

    bar = Bar(f"screen {scenario}", quiet or as_json, "runs")
    with keeping(lambda: "finished runs are kept; the same command goes on"):
        try:
            lines, lost = screen(scenario, facts, paths, workers, bar)
        finally:
            bar.close()
    if out:
        out.write_text(as_csv(lines), encoding="utf-8")
    if as_json:
        print_json({"reach": [{"parameter": path, "half_widths": moved, "facts": names} for path, moved, names in reach(lines)],
                    "touch_one_fact_only": of_one_fact(lines)})
    elif not quiet:
        for path, moved, names in reach(lines):
            click.echo(f"{moved:6.1f}  {path}  {' '.join(names)}")
        click.echo("touch one fact only: " + ", ".join(f"{path} ({name})" for path, name in of_one_fact(lines).items()))
    for one in lost:
        click.echo(f"failed: {one.error}\n  {one.command}", err=True)
    return SOME_FAILED if lost else 0
