"""The vocabulary of facts: every kind of observation that is promised gives a number on a run of history, and a wrong label is
told exactly."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import sim
from experiments.facts import Facts, read_facts
from experiments.labels import labels_of
from experiments.readings import read_off
from sim.errors import ScenarioError
from sim.results import Result

FILE = Path(__file__).parent / "vocabulary.yaml"


@pytest.fixture(scope="module")
def result() -> Result:
    return sim.run(sim.load("history", ["time.end=2025-12-29"]), 1, "headline")


def checked(facts: Facts, result: Result) -> None:
    facts.check_labels(labels_of(sim.load("history")), result.clock, list(facts.facts))


def test_everything_promised_is_a_number(result: Result) -> None:
    facts = read_facts(str(FILE))
    checked(facts, result)
    said = read_off(result, facts, list(facts.facts))
    assert not [name for name, values in said.items() if not all(math.isfinite(value) for value in values)]


@pytest.mark.parametrize(("slip", "said"), [
    (("MY-CN-grey", "MY-CN-gray"), 'this world has no route "MY-CN-gray"; did you mean "MY-CN-grey"?'),
    (("spec: memory_gb", "spec: memory"), 'this world has no spec "memory"'),
    (("channel: rented", "channel: rent"), 'this world has no channel "rent"; did you mean "rented"?'),
    (("LETTER_2022_08", "LETTER_2022_8"), 'this world has no rule "LETTER_2022_8"; did you mean "LETTER_2022_08"?'),
    (("vendor: huawei", "vendor: hauwei"), 'this world has no vendor "hauwei"; did you mean "huawei"?'),
    (("nvidia:FY24Q2", "nvidea:FY24Q2"), "nvidea"),
])
def test_a_wrong_label_is_told(result: Result, tmp_path: Path, slip: tuple[str, str], said: str) -> None:
    file = tmp_path / "slip.yaml"
    file.write_text(FILE.read_text().replace(*slip))
    with pytest.raises(ScenarioError) as caught:
        checked(read_facts(str(file)), result)
    assert said in str(caught.value)
