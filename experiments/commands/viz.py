"""viz: open the browser page. A world to move levers in, alone or with a class."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.common import options


@click.command("viz")
@click.argument("scenario", required=False)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 lets others in.")
@click.option("--port", default=8765, show_default=True, type=click.IntRange(1, 65535))
@click.option("--class", "in_class", is_flag=True, help="Open a room: a code, a link and a QR code for students.")
@click.option("--language", default="en", show_default=True, help="Language of texts and lessons.")
@click.option("--workers", type=click.IntRange(0, 64), help="Processes that run worlds; one a core by default, 0 for none.")
@click.option("--bake", is_flag=True, help="Make and keep the pictures of all shipped worlds and presets, then stop.")
@click.option(
    "--shots",
    type=click.Path(path_type=Path, file_okay=False),
    help="Take screenshots of every page into a folder, then stop.",
)
@options("quiet")
def command(
    scenario: str | None,
    host: str,
    port: int,
    in_class: bool,
    language: str,
    workers: int | None,
    bake: bool,
    shots: Path | None,
    quiet: bool,
) -> None:
    """Open SCENARIO (a name or a file; the first teaching world when none is given) in the browser. Everything is local."""
    from viz import opening

    opening.open_page(scenario, host, port, in_class, language, workers, shots, bake, quiet)
