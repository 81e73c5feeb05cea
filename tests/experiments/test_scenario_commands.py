"""validate, schema, diff, list, new: what a user reads, and the exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from experiments.commands import diff, list, new, schema, validate
from experiments.scenario_diff import differences
from sim.errors import ScenarioError, UsageError
from sim.scenario_io import load

Told = Callable[..., object]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(verb: object, *words: str) -> str:
    result = CliRunner().invoke(verb.command, words, catch_exceptions=False)  # type: ignore[attr-defined]
    assert result.exit_code == 0, result.output
    return result.output


def test_validate_says_what_it_read(here: Path) -> None:
    assert said(validate, "history").startswith("history is valid: 260 weeks, 56 rules, 120 actors, 47 chips")
    (report,) = json.loads(said(validate, "history", "--json"))
    assert report["valid"] and report["hash"] == load("history").hash


def test_validate_tells_all_faults_of_all_files(here: Path) -> None:
    (here / "one.yaml").write_text("extends: history\nclearing: two_bok\n")
    (here / "two.yaml").write_text("extends: history\ntime: {end: 2023-13-01}\n")
    with pytest.raises(ScenarioError) as caught:
        CliRunner().invoke(validate.command, ["one.yaml", "history", "two.yaml"], catch_exceptions=False)
    assert [(fault.file, fault.line, fault.key) for fault in caught.value.faults] == [
        ("one.yaml", 2, "clearing"),
        ("two.yaml", 2, "time.end"),
    ]


def test_faults_leave_by_exit_code_3_without_a_traceback(chokepoint: Callable[..., Told], tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: history\ntitel: x\nworld: {chips: {H20: {tpp: -5}}}\n")
    told = chokepoint("validate", "mine.yaml")
    assert (told.returncode, told.stdout) == (3, "")
    assert 'mine.yaml has 2 faults:\n  line 2  titel: there is no such key here; did you mean "title"?' in told.stderr
    assert "Traceback" not in told.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.yaml"]


def test_the_schema_is_valid_json_schema(here: Path) -> None:
    printed = json.loads(said(schema))
    assert printed["$schema"].endswith("2020-12/schema")
    said(schema, "--out", "scenario.json")
    assert json.loads((here / "scenario.json").read_text()) == printed


def test_list_names_what_ships(here: Path) -> None:
    assert "history  The export controls of 2022-2026 as they were" in said(list)
    names = [entry["name"] for entry in json.loads(said(list, "--json"))]
    assert {"history", "no-controls"} <= set(names)
    assert all(load(name).title for name in names)


def test_diff_tells_values_places_and_sources(here: Path) -> None:
    told = said(diff, "history", "--set", "world.chips.H20.tpp=2400", "--set", "rules.without=[RULE_2022_10]")
    assert "world.chips.H20.tpp\n  - 2368 tpp   [scenarios/world/chips.yaml:" in told
    assert "  + 2400 tpp   [--set:1]  this scenario\n" in told
    assert "rules.RULE_2022_10\n  - there   [scenarios/rules/us.yaml:" in told
    assert told.endswith("2 differences\n")
    assert said(diff, "history", "history") == "no difference\n"
    with pytest.raises(UsageError):
        CliRunner().invoke(diff.command, ["history"], catch_exceptions=False)


def test_a_counterfactual_differs_only_in_what_it_states() -> None:
    found = differences(load("history"), load("no-controls"))
    keys = {item.key for item in found}
    assert keys >= {"rules.RULE_2022_10", "title"}
    assert {key.partition(".")[0] for key in keys} == {"rules", "title", "summary"}


def test_new_scenario_is_a_few_lines_that_load(here: Path) -> None:
    said(new, "scenario", "mine", "--from", "no-controls")
    text = (here / "mine.yaml").read_text()
    assert 4 <= len(text.splitlines()) <= 8
    assert load("mine.yaml").canonical() == load("no-controls").canonical()
    uncommented = text.replace("# behaviour:", "behaviour:").replace("# rules:", "rules:")
    (here / "mine.yaml").write_text(uncommented)
    assert load("mine.yaml").behaviour.stockpiling == "off"
    with pytest.raises(UsageError, match="already there"):
        CliRunner().invoke(new.command, ["scenario", "mine"], catch_exceptions=False)
    assert (here / "mine.yaml").read_text() == uncommented


def test_new_world_is_a_spec_and_never_rows(here: Path) -> None:
    said(new, "world", "--labs", "10000", "--seed", "7")
    assert (here / "labs-10000.yaml").stat().st_size < 2000
    generator = load("labs-10000.yaml").world.generator
    assert generator is not None
    assert (generator.labs, generator.seed, len(load("labs-10000.yaml").world.actors)) == (10000, 7, 120)
    assert generator.spend_median_usd.unit == "USD per year"
