"""Link: a view as the query of an address, read with suspicion: known keys only, bounded, finite, or left out and said so."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

MOST_QUERY = 8000
MOST_CHANGES = 60
MOST_TEXT = 400
MOST_DEPTH = 6
MOST_SEED = 2**31 - 1
MOST_WEEK = 2600
VIEWS = ("one", "both", "difference")


@dataclass(frozen=True)
class View:
    """All that a reader can point at: which world, which baseline, which week, seen how.

    changes, base  control path -> value, of the policy and of the pinned baseline.
    against        the baseline's scenario, where it is another than the policy's.
    """

    scenario: str
    seed: int = 1
    changes: dict[str, Any] = field(default_factory=dict)
    base: dict[str, Any] = field(default_factory=dict)
    week: int = 0
    view: str = "one"
    room: str = ""
    against: str = ""


def read(query: str, scenarios: Collection[str], default: str, version: str) -> tuple[View, list[str]]:
    """The view a query asks for and the keys of it that were left out; never raises."""
    left: list[str] = []
    said: dict[str, str] = {}
    try:
        pairs = parse_qsl(query.lstrip("?")[:MOST_QUERY], keep_blank_values=True, max_num_fields=40)
    except ValueError:
        return View(default), ["query"]
    if len(query) > MOST_QUERY:
        left.append("query")
    for key, text in pairs:
        if key in said:
            left.append(key)
        said.setdefault(key, text)
    scenario = said.get("s", default)
    if scenario not in scenarios:
        left.append("s")
        scenario = default
    against = said.get("a", "")
    if against and against not in scenarios:
        left.append("a")
        against = ""
    view = said.get("view", "one")
    if view not in VIEWS:
        left.append("view")
        view = "one"
    room = said.get("room", "")
    if room and not (room.isascii() and room.isalnum() and len(room) <= 12):
        left.append("room")
        room = ""
    if "m" in said and said["m"] != version:
        left.append("m")
    return View(
        scenario,
        _whole(said, "seed", 1, MOST_SEED, left),
        _changes(said, "c", left),
        _changes(said, "b", left),
        _whole(said, "w", 0, MOST_WEEK, left),
        view,
        room,
        against,
    ), list(dict.fromkeys(left))


def write(view: View, version: str) -> str:
    """The query that `read` turns back into this view."""
    said: dict[str, str] = {
        "v": "1",
        "s": view.scenario,
        "seed": str(view.seed),
        "w": str(view.week),
        "view": view.view,
        "m": version,
    }
    for key, changes in (("c", view.changes), ("b", view.base)):
        if changes:
            said[key] = json.dumps(changes, separators=(",", ":"), sort_keys=True)
    if view.against:
        said["a"] = view.against
    if view.room:
        said["room"] = view.room
    return "?" + urlencode(said)


def _whole(said: dict[str, str], key: str, default: int, most: int, left: list[str]) -> int:
    text = said.get(key, str(default))
    if len(text) > 12 or not text.lstrip("-").isdecimal() or not text.isascii():
        left.append(key)
        return default
    return max(0, min(most, int(text)))


def _changes(said: dict[str, str], key: str, left: list[str]) -> dict[str, Any]:
    if key not in said:
        return {}
    try:
        found = json.loads(said[key], parse_constant=_no_number)
    except (ValueError, RecursionError):
        left.append(key)
        return {}
    if not plain_changes(found):
        left.append(key)
        return {}
    return dict(found)


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number")


def plain_changes(found: object) -> bool:
    """Whether these are changes at all: a small flat map of dotted paths to bounded plain values."""
    return (
        isinstance(found, dict)
        and len(found) <= MOST_CHANGES
        and all(isinstance(path, str) and 0 < len(path) <= 160 and _plain(value, 0) for path, value in found.items())
    )


def _plain(value: object, depth: int) -> bool:
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, int | float):
        return math.isfinite(value) and abs(value) < 1e18
    if isinstance(value, str):
        return len(value) <= MOST_TEXT and value.isprintable()
    if depth >= MOST_DEPTH:
        return False
    if isinstance(value, list):
        return len(value) <= 80 and all(_plain(part, depth + 1) for part in value)
    if isinstance(value, dict):
        return len(value) <= 40 and all(
            isinstance(key, str) and len(key) <= 80 and _plain(part, depth + 1) for key, part in value.items()
        )
    return False
