"""Layers: what several places say of one scenario, laid over each other, each remembering its lines.

A layer is a JSON merge patch (RFC 7396: maps key by key, null removes, lists are replaced). Files come first, then
named overrides (`levers`), then settings (`path=value`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sim.errors import Fault, ScenarioError, nearest
from sim.quantity import shown

Pointer = tuple[str, ...]
ReadValue = Callable[[str, str, int], Any]
"""Plain data from the text of a setting, its path and its number; raises ScenarioError."""


class Layer(Protocol):
    """Plain data from one place, and the line of each pointer in it (0 where it says nothing)."""

    file: str
    data: dict[str, Any]
    has_nulls: bool

    def line(self, pointer: Pointer) -> int: ...


@dataclass
class LineLayer:
    """A layer whose lines are known by pointer: TOML, and settings."""

    file: str
    data: dict[str, Any]
    lines: dict[Pointer, int]
    has_nulls: bool = False

    def line(self, pointer: Pointer) -> int:
        return self.lines.get(pointer, 0)


@dataclass
class PatchLayer:
    """The part of other layers under a prefix, laid over the whole: a named override."""

    data: dict[str, Any]
    origin: Origin
    prefix: Pointer
    file: str = ""
    has_nulls: bool = True

    def line(self, pointer: Pointer) -> int:
        for layer in reversed(self.origin.layers):
            line = layer.line(self.prefix + pointer)
            if line:
                self.file = layer.file
                return line
        return 0


@dataclass
class Origin:
    """Which layer said what. Left behind when a scenario is pickled."""

    layers: list[Layer] = field(default_factory=list)

    def place(self, pointer: Pointer) -> tuple[str, int]:
        """File and line of a pointer, or of the nearest thing above it that some layer wrote."""
        for length in range(len(pointer), 0, -1):
            for layer in reversed(self.layers):
                line = layer.line(pointer[:length])
                if line:
                    return layer.file, line
        return (self.layers[-1].file, 1) if self.layers else ("", 0)

    def where(self, path: str) -> str:
        """'file:line' of a dotted path."""
        file, line = self.place(tuple(path.split(".")))
        return f"{file}:{line}" if file else ""

    def __getstate__(self) -> dict[str, Any]:
        return {"layers": []}


# --- one over the other -----------------------------------------------------------------------------------------------


def merged(layers: Sequence[Layer]) -> dict[str, Any]:
    """One mapping from layers, later over earlier, without `extends` and `posterior`. It may share parts with them: copy to change.

    `rules.without` adds up over layers; a rule that a later layer states is back in.
    """
    data: dict[str, Any] = {}
    for layer in layers:
        gone = _without(data)
        data = merge(data, {key: part for key, part in layer.data.items() if key not in ("extends", "posterior")})
        if gone and isinstance(layer.data.get("rules"), dict):
            back = layer.data["rules"]
            data["rules"]["without"] = [name for name in gone if name not in back] + _without(layer.data)
    return _without_nulls(data) if any(layer.has_nulls for layer in layers) else data


def _without(data: dict[str, Any]) -> list[Any]:
    """What a mapping leaves out of its rules, as a list; empty when it says so in no readable form."""
    rules = data.get("rules")
    said = rules.get("without", []) if isinstance(rules, dict) else []
    return [said] if isinstance(said, str) else said if isinstance(said, list) else []


def _without_nulls(data: dict[str, Any]) -> dict[str, Any]:
    return {key: _without_nulls(part) if isinstance(part, dict) else part for key, part in data.items()
            if part is not None}


def merge(under: Any, over: Any) -> Any:
    """`over` laid on `under` (RFC 7396); a quantity's value, path and yearly are one slot, where the new one stays."""
    if not isinstance(over, dict) or not isinstance(under, dict):
        return _requantified(under, over)
    if _has_slot(over) or _has_slot(under):
        under, over = _spelt_out(under), _spelt_out(over)
        under = _without_slots(under, over) if _has_slot(over) else under
    result = dict(under)
    for key, part in over.items():
        if part is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), part)
    return result


