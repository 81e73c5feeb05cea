"""Classroom: rooms by code, what their teacher set, and anonymous predictions; kept in memory alone, gone when they expire."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

IDLE_S = 3 * 3600.0
"""A room nobody has touched for this long is gone."""

MOST_ROOMS = 50
MOST_MEMBERS = 200
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without the letters and digits that look alike on a projector."""

Listener = Callable[[], None]


@dataclass
class Room:
    """One class. `token` is the teacher's and leaves the server only at the terminal; members are numbers, never names."""

    code: str
    token: str
    touched: float
    lesson: str = ""
    scenario: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    turn: int = 0
    paused: bool = False
    revealed: bool = False
    choices: dict[str, dict[str, int]] = field(default_factory=dict)
    """Question -> member -> choice; a member answers once and may change its mind."""
    listeners: dict[str, Listener] = field(default_factory=dict)

    def counts(self) -> dict[str, list[int]]:
        """Answers by question and choice."""
        out = {}
        for question, said in self.choices.items():
            tally = [0] * (max(said.values(), default=0) + 1)
            for choice in said.values():
                tally[choice] += 1
            out[question] = tally
        return out


class Classroom:
    """Every open room; safe to call from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._rooms: dict[str, Room] = {}
        self._lock = threading.RLock()
        self._clock = clock

    def open(self) -> Room:
        """A new room with a fresh code and token. Raises ValueError when there are too many."""
        with self._lock:
            self._sweep()
            if len(self._rooms) >= MOST_ROOMS:
                raise ValueError("too many rooms are open")
            code = next(
                code for _ in range(1000) if (code := "".join(secrets.choice(_LETTERS) for _ in range(5))) not in self._rooms
            )
            room = self._rooms[code] = Room(code, secrets.token_urlsafe(24), self._clock())
            return room

    @property
    def empty(self) -> bool:
        """Whether no room is open."""
        with self._lock:
            self._sweep()
            return not self._rooms

    def find(self, code: str) -> Room | None:
        """The open room of a code."""
        with self._lock:
            self._sweep()
            return self._rooms.get(code.upper())

    def taught_by(self, token: str) -> Room | None:
        """The room whose teacher holds this token; every room is compared, in constant time each."""
        with self._lock:
            self._sweep()
            found = None
            for room in self._rooms.values():
                if hmac.compare_digest(room.token.encode(), token.encode()):
                    found = room
            return found

    def enter(self, room: Room, member: str, heard: Listener) -> bool:
        """Listen to a room's changes; False when it is full."""
        with self._lock:
            if member not in room.listeners and len(room.listeners) >= MOST_MEMBERS:
                return False
            room.listeners[member] = heard
            room.touched = self._clock()
        self._tell(room)
        return True

    def leave(self, room: Room, member: str, heard: Listener) -> None:
        """Stop listening, unless the member has come back by another way meanwhile."""
        with self._lock:
            if room.listeners.get(member) == heard:
                del room.listeners[member]
        self._tell(room)

    def predict(self, room: Room, member: str, question: str, choice: int) -> None:
        """Note one anonymous answer."""
        with self._lock:
            if len(room.choices) >= 60 and question not in room.choices:
                return
            said = room.choices.setdefault(question, {})
            if member in said or len(said) < MOST_MEMBERS:
                said[member] = choice
            room.touched = self._clock()
        self._tell(room)

    def teach(self, room: Room, act: str, lesson: str = "", scenario: str = "", changes: dict[str, Any] | None = None) -> None:
        """What a teacher may do: set the world for all, pause and resume, show and hide predictions, clear them."""
        with self._lock:
            room.touched = self._clock()
            if act == "set":
                room.lesson, room.scenario, room.changes = lesson, scenario, dict(changes or {})
                room.turn += 1
            elif act in ("pause", "resume"):
                room.paused = act == "pause"
            elif act in ("reveal", "hide"):
                room.revealed = act == "reveal"
            elif act == "clear":
                room.choices.clear()
                room.revealed = False
        self._tell(room)

    def seen(self, room: Room, teacher: bool) -> dict[str, Any]:
        """A room as its teacher or a student may see it; a student sees counts only once they are revealed."""
        with self._lock:
            said = {
                "code": room.code,
                "teacher": teacher,
                "lesson": room.lesson,
                "scenario": room.scenario,
                "changes": room.changes,
                "turn": room.turn,
                "paused": room.paused,
                "revealed": room.revealed,
                "joined": max(0, len(room.listeners) - int(teacher)),
            }
            if teacher or room.revealed:
                said["counts"] = room.counts()
            return said

    def _tell(self, room: Room) -> None:
        with self._lock:
            listeners = list(room.listeners.items())
        gone = []
        for member, heard in listeners:
            try:
                heard()
            except Exception:  # a listener whose browser has left must not keep the others from hearing
                gone.append(member)
        with self._lock:
            for member in gone:
                room.listeners.pop(member, None)

    def _sweep(self) -> None:
        now = self._clock()
        for code in [code for code, room in self._rooms.items() if now - room.touched > IDLE_S]:
            del self._rooms[code]
