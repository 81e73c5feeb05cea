"""State: what one browser tab holds on the server, and what the server was started with. All of it, and nothing else."""

from __future__ import annotations

import json
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from viz import validate
from viz.classroom import Classroom, Room
from viz.desk import Desk
from viz.lessons import lessons, notes, plain
from viz.link import View
from viz.making import version
from viz.texts import texts

TELL_S = 0.5
"""How often a waiting reader is told of a run's progress, the first time included: a short run is over before a word of it would
help, and each word costs the server a message. The page itself shows at once that it waits."""

Put = Callable[[str, str], None]
"""Send one named text to the tab: levers, world, bands, status, word or room."""


@dataclass
class House:
    """What the server was started with: the desk all share, the classroom, and where students join."""

    desk: Desk
    classroom: Classroom = field(default_factory=Classroom)
    join_at: str = "http://127.0.0.1:8765/"
    language: str = "en"


house: House | None = None
"""Set by the server before the first page."""


class Session:
    """One tab. It keeps no world: every request carries all it needs, so a restart loses nothing."""

    def __init__(self, house: House, view: View, left: list[str], put: Put) -> None:
        self.house, self.view, self.put = house, view, put
        self.left = left
        self.member = secrets.token_hex(8)
        self.room: Room | None = None
        self.teacher = False
        self.answers = 0
        self._levers_for = ""
        self._newest = 0

    def boot(self) -> dict[str, Any]:
        """What the page needs before anything is computed."""
        view = self.view
        return {
            "version": version(),
            "texts": texts(self.house.language),
            "scenarios": self.house.desk.listed,
            "lessons": plain(lessons(self.house.language)),
            "state": {
                "scenario": view.scenario,
                "seed": view.seed,
                "changes": view.changes,
                "base": view.base,
                "against": view.against,
                "week": view.week,
                "view": view.view,
                "start": "2022-01-03",
            },
        }

    def begin(self) -> None:
        """The first picture."""
        view = self.view
        note = " ".join(filter(None, (self._note(),)))
        self._world(validate.Request("world", view.scenario, view.seed, 0, view.changes, view.base, against=view.against), note)

    def _note(self) -> str:
        said = self.house.desk.say
        notes = [said("old_link").replace("{old}", "another").replace("{new}", version())] if "m" in self.left else []
        rest = [key for key in self.left if key != "m"]
        if rest:
            notes.append(said("bad_link").replace("{what}", ", ".join(rest)))
        return " ".join(notes)

    def asked(self, data: object) -> None:
        """Carry out one request of the tab; anything at all may arrive here."""
        try:
            request = validate.request(data, self.house.desk.names)
        except validate.RefusalError as refusal:
            self._word(json.dumps({"kind": "refused", "said": self.house.desk.say("refused").replace("{why}", str(refusal))}))
            return
        try:
            self._carry_out(request)
        except Exception:
            # A defect of ours must not take the reader's page with it; it is logged whole, and said.
            logging.getLogger("chokepoint").exception("request %s failed", request.what)
            self._word(json.dumps({"kind": "refused", "said": self.house.desk.say("failed")}))

    def _carry_out(self, request: validate.Request) -> None:
        if request.what == "world":
            self._world(request)
        elif request.what == "explain":
            self._word(self.house.desk.explain(request))
        elif request.what == "file":
            self._word(self.house.desk.file(request, {"texts": texts(self.house.language), "version": version()}))
        elif request.what == "enter":
            self._enter(request)
        elif request.what == "predict" and self.room:
            self.house.classroom.predict(self.room, self.member, request.words["question"], request.choice)
        elif request.what == "notes":
            self._notes(request.words["lesson"])
        elif request.what == "teach":
            self._teach(request)

    def _world(self, request: validate.Request, note: str = "") -> None:
        desk = self.house.desk
        if self._levers_for != request.scenario:
            self._levers_for = request.scenario
            self.put("levers", desk.levers(request.scenario))

        began = last = time.monotonic()

        def tell(title: str, share: float | None) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last < TELL_S:
                return
            last = now
            self.put("status", json.dumps({"text": desk.say("computing_share").replace("{title}", title), "share": share}))

        self._newest = request.seq
        text = desk.world(request, tell, note)
        self.put("world", text)
        if last > began:
            self.put("status", "")
        if not text.startswith('{"seq": '):
            threading.Thread(target=self._spread, args=(request,), daemon=True).start()

    def _spread(self, request: validate.Request) -> None:
        text = self.house.desk.spread(request, lambda: self._newest == request.seq)
        if text and self._newest == request.seq:
            self.put("bands", text)

    def _word(self, text: str) -> None:
        self.answers += 1
        self.put("word", text[:-1] + f',"n":{self.answers}}}')

    # --- the class

    def _enter(self, request: validate.Request) -> None:
        classroom = self.house.classroom
        taught = classroom.taught_by(request.words["token"]) if request.words["token"] else None
        room = taught or (classroom.find(request.words["room"]) if request.words["room"] else None)
        if room is None:
            if request.words["room"]:
                self.put("room", json.dumps({"gone": True}))
            return
        self.room, self.teacher = room, taught is not None
        if re.fullmatch(r"[0-9a-f]{32}", request.words["member"]):
            self.member = request.words["member"]
        if not classroom.enter(room, self.member, self._heard):
            self.room = None
            self.put("room", json.dumps({"gone": True}))

    def _heard(self) -> None:
        if self.room is None:
            return
        seen = self.house.classroom.seen(self.room, self.teacher)
        if self.teacher:
            seen.update(_join(self.house.join_at, self.room.code))
        self.put("room", json.dumps(seen))

    def _notes(self, lesson: str) -> None:
        """The teacher's page: for the teacher of a class, and for anyone where there is no class."""
        if self.teacher or self.house.classroom.empty:
            self._word(json.dumps({"kind": "notes", "lesson": lesson, "html": notes(lesson, self.house.language)}))
        else:
            self._word(json.dumps({"kind": "refused", "said": self.house.desk.say("teachers_only")}))

    def _teach(self, request: validate.Request) -> None:
        room = self.house.classroom.taught_by(request.words["token"]) if request.words["token"] else None
        if room is None:
            self._word(
                json.dumps({"kind": "refused", "said": self.house.desk.say("refused").replace("{why}", "no teacher's token")})
            )
            return
        self.house.classroom.teach(room, request.words["act"], request.words["lesson"], request.scenario, request.changes)

    def leave(self) -> None:
        if self.room:
            self.house.classroom.leave(self.room, self.member, self._heard)


def _join(at: str, code: str) -> dict[str, str]:
    """The link students open, and its QR code."""
    import segno

    link = f"{at}?room={code}"
    return {"join": link, "qr": segno.make(link, error="m").svg_data_uri(scale=4, border=2)}
