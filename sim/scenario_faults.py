"""What is wrong with a scenario, in a user's words: from pydantic's errors, and from names that lead nowhere."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from itertools import pairwise
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from sim.errors import Fault, nearest
from sim.levers.base import Lever, Reference, levers, references
from sim.quantity import Quantity, shown
from sim.scenario import Scenario
from sim.scenario_layers import Pointer
from sim.scope import GROUPS

Place = Callable[[Pointer], tuple[str, int]]
"""File and line of a pointer into the merged data."""


def faults_of(error: ValidationError, data: Any, place: Place) -> list[Fault]:
    """One Fault per error of a validation, each with the file and line that said it."""
    return [_fault(one, data, place) for one in error.errors(include_url=False)]


def _fault(one: Any, data: Any, place: Place) -> Fault:
    context = one.get("ctx", {})
    pointer = _pointer((*one["loc"], *context.get("at", ())), data)
    said, wanted = _words(one, context)
    if one["type"] == "missing" and (meant := _meant(pointer, data)):
        wanted = f'{wanted}; or did you mean "{meant}"?'
    return Fault(*place(pointer), ".".join(pointer) or "the file", said, wanted)


def _meant(pointer: Pointer, data: Any) -> str:
    """The id beside an incomplete new entry (a rule, a part, an actor) that its own id looks like; empty where none is near."""
    if len(pointer) < 3:
        return ""
    table = data
    for word in pointer[:-2]:
        table = table.get(word) if isinstance(table, Mapping) else None
    others = [key for key in table if key != pointer[-2]] if isinstance(table, Mapping) else []
    return next(iter(get_close_matches(pointer[-2], others, n=1, cutoff=0.8)), "")


def _pointer(loc: tuple[int | str, ...], data: Any) -> Pointer:
    """A location as a path into the data: labels of alternatives are left out, a missing last key is kept."""
    pointer: list[str] = []
    here = data
    words = [str(part) for part in loc if part != "[key]"]
    for i, word in enumerate(words):
        if isinstance(here, Mapping) and word in here:
            here = here[word]
        elif isinstance(here, list) and word.isdecimal() and int(word) < len(here):
            here = here[int(word)]
        elif i < len(words) - 1 or not isinstance(here, Mapping):
            continue
        pointer.append(word)
    return tuple(pointer)


_KINDS = {
    "int_type": ("no whole number", "write a whole number"),
    "bool_type": ("neither true nor false", "write true or false"),
    "string_type": ("no text", "write a word or text in quotes"),
    "dict_type": ("no map", "write key: value below it"),
    "model_type": ("no map", "write key: value below it"),
    "tuple_type": ("no list", "write [a, b]"),
    "list_type": ("no list", "write [a, b]"),
    "float_type": ("no number", "write a number, such as 0.25"),
}


def _words(one: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    """What was read and what would do, for one error."""
    kind, read = one["type"], shown(one["input"])
    if kind == "fault":
        return str(context["said"]), str(context["wanted"])
    if kind == "missing":
        return "is missing", _meaning(one["loc"]) or "write it, or extend a scenario that has it"
    if kind == "extra_forbidden":
        return "there is no such key here", nearest(str(one["loc"][-1]), _keys_at(one["loc"][:-1]))
    if kind in ("literal_error", "enum", "union_tag_invalid"):
        known = _choices(context)
        return f"{read if kind != 'union_tag_invalid' else shown(context.get('tag'))} is not one of the known words", \
            nearest(str(context.get("tag", one["input"])), known)
    if kind == "string_pattern_mismatch":
        return f"{read} does not have the form of a name here", f"write a name that matches {context['pattern']}"
    if kind in _KINDS:
        said, wanted = _KINDS[kind]
        return f"{read} is {said}", wanted
    return f"{read} will not do", str(one["msg"])


def _choices(context: Mapping[str, Any]) -> list[str]:
    text = str(context.get("expected") or context.get("expected_tags") or "")
    return [word.strip().strip("'") for word in text.replace(" or ", ", ").split(",")]


def _meaning(loc: tuple[int | str, ...]) -> str:
    """What a field stands for, from its description."""
    model = _type_at(loc[:-1])
    field = _field(model, str(loc[-1])) if model else None
    return field.description or "" if field else ""


def _keys_at(loc: tuple[int | str, ...]) -> list[str]:
    model = _type_at(loc)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _field(model: Any, name: str) -> Any:
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return None
    return next((field for key, field in model.model_fields.items() if name in (key, field.alias)), None)


def _type_at(loc: tuple[int | str, ...]) -> Any:
    """The type that a location of the scenario is read into; None where that is not plain."""
    here: Any = Scenario
    for part in loc:
        here = _below(_bare(here), part)
        if here is None:
            return None
    return _bare(here)


def _bare(kind: Any) -> Any:
    """A type without Annotated and without `| None`."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, types.UnionType):
        rest = [part for part in get_args(kind) if part is not type(None)]
        return _bare(rest[0]) if len(rest) == 1 else kind
    return kind


