"""Comparing: from the words of the command line to comparisons on screen and on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

import sim
from experiments.common import Bar
from experiments.compare import (
    WHOLE,
    Comparison,
    Line,
    Side,
    comparison,
    jobs_of,
    plain,
    read_all,
    write,
)
from experiments.compare_report import parting_lines
from experiments.gallery import PAGE, write_gallery
from experiments.numbers import said, said_difference
from experiments.summary import console, figure_title, shared_unit
from sim.errors import UsageError
from sim.results import check_replaceable
from sim.scenario_io import shipped_names

SOME_FAILED = 4
MATRIX = (
    ("licensed_compute", "licensed\nk H100e"),
    ("domestic_compute", "domestic\nk H100e"),
    ("grey_compute", "grey\nk H100e"),
    ("rented_compute", "rented\nk H100e"),
    ("china_revenue_customer_hq", "revenue\nUSD bn"),
    ("domestic_share", "cards\n%"),
    ("lag", "lag\nmo."),
)
"""Columns of `--all`: the figure, and its heading."""


def compare_two(
    first: str, second: str, settings: Sequence[str], seeds: Sequence[int], workers: int, folder: Path, bar: Bar
) -> Comparison:
    """Compare and write the folder."""
    check_replaceable(folder)
    a, b = Side(first), Side(second, tuple(settings))
    if a == b:
        raise UsageError(f"{a.name} is compared with itself; give another scenario or --set")
    for side in (a, b):
        sim.load(side.scenario, side.settings)
    found = _read((a, b), seeds, workers, bar)
    made = comparison(a, b, seeds, found)
    write(made, folder)
    return made


def counterfactuals(base: str) -> list[str]:
    """The shipped scenarios of the same weeks as a base, without itself."""
    own = sim.load(base)
    found = {name: sim.load(name) for name in shipped_names()}
    return [name for name, other in found.items() if other.time == own.time and other.hash != own.hash]


def compare_all(first: str, seeds: Sequence[int], workers: int, folder: Path, bar: Bar) -> list[Comparison]:
    """Compare with every shipped scenario of the same weeks; one folder each, and the page of them all."""
    sides = [Side(name) for name in counterfactuals(first)]
    for side in sides:
        check_replaceable(folder / side.name)
    found = _read((Side(first), *sides), seeds, workers, bar)
    made = [comparison(Side(first), side, seeds, found) for side in sides]
    for one in made:
        write(one, folder / one.b.name)
    if made:
        write_gallery(made, folder)
    return made


def say(
    found: Sequence[Comparison],
    folder: Path,
    matrix: bool,
    as_json: bool,
    quiet: bool,
    print_json: Callable[[Any], None],
) -> int:
    """Print what was found; the exit code, 4 when runs failed."""
    failures = [failure for one in found for failure in one.failures]
    if as_json:
        print_json({"folder": str(folder), "comparisons": [plain(one) for one in found]})
    elif not quiet:
        screen = console()
        if matrix:
            show_matrix(found, screen)
        else:
            show(found[0], screen)
        screen.print(f"\n{folder / (PAGE if matrix and found else 'report.html')}")
    for failure in failures:
        console(stderr=True).print(f"failed: {failure.error}\n  {failure.command}", markup=False)
    return SOME_FAILED if failures else 0


def show(found: Comparison, to: Console) -> None:
    """Figures of the whole run in both, the difference and its interval; then where they part."""
    data = plain(found)
    to.print()
    to.print(Text(f"{found.b.name} against {found.a.name}", style="bold"))
    to.print(Text(f"{len(found.seeds)} paired seeds; bold where the 95% interval leaves zero out", style="dim"))
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("whole run", no_wrap=True)
    for word in ("A", "B", "B - A", "95% interval"):
        table.add_column(word, justify="right", no_wrap=True)
    whole = [line for line in found.lines if line.window == WHOLE]
    for group in dict.fromkeys(line.figure.group for line in whole):
        lines = [line for line in whole if line.figure.group == group]
        shared = shared_unit([line.figure for line in lines])
        table.add_row(Text(f"{group}, {shared}" if shared else group, style="bold cyan"))
        for line in lines:
            table.add_row(*_cells(line, shared))
    to.print(table)
    if found.parting:
        to.print(Text(f"\nWhere the two worlds part, seed {found.parting.seed}", style="bold"))
        for text in parting_lines(data):
            to.print(Text(f"  {text}"), soft_wrap=False)
    to.print(Text(f"\nA = {found.a.name}, B = {found.b.name}", style="dim"))


def show_matrix(found: Sequence[Comparison], to: Console) -> None:
    """One row a scenario, one column a figure: differences over the whole run, starred where the interval is sure."""
    to.print()
    to.print(
        Text(f"What each scenario changes against {found[0].a.name}" if found else "Nothing to compare", style="bold")
    )
    to.print(Text("whole run, means over paired seeds; * the 95% interval leaves zero out", style="dim"))
    table = Table(box=SIMPLE_HEAD, padding=(0, 0, 0, 1), show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True, max_width=25, overflow="ellipsis")
    for _, title in MATRIX:
        table.add_column(title, justify="right", no_wrap=True)
    for one in found:
        lines = [one.line(name) for name, _ in MATRIX]
        table.add_row(
            one.b.name, *(_difference(line) + ("*" if _sure(line) else " ") if line else "–" for line in lines)
        )
    to.print(table)


def _read(sides: Sequence[Side], seeds: Sequence[int], workers: int, bar: Bar) -> Any:
    try:
        fitted = {side: sim.load(side.scenario, side.settings).posterior for side in sides}
        return read_all(jobs_of(sides, seeds, fitted), workers, bar)
    finally:
        bar.close()


def _cells(line: Line, shared: str) -> tuple[Any, ...]:
    figure, interval = line.figure, line.difference.difference
    low, high = (said_difference(value, figure.digits) for value in (interval.low, interval.high))
    return (
        figure_title(figure, shared),
        said(line.a, figure.digits),
        said(line.b, figure.digits),
        Text(_difference(line), style="bold" if _sure(line) else ""),
        f"[{low}, {high}]" if interval.n else "",
    )


def _difference(line: Line) -> str:
    return said_difference(line.difference.difference.value, line.figure.digits)


def _sure(line: Line) -> bool:
    interval = line.difference.difference
    return interval.n > 1 and (interval.low > 0 or interval.high < 0)
