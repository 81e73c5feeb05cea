"""Quantity: a number with its unit, source and range, constant or a dated path, as a scenario states it.

Three ways to write one:
    4800
    {2022-10-07: 4800, 2023-11-16: 2400}                          steps: each value holds from its day
    {value | path | yearly: ..., unit: .., source: .., range: [low, high], note: ..}
A point of a path may be a triple [low, central, high].
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from sim.errors import nearest

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 12, 31)
"""Days a scenario may name; anything outside is taken for a slip of the pen."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_YEAR = re.compile(r"\d{4}")
_SLOTS = ("value", "path", "yearly")
_WORDS = (*_SLOTS, "unit", "source", "range", "note")


def fault(said: str, wanted: str, at: tuple[str, ...] = ()) -> PydanticCustomError:
    """An error that a scenario's reader turns into a Fault: what was read, what would do, where below the value."""
    return PydanticCustomError("fault", "{said}; {wanted}", {"said": said, "wanted": wanted, "at": list(at)})


def day_of(text: object, at: tuple[str, ...] = ()) -> date:
    """The date of ISO text, between FIRST_DAY and LAST_DAY; raises a fault on anything else."""
    if isinstance(text, date):
        return text
    try:
        day = date.fromisoformat(text) if isinstance(text, str) and _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise fault(f"{shown(text)} is no date", "write YYYY-MM-DD, such as 2023-11-16", at)
    if not FIRST_DAY <= day <= LAST_DAY:
        raise fault(f"{day} is out of the years a scenario covers", f"write a day from {FIRST_DAY} to {LAST_DAY}", at)
    return day


Day = Annotated[date, BeforeValidator(day_of)]
"""A date written YYYY-MM-DD."""


def shown(value: object) -> str:
    """A value as a user would recognise it in a message: quoted text, short containers by their kind."""
    if isinstance(value, Mapping):
        return f"a map with {len(value)} key{'s' if len(value) != 1 else ''}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return f'"{text if len(text) <= 60 else text[:57] + "..."}"' if isinstance(value, str) else text


class Point(NamedTuple):
    """One step of a path: the value that holds from a day on, and its range."""

    since: date
    value: float
    low: float
    high: float