def _below(kind: Any, part: int | str) -> Any:
    if field := _field(kind, str(part)):
        return field.annotation
    if kind is Lever and str(part) in levers:
        return levers[str(part)]
    if get_origin(kind) is dict:
        return get_args(kind)[1]
    if get_origin(kind) in (tuple, list):
        return get_args(kind)[0]
    if get_origin(kind) in (Union, types.UnionType):
        return next((member for member in get_args(kind) if part in _tags(member)), None)
    return None


def _tags(member: Any) -> tuple[Any, ...]:
    """The words by which a member of a union is told: the choices of its one-word fields."""
    member = _bare(member)
    if not (isinstance(member, type) and issubclass(member, BaseModel)):
        return ()
    return tuple(word for field in member.model_fields.values() if get_origin(field.annotation) is Literal
                 for word in get_args(field.annotation))


# --- names that lead nowhere ------------------------------------------------------------------------------------------

REFERENCES: tuple[tuple[str, str], ...] = (
    ("world.chips.*.vendor", "chipmaker"),
    ("world.chips.*.cut_from", "chip"),
    ("world.chips.*.successor_of", "chip"),
    ("world.chips.*.sold_as", "chip"),
    ("world.chips.*.designed_for", "country"),
    ("world.chips.*.fab_jurisdiction", "country"),
    ("world.chips.*.design_jurisdiction", "country"),
    ("world.actors.*.seat", "country"),
    ("world.actors.*.hq", "country"),
    ("world.actors.*.parent", "actor"),
    ("world.lanes.*.origin", "country"),
    ("world.lanes.*.destination", "country"),
    ("world.lanes.*.via.*", "country"),
    ("world.lanes.*.via_at_times.*", "country"),
    ("world.capacity.*.supplier", "maker"),
    ("world.budgets.#", "lab"),
    ("world.initial_stock.#", "actor"),
    ("world.initial_stock.*.#", "chip"),
    ("world.vendor_start.#", "chipmaker"),
    ("world.non_datacentre_revenue.#", "chipmaker"),
    ("world.routing.*.vendor", "chipmaker"),
    ("world.routing.*.customer_hq", "country"),
    ("world.routing.*.bill_to", "country"),
    ("world.fiscal.#", "chipmaker"),
    ("world.valuation.#", "chipmaker"),
    ("world.generator.countries.#", "country"),
    ("governments.#", "government"),
)
"""Where a name of something else is written, and what it must name; `*` any entry, `#` the keys themselves."""

PARENTS = ("world.actors.*.parent", "world.chips.*.cut_from", "world.chips.*.successor_of")
"""Chains that must end."""


def reference_faults(data: Mapping[str, Any], place: Place) -> list[Fault]:
    """Names that lead nowhere, chains that go round, one alias for two chips, quarters out of order.

    Read from plain data, so that they are told together with faults of form.
    """
    known = _known(data)
    faults = [fault for path, kind in REFERENCES for fault in _strays(data, path, kind, known[kind], place)]
    faults.extend(fault for path in PARENTS for fault in _circles(data, path, place))
    faults.extend(_shared_aliases(data, place))
    faults.extend(_unordered_quarters(data, place))
    faults.extend(_lost_paths(data, place))
    return faults


def range_faults(scenario: Scenario, place: Place) -> list[Fault]:
    """Uncertainties whose ends are out of order, or that the value they are about could not take."""
    faults: list[Fault] = []
    for name, item in scenario.uncertainties.items():
        stated = {word: end for word in ("low", "central", "high") if (end := getattr(item, word)) is not None}
        for (left, low), (right, high) in pairwise(stated.items()):
            if low > high:
                pointer = ("uncertainties", name, right)
                faults.append(Fault(*place(pointer), ".".join(pointer), f"{right} is {high:g}, under {left} of {low:g}",
                                    "write low, central and high in order"))
        for word, end in stated.items():
            if said := _refused(scenario, item.path, end):
                pointer = ("uncertainties", name, word)
                faults.append(Fault(*place(pointer), ".".join(pointer), f"{item.path} cannot be {end:g}", said))
    return faults


def _refused(scenario: Scenario, path: str, value: float) -> str:
    """Why a quantity of the scenario cannot have a value; empty when it can, or is no quantity."""
    *above, field = path.split(".")
    owner: Any = scenario
    for word in above:
        owner = owner.get(word) if isinstance(owner, Mapping) else getattr(owner, word, None)
    known = getattr(owner, field, None) if isinstance(owner, BaseModel) else None
    if not isinstance(known, Quantity):
        return ""
    try:
        type(owner).model_validate({**owner.__dict__, field: Quantity(value=value, low=value, high=value, unit=known.unit)})
    except ValidationError as error:
        return "; ".join(_words(one, one.get("ctx", {}))[1] for one in error.errors(include_url=False))
    return ""


