"""status: how far a folder is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from experiments import console
from experiments.common import options


@click.command("status")
@click.argument("folder", type=click.Path(path_type=Path))
@options("json", "quiet")
def command(folder: Path, as_json: bool, quiet: bool) -> None:
    """Say how many runs of FOLDER are done, failed and missing, at what rate, and how long it will take."""
    from experiments.store import Store

    store = Store.open(folder)
    words = console.status_of(store) | store.pace()
    words["eta_s"] = words["missing"] / words["rate"] if words["rate"] and words["running"] else None
    console.tell(words, as_json, "\n".join(_lines(words)))


def _lines(words: dict[str, Any]) -> list[str]:
    lines = [f"{words['done']} done, {words['failed']} failed, {words['missing']} missing of {words['total']} runs"]
    if words["rate"]:
        lines.append(f"{words['rate']:.2f} runs a second of late")
    if words["running"]:
        lines.append(
            f"in use by {words['running']}" + (f"; about {words['eta_s'] / 60:.1f} min to go" if words["eta_s"] else "")
        )
    elif words["missing"]:
        lines.append(f"nothing runs; go on with: chokepoint resume {words['folder']}")
    if words["failed"]:
        lines.append(f"failed runs and how to reproduce them: {words['folder']}/failures.jsonl")
    return lines
