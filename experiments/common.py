"""What verbs share: options, the name and folder of a run, a progress bar, and what an interruption leaves."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from sim.errors import ChokepointError

F = TypeVar("F", bound=Callable[..., Any])


class InterruptedWorkError(ChokepointError):
    """The user stopped the work; the message says what of it was kept."""

    exit_code = 130


scenario_argument = click.argument("scenario", metavar="SCENARIO")
set_option = click.option("--set", "settings", multiple=True, metavar="PATH=VALUE|LEVER",
                          help="Change one value, or apply a lever the scenario names. May be repeated.")
seed_option = click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True,
                           help="Seed of the keyed draws.")
out_option = click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
                          help="Folder for the results; a new one under runs/ when absent.")
workers_option = click.option("--workers", type=click.IntRange(1), default=1, show_default=True,
                              help="Processes to run on.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else on standard output.")
quiet_option = click.option("--quiet", is_flag=True, help="No progress bar, no summary.")

_OPTIONS = {"set": set_option, "seed": seed_option, "out": out_option, "workers": workers_option, "json": json_option,
            "quiet": quiet_option}


def options(*names: str) -> Callable[[F], F]:
    """The shared options of these names, in this order: set seed out workers json quiet."""

    def add(function: F) -> F:
        for name in reversed(names):
            function = _OPTIONS[name](function)
        return function

    return add


def name_of(scenario: str) -> str:
    """A scenario's short name: itself, or the stem of its path."""
    return Path(scenario).stem if scenario.endswith((".yaml", ".yml", ".json", ".toml")) else Path(scenario).name


def folder_for(name: str, settings: Sequence[str], *parts: str) -> Path:
    """Where results go that nobody named a folder for: runs/<scenario>[+<settings>]-<parts>."""
    from sim.provenance import digest

    mark = f"+{digest(*settings)[:6]}" if settings else ""
    return Path("runs") / "-".join((name + mark, *parts))


def print_json(data: Any) -> None:
    """Standard output, for other programs."""
    print(json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False))


@contextlib.contextmanager
def keeping(said: Callable[[], str]) -> Iterator[None]:
    """Turn Ctrl-C inside the block into an InterruptedWorkError that says what was kept."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedWorkError(f"interrupted; {said()}") from None


class Bar:
    """A progress bar on standard error, for people only, with the time left by the pace since its first call. Call it
    with the part done and the whole."""

    _WIDTH = 32

    def __init__(self, title: str, quiet: bool = False, unit: str = "weeks") -> None:
        self.title, self.unit = title, unit
        self.shown = not quiet and sys.stderr.isatty()
        self.drawn = 0.0
        self.first: tuple[float, int] | None = None
        if self.shown:
            print(f"{title}: getting ready; after an installation this takes a minute", end="", file=sys.stderr, flush=True)

    def __call__(self, done: int, whole: int) -> None:
        now = time.monotonic()
        since, before = self.first = self.first or (now, done)
        if not self.shown or (done < whole and now - self.drawn < 0.08):
            return
        self.drawn = now
        full = self._WIDTH * done // max(whole, 1)
        left = (now - since) * (whole - done) / max(done - before, 1)
        line = f"{'━' * full}{'╌' * (self._WIDTH - full)} {done}/{whole} {self.unit}, {left:3.0f} s left "
        print(f"\r\033[K{self.title} {line}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the bar away."""
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
