"""Controls: every value of every rule can be moved, every lever added; moves are a scenario file that says just them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.errors import ScenarioError
from sim.levers.base import levers
from sim.scenario import Scenario
from sim.scenario_io import dumps, load, loads, shipped_folder
from viz import controls
from viz.desk import Desk

NAME = "teaching/rush"
RULE = "rules.US_CHIP_RULE"
HISTORY = Desk(["history"])


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load(NAME)


TEACHING = Desk([NAME])


def changed(changes: dict[str, object]) -> Scenario:
    made: Scenario = TEACHING.changed(NAME, changes)[0]
    return made


def test_a_rule_has_its_dates_its_line_and_its_policy(scenario: Scenario) -> None:
    found = controls.controls_of(scenario)
    kinds = {path.removeprefix(RULE + "."): control.kind for path, control in found.items() if path.startswith(RULE)}
    assert kinds["in_force"] == "switch" and kinds["since"] == "date"
    assert kinds["effects.0.chips.tpp_at_least"] == "number" and kinds["effects.0.policy"] == "choice"
    assert found[f"{RULE}.effects.0.chips.tpp_at_least"].value == 4800
    assert found["behaviour.thrift"].value is True


def test_every_number_offers_a_span_around_its_value(scenario: Scenario) -> None:
    for control in controls.controls_of(load("history")).values():
        if control.kind == "number":
            assert control.min <= control.value <= control.max, control  # type: ignore[operator]
            assert control.title and control.of


def test_each_kind_of_move_changes_what_it_says() -> None:
    moved = changed(
        {
            f"{RULE}.since": "2030-07-08",
            f"{RULE}.effects.0.chips.tpp_at_least": 1600,
            "behaviour.thrift": False,
            "behaviour.lead_weeks": 9,
            "governments.gov_cn": "adaptive",
        }
    )
    rule = moved.rules["US_CHIP_RULE"]
    assert rule.since == date(2030, 7, 8) and rule.effects[0].chips.tpp_at_least.value == 1600  # type: ignore[union-attr]
    assert rule.effects[0].where[0].destination == ("CN", "HK", "MO")
    assert moved.behaviour.thrift == "off" and moved.behaviour.lead_weeks.value == 9
    assert moved.governments["gov_cn"] == "adaptive"
    assert "US_CHIP_RULE" not in changed({f"{RULE}.in_force": False}).rules
    assert changed({"levers.zero-grace": True}).rules["US_CHIP_RULE"].since == date(2030, 7, 8)


def test_the_file_says_only_what_was_moved_and_reads_back_the_same(scenario: Scenario) -> None:
    desk = Desk([NAME])
    moved, text, strange = desk.changed(NAME, {f"{RULE}.since": "2031-07-07", "nonsense.path": 3})
    assert strange == ["nonsense.path"]
    assert loads(text, folder=shipped_folder()).hash == moved.hash != scenario.hash
    assert "behaviour" not in text and "US_CHIP_RULE" in text


def test_numbers_beyond_the_span_are_clamped(scenario: Scenario) -> None:
    control = controls.controls_of(scenario)["behaviour.lead_weeks"]
    assert changed({"behaviour.lead_weeks": 1e15}).behaviour.lead_weeks.value == control.max
    assert changed({"behaviour.lead_weeks": -1e15}).behaviour.lead_weeks.value == control.min


def test_an_impossible_move_is_told_beside_its_control() -> None:
    changes = {f"{RULE}.until": "2030-01-08"}
    with pytest.raises(ScenarioError) as caught:
        changed(changes)
    said = controls.placed(caught.value.faults[0], controls.controls_of(load(NAME)), changes)
    assert said["path"] == f"{RULE}.until" and "later day" in said["said"]


def test_every_lever_of_the_rulebook_has_a_form() -> None:
    forms = {kind["name"]: kind for kind in controls.kinds()}
    assert sorted(forms) == levers.names
    rate = next(field for field in forms["tariff"]["fields"] if field["name"] == "rate")
    assert (rate["kind"], rate["unit"], rate["max"]) == ("number", "share of ask", None)
    for form in forms.values():
        assert form["help"] and {"chips.tpp_at_least", "where.destination"} <= {field["name"] for field in form["fields"]}


def test_a_rule_of_ones_own_binds() -> None:
    own: dict[str, Any] = {
        "by": "US",
        "since": "2030-03-04",
        "until": "2031-03-03",
        "effects": [
            {"lever": "tariff", "rate": 0.3, "where.destination": ["CN"], "chips.tpp_at_least": 100},
            {"lever": "tariff", "rate": 0.1},
        ],
    }
    rule = changed({"rules.OWN_1": own}).rules["OWN_1"]
    assert [effect.lever for effect in rule.effects] == ["tariff", "tariff"] and rule.until == date(2031, 3, 3)
    assert rule.effects[0].where[0].destination == ("CN",)
    many = changed({"rules.OWN_1": {**own, "effects": own["effects"] * 50}}).rules["OWN_1"]
    assert len(many.effects) == controls.MOST_EFFECTS


FITTING = {
    "of": ["RULE_2022_10"],
    "rules": ["RULE_2022_10"],
    "allies": ["NL"],
    "against": ["US"],
    "chips.named": ["H100"],
    "chips_cap": 1000,
}
"""What a form's field takes where any word or number will not do."""