_SLOTS = ("value", "path", "yearly")


def _has_slot(data: dict[str, Any]) -> bool:
    return any(slot in data for slot in _SLOTS)


def _spelt_out(data: dict[str, Any]) -> dict[str, Any]:
    """A bare dated path as a quantity with a `path`."""
    return {"path": data} if data and all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", key) for key in data) else data


def _requantified(under: Any, over: Any) -> Any:
    number = isinstance(over, int | float) and not isinstance(over, bool)
    if number and isinstance(under, dict) and _has_slot(under):
        return {"value": over, **({"unit": under["unit"]} if "unit" in under else {}), "source": "this scenario"}
    return over


def _without_slots(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    gone = {slot for slot in _SLOTS if slot not in over}
    if "value" in over:
        gone.add("range")
    return {key: part for key, part in under.items() if key not in gone}


# --- overrides --------------------------------------------------------------------------------------------------------


def with_overrides(layers: list[Layer], overrides: Sequence[str], read: ReadValue
                   ) -> tuple[dict[str, Any], list[Layer], list[Fault]]:
    """The merged data with named overrides first and settings after them; all layers; faults of settings."""
    data = merged(layers)
    patches = _patches(data, layers, {said: i for i, said in enumerate(overrides, 1) if "=" not in said})
    if patches:
        data = merged([LineLayer("", data, {}), *patches])
    added: list[Layer] = [*layers, *patches]
    faults: list[Fault] = []
    for i, said in ((i, said) for i, said in enumerate(overrides, 1) if "=" in said):
        try:
            layer = _setting(said, i, data, read)
        except ScenarioError as error:
            faults.extend(error.faults)
            continue
        _put(data, layer)
        added.append(layer)
    return data, added, faults


def _patches(data: dict[str, Any], layers: list[Layer], names: dict[str, int]) -> list[PatchLayer]:
    """One layer per named override (name -> its place among the settings); faults for an unknown name and for two that
    touch one key."""
    known = data.get("levers") or {}
    origin = Origin(list(layers))
    faults = [Fault("--set", i, name, f'"{name}" is no lever of this scenario and no path=value',
                    nearest(name, sorted(known)) or "it has none; write path=value")
              for name, i in names.items() if name not in known or not isinstance(known[name], dict)]
    if faults:
        raise ScenarioError(faults)
    patches = [PatchLayer(known[name], origin, ("levers", name)) for name in names]
    for i, first in enumerate(patches):
        for second in patches[:i]:
            faults.extend(_clashes(second, first))
    if faults:
        raise ScenarioError(faults)
    return patches


def _clashes(first: PatchLayer, second: PatchLayer) -> Iterator[Fault]:
    for mine in _leaves(first.data):
        for yours in _leaves(second.data):
            short = min(mine, yours, key=len)
            if mine[: len(short)] == yours[: len(short)]:
                line = second.line(yours)
                yield Fault(second.file, line, ".".join(yours),
                            f'is set by both "{first.prefix[1]}" and "{second.prefix[1]}"', "combine only one of them")


def _leaves(data: Any, above: Pointer = ()) -> Iterator[Pointer]:
    if isinstance(data, dict) and data:
        for key, part in data.items():
            yield from _leaves(part, (*above, str(key)))
    else:
        yield above


def _setting(said: str, number: int, data: dict[str, Any], read: ReadValue) -> LineLayer:
    """One `path=value` as a layer; its file is `--set`, its line the number of the setting."""
    path, _, text = said.partition("=")
    pointer = tuple(path.strip().split("."))
    if not all(pointer):
        raise ScenarioError([Fault("--set", number, path, f'"{said}" is no setting', "write path=value")])
    _known_path(pointer, data, number)
    value = read(text, path, number)
    lines = {pointer[:length]: number for length in range(1, len(pointer) + 1)}
    lines.update({(*pointer, *leaf[:length]): number for leaf in _leaves(value) for length in range(1, len(leaf) + 1)})
    return LineLayer("--set", {"pointer": pointer, "value": value}, {key: n for key, n in lines.items()
                                                                     if len(key) >= len(pointer)})


def _known_path(pointer: Pointer, data: dict[str, Any], number: int) -> None:
    """A fault when a setting reaches into an entry that is not there, such as a chip with a slip in its name."""
    here: Any = data
    for i, word in enumerate(pointer[:-1]):
        if isinstance(here, list) and word.isdecimal() and int(word) < len(here):
            here = here[int(word)]
        elif isinstance(here, dict) and word in here:
            here = here[word]
        elif isinstance(here, dict) and len(here) and i and pointer[0] in ("world", "rules"):
            raise ScenarioError([Fault("--set", number, ".".join(pointer), f'there is no "{word}" in '
                                       f"{'.'.join(pointer[:i])}", nearest(word, list(here)))])
        else:
            return


def _put(data: dict[str, Any], layer: LineLayer) -> None:
    """Set the value of a setting in place; lists are reached by index."""
    pointer, value = layer.data["pointer"], layer.data["value"]
    if pointer == ("rules", "without"):
        value = [*_without(data), *_without({"rules": {"without": value}})]
    here: Any = data
    for word in pointer[:-1]:
        if isinstance(here, list):
            here[int(word)] = here = _copied(here[int(word)])
            continue
        part = here.get(word)
        here[word] = _copied(part) if isinstance(part, dict | list) else {}
        here = here[word]
    last = pointer[-1]
    if isinstance(here, list) and last.isdecimal() and int(last) < len(here):
        here[int(last)] = merge(here[int(last)], value)
    elif isinstance(here, dict) and value is None:
        here.pop(last, None)
    elif isinstance(here, dict):
        here[last] = merge(here.get(last), value)


def _copied(part: Any) -> Any:
    return dict(part) if isinstance(part, dict) else list(part)


# --- rules left out ---------------------------------------------------------------------------------------------------


def left_out(data: dict[str, Any], origin: Origin) -> tuple[list[str], list[Fault]]:
    """Take `rules.without` out of the rules: which are gone, and faults for ids that are none. `add` and `change` are no words
    here: who writes them is told what would do."""
    rules = data.get("rules")
    if not isinstance(rules, dict):
        return [], []
    verbs = [word for word in ("add", "change") if word in rules]
    if verbs:
        data["rules"] = {key: rule for key, rule in rules.items() if key not in (*verbs, "without")}
        return [], [Fault(*origin.place(("rules", word)), f"rules.{word}", "is no rule",
                          "rules stand by their id, RULE_2023_10: {since: 2024-01-01}; a known id changes it, a new one adds one")
                    for word in verbs]
    if "without" not in rules:
        return [], []
    said = rules["without"]
    ids = _without(data)
    rules = data["rules"] = {key: rule for key, rule in rules.items() if key != "without" and key not in ids}
    if not isinstance(said, list | str) or not all(isinstance(name, str) for name in ids):
        place = origin.place(("rules", "without"))
        return [], [Fault(*place, "rules.without", f"{shown(said)} is no list of rules", "write [ID, ID]")]
    known = sorted({key for layer in origin.layers for key in _keys(layer.data.get("rules"))} - {"without"})
    faults = [Fault(*_left_out_at(name, origin), "rules.without", f'"{name}" is no rule', nearest(name, known))
              for name in ids if name not in known]
    return ids, faults


def _keys(data: Any) -> list[str]:
    return list(data) if isinstance(data, dict) else []


def _left_out_at(name: str, origin: Origin) -> tuple[str, int]:
    """File and line that leave a rule out."""
    for layer in reversed(origin.layers):
        if name in (ids := _without(layer.data)):
            words = ("rules", "without")
            return layer.file, layer.line((*words, str(ids.index(name)))) or layer.line(words)
    return origin.place(("rules", "without"))
