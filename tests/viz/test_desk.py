"""Desk, bars and foundries on a real teaching world: what the page shows is what the simulation and the rulebook say."""

from __future__ import annotations

import json
from typing import Any

import pytest

import sim
from sim.scenario_io import shipped_names
from viz import charts, frames
from viz.bars import answer, runs_of
from viz.desk import Desk
from viz.lessons import lessons
from viz.validate import Request

NAME = "teaching/rush"


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk([NAME])


@pytest.fixture(scope="module")
def world(desk: Desk) -> dict[str, Any]:
    return dict(json.loads(desk.world(Request("world", NAME, 1, 1))))


def test_a_world_is_whole(world: dict[str, Any]) -> None:
    policy = world["policy"]
    assert world["base"] == policy["hash"] and world["parting"] is None
    assert {node["kind"] for node in policy["nodes"]} >= {"maker", "distributor", "lab"}
    assert {"cn_units", "cn_stock", "lag"} <= {series["id"] for series in policy["series"]}
    assert [rule["id"] for rule in policy["rules"]] == ["US_CHIP_RULE"]
    assert policy["rules"][0]["announced"] < policy["rules"][0]["since"]


def test_charts_are_the_results_own_numbers(world: dict[str, Any]) -> None:
    result = sim.run(sim.load(NAME), seed=1)
    chart = next(chart for chart in charts.CHARTS if chart.id == "cn_stock")
    drawn = next(series for series in world["policy"]["series"] if series["id"] == "cn_stock")
    owned = result.panel(chart.observable).select(region="CN", channel=["licensed", "domestic", "grey", "resale"])
    assert drawn["values"][60] == owned.by().values[0][60]


def test_the_makers_lanes_to_china_are_barred_from_the_rules_first_week(world: dict[str, Any]) -> None:
    policy = world["policy"]
    since = policy["rules"][0]["since"]
    ids = [node["id"] for node in policy["nodes"]]
    barred = {(ids[lane["from"]], ids[lane["to"]]): lane["bars"] for lane in policy["lanes"] if lane["bars"]}
    assert barred and all(spans == [[since, policy["ticks"]]] for spans in barred.values())
    scenario = sim.load(NAME)
    for maker, lab in barred:
        assert scenario.world.actors[maker].hq != "CN" and scenario.world.actors[lab].seat == "CN"


def test_the_rulebook_answers_yes_before_and_no_after(world: dict[str, Any]) -> None:
    scenario = sim.load(NAME)
    since = world["policy"]["rules"][0]["since"]
    maker = next(name for name, actor in scenario.world.actors.items() if actor.kind == "chipmaker" and actor.hq == "US")
    lab = next(
        name
        for name, actor in sorted(scenario.world.actors.items())
        if actor.kind == "lab" and actor.hq == "CN" and not actor.military and not actor.listed_since
    )
    before, after = (answer(scenario, maker, lab, "N1", tick) for tick in (since - 1, since))
    assert before["allowed"] and not after["allowed"] and after["rule"] == "US_CHIP_RULE"


def test_the_same_request_is_the_same_hash_and_one_run(desk: Desk, world: dict[str, Any]) -> None:
    computed = desk.runs.computed
    again = json.loads(desk.world(Request("world", NAME, 1, 2)))
    assert again["policy"]["hash"] == world["policy"]["hash"] and desk.runs.computed == computed
    assert Desk([NAME]).framed(NAME, {}, 1).hash == world["policy"]["hash"]


def test_a_change_names_where_the_worlds_part_and_the_file_runs_to_the_same_numbers(desk: Desk, tmp_path: Any) -> None:
    changes = {"rules.US_CHIP_RULE.since": "2030-07-08"}
    said = json.loads(desk.world(Request("world", NAME, 1, 3, changes)))
    assert said["parting"]["policy"]["kind"] == "decree_in_force"
    body = json.loads(desk.file(Request("file", NAME, 1, changes=changes, words={"file": "scenario"}), {}))
    path = tmp_path / body["name"]
    path.write_text(body["body"], encoding="utf-8")
    result = sim.run(sim.load(path), seed=1)
    drawn = next(series for series in said["policy"]["series"] if series["id"] == "cn_units")
    chart = next(chart for chart in charts.CHARTS if chart.id == "cn_units")
    twin = charts.series_of(result, chart)
    assert twin is not None and twin["values"] == drawn["values"]


def test_an_impossible_change_is_told_beside_its_control(desk: Desk) -> None:
    said = json.loads(desk.world(Request("world", NAME, 1, 4, {"rules.US_CHIP_RULE.until": "2030-01-08"})))
    assert said["faults"][0]["path"] == "rules.US_CHIP_RULE.until"


def test_the_foundry_ships_what_the_maker_completes(world: dict[str, Any]) -> None:
    policy = world["policy"]
    inputs = [row for row, lane in enumerate(policy["lanes"]) if lane["kind"] == "input"]
    if not inputs:
        assert "supplier" not in {node["kind"] for node in policy["nodes"]}
        return
    flow = frames.unpacked(policy["flow"]).reshape(len(policy["lanes"]), policy["ticks"])
    assert flow[inputs].sum() > 0


def test_every_lesson_has_its_world_and_its_tasks_can_be_done() -> None:
    for lesson in lessons():
        assert lesson.scenario in shipped_names(), lesson.id
        scenario = sim.load(lesson.scenario)
        for step in lesson.steps:
            for task in step.todo:
                for deed in task.when or []:
                    if deed["do"] == "change" and deed["with"].startswith("levers."):
                        preset = deed["with"].removeprefix("levers.")
                        assert any(name.startswith(preset) for name in scenario.levers), (lesson.id, task.text)
                    if deed["do"] == "change" and deed["with"].startswith("behaviour."):
                        assert deed["with"].removeprefix("behaviour.") in type(scenario.behaviour).model_fields


def test_spans_of_a_mask() -> None:
    import numpy as np

    assert runs_of(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert runs_of(np.zeros(3, bool)) == []
