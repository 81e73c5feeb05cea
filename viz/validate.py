"""Validate: what a browser says, before anything believes it; any client can call any handler with anything."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from viz.link import MOST_SEED, MOST_WEEK, plain_changes

WHATS = ("world", "explain", "file", "enter", "predict", "teach", "notes")
OF_NO_WORLD = ("enter", "predict", "notes")
TEACHINGS = ("set", "pause", "resume", "reveal", "hide", "clear")
FILES = ("scenario", "page")
WORDS = ("seller", "buyer", "chip", "file", "act", "room", "token", "lesson", "question", "member")


class RefusalError(Exception):
    """A request that is not carried out, and why, in words a reader can be shown."""


@dataclass(frozen=True)
class Request:
    """One checked request.

    seq    the browser's number for it; answers carry it back.
    against  scenario of the baseline, where it is another than the policy's.
    have   hashes of frames the browser already holds.
    words  the short texts of the request by key: seller, buyer, chip, file, act, room, token, lesson, question, member.
    """

    what: str
    scenario: str
    seed: int = 1
    seq: int = 0
    changes: dict[str, Any] = field(default_factory=dict)
    base: dict[str, Any] = field(default_factory=dict)
    have: tuple[str, ...] = ()
    tick: int = 0
    choice: int = 0
    words: dict[str, str] = field(default_factory=dict)
    against: str = ""

    @property
    def baseline(self) -> str:
        """Scenario of the baseline."""
        return self.against or self.scenario


def request(data: object, scenarios: Collection[str]) -> Request:
    """The request in what a client sent. Raises RefusalError on anything it cannot be."""
    if not isinstance(data, dict):
        raise RefusalError("it is no request")
    what = data.get("what")
    if what not in WHATS:
        raise RefusalError("no such question")
    first = next(iter(scenarios), "")
    scenario = first if what in OF_NO_WORLD else data.get("scenario", first)
    if not isinstance(scenario, str) or scenario not in scenarios:
        raise RefusalError("no such scenario")
    against = data.get("against") or ""
    if not isinstance(against, str) or (against and against not in scenarios):
        raise RefusalError("no such scenario")
    changes, base = data.get("changes") or {}, data.get("base") or {}
    if not plain_changes(changes) or not plain_changes(base):
        raise RefusalError("the changes are malformed or too many")
    have = data.get("have") or []
    if not isinstance(have, list) or len(have) > 16:
        raise RefusalError("malformed list of frames")
    words = {key: _word(data, key) for key in WORDS}
    if what == "teach" and words["act"] not in TEACHINGS:
        raise RefusalError("no such act")
    if what == "file" and words["file"] not in FILES:
        raise RefusalError("no such file")
    return Request(
        what,
        scenario,
        _whole(data, "seed", 1, MOST_SEED),
        _whole(data, "seq", 0, 2**53),
        dict(changes),
        dict(base),
        tuple(text for text in have if isinstance(text, str) and len(text) <= 16),
        _whole(data, "tick", 0, MOST_WEEK),
        _whole(data, "choice", 0, 20),
        words,
        against,
    )


def _word(data: dict[Any, Any], key: str) -> str:
    value = data.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 80 or not value.isprintable():
        raise RefusalError(f"{key} is malformed")
    return value


def _whole(data: dict[Any, Any], key: str, default: int, most: int) -> int:
    value = data.get(key, default)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) > 2**53:
        raise RefusalError(f"{key} is no number")
    return max(0, min(most, int(value)))
