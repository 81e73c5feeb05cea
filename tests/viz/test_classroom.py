"""Classroom: tokens teach, codes do not; counts without names; rooms end."""

from __future__ import annotations

import json

from tests.viz.fake_desk import FakeDesk
from viz.classroom import IDLE_S, MOST_MEMBERS, Classroom
from viz.link import View
from viz.state import House, Session


def test_a_room_expires() -> None:
    now = [0.0]
    classroom = Classroom(clock=lambda: now[0])
    room = classroom.open()
    assert classroom.find(room.code.lower()) is room
    now[0] = IDLE_S + 1
    assert classroom.find(room.code) is None and classroom.taught_by(room.token) is None


def test_predictions_are_counts_and_show_only_when_revealed() -> None:
    classroom = Classroom()
    room = classroom.open()
    for member, choice in (("a", 0), ("b", 2), ("c", 2), ("b", 1)):
        classroom.predict(room, member, "q", choice)
    assert "counts" not in classroom.seen(room, teacher=False)
    assert classroom.seen(room, teacher=True)["counts"] == {"q": [1, 1, 1]}
    classroom.teach(room, "reveal")
    assert classroom.seen(room, teacher=False)["counts"] == {"q": [1, 1, 1]}
    classroom.teach(room, "clear")
    assert classroom.seen(room, teacher=False).get("counts") is None


def test_what_a_student_sees_holds_no_token() -> None:
    classroom = Classroom()
    room = classroom.open()
    assert room.token not in json.dumps(classroom.seen(room, teacher=False)) + json.dumps(classroom.seen(room, teacher=True))


def test_a_room_is_bounded_and_a_gone_listener_is_dropped() -> None:
    classroom = Classroom()
    room = classroom.open()
    heard: list[str] = []
    for i in range(MOST_MEMBERS):
        assert classroom.enter(room, str(i), lambda: None)
    assert not classroom.enter(room, "one more", lambda: None)

    def gone() -> None:
        raise RuntimeError("the tab is closed")

    room.listeners = {"gone": gone, "here": lambda: heard.append("x")}
    classroom.teach(room, "pause")
    assert heard and "gone" not in room.listeners


def tab(house: House) -> tuple[Session, dict[str, list[str]]]:
    said: dict[str, list[str]] = {}
    return Session(house, View("fake"), [], lambda name, text: said.setdefault(name, []).append(text)), said


def test_a_teacher_sets_the_class_and_a_student_cannot() -> None:
    house = House(FakeDesk())
    room = house.classroom.open()
    (teacher, seen), (student, heard) = tab(house), tab(house)
    teacher.asked({"what": "enter", "token": room.token})
    student.asked({"what": "enter", "room": room.code})
    assert json.loads(seen["room"][-1])["qr"].startswith("data:image/svg+xml")
    assert room.token not in "".join(heard["room"])
    student.asked({"what": "teach", "act": "pause", "token": "guess-guess-guess"})
    assert not room.paused and json.loads(heard["word"][-1])["kind"] == "refused"
    teacher.asked({"what": "teach", "act": "set", "token": room.token, "scenario": "fake-calm", "lesson": "1-rush"})
    assert json.loads(heard["room"][-1])["scenario"] == "fake-calm"
    teacher.asked({"what": "teach", "act": "pause", "token": room.token})
    assert json.loads(heard["room"][-1])["paused"] is True
    student.asked({"what": "predict", "question": "q_1", "choice": 2})
    assert json.loads(seen["room"][-1])["counts"] == {"q_1": [0, 0, 1]}
    assert json.loads(seen["room"][-1])["joined"] == 1
    student.leave()
    assert json.loads(seen["room"][-1])["joined"] == 0


def test_students_worlds_stay_their_own() -> None:
    house = House(FakeDesk())
    (first, a), (second, b) = tab(house), tab(house)
    first.asked({"what": "world", "seq": 1, "changes": {"behaviour.leak": 3}})
    second.asked({"what": "world", "seq": 1})
    assert json.loads(a["world"][-1])["policy"]["about"]["changes"] == {"behaviour.leak": 3}
    assert json.loads(b["world"][-1])["policy"]["about"]["changes"] == {}
