"""The rules alone answer: the cases of stories/law.yaml, and what is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from sim import scenario_io
from sim.errors import UsageError
from sim.ruling import VERDICTS, Question, explain
from tests.sim.law import history

STORIES = yaml.safe_load((Path(__file__).parent.parent / "stories" / "law.yaml").read_text(encoding="utf-8"))
CHINA = {"destination": "CN", "day": date(2024, 4, 15)}


@pytest.mark.parametrize("case", STORIES, ids=lambda case: case["story"])
def test_a_story_of_the_law(case: dict[str, Any]) -> None:
    scenario = scenario_io.load("history", case["set"]) if "set" in case else history()
    told = explain(scenario, Question(**case["ask"])).plain()
    assert {key: told[key] for key in case["expect"]} == {
        key: tuple(value) if isinstance(value, list) else value for key, value in case["expect"].items()
    }
    for flip in case.get("flips", ()):
        assert any(flip.items() <= seen.items() for seen in told["flips"]), told["flips"]


@pytest.mark.parametrize("chip", ["H100", "H20", "L20", "RTX-4090", "A800"])
@pytest.mark.parametrize("day", [date(2022, 9, 5), date(2024, 4, 15), date(2025, 4, 30), date(2026, 2, 2)])
def test_every_flip_it_tells_is_so(chip: str, day: date) -> None:
    """A change of specification, asked about as a part of its own, has the verdict that was told."""
    row = history().world.chips[chip]
    ruling = explain(history(), Question("CN", day, chip))
    for flip in ruling.flips:
        if flip.kind == "specification" and " and " not in flip.change and "uncertain" not in flip.change:
            spec, side, line = flip.change.replace("at least", "at_least").split()
            step = 0.01 if spec == "pd" else 1.0
            value = float(line) - (step if side == "below" else 0)
            asked = Question("CN", day, chip, specs={spec: value}, market=row.market)
            assert explain(history(), asked).verdict == flip.verdict, flip
        assert flip.verdict in VERDICTS and flip.verdict != ruling.verdict


def test_a_part_changed_in_nothing_is_judged_by_its_numbers_and_not_its_name() -> None:
    spring = date(2025, 4, 15)
    named = explain(history(), Question("CN", spring, "H20"))
    likewise = explain(history(), Question("CN", spring, "H20", specs={"membw_gbps": 1399}))
    assert (named.verdict, likewise.verdict) == ("licence denied", "permitted")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"chip": "H20x"}, '"H20x" is no chip; did you mean "H20"'),
        ({"chip": "H20", "destination": "CNN"}, '"CNN" is no country; did you mean "CN"'),
        ({"chip": "H20", "origin": "USA"}, '"USA" is no country; did you mean "US"'),
        ({"chip": "H20", "buyer": "bytedanse"}, '"bytedanse" is no actor; did you mean "bytedance"'),
        ({"specs": {"io_gbp": 1}}, '"io_gbp" is no specification a rule looks at; did you mean "io_gbps"'),
        ({"specs": {"tpp": 1}, "market": "cloud"}, '"cloud" is no market'),
        ({}, "name a chip with --chip"),
        ({"chip": "H20", "fab": "TWW"}, '"TWW" is no country; did you mean "TW"'),
    ],
)
def test_a_name_nobody_knows_is_refused_with_the_nearest(words: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        explain(history(), Question(**{**CHINA, **words}))
