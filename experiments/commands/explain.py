"""explain: may A ship chip X to B on a day, and what would flip the answer? Answered from the rules alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import click

from experiments.common import options, print_json

if TYPE_CHECKING:
    from sim.ruling import Flip, Ruling


@click.command(short_help="May A ship chip X to B on a day, and what would flip the answer?")
@click.option("--chip", default="", metavar="CHIP", help="A chip by id or alias.")
@click.option("--to", "destination", required=True, metavar="COUNTRY", help="Place of delivery, such as CN.")
@click.option("--on", "day", required=True, type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The day it ships.")
@click.option(
    "--from", "origin", default="", metavar="COUNTRY", help="The exporter's country; the chip's home if absent."
)
@click.option("--buyer", default="", metavar="ACTOR", help="Who buys: its headquarters, listing and end use count.")
@click.option("--fab", default="", metavar="COUNTRY", help="Where its dies are made, when not where they are.")
@click.option(
    "--spec",
    "specs",
    multiple=True,
    metavar="NAME=VALUE",
    help="A specification of a part that does not exist, or one to change in --chip. May be repeated; "
    "also market=consumer.",
)
@click.option("--rent", is_flag=True, help="Hours of a machine in --to, instead of goods.")
@click.option("--scenario", default="history", show_default=True, metavar="SCENARIO", help="Whose rules.")
@options("set", "json")
def command(
    chip: str,
    destination: str,
    day: datetime,
    origin: str,
    buyer: str,
    fab: str,
    specs: tuple[str, ...],
    rent: bool,
    scenario: str,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Answer from the rules alone, without a run: the verdict, the rule and its source, the delay and conditions, and
    the nearest change of specification, destination, origin, buyer or date that would bring another verdict.

    \b
    chokepoint explain --chip H20 --to CN --on 2025-04-15
    chokepoint explain --spec tpp=4799 --spec io_gbps=600 --to CN --on 2022-11-01
    """
    from sim.ruling import Question, explain
    from sim.scenario_io import load

    numbers, market = _specs(specs)
    ruling = explain(
        load(scenario, settings), Question(destination, day.date(), chip, origin, buyer, fab, numbers, market, rent)
    )
    if as_json:
        print_json(ruling.plain())
    else:
        _tell(ruling)


def _specs(said: tuple[str, ...]) -> tuple[Mapping[str, float], str]:
    from sim.errors import UsageError

    numbers: dict[str, float] = {}
    market = ""
    for text in said:
        name, equals, value = text.partition("=")
        if name == "market" and value:
            market = value
            continue
        try:
            numbers[name] = float(value)
        except ValueError:
            numbers[name] = -1.0
        if not equals or not 0 <= numbers[name] < 1e12:
            raise UsageError(f'"{text}" is no specification; write NAME=NUMBER, such as tpp=4799')
    return numbers, market


def _tell(ruling: Ruling) -> None:
    click.echo(click.style(ruling.question, bold=True))
    colour = {"permitted": "green", "notify and wait": "yellow", "licence case by case": "yellow"}.get(
        ruling.verdict, "red"
    )
    click.echo(f"  {click.style(ruling.verdict.capitalize(), fg=colour, bold=True)}{_wait(ruling)}")
    if ruling.rule:
        click.echo(f"  under {ruling.rule}: {ruling.clause}")
        click.echo(f"  source: {ruling.source}")
    others = [name for name in ruling.rules if name != ruling.rule]
    if others:
        click.echo(f"  also on this deal: {', '.join(others)}")
    for condition in ruling.conditions:
        click.echo(f"  condition: {condition}")
    if ruling.foundry not in ("", "permitted"):
        click.echo(f"  foundry lane: {ruling.foundry}" + (f" ({ruling.foundry_rule})" if ruling.foundry_rule else ""))
    if ruling.flips:
        click.echo("  what would flip it:")
    for flip in ruling.flips:
        click.echo(f"    {_change(flip)} -> {flip.verdict}" + (f" ({flip.rule})" if flip.rule else ""))


def _wait(ruling: Ruling) -> str:
    if ruling.verdict == "notify and wait":
        return f": {ruling.delay_days} days after a notice"
    if ruling.verdict == "licence case by case":
        return f": granted with chance {ruling.grant_rate:.0%} after about {ruling.delay_days} days"
    if ruling.verdict == "licence denied" and ruling.delay_days:
        return f": an application takes about {ruling.delay_days} days"
    return ""


def _change(flip: Flip) -> str:
    places = flip.change.removeprefix("to ").split(", ")
    if flip.kind == "destination" and len(places) > 12:
        return f"{flip.kind:13} to {len(places)} countries, such as {', '.join(places[:8])}"
    return f"{flip.kind:13} {flip.change}"
