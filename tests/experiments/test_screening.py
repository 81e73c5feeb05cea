"""Screening: what touches a fact is measured; no free parameter of history touches one fact only, by the table that ships."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sim
from experiments.batch import uncertain_of
from experiments.cli import main
from experiments.screening import Touch, as_csv, of_one_fact, reach, read_csv
from experiments.validation import PAGE, TOUCHES, one_fact, renewed
from tests.experiments.test_backtest import FACTS, PARAMETER

LINES = [Touch("a", True, 0, 1, "F", 1.0), Touch("a", True, 0, 1, "G", 9.0), Touch("b", False, 0, 1, "G", 0.5),
         Touch("c", False, 1, 2, "", 0.0)]


def test_the_table_comes_back() -> None:
    assert read_csv(as_csv(LINES)) == LINES


def test_reach_counts_no_fact_beyond_its_cap() -> None:
    assert reach(LINES) == [("a", 4.0, ["G", "F"]), ("b", 0.5, ["G"])]
    assert of_one_fact(LINES) == {"b": "G"}


def test_a_parameter_is_moved_to_both_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
                                           ) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(FACTS)
    words = ["screen", "teaching/rush", "--facts", "mine.yaml", "--parameter", PARAMETER, "--out", "t.csv", "--json"]
    assert main(words) == 0
    said, lines = json.loads(capsys.readouterr().out), read_csv(Path("t.csv").read_text())
    assert {line.parameter for line in lines} == {PARAMETER} and said["touch_one_fact_only"] == of_one_fact(lines)


def test_no_free_parameter_of_history_touches_one_fact_only() -> None:
    """A parameter that does is fixed from other evidence (it is not among the free ones), so that no fact is fitted by a
    knob of its own."""
    lines = read_csv(TOUCHES.read_text(encoding="utf-8"))
    free = {item["path"] for item in uncertain_of(sim.load("history")).values()}
    assert free <= {line.parameter for line in lines}, "renew it: chokepoint screen history --out docs/touches.csv"
    assert not free & set(of_one_fact(lines))


def test_the_page_lists_them() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert renewed(page, {"one_fact": one_fact()}) == page, "renew it: python -m experiments.validation"