def rule_faults(scenario: Scenario, left_out: list[str], place: Place) -> list[Fault]:
    """Names in rules that lead nowhere: parts, places, actors and other rules (those left out may still be named)."""
    world = scenario.world
    chips = [name for key, chip in world.chips.items() for name in (key, chip.name, *chip.aliases) if name]
    makers = [name for name, actor in world.actors.items() if actor.kind == "chipmaker"]
    known = {"chip": chips, "vendor": makers, "place": [*world.countries, *GROUPS], "actor": list(world.actors),
             "rule": [*scenario.rules, *left_out], "author": [*world.countries, *world.actors]}
    faults: list[Fault] = []
    for key, rule in scenario.rules.items():
        authors = [Reference(("by", i), "author", word) for i, word in enumerate(rule.by)]
        for at, kind, word in (*authors, *references(rule)):
            if word not in known[kind] and (word or isinstance(at[-1], int)):
                pointer = ("rules", key, *map(str, at))
                faults.append(Fault(*place(pointer), ".".join(pointer), f'"{word}" is no {kind}',
                                    nearest(word, known[kind])))
    return faults


def _known(data: Mapping[str, Any]) -> dict[str, list[str]]:
    actors = _at(data, "world", "actors")
    by_kind = {kind: [name for name, row in actors.items() if isinstance(row, Mapping) and row.get("kind") == kind]
               for kind in ("chipmaker", "lab", "government", "supplier")}
    chips = _at(data, "world", "chips")
    return {"actor": list(actors), "country": list(_at(data, "world", "countries")), "chip": list(chips),
            "maker": [*actors, "ALL", "chain"], **by_kind}


def _at(data: Any, *words: str) -> Mapping[str, Any]:
    for word in words:
        data = data.get(word) if isinstance(data, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def _strays(data: Any, path: str, kind: str, known: list[str], place: Place) -> Iterator[Fault]:
    names = set(known)
    for pointer, name in _matches(data, tuple(path.split("."))):
        if isinstance(name, str) and name not in names:
            yield Fault(*place(pointer), ".".join(pointer), f'"{name}" is no {kind}', nearest(name, known))


def _matches(data: Any, path: Pointer, above: Pointer = ()) -> Iterator[tuple[Pointer, Any]]:
    if not path:
        yield above, data
    elif isinstance(data, Mapping):
        if path[0] == "#":
            yield from (((*above, key), key) for key in data)
        else:
            for key in data if path[0] == "*" else [path[0]] if path[0] in data else []:
                yield from _matches(data[key], path[1:], (*above, key))
    elif isinstance(data, list) and path[0] == "*":
        for i, part in enumerate(data):
            yield from _matches(part, path[1:], (*above, str(i)))


def _circles(data: Any, path: str, place: Place) -> Iterator[Fault]:
    next_of = {pointer[-2]: (pointer, name) for pointer, name in _matches(data, tuple(path.split(".")))
               if isinstance(name, str)}
    for start, (pointer, _) in next_of.items():
        trail = [start]
        while trail[-1] in next_of and next_of[trail[-1]][1] not in trail:
            trail.append(next_of[trail[-1]][1])
        if trail[-1] in next_of and next_of[trail[-1]][1] == start:
            yield Fault(*place(pointer), ".".join(pointer), f"{' -> '.join([*trail, start])} goes round in a circle",
                        "leave out one of them")


def _shared_aliases(data: Any, place: Place) -> Iterator[Fault]:
    owner = {name: name for name in _at(data, "world", "chips")}
    for pointer, alias in _matches(data, ("world", "chips", "*", "aliases", "*")):
        chip = pointer[2]
        if isinstance(alias, str) and owner.setdefault(alias, chip) != chip:
            yield Fault(*place(pointer), ".".join(pointer), f'"{alias}" already names {owner[alias]}',
                        "write another name")


def _lost_paths(data: Any, place: Place) -> Iterator[Fault]:
    """Uncertainties about a value that is not there."""
    for pointer, path in _matches(data, ("uncertainties", "*", "path")):
        words = path.split(".") if isinstance(path, str) else []
        here: Any = data
        for word in words:
            known = list(here) if isinstance(here, Mapping) else []
            if word not in known:
                yield Fault(*place(pointer), ".".join(pointer), f'"{path}" leads nowhere at "{word}"',
                            nearest(word, known))
                break
            here = here[word]


def _unordered_quarters(data: Any, place: Place) -> Iterator[Fault]:
    for vendor, quarters in _at(data, "world", "fiscal").items():
        if not isinstance(quarters, Mapping):
            continue
        labels = sorted(label for label in quarters if isinstance(quarters[label], str))
        for before, after in pairwise(labels):
            if quarters[after] <= quarters[before]:
                pointer = ("world", "fiscal", vendor, after)
                yield Fault(*place(pointer), ".".join(pointer),
                            f"{after} ends on {quarters[after]}, not after {before} on {quarters[before]}",
                            "write its last day")
