"""Listing: who is on the Entity List on a day, and by which act."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from sim.levers.entity_list import EntityList

LISTED_SINCE = "listed_since"
"""Stands for the rule where an actor's own date lists it."""


@dataclass(frozen=True)
class Listing:
    """Party -> id of the rule that lists it, or LISTED_SINCE. `foundry`: those whose dies foundries abroad may not
    make."""

    parties: Mapping[str, str]
    foundry: Mapping[str, str]


class ActorRow(Protocol):
    """What the law needs to know of an actor."""

    @property
    def kind(self) -> str: ...
    @property
    def seat(self) -> str: ...
    @property
    def parent(self) -> str | None: ...
    @property
    def listed_since(self) -> date | None: ...


def listing_of(
    lists: Iterable[tuple[str, EntityList]], actors: Mapping[str, ActorRow], unnamed_before: date, named: frozenset[str]
) -> Listing:
    """The list made by the acts in force, earliest first, and by dates of actors before a day that no act names."""
    acts = list(lists)
    parties = {
        name: LISTED_SINCE
        for name, row in sorted(actors.items())
        if row.listed_since and row.listed_since < unnamed_before and name not in named
    }
    foundry: dict[str, str] = {}
    for rule, act in acts:
        for entity in act.entities:
            parties.setdefault(entity, rule)
            if act.foreign_direct_product:
                foundry.setdefault(entity, rule)
    for rule, act in acts:
        if act.affiliates:
            _add_affiliates(parties, rule, actors)
            _add_affiliates(foundry, rule, actors)
    return Listing(parties, foundry)


def _add_affiliates(parties: dict[str, str], rule: str, actors: Mapping[str, ActorRow]) -> None:
    """Those whose chain of majority owners holds a listed party."""
    for name in sorted(actors):
        owner = actors[name].parent
        seen = {name}
        while owner and owner not in seen:
            if owner in parties and name not in parties:
                parties[name] = rule
            seen.add(owner)
            owner = actors[owner].parent if owner in actors else None
