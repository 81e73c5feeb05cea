"""attribute: each lever's share in what a package does."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experiments import console
from experiments.common import folder_for, name_of, options

if TYPE_CHECKING:
    from experiments.attribution import Attribution


@click.command("attribute")
@click.argument("scenario")
@click.option("--lever", "levers", multiple=True, metavar="NAME", help="A lever of the scenario that is on or off.")
@click.option(
    "--rules",
    "groups",
    multiple=True,
    metavar="NAME=ID,ID",
    help="Rules of the record that are kept or left out together.",
)
@click.option(
    "--outcome",
    "outcomes",
    multiple=True,
    required=True,
    metavar="OUTCOME",
    help="What to explain, such as lag_months@2025.",
)
@click.option("--seeds", type=click.IntRange(1), default=20, show_default=True, help="Seeds that every coalition shares.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of results; a new one under runs/ when absent.")
@console.engine_options
@options("json", "quiet")
def command(
    scenario: str,
    levers: tuple[str, ...],
    groups: tuple[str, ...],
    outcomes: tuple[str, ...],
    seeds: int,
    out: Path | None,
    engine: str,
    workers: int,
    scheduler: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Shapley shares of the levers and rules of SCENARIO in an outcome, on shared luck, with pairwise interactions."""
    from experiments.attribution import attribute, coalitions, policies, words_of
    from experiments.batch import start
    from experiments.design import Design, Policy
    from experiments.frames import frames
    from experiments.questions import keep

    rules = _rules(scenario, groups)
    players = policies({name: Policy(levers=(name,)) for name in levers}, rules)
    design = Design(
        scenario=scenario,
        policies=players,
        outcomes={text: text for text in outcomes},
        seeds=tuple(range(1, seeds + 1)),
    )
    store = start(design, out or folder_for(name_of(scenario), (), "attribute"))
    console.carried(store, console.choice_of(engine, workers, scheduler), quiet)
    keep(store.folder, "attribute", {"players": sorted([*levers, *rules]), "outcomes": list(outcomes)})
    found = []
    for text in outcomes:
        by_policy = frames(store, text)
        values = {chosen: by_policy[words_of(chosen)].values[0] for chosen in coalitions([*levers, *rules])}
        found.append(attribute(text, values))
    console.tell([_data(one) for one in found], as_json, "\n\n".join(_text(one) for one in found))


def _rules(scenario: str, groups: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    import sim
    from sim.errors import UsageError, nearest

    known = sorted(sim.load(scenario).rules)
    found: dict[str, tuple[str, ...]] = {}
    for text in groups:
        name, mark, listed = text.partition("=")
        ids = tuple(part.strip() for part in (listed if mark else name).split(",") if part.strip())
        for unknown in [rule for rule in ids if rule not in known]:
            raise UsageError(f'{scenario} has no rule "{unknown}"; {nearest(unknown, known)}')
        found[name.strip()] = ids
    return found


def _data(found: Attribution) -> dict[str, Any]:
    return {
        "outcome": found.outcome,
        "whole": asdict(found.whole),
        "residual": found.residual,
        "shares": {name: asdict(share) for name, share in found.shares.items()},
        "interactions": {" x ".join(pair): asdict(value) for pair, value in found.interactions.items()},
    }


def _text(found: Attribution) -> str:
    rows = [[name, str(share)] for name, share in sorted(found.shares.items(), key=lambda item: -abs(item[1].value))]
    pairs = [
        [" x ".join(pair), str(value)]
        for pair, value in sorted(found.interactions.items(), key=lambda item: -abs(item[1].value))
    ]
    shares = console.table([found.outcome, "share of the effect"], [*rows, ["whole package", str(found.whole)]])
    return shares + ("\n\n" + console.table(["together, beyond each alone", ""], pairs) if pairs else "")
