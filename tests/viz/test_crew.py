"""Crew and shelf: what workers make, and what is read back from disk, is what the desk itself would make."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.errors import ScenarioError
from viz import baked
from viz.baked import Shelf
from viz.crew import Crew
from viz.desk import Desk
from viz.making import Framed

NAME = "teaching/rush"
MOVED = {"behaviour.lead_weeks": 9}


@pytest.fixture(scope="module")
def crew() -> Iterator[Crew]:
    found = Crew(1)
    yield found
    found.close()


def same(a: Framed, b: Framed) -> bool:
    return (a.text, a.hash, a.series, a.events) == (b.text, b.hash, b.series, b.events)


def test_a_worker_makes_the_same_frames(crew: Crew) -> None:
    here, there = Desk([NAME]), Desk([NAME], crew)
    assert same(here.framed(NAME, {}, 1), there.framed(NAME, {}, 1))
    assert same(here.framed(NAME, MOVED, 1), there.framed(NAME, MOVED, 1))


def test_a_worker_tells_of_its_progress(crew: Crew) -> None:
    """By a run of some seconds: a short one may be over before its first word."""
    heard: list[float | None] = []
    Desk(["history"], crew).framed("history", {}, 1, lambda _, share: heard.append(share))
    assert heard and all(share is not None and 0 <= share <= 1 for share in heard)


def test_a_worker_that_dies_is_replaced_and_refusals_keep_their_words(crew: Crew) -> None:
    desk = Desk([NAME], crew)
    before = desk.framed(NAME, {}, 1)
    process = crew._all[0].process
    assert process is not None
    process.kill()
    process.join()
    assert same(Desk([NAME], crew).framed(NAME, {}, 1), before)
    with pytest.raises(ScenarioError) as caught:
        desk.framed(NAME, {"rules.US_CHIP_RULE.until": "2030-01-08"}, 1)
    assert caught.value.faults[0].wanted


def test_baked_frames_and_bands_are_read_back_whole_and_never_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Desk([NAME], shelf=Shelf(tmp_path))
    first.bake(lambda _: None, wait=False)
    second = Desk([NAME], shelf=Shelf(tmp_path))
    monkeypatch.setattr(second, "make", lambda *_: pytest.fail("it was baked"))
    monkeypatch.setattr(second, "repeat", lambda *_: pytest.fail("it was baked"))
    for changes in ({}, {"levers.zero-grace": True}):
        made = second.framed(NAME, changes, 1)
        assert same(made, first.framed(NAME, changes, 1))
        assert second._spread(NAME, changes, made, lambda: True)["charts"]
    monkeypatch.setattr(baked, "mark", lambda: "another model")
    assert Shelf(tmp_path).framed(second._shelved(NAME, {}, 1) or []) is None


def test_a_shelf_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    desk = Desk([NAME], shelf=Shelf(tmp_path / "file"))
    assert desk.framed(NAME, {}, 1).hash == Desk([NAME]).framed(NAME, {}, 1).hash


@pytest.mark.slow
def test_a_counterfactual_stands_on_the_historys_ground() -> None:
    desk = Desk(["history", "no-controls"])
    preset = next(one for one in desk.presets("history") if one["scenario"] == "no-controls")
    assert preset["against"] == "history" and desk.presets("no-controls") == []
    made, history = desk.framed("no-controls", {}, 1), desk.framed("history", {}, 1)
    assert made.ground.plan.nodes == history.ground.plan.nodes and set(history.ground.lanes) <= set(made.ground.lanes)
