"""Patterns: what counts as shown and as gone; the declared matrix; nothing holds the value it is to explain."""

from __future__ import annotations

import math
from functools import cache

import pytest

import sim
from experiments import patterns
from experiments.pairing import Interval
from experiments.patterns import BY_ID, MATRIX, PATTERNS, Finding, Seen, Setting, measure, settings_of, study
from sim.parameters import Behaviour
from sim.scenario_io import assembled, read_layers

HISTORY = sim.load("history")
RECORD = {"P1": (0.37, 0.94), "P3": (4.5, 5.5, 2.5), "P4": (52.0, 78.0), "P5": (140.0, 140_000.0), "P6": (1.4, 2.0),
          "P8": (0.1, 0.3),
          "P9": (0.131, 0.214), "P10": (5000.0,)}
"""What the record says of each observable, in its unit: a parameter its mechanism reads must not hold one of these."""

MILITARY_TARGET = "military_target_h100e"
"""The size asked about in P10: part of the question, not of the answer."""


def finding(name: str, effect: tuple[float, float, float], neutral: tuple[float, float, float]) -> Finding:
    return Finding(BY_ID[name], Interval(*effect, 20), Interval(*effect, 20), Interval(*neutral, 20))


def test_shown_needs_an_interval_on_the_expected_side() -> None:
    assert finding("P5", (10, 8, 12), (0, 0, 0)).shown
    assert not finding("P5", (10, -1, 21), (0, 0, 0)).shown
    assert not finding("P5", (-10, -12, -8), (0, 0, 0)).shown


@pytest.mark.parametrize(("neutral", "gone"), [((1, 0.5, 1.5), True), ((5, 4, 6), False), ((5, -1, 11), True),
                                               ((-5, -6, -4), True), ((math.nan,) * 3, True)])
def test_gone_is_a_fifth_or_nothing_told_from_zero(neutral: tuple[float, float, float], gone: bool) -> None:
    assert finding("P5", (10, 8, 12), neutral).gone is gone


@pytest.mark.parametrize("clearing", ["posted_price", "equilibrium"])
def test_a_pattern_that_a_clearing_leaves_undefined_says_why_and_is_not_run(clearing: str) -> None:
    undefined = [pattern for pattern in PATTERNS if clearing in dict(pattern.undefined)]
    found = study(undefined, (1, 2), also=(f"clearing={clearing}",))
    assert found and all(one.verdict.startswith("not defined: ") and not one.shown and not one.gone for one in found)


def test_what_is_set_is_set_in_every_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the two sides of a pattern stay apart: what is set does not turn one into the other."""
    seen = []

    def run(setting: Setting, seed: int, names: tuple[str, ...]) -> dict[str, float]:
        seen.append(setting)
        return dict.fromkeys(names, 1.0 + ("no-controls" not in setting.scenario))

    monkeypatch.setattr(patterns, "_run", run)
    (found,) = study([BY_ID["P1"]], (1, 2), also=("clearing=posted_price",))
    assert len(seen) == 8 and all(setting.overrides[-1] == "clearing=posted_price" for setting in seen)
    assert found.effect.value == 1.0


def test_every_world_of_a_pattern_loads() -> None:
    for setting in {setting for pattern in PATTERNS for setting in settings_of(pattern)}:
        sim.load(setting.scenario, setting.overrides)


def test_the_matrix_names_patterns_and_switches() -> None:
    switches = {name for name in Behaviour.model_fields if getattr(HISTORY.behaviour, name) == "on"}
    assert set(MATRIX) <= set(BY_ID)
    for cells in MATRIX.values():
        assert set(cells) <= switches and set(cells.values()) <= {"falls", "rises", "stays"}


def test_no_parameter_holds_the_value_it_is_to_explain() -> None:
    """Neither as stated nor as fitted."""
    stated = assembled(read_layers("history", unfitted=True)).behaviour
    for pattern in PATTERNS:
        assert pattern.reads
        for name in pattern.reads:
            for value in (getattr(stated, name).value, getattr(HISTORY.behaviour, name).value):
                for said in RECORD.get(pattern.id, ()):
                    assert name == MILITARY_TARGET or not math.isclose(value, said, rel_tol=0.005), (pattern.id, name, value)


def test_a_run_that_does_not_cover_the_weeks_has_no_patterns() -> None:
    seen = measure(sim.run(sim.load("teaching/rush"), 1))
    assert len(seen) == 10 and all(math.isnan(one.value) for one in seen)


def moved(cell: str, with_it: float, without: float) -> bool:
    change = without / with_it - 1.0 if with_it else math.inf
    return {"falls": change < -0.2, "rises": change > 0.2, "stays": abs(change) <= 0.2}[cell]


@cache
def measured(seed: int, *overrides: str) -> dict[str, float]:
    """Every pattern's observable in one run; each world is run once for all cells of the matrix."""
    return {one.id: one.value for one in measure(sim.run(sim.load("history", overrides), seed))}


