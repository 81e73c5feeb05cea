"""Summary: the headline figures of a run on one screen of eighty columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from experiments.numbers import said
from sim.headline import Figure, Headline
from sim.results import Result

WIDTH = 80
_RULINGS_SHOWN = 3
_RULE_WIDTH = 22


def console(**settings: Any) -> Console:
    """Standard output at eighty columns, so that a screen, a pipe and a mail show the same."""
    return Console(width=WIDTH, highlight=False, **settings)


def show(result: Result, to: Console) -> None:
    """Title, figures by year, rules by year."""
    first, last = result.clock.date_of(0), result.clock.date_of(result.clock.n_ticks)
    head = result.headline()
    to.print()
    to.print(Text(result.scenario.title or result.name, style="bold"))
    to.print(Text(f"{first} to {last}, seed {result.seed}, run {result.run_id}, {result.wall_s:.1f} s", style="dim"))
    for setting in result.overrides:
        to.print(Text(f"with {setting}", style="yellow"))
    to.print(Group(figures_table(head), *pattern_lines(result), *ruling_lines(head)))


def pattern_lines(result: Result) -> list[Any]:
    """What the run alone shows of the ten patterns, one line each; none where it does not span their weeks."""
    from experiments.patterns import covers, measure

    if not covers(result):
        return []
    lines: list[Any] = [Text("\nPatterns, as this run alone shows them; causes: chokepoint patterns", style="bold")]
    for seen in measure(result):
        lines.append(Padding(Text(f"{seen.id:4}{seen.title:46.46} {said(seen.value, 2):>9}  {seen.verdict}"), (0, 0, 0, 2)))
    return lines


def figures_table(head: Headline) -> Table:
    """Figures down, years across, a heading for each group with its unit where all share one."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True, min_width=34)
    for year in head.years:
        table.add_column(year, justify="right", no_wrap=True)
    for group in dict.fromkeys(figure.group for figure in head.figures):
        rows = [(figure, values) for figure, values in zip(head.figures, head.values, strict=True)
                if figure.group == group]
        shared = shared_unit([figure for figure, _ in rows])
        table.add_row(Text(f"{group}, {shared}" if shared else group, style="bold cyan"))
        for figure, values in rows:
            table.add_row(figure_title(figure, shared), *(said(value, figure.digits) for value in values))
    return table


def ruling_lines(head: Headline) -> list[Any]:
    """The weightiest rules of each year, by date, one line each."""
    if not any(head.rulings.values()):
        return []
    lines: list[Any] = [Text("\nRules that began to bind, those most spoken of in the event log", style="bold")]
    for year, found in head.rulings.items():
        main = sorted(found[:_RULINGS_SHOWN], key=lambda ruling: ruling.date)
        for ruling in main:
            name = f"{ruling.rule:{_RULE_WIDTH}.{_RULE_WIDTH}}"
            text = Text.assemble((ruling.date, "dim"), "  ", (name, "bold"), "  ", ruling.title)
            text.truncate(WIDTH - 3, overflow="ellipsis")
            lines.append(Padding(text, (0, 0, 0, 2)))
        if len(found) > len(main):
            lines.append(Padding(Text(f"{year}        and {len(found) - len(main)} more", style="dim"), (0, 0, 0, 2)))
    return lines


def shared_unit(figures: Sequence[Figure]) -> str:
    """The unit of a group whose figures all have it; empty otherwise."""
    units = {figure.unit for figure in figures}
    return units.pop() if len(units) == 1 else ""


def figure_title(figure: Figure, shared: str) -> str:
    """A figure's name in a table, with its unit where the group does not say it."""
    return f"  {figure.title}" if shared else f"  {figure.title}, {figure.unit}"
