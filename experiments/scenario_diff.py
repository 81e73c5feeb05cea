"""Scenario difference: what two scenarios say differently, value by value, each with its place and its source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from sim.quantity import Quantity
from sim.scenario import Scenario


@dataclass(frozen=True)
class Difference:
    """One key that differs: the two values in words ("" where one has none), where each is said, and its source."""

    key: str
    before: str
    after: str
    before_at: str
    after_at: str
    before_source: str
    after_source: str


@dataclass(frozen=True)
class _Leaf:
    """A value in words; its own source, or else the path of the source that stands for its entry."""

    text: str
    source: str = ""
    entry_source: str = ""
    entry: tuple[str, ...] = ()


def differences(before: Scenario, after: Scenario) -> list[Difference]:
    """Keys whose values differ, in order of key; an entry that only one has is one line."""
    olds, news = dict(_leaves(before, ())), dict(_leaves(after, ()))
    found = []
    for key in sorted(olds.keys() | news.keys()):
        old, new = olds.get(key), news.get(key)
        if old is None or new is None or old.text != new.text:
            path = ".".join(key)
            found.append(Difference(path, old.text if old else "", new.text if new else "",
                                    before.where(path) if old else "", after.where(path) if new else "",
                                    _source(before, path, old), _source(after, path, new)))
    return _gathered(found, before, after)


def _source(scenario: Scenario, path: str, leaf: _Leaf | None) -> str:
    """The source of a value: its own, or its entry's where the same file says both."""
    if leaf is None or leaf.source or not leaf.entry_source:
        return leaf.source if leaf else ""
    places = {scenario.where(key).rpartition(":")[0] for key in (path, ".".join((*leaf.entry, "source")))}
    return leaf.entry_source if len(places) == 1 else "this scenario"


def _gathered(found: list[Difference], before: Scenario, after: Scenario) -> list[Difference]:
    """Differences with the keys of an entry that only one side has (a rule, a chip) told as that entry."""
    told: dict[str, Difference] = {}
    for item in found:
        entry = _lone_entry(item.key, before, after)
        if entry is None:
            told[item.key] = item
        elif entry not in told:
            here, there = ("there", "") if item.before else ("", "there")
            told[entry] = Difference(entry, here, there, before.where(entry) if here else "",
                                     after.where(entry) if there else "", "", "")
    return list(told.values())


def _lone_entry(key: str, before: Scenario, after: Scenario) -> str | None:
    words = key.split(".")
    for length in range(2, len(words)):
        path = words[:length]
        if _entry(before, path) != _entry(after, path):
            return ".".join(path)
    return None


def _entry(scenario: Scenario, path: list[str]) -> bool:
    here: Any = scenario
    for word in path:
        here = here.get(word) if isinstance(here, dict) else getattr(here, word, None)
    return here is not None


def _leaves(node: Any, path: tuple[str, ...], entry: _Leaf = _Leaf("")) -> Iterator[tuple[tuple[str, ...], _Leaf]]:
    if isinstance(node, Quantity):
        yield path, replace(entry, text=_said(node), source=node.source)
    elif isinstance(node, BaseModel):
        source = getattr(node, "source", None)
        own = _Leaf("", "", source, path) if isinstance(source, str) else entry
        for name, field in type(node).model_fields.items():
            yield from _leaves(getattr(node, name), (*path, field.alias or name), own)
    elif isinstance(node, dict):
        for key, part in node.items():
            yield from _leaves(part, (*path, str(key)), entry)
    elif isinstance(node, list | tuple) and any(isinstance(part, BaseModel) for part in node):
        for i, part in enumerate(node):
            yield from _leaves(part, (*path, str(i)), entry)
    elif node not in (None, (), ""):
        words = ", ".join(map(str, node)) if isinstance(node, list | tuple) else str(node)
        yield path, replace(entry, text=words)


def _said(quantity: Quantity) -> str:
    """A quantity in one line: value, unit, range; a path by its steps."""
    steps = ", ".join(f"{point.since}: {point.value:g}" for point in quantity.path)
    words = steps or f"{quantity.value:g}"
    ranged = f" ({quantity.low:g} to {quantity.high:g})" if quantity.low < quantity.high and not steps else ""
    return f"{words} {quantity.unit}".rstrip() + ranged