def values(name: str, switch: str, seed: int) -> tuple[float, float]:
    return measured(seed)[name], measured(seed, f"behaviour.{switch}=off")[name]


@pytest.mark.parametrize("seed", [1, 2])
def test_without_diversion_there_is_no_grey_market(seed: int) -> None:
    assert moved(MATRIX["P5"]["diversion"], *values("P5", "diversion", seed))


DISAGREES = {
    ("P4", "stockpiling"): "what was ordered ahead before October 2023 met full lines and lengthened queues: without it training "
                           "in the half year after is 7 to 8% less, the right way but not the fifth that was declared",
    ("P5", "enforcement"): "without enforcement 2 to 11% more chips are smuggled (three seeds), not the fifth more that was "
                           "declared: networks pass some 60% of what they could, for want of goods (docs/odd.md, 7.11)",
}
"""Cells in which the model disagrees with what was declared, and why; they are told, not tuned away."""

CELLS = [pytest.param(name, switch, marks=pytest.mark.xfail(strict=True, reason=DISAGREES[name, switch]))
         if (name, switch) in DISAGREES else (name, switch) for name, cells in MATRIX.items() for switch in cells]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "switch"), CELLS)
def test_the_whole_matrix(name: str, switch: str) -> None:
    mean = [sum(side) / 3 for side in zip(*(values(name, switch, seed) for seed in (1, 2, 3)), strict=True)]
    assert moved(MATRIX[name][switch], *mean)


@pytest.mark.slow
def test_what_substitution_leaves_is_bought_under_an_order() -> None:
    """Why P8 is measured without the order to state centres: with the switch off they alone still buy domestic cards, and none
    before the order binds."""
    result = sim.run(sim.load("history", ("behaviour.substitution=off",)), 1)
    trades, of, names = result.record.trades, result.record.of, result.record.names
    home = names["country"].index("CN")
    domestic = (of["maker_hq"][of["chip_maker"]][trades["chip"]] == home) & (trades["book"] == 0) & (trades["ship_to"] == home)
    state = {name for name, actor in HISTORY.world.actors.items() if actor.state_funded or actor.subkind == "state"}
    assert {names["actor"][row] for row in trades["buyer"][domestic]} <= state
    assert trades["tick"][domestic].min() >= result.clock.tick_of(HISTORY.rules["CN_STATE_DC_BAN"].since)



@cache
def over_twenty_seeds() -> dict[str, Finding]:
    return {one.pattern.id: one for one in study(PATTERNS, range(1, 21), workers=2)}


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_ID)
def test_a_pattern_is_shown_over_twenty_paired_seeds(name: str) -> None:
    assert over_twenty_seeds()[name].shown


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_ID)
def test_a_pattern_is_gone_without_its_mechanism(name: str) -> None:
    assert over_twenty_seeds()[name].gone


@pytest.mark.parametrize(("value", "alone", "verdict"), [(60.0, 52.0, "shown"), (40.0, 52.0, "not shown"),
                                                         (60.0, None, "by contrast only"), (math.nan, 52.0, "not covered")])
def test_one_run_shows_what_its_observable_says_alone(value: float, alone: float | None, verdict: str) -> None:
    seen = Seen("P4", "runway", "weeks", "weeks", value, alone)
    assert seen.verdict == verdict and seen.command == "chokepoint patterns P4" and BY_ID["P4"].alone is None
    assert seen.plain()["value"] == (None if math.isnan(value) else value)
