"""Misfit: distances in half widths of what passes, costs that no single fact can blow up, groups by the rule that scores them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experiments.facts import Facts
from experiments.misfit import Target, Yardstick, matched, targets_of
from tests.experiments.test_scoring import fact


def yardstick(**facts: Any) -> Yardstick:
    return Yardstick.of(Facts("f", facts, lambda at: 1), list(facts))


def test_one_is_the_edge_of_what_passes() -> None:
    both = Facts("f", {"A": fact(low=8, high=10, central=10, band="source"), "B": fact(low=10, high=10)}, lambda at: 1)
    (published, point) = targets_of(both, ["A", "B"]).values()
    assert (published.middle, published.half) == (9, 1) and (point.middle, point.half) == (10, 1.5)


def test_a_fact_out_of_reach_costs_no_more_than_one() -> None:
    one = yardstick(A=fact(low=10, high=10))
    costs = one.loss({("A", 0): np.array([10.0, 11.5, 1e9, np.nan])})
    assert costs == pytest.approx([0.0, 0.5, 1.0, 1.0])


def test_half_of_a_groups_weight_counts_twice() -> None:
    two = yardstick(A=fact(low=10, high=10), B=fact(low=10, high=10))
    good, bad = np.array([10.0]), np.array([np.nan])
    assert two.loss({("A", 0): good, ("B", 0): bad}) == pytest.approx([0.25])
    low = yardstick(A=fact(low=10, high=10), B=fact(low=10, high=10, confidence="low"))
    assert low.loss({("A", 0): bad, ("B", 0): good}) == pytest.approx([0.5 * (0.25 / 0.75) + 0.5 / 1.5])


def test_groups_count_the_same() -> None:
    three = yardstick(A=fact(low=10, high=10), B=fact(low=10, high=10), C=fact(low=10, high=10, group="h"))
    good, bad = np.array([10.0]), np.array([np.nan])
    assert three.loss({("A", 0): good, ("B", 0): good, ("C", 0): bad}) == pytest.approx([0.5])


def test_a_sequence_is_as_far_as_its_worst_member() -> None:
    falling = {"statistic": "order", "observable": "wait_months", "windows": ["2023", "2024"], "direction": "falling"}
    members = [{"window": "2023", "low": 10, "central": 10, "high": 10}, {"window": "2024", "low": 4, "central": 4, "high": 4}]
    one = yardstick(A=fact(observation=falling, sequence=members))
    assert one.distances({("A", 0): np.array([10.0]), ("A", 1): np.array([5.2])})["A"] == pytest.approx([2.0])


def test_an_ensemble_is_matched_by_its_median_and_holds_the_truth() -> None:
    target = Target("F", 0, 10.0, 2.0, 8.0, 10.0, 12.0, True)
    yardstick = Yardstick({("F", 0): target}, {"F": 1.0}, {"F": "g"})
    values = np.array([9.0, 9.2, 9.4, 9.6, 9.8, 11.0, 11.2, 11.4, 30.0, np.nan])
    taken = matched(yardstick, {("F", 0): values}, range(10), 7)
    assert 9 not in taken
    low, median, high = np.quantile(values[taken], (0.05, 0.5, 0.95))
    assert low <= 10.0 <= high and abs(median - 10.0) < 1.0