ASKED = {"named_part": ["chips.named"], "quota": ["chips_cap"], "threshold": ["chips.tpp_at_least"]}
"""Fields that a kind needs beside those its form marks."""


@pytest.mark.parametrize("kind", controls.kinds(), ids=lambda kind: str(kind["name"]))
def test_a_decree_of_every_kind_can_be_signed_from_its_form(kind: dict[str, Any]) -> None:
    plain = {"number": 0.5, "switch": True, "date": "2023-06-05", "text": "CN"}
    effect: dict[str, Any] = {"lever": kind["name"]}
    for field in kind["fields"]:
        if field["required"] or field["name"] in ASKED.get(kind["name"], ()):
            options = field["options"]
            usual = options[0] if field["kind"] == "choice" else options[:1] if field["kind"] == "words" else plain[field["kind"]]
            effect[field["name"]] = FITTING.get(field["name"], usual)
    rule = HISTORY.changed("history", {"rules.OWN_1": {"by": "US", "since": "2023-06-05", "effects": [effect]}})[0].rules["OWN_1"]
    assert rule.effects[0].lever == kind["name"] and rule.since == date(2023, 6, 5)


@pytest.mark.parametrize(
    "own",
    [
        {"effects": [{"lever": "tarif"}]},
        {"effects": [{}]},
        {"effects": [{"lever": "revenue_share", "rate": 9}]},
        {},
        {"effects": {"lever": "tariff"}},
        {"since": "tomorrow", "effects": [{"lever": "tariff", "rate": 0.1}]},
        {"by": "Atlantis", "effects": [{"lever": "import_ban", "where.destination": ["ZZ"]}]},
    ],
)
def test_an_invalid_rule_is_refused_in_words(own: dict[str, object]) -> None:
    with pytest.raises(ScenarioError) as caught:
        changed({"rules.OWN_1": own})
    assert caught.value.faults[0].wanted or caught.value.faults[0].said


def test_titles_read_as_one_says_them(scenario: Scenario) -> None:
    rules = load("history").rules
    assert controls.title_of("RULE_2022_10", rules["RULE_2022_10"]) == "Rule Oct 2022"
    assert controls.title_of("EL_HUAWEI_2019", rules["EL_HUAWEI_2019"]) == "Entity list: Huawei 2019"


VALUES = (
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["2030-07-08", "on", "denial", "adaptive"])
    | st.lists(st.text(max_size=5), max_size=3)
)


MOVES = sorted([*controls.controls_of(load(NAME)), "x.y", "rules.OWN_1", "rules.__class__.since"])


def made_or_refused(sequence: list[tuple[str, object]]) -> None:
    """Every step of a sequence of moves comes to a scenario, or to faults in words."""
    changes: dict[str, object] = {}
    for path, value in sequence:
        changes[path] = value
        try:
            assert isinstance(changed(changes), Scenario)
        except ScenarioError as error:
            assert error.faults
            del changes[path]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(MOVES), VALUES), max_size=5))
def test_random_moves_are_made_or_refused(sequence: list[tuple[str, object]]) -> None:
    made_or_refused(sequence)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(MOVES), VALUES), min_size=1, max_size=4))
def test_a_thousand_random_sequences_are_made_or_refused(sequence: list[tuple[str, object]]) -> None:
    made_or_refused(sequence)


def test_a_dump_of_changes_is_plain_yaml(scenario: Scenario) -> None:
    data, _ = controls.patch(NAME, scenario, [], {f"{RULE}.in_force": False})
    assert data["rules"] == {"without": ["US_CHIP_RULE"]}
    assert "without" in dumps(data)
