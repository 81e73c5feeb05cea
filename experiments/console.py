"""Console: what the batch commands share on the command line: options, progress on stderr, answers on stdout."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from experiments.common import Bar, keeping, print_json

if TYPE_CHECKING:
    from experiments.batch import EngineChoice, Listener, Progress
    from experiments.store import Store

Command = TypeVar("Command", bound=Callable[..., Any])

SOME_FAILED = 4
"""Exit code when some runs failed."""


def engine_options(command: Command) -> Command:
    """--engine, --workers and --scheduler."""
    command = click.option(
        "--scheduler", default="", metavar="ADDRESS", help="A dask scheduler, such as tcp://host:8786."
    )(command)
    command = click.option(
        "--workers", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="one a core", help="Worker processes."
    )(command)
    return click.option(
        "--engine",
        default="local",
        show_default=True,
        type=click.Choice(["sequential", "local", "dask"]),
        help="Where the runs go.",
    )(command)


def choice_of(engine: str, workers: int, scheduler: str) -> EngineChoice:
    """The engine the options ask for; a scheduler alone means dask."""
    from experiments.batch import EngineChoice

    return EngineChoice("dask" if scheduler else engine, workers, scheduler)


def listener(bar: Bar) -> Listener:
    """What draws a batch's progress."""
    return lambda seen: bar(seen.before + seen.done + seen.failed, seen.total)


def carried(store: Store, choice: EngineChoice, quiet: bool, retry_failed: bool = False) -> Progress:
    """Carry out what a store misses, telling of what had to be mended first."""
    from experiments.batch import carry_out

    kept = f"finished runs are kept; go on with: chokepoint resume {store.folder}"
    bar = Bar(store.folder.name, quiet, "runs")
    with keeping(lambda: kept):
        try:
            progress, mended = carry_out(store, choice, listener(bar), retry_failed)
        finally:
            bar.close()
    if mended.broken and not quiet:
        click.echo(
            f"{len(mended.broken)} damaged segments were set aside (*.broken) and their runs done again", err=True
        )
    return progress


def say_done(store: Store, progress: Progress, as_json: bool) -> int:
    """Tell how a batch ended; the exit code, 4 when runs failed."""
    words = status_of(store)
    words |= {"done_now": progress.done, "failed_now": progress.failed, "seconds": round(progress.elapsed_s, 3)}
    tell(words, as_json, _ended(words))
    return SOME_FAILED if words["failed"] else 0


def status_of(store: Store) -> dict[str, Any]:
    """Runs in all, done, failed and missing of a store."""
    found = list(store.status_by_run().values())
    total = store.n_runs()
    done, failed = found.count("done"), found.count("failed")
    return {
        "folder": str(store.folder),
        "total": total,
        "done": done,
        "failed": failed,
        "missing": total - done - failed,
    }


def _ended(words: dict[str, Any]) -> str:
    now = f"{words['done_now']} now, {words['seconds']:.1f} s"
    lines = [f"{words['done']} of {words['total']} runs in {words['folder']} ({now})"]
    if words["failed"]:
        lines.append(
            f"{words['failed']} failed; each with a command that reproduces it: {words['folder']}/failures.jsonl"
        )
    return "\n".join(lines)


def tell(data: Any, as_json: bool, text: str) -> None:
    """Print an answer: the data as JSON, or the text."""
    if as_json:
        print_json(plain(data))
    else:
        click.echo(text)


def plain(value: Any) -> Any:
    """Data as JSON has it: a number that is none becomes null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


def table(header: list[str], rows: list[list[str]]) -> str:
    """A plain text table, its first column to the left, the others to the right."""
    widths = [max(len(row[at]) for row in [header, *rows]) for at in range(len(header))]
    return "\n".join(_line(row, widths) for row in [header, *rows])


def _line(row: list[str], widths: list[int]) -> str:
    first, *others = zip(row, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip()


def scalar_settings(said: tuple[str, ...]) -> dict[str, Any]:
    """`path=value` options as a mapping. Raises UsageError on another form."""
    from sim.errors import UsageError
    from sim.scenario_io import scalar

    found: dict[str, Any] = {}
    for text in said:
        path, mark, value = text.partition("=")
        if not mark or not path.strip():
            raise UsageError(f'"{text}" is no setting; write path=value, such as behaviour.detection=0.2')
        found[path.strip()] = scalar(value.strip())
    return found