class Quantity(BaseModel):
    """A number with its provenance.

    value      the constant, or the first value of the path.
    path       steps in order of day; empty for a constant.
    low, high  its range; equal to the value when none is stated (for a path: the widest of its points).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    path: tuple[Point, ...] = ()
    low: float
    high: float
    unit: str = ""
    source: str = ""
    note: str = ""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, data: Any) -> Any:
        if isinstance(data, Quantity):
            return data.__dict__
        stated = data if isinstance(data, Mapping) else {"value": data}
        if not any(word in stated for word in _WORDS):
            stated = {"path": stated}
        if stated.keys() >= {"value", "low", "high"}:
            ends = [stated["low"], stated["high"]]
            stated = {"range": ends, **{word: part for word, part in stated.items() if word not in ("low", "high")}}
        return _fields(stated)

    def at(self, day: date) -> float:
        """The value that holds on a day; before the first point, the first value."""
        return self.point(day).value

    def point(self, day: date) -> Point:
        """The step that holds on a day, with its range."""
        held = Point(FIRST_DAY, self.value, self.low, self.high)
        for i, point in enumerate(self.path):
            if i and point.since > day:
                break
            held = point
        return held

    def along(self, day: date) -> float:
        """The path as a straight line between its points, flat outside them; for levels that grow, such as capacity."""
        for before, after in zip(self.path, self.path[1:], strict=False):
            if before.since <= day < after.since:
                part = (day - before.since).days / (after.since - before.since).days
                return before.value + part * (after.value - before.value)
        return self.at(day)

    def plain(self) -> Any:
        """The quantity in the form a scenario file writes, with only what is stated."""
        said: dict[str, Any] = {}
        if self.path:
            said["path"] = {point.since.isoformat(): _plain_point(point) for point in self.path}
        else:
            said["value"] = self.value
            if (self.low, self.high) != (self.value, self.value):
                said["range"] = [self.low, self.high]
        said.update({word: getattr(self, word) for word in ("unit", "source", "note") if getattr(self, word)})
        return said

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return quantity_schema()


@dataclass(frozen=True)
class Of:
    """What a field's quantity is measured in and the bounds it keeps: `Annotated[Quantity, Of("share", 0, 1)]`.

    A stated unit must be this one (or one of these); where none is stated, the only one is filled in.
    Raises a fault outside the bounds.
    """

    unit: str | tuple[str, ...]
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = core_schema.no_info_before_validator_function(self.with_unit, handler(source))
        return core_schema.no_info_after_validator_function(self.checked, inner)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return quantity_schema(self)

    @property
    def units(self) -> tuple[str, ...]:
        return (self.unit,) if isinstance(self.unit, str) else self.unit

    def with_unit(self, data: Any) -> Any:
        """What was read, with the unit filled in; raises a fault on another unit."""
        if isinstance(data, Quantity):
            return data if data.unit in self.units else data.model_copy(update={"unit": self.units[0]})
        if not isinstance(data, Mapping):
            stated: dict[str, Any] = {"value": data}
        else:
            stated = dict(data) if any(word in data for word in _WORDS) else {"path": data}
        if "unit" not in stated and isinstance(self.unit, str):
            stated["unit"] = self.unit
        if stated.get("unit") not in self.units:
            known = nearest(str(stated.get("unit", "")), list(self.units))
            raise fault(f"the unit {shown(stated.get('unit'))} is not one this key is measured in", known, ("unit",))
        return stated

    def checked(self, quantity: Quantity) -> Quantity:
        """The quantity; raises a fault when it leaves the bounds."""
        lowest = min(quantity.low, quantity.value)
        highest = max(quantity.high, quantity.value)
        if self.at_least is not None and lowest < self.at_least:
            raise fault(f"{lowest:g} is too low", f"write {self.at_least:g} or more ({quantity.unit})")
        if self.above is not None and lowest <= self.above:
            raise fault(f"{lowest:g} is too low", f"write more than {self.above:g} ({quantity.unit})")
        if self.at_most is not None and highest > self.at_most:
            raise fault(f"{highest:g} is too high", f"write {self.at_most:g} or less ({quantity.unit})")
        return quantity


Share = Annotated[Quantity, Of("share", 0, 1)]
"""A part of one."""

Usd = Annotated[Quantity, Of("USD", 0)]
Weeks = Annotated[Quantity, Of("weeks", 0)]


def quantity_schema(of: Of | None = None) -> dict[str, Any]:
    """JSON Schema 2020-12 of a quantity as it is written, with the bounds of its field."""
    number: dict[str, Any] = {"type": "number"}
    if of is not None:
        bounds = {"minimum": of.at_least, "exclusiveMinimum": of.above, "maximum": of.at_most}
        number.update({word: bound for word, bound in bounds.items() if bound is not None})
    triple = {"type": "array", "prefixItems": [number] * 3, "items": False, "minItems": 3}
    point = {"anyOf": [number, triple]}
    steps = {"type": "object", "patternProperties": {r"^\d{4}-\d{2}-\d{2}$": point}, "additionalProperties": False,
             "minProperties": 1}
    yearly = {**steps, "patternProperties": {r"^\d{4}$": point}}
    pair = {"type": "array", "prefixItems": [number] * 2, "items": False, "minItems": 2}
    words = {"value": number, "path": steps, "yearly": yearly, "range": pair, "source": {"type": "string"},
             "note": {"type": "string"}, "unit": {"enum": list(of.units)} if of else {"type": "string"}}
    stated = {"type": "object", "properties": words, "additionalProperties": False}
    return {"anyOf": [number, steps, stated], **({"description": f"in {' or '.join(of.units)}"} if of else {})}


def _fields(stated: Mapping[str, Any]) -> dict[str, Any]:
    unknown = [word for word in stated if word not in _WORDS]
    if unknown:
        raise fault(f'"{unknown[0]}" is no word of a quantity', f"known: {', '.join(_WORDS)}", (unknown[0],))
    slots = [slot for slot in _SLOTS if slot in stated]
    if len(slots) != 1:
        raise fault(f"a quantity needs one of value, path or yearly, not {' and '.join(slots) or 'none of them'}",
                    "write the number, or {value: ..., unit: ..., source: ...}")
    words = {word: _text(stated[word], word) for word in ("unit", "source", "note") if word in stated}
    points = _points(stated[slots[0]], slots[0]) if slots[0] != "value" else ()
    if points:
        if "range" in stated:
            raise fault("a path has no range of its own", "write each point as [low, central, high]", ("range",))
        low, high = min(point.low for point in points), max(point.high for point in points)
        return {"value": points[0].value, "path": points, "low": low, "high": high, **words}
    value = number_of(stated["value"], ("value",) if len(stated) > 1 else ())
    low, high = _range(stated["range"], value) if "range" in stated else (value, value)
    return {"value": value, "low": low, "high": high, **words}


def number_of(value: object, at: tuple[str, ...] = ()) -> float:
    """A finite number; raises a fault on text, truth values, nothing, lists and infinities."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fault(f"{shown(value)} is no number", "write a number, such as 0.25", at)
    if not abs(value) < 1e18 or not math.isfinite(value):
        raise fault(f"{value} is out of reach", "write a number below 1e18", at)
    return float(value)


def _text(value: object, word: str) -> str:
    if not isinstance(value, str):
        raise fault(f"{shown(value)} is no text", f"write the {word} in words", (word,))
    return value


def _range(pair: object, value: float) -> tuple[float, float]:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise fault(f"{shown(pair)} is no range", "write [low, high]", ("range",))
    low, high = (number_of(end, ("range", str(i))) for i, end in enumerate(pair))
    if not low <= value <= high:
        raise fault(f"the value {value:g} is outside its range {low:g} to {high:g}",
                    "write [low, high] around the value")
    return low, high


def _points(steps: object, slot: str) -> tuple[Point, ...]:
    if not isinstance(steps, Mapping) or not steps:
        raise fault(f"{shown(steps)} is no path", "write day: value, such as {2022-10-07: 4800}", (slot,))
    points = [_point(_since(key, slot), step, (slot, key)) for key, step in steps.items()]
    return tuple(sorted(points))


def _since(key: str, slot: str) -> date:
    if slot == "path":
        return day_of(key, (slot, key))
    if not _YEAR.fullmatch(key) or not FIRST_DAY.year <= int(key) <= LAST_DAY.year:
        raise fault(f"{shown(key)} is no year", "write year: value, such as {2024: 12.5}", (slot, key))
    return date(int(key), 1, 1)


def _point(since: date, step: object, at: tuple[str, ...]) -> Point:
    if not isinstance(step, list | tuple):
        value = number_of(step, at)
        return Point(since, value, value, value)
    if len(step) != 3:
        raise fault(f"{shown(step)} is no point", "write a number or [low, central, high]", at)
    low, value, high = (number_of(part, (*at, str(i))) for i, part in enumerate(step))
    if not low <= value <= high:
        raise fault(f"[{low:g}, {value:g}, {high:g}] is out of order", "write [low, central, high]", at)
    return Point(since, value, low, high)


def _plain_point(point: Point) -> float | list[float]:
    return point.value if point.low == point.high else [point.low, point.value, point.high]
