"""docs/scenario.md: every key a scenario file may hold, made from the models that read it.

    python -m experiments.scenario_reference        renews the page in a clone
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from experiments.odd import table
from sim.levers.base import Leak, Lever, Rule, discover_levers, levers
from sim.parameters import Behaviour
from sim.quantity import Of, Quantity
from sim.scenario import ID, Scenario
from sim.scope import ChipScope, Where

PAGE = Path(__file__).parent.parent / "docs" / "scenario.md"

HEAD = """\
# Scenario files: every key

This page is made from the models by `python -m experiments.scenario_reference`; change those, not this.
`chokepoint schema` prints the same as JSON Schema, for editors. A newcomer starts with [the tutorial](tutorial.md).

## How a file is read

- YAML (the safe subset of 1.2: only `true` and `false` are truth values, `no` and `off` are words, days are
  `YYYY-MM-DD`; no tags, no key twice), TOML or JSON; at most 2 MB.
- `extends: NAME` or `extends: [NAME, ...]` lays the file over others: shipped scenarios by name, or files in its own
  folder. Maps are merged key by key, the later file wins, `null` takes an entry away, lists are replaced whole.
- `posterior: NAME` lays the centre of a fitted file over what this file and those it extends say; files that extend this
  one start from it, and what they, a lever or `--set` say wins. Ensembles take its draws by seed. A file that was fitted on
  something else than these files say is left out, and `chokepoint run` says so.
- `rules.without: [ID, ...]` leaves rules out; the lists of several files add up; naming a rule again brings it back.
- `levers` holds named overrides, sparse patches of the scenario: `--set NAME` applies one. Two that touch one key are
  refused with both names. `--set path=value` sets one value, such as `--set world.chips.H20.tpp=2400`.
- Every fault is told at once, each with file, line, key, what was read and what would do; the exit code is 3.

## Numbers

A number is written in one of three ways:

```yaml
tpp: 4800                                          # a number, in the unit its key is measured in
tpp: {2022-10-07: 4800, 2023-11-16: 2400}          # steps: each value holds from its day
tpp: {value: 4800, range: [4000, 5000], source: "where it comes from", note: why}
```

`path: {day: value}` or `yearly: {year: value}` may stand for `value`, and a point may be `[low, central, high]`.
`source: assumption` marks a number nobody published; it then has a range. A stated `unit` must be the key's own.
"""


def text() -> str:
    """The whole page."""
    discover_levers()
    parts = [HEAD, *_section("Top level", Scenario)]
    world = Scenario.model_fields["world"].annotation
    parts += _section("world", world)
    for name, field in world.model_fields.items() if world else ():
        for model in _models(field.annotation):
            parts += _section(f"world.{name}", model)
    parts += [f"## behaviour\n\n{len(Behaviour.model_fields)} named parameters and switches; "
              "[the ODD page](odd.md) lists them with what they do.\n"]
    for name in ("uncertainties",):
        for model in _models(Scenario.model_fields[name].annotation):
            parts += _section(name, model)
    parts += _section("rules", Rule)
    parts += _section("rules.*.leaks", Leak) + _section("chips, in an effect", ChipScope)
    parts += _section("where, in an effect", Where)
    shared = set(Lever.model_fields)
    parts += [f"## effects\n\nEvery effect has a `lever` and may have {_listed(shared - {'lever'})}.\n"]
    for name in levers.names:
        parts += _section(f"lever: {name}", levers[name], shared, "###")
    return "\n".join(parts)


def _section(title: str, model: Any, leave_out: set[str] | None = None, mark: str = "##") -> list[str]:
    rows = [_row(name, field) for name, field in model.model_fields.items() if name not in (leave_out or ())]
    said = _first_paragraph(model.__doc__ or "")
    body = table(("key", "what is written", "when left out", "meaning"), rows) if rows else "No keys of its own."
    return [f"{mark} {title}\n\n{said}\n\n{body}\n"]


def _first_paragraph(said: str) -> str:
    return " ".join(line.strip() for line in said.split("\n\n")[0].splitlines())


def _row(name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    kind = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    return f"`{field.alias or name}`", _written(kind), _left_out(field), field.description or ""


def _left_out(field: FieldInfo) -> str:
    if field.is_required():
        return "refused"
    default = field.default if field.default is not PydanticUndefined else None
    if default in (None, "", (), {}) or (isinstance(default, BaseModel) and not isinstance(default, Quantity)):
        return ""
    if isinstance(default, Quantity):
        return f"{default.value:g}"
    if isinstance(default, tuple):
        return ", ".join(map(str, default))
    return str(default).lower() if isinstance(default, bool) else str(default)


def _written(kind: Any) -> str:
    """A type as a writer of a file understands it."""
    marks = []
    while get_origin(kind) is Annotated:
        kind, *own = get_args(kind)
        marks += own
    of = next((mark for mark in marks if isinstance(mark, Of)), None)
    if kind is Quantity:
        return f"number{_measured(of)}"
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(_written(part) for part in get_args(kind) if part is not types.NoneType)
    if get_origin(kind) is Literal:
        return ", ".join(f"`{word}`" for word in get_args(kind))
    if get_origin(kind) is dict:
        return f"map by {_written(get_args(kind)[0])}: {_written(get_args(kind)[1])}"
    if get_origin(kind) in (tuple, list):
        return f"list: {_written(get_args(kind)[0])}"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "effect" if kind is Lever else f"{kind.__name__} (below)"
    if kind is str and any(getattr(mark, "pattern", None) == ID for mark in marks for mark in _expanded(mark)):
        return "id"
    return {str: "text", bool: "true or false", int: "whole number", float: "number", date: "day"}.get(kind, "anything")


def _expanded(mark: Any) -> Iterator[Any]:
    yield mark
    yield from getattr(mark, "metadata", ())


def _measured(of: Of | None) -> str:
    if of is None:
        return ""
    bounds = [f"{bound:g} {words}" for bound, words in ((of.at_least, "or more"), (of.at_most, "or less"))
              if bound is not None]
    bounds += [f"above {of.above:g}"] if of.above is not None else []
    return f", {' or '.join(of.units)}" + (f" ({', '.join(bounds)})" if bounds else "")


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    """The models inside a type, a number's own left out."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if kind is not Quantity:
            yield kind
        return
    for part in get_args(kind):
        yield from _models(part)


def _listed(words: set[str]) -> str:
    return ", ".join(f"`{word}`" for word in sorted(words))


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
