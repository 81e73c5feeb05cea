"""discover: where it happens, and where a conclusion flips."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from experiments import console
from experiments.common import options


@click.command("discover")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("condition", required=False)
@click.option("--policy", default="", help="Policy to look at; the first when left out.")
@click.option(
    "--effect", metavar="OUTCOME", help="Instead of a condition: does the policy's effect on it keep its sign?"
)
@click.option("--against", default="", help="With --effect: the policy to compare with; the first when left out.")
@options("json", "quiet")
def command(
    folder: Path, condition: str | None, policy: str, effect: str | None, against: str, as_json: bool, quiet: bool
) -> None:
    """Find the box of uncertainties where CONDITION holds, such as "lag_months > 12"; or, with --effect, where the
    sign flips."""
    from experiments.questions import keep
    from experiments.store import Store
    from sim.errors import UsageError

    store = Store.open(folder)
    if (condition is None) == (effect is None):
        raise UsageError('give a condition, such as "lag_months > 12", or --effect OUTCOME')
    if effect:
        first, second = _compared(store, against, policy)
        found = _effect(store, effect, first, second)
        keep(folder, "effect", {"effect": effect, "against": first, "policy": second})
    else:
        found = _box(store, condition or "", policy)
        keep(folder, "discover", {"condition": condition, "policy": policy})
    console.tell({"says": str(found), **asdict(found)}, as_json, str(found))


def _box(store: Any, says: str, policy: str) -> Any:
    from experiments.discovery import condition, discover
    from experiments.frames import chosen

    outcome, test = condition(says)
    return discover(chosen(store, outcome, policy), says, test)


def _compared(store: Any, against: str, policy: str) -> tuple[str, str]:
    """The two policies asked for; the first two when none is named."""
    from sim.errors import UsageError

    names = list(store.design.all_policies())
    if len(names) < 2:
        raise UsageError(f"{store.folder} holds one policy; --effect compares two")
    return against or names[0], policy or names[1]


def _effect(store: Any, outcome: str, against: str, policy: str) -> Any:
    from experiments.frames import chosen
    from experiments.robustness import verdict

    return verdict(chosen(store, outcome, against), chosen(store, outcome, policy))
