"""Bound effect: one effect of a rule with its life, its authors and its place among the rules of a scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.errors import Fault, ScenarioError
from sim.levers.allied_alignment import AlliedAlignment
from sim.levers.base import ANYWHERE, Lever, Rule, target, weeks_after
from sim.levers.repeal import Repeal
from sim.quantity import FIRST_DAY, LAST_DAY
from sim.scope import Atlas, Where

Mask = NDArray[np.bool_]


@dataclass
class BoundEffect:
    """One effect in a rulebook.

    rule            row of its rule in `rule_ids`.
    by              in whose power it acts: its rule's authors, or the `allies` that follow another rule.
    since, until    its life, half-open; known: the day its rule is public.
    where           the deals it is about.
    turns           days on which what it does changes.
    """

    rule: int
    effect: Lever
    by: tuple[str, ...]
    since: date
    until: date
    known: date
    where: tuple[Where, ...]
    allies: tuple[str, ...] = ()
    turns: tuple[date, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.turns = tuple(sorted(set(self.effect.turns(self.since))))

    def holds(self, day: date) -> bool:
        """Whether it lives on a day."""
        return self.since <= day < self.until

    def matches(self, row: int, clause: str) -> bool:
        """Whether it is a part of a rule that `ID` or `ID/clause` means."""
        return self.rule == row and clause in ("", self.effect.clause)


class Scope(NamedTuple):
    """Cells an effect covers; cells of chips too little known to say; its chips."""

    cells: Mask
    unsure: Mask
    chips: Mask

    def without(self, cells: Mask) -> Scope:
        """This scope less some cells."""
        return Scope(self.cells & ~cells, self.unsure & ~cells, self.chips)

    def within(self, others: list[Scope]) -> Scope:
        """The part of this scope that others cover."""
        if not others:
            return self.without(np.ones_like(self.cells))
        covered = np.logical_or.reduce([other.cells for other in others])
        unsure = np.logical_or.reduce([other.unsure for other in others])
        return Scope(self.cells & covered, (self.cells | self.unsure) & unsure & ~(self.cells & covered), self.chips)


def bind(rules: Mapping[str, Rule], name: str, rows: Mapping[str, int], atlas: Atlas) -> Iterator[BoundEffect]:
    """A rule's effects, with those of the rules that an allied alignment follows."""
    rule = rules[name]
    for effect in rule.effects:
        since, until = rule.days(effect)
        life = (since or FIRST_DAY, until or LAST_DAY)
        bound = BoundEffect(rows[name], effect, rule.by, *life, rule.known, effect.where)
        yield bound
        if isinstance(effect, AlliedAlignment):
            yield from _followed(rules, bound, effect, atlas)


def _followed(
    rules: Mapping[str, Rule], own: BoundEffect, alignment: AlliedAlignment, atlas: Atlas
) -> Iterator[BoundEffect]:
    """The effects that allies take over, from the lag after each began until their rule or the alignment ends."""
    allies = tuple(atlas.members(alignment.allies))
    for name, clause in sorted(set(map(target, alignment.of))):
        for effect in rules[name].effects if name in rules else ():
            if isinstance(effect, AlliedAlignment) or clause not in ("", effect.clause):
                continue
            begun, ended = rules[name].days(effect)
            parts = (_by_allies(part, effect, alignment) for part in effect.where or (ANYWHERE,))
            where = tuple(part for part in parts if part.activity)
            since = max(own.since, weeks_after(begun or FIRST_DAY, alignment.lag.value))
            until = min(own.until, ended or LAST_DAY)
            if where and since < until:
                yield BoundEffect(own.rule, effect, allies, since, until, own.known, where, allies)


def _by_allies(part: Where, effect: Lever, alignment: AlliedAlignment) -> Where:
    """The deals of a `where` that the alignment follows, made by exporters of the allies."""
    followed = tuple(activity for activity in part.activity or effect.activities if activity in alignment.followed)
    return part.model_copy(update={"activity": followed, "origin": alignment.allies, "origin_except": ()})


def refuse_circles(rules: Mapping[str, Rule]) -> None:
    """Raise ScenarioError where a chain of repeals comes back to its start."""
    repeals = {
        name: [other for effect in rule.effects if isinstance(effect, Repeal) for other in effect.rules]
        for name, rule in rules.items()
    }
    for start in sorted(repeals):
        trail: set[str] = set()
        ahead = list(repeals[start])
        while ahead:
            name = ahead.pop()
            if name == start:
                said = "repeals a rule that in the end repeals it"
                raise ScenarioError([Fault("rules", 0, f"rules.{start}", said, "take one of the repeals out")])
            if name not in trail:
                trail.add(name)
                ahead.extend(repeals.get(name, ()))
