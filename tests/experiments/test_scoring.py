"""Scoring: the stated rules, one by one."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import pytest

from experiments.facts import Fact
from experiments.scoring import Spread, calibration, groups, judged, naive, score, summary, tolerance_of
from sim.clock import Clock

CLOCK = Clock(date(2022, 1, 3), date(2026, 12, 28))


def fact(**words: Any) -> Fact:
    plain = {"title": "t", "tag": "emerges", "low": 9, "central": 10, "high": 11, "unit": "u", "band": "analyst", "group": "g",
             "confidence": "high", "mechanism": "queue", "source": "s",
             "observation": {"observable": "units_delivered", "window": 2025}}
    return Fact.model_validate({**plain, **words})


def test_a_published_band_asks_for_the_median_only() -> None:
    assert judged(9, 10, 11, True, Spread(10.9, 0, 1e9, 5)) == ""
    assert judged(9, 10, 11, True, Spread(11.1, 10, 12, 5)) == "median outside the published band"


def test_an_analysts_band_is_at_least_three_tenths_of_the_value() -> None:
    assert judged(10, 10, 10, False, Spread(11.5, 9, 12, 5)) == ""
    assert judged(10, 10, 10, False, Spread(11.6, 9, 12, 5)) == "median further than half a band"


def test_the_truth_lies_inside_an_interval_that_is_not_too_wide() -> None:
    assert judged(10, 10, 10, False, Spread(11, 10.5, 12, 5)) == "truth outside the 90% interval"
    assert judged(10, 10, 10, False, Spread(11, 5, 14, 5)) == ""
    assert judged(10, 10, 10, False, Spread(11, 5, 14.1, 5)) == "90% interval wider than three bands"


def test_no_value_in_half_of_the_runs_is_a_miss() -> None:
    one = score("F", fact(), [[math.nan, math.nan, 10.0]], [], CLOCK)
    assert one.passed is False and one.why == "no value in half of the runs"


def test_durations_have_half_a_tick() -> None:
    weeks = fact(observation={"statistic": "days_between", "scale": 7, "of": {"day": "2022-10-07"},
                              "over": {"statistic": "date_of_first", "event": "redesign_announced"}})
    assert tolerance_of(weeks) == 0.5 and tolerance_of(fact()) == 0.0
    assert score("F", weeks, [[12.0, 12.0]], [], CLOCK).why == "truth outside the 90% interval"
    assert score("F", weeks, [[10.4, 10.4]], [], CLOCK).passed is True


def test_rivals_are_last_value_and_log_trend_where_two_were_seen() -> None:
    last, trend = naive(fact(earlier={"2022": 1.0, "2023": 2.0, "2024": 4.0}), CLOCK)
    assert last == 4.0 and trend == pytest.approx(8.0, rel=0.01)
    assert all(math.isnan(value) for value in naive(fact(earlier={"2024": 4.0}), CLOCK))


def test_the_model_must_be_nearer_than_every_rival() -> None:
    near = score("F", fact(earlier={"2023": 9.0, "2024": 9.9}), [[10.05, 10.05]], [], CLOCK)
    far = score("F", fact(earlier={"2023": 9.9, "2024": 10.0}), [[10.05, 10.05]], [], CLOCK)
    assert near.beats and not far.beats and far.rival == 10.0


def test_without_two_the_rival_is_the_model_without_the_mechanism() -> None:
    one = score("F", fact(), [[10.0, 10.2]], [4.0, 6.0], CLOCK)
    assert one.rivals == {"queue off": 5.0} and one.beats
    assert score("F", fact(), [[10.0]], [math.nan], CLOCK).beats


def test_a_sequence_passes_when_every_member_does_and_in_order() -> None:
    falling = {"statistic": "order", "observable": "wait_months", "windows": ["2023", "2024"], "direction": "falling"}
    members = [{"window": "2023", "low": 9, "central": 10, "high": 11}, {"window": "2024", "low": 4, "central": 5, "high": 6}]
    said = fact(observation=falling, sequence=members)
    assert score("F", said, [[10, 10], [5, 5], [1, 1]], [], CLOCK).passed is True
    assert score("F", said, [[10, 10], [9, 9], [1, 1]], [], CLOCK).why == "missed in 2024"
    assert score("F", said, [[10, 10], [5, 5], [0, 0]], [], CLOCK).why == "out of order"


def test_groups_pass_by_weight_and_low_confidence_counts_half() -> None:
    good, bad = [[10.0]], [[99.0]]
    low = fact(confidence="low")
    scores = [score("A", fact(), bad, [], CLOCK), score("B", low, good, [], CLOCK), score("C", fact(group="h"), good, [], CLOCK)]
    assert [(group.name, group.passed) for group in groups(scores)] == [("g", False), ("h", True)]
    assert summary(scores) == {"facts_scored": 3, "groups": 2, "groups_passed": 1, "groups_beating_baselines": 2}


def test_inputs_do_not_count() -> None:
    given = score("A", fact(tag="given", reason="an input"), [[10.0]], [], CLOCK)
    unscored = score("B", fact(tag="not_scored", reason="none"), [[10.0]], [], CLOCK)
    assert given.passed is True and not given.scored and unscored.passed is None
    assert summary([given, unscored])["facts_scored"] == 0


def test_the_line_of_a_fact_has_the_keys_of_the_issue() -> None:
    line = score("F", fact(), [[9.9, 10.3]], [4.0], CLOCK).plain()
    assert list(line) == ["id", "tag", "low", "central", "high", "median", "q05", "q95", "pass", "rival"]
    assert line["median"] == pytest.approx(10.1) and line["rival"] == 4.0 and line["pass"] is True


def test_calibration_counts_how_often_the_truth_is_inside() -> None:
    values = [[float(value) for value in range(1, 20)]]
    inside = score("A", fact(), values, [], CLOCK)
    outside = score("B", fact(central=10.5, low=9), [[100.0, 101.0]], [], CLOCK)
    points = dict(calibration([inside, outside], {"A": values[0], "B": [100.0, 101.0]}))
    assert points[0.1] == 0.5 and points[1.0] == 0.5
