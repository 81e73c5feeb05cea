"""Facts: the shipped file holds what was observed; every statistic reads what its words say; slips are told exactly."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.facts import Fact, Facts, Observation, read_facts
from experiments.scoring import MECHANISMS
from sim.clock import Clock
from sim.errors import ScenarioError, UsageError
from sim.metrics import DIMS
from sim.results import Result
from tests.fake_record import START, FakeScenario, fake_record

FACT = """
schema: 1
facts:
  F1:
    title: a figure
    tag: emerges
    observation: {observable: units_delivered, filters: {chip: H100, region: US, basis: ship_to}, window: 2022, scale: 1000}
    low: 1
    central: 2
    high: 3
    unit: thousand
    band: source
    group: one
    confidence: high
    mechanism: queue
    source: a test
"""


def written(folder: Path, text: str) -> str:
    file = folder / "mine.yaml"
    file.write_text(text)
    return str(file)


@pytest.fixture(scope="module")
def result() -> Result:
    return Result.from_record(fake_record(), FakeScenario(), 1)


def observed(**words: Any) -> Observation:
    return Observation.model_validate(words)


def test_the_open_facts_are_sixty_seven_with_their_tags() -> None:
    facts = read_facts("open").facts
    assert Counter(fact.tag for fact in facts.values()) == {"emerges": 47, "given": 14, "not_scored": 6}
    assert all(fact.source and fact.unit and fact.group for fact in facts.values())
    assert all(fact.reason for fact in facts.values() if fact.tag != "emerges")


def test_every_open_fact_that_is_earned_has_a_rival() -> None:
    for name, fact in read_facts("open").facts.items():
        if fact.tag == "emerges":
            assert len(fact.earlier) >= 2 or fact.mechanism in (*MECHANISMS, "rules"), name


def test_bands_and_figures_of_known_facts() -> None:
    facts = read_facts("open").facts
    assert (facts["N01"].central, facts["N01"].unit, facts["N01"].band) == (4.5, "USD bn", "none")
    assert (facts["S03"].low, facts["S03"].high, facts["S03"].band) == (93, 144, "source")
    assert facts["T01"].world == "history-endogenous-redesign" and facts["T01"].observation.is_duration  # type: ignore[union-attr]


def test_a_flow_is_summed_over_its_window_and_scaled(result: Result) -> None:
    said = observed(observable="units_delivered", filters={"basis": "ship_to"}, window=2022, scale=10)
    assert said.read(result) == pytest.approx(result.read("units_delivered", "2022", basis="ship_to") / 10)


def test_a_ratio_a_change_and_a_share_divide(result: Result) -> None:
    words = {"observable": "units_delivered", "filters": {"basis": "ship_to"}}
    one, two = (result.read("units_delivered", window, basis="ship_to") for window in ("2022Q3", "2023Q1"))
    assert one > 0
    ratio = observed(statistic="ratio", of={**words, "window": "2023Q1"}, over={**words, "window": "2022Q3"})
    assert ratio.read(result) == pytest.approx(two / one)
    assert observed(statistic="change", **words, window="2023Q1", since="2022Q3").read(result) == pytest.approx(two / one - 1)
    share = observed(statistic="share", observable="units_delivered", filters={"basis": "ship_to", "region": "CN"},
                     among={"basis": "ship_to"}, window=2022)
    in_cn = result.read("units_delivered", "2022", basis="ship_to", region="CN")
    assert share.read(result) == pytest.approx(in_cn / result.read("units_delivered", "2022", basis="ship_to"))


def test_growth_is_a_factor_a_year(result: Result) -> None:
    frontier = {"observable": "capability", "filters": {"actor": "us_frontier"}}
    said = observed(statistic="growth", **frontier, window="2023-07", since="2022-07")
    one, two = (result.read("capability", window, actor="us_frontier") for window in ("2022-07", "2023-07"))
    assert said.read(result) == pytest.approx(10 ** (two - one), rel=0.01)


def test_a_sum_of_prices_is_money(result: Result) -> None:
    said = observed(statistic="sum", observable="price_paid_usd", window=2022)
    panel = result.panel("price_paid_usd")
    weights = result.clock.window("2022")
    assert panel.base is not None
    assert said.read(result) == pytest.approx(float(np.nansum(panel.values * panel.base * weights)))


def test_the_best_of_several_is_not_their_sum(result: Result) -> None:
    words = {"observable": "training_compute", "filters": {"region": "CN"}, "window": 2022}
    panel = result.panel("training_compute").select(region="CN")
    last = np.flatnonzero(result.clock.window("2022") > 0)[-1]
    assert observed(**words, across="max").read(result) == panel.values[:, last].max()
    assert observed(**words).read(result) == pytest.approx(panel.values[:, last].sum())


def test_days_between_a_day_and_the_first_event(result: Result) -> None:
    kind, tick = next((event.kind, event.tick) for event in result.events if event.tick > 0)
    first = min(event.tick for event in result.events if event.kind == kind)
    said = observed(statistic="days_between", of={"day": START.isoformat()}, over={"statistic": "date_of_first", "event": kind})
    assert tick >= first and said.read(result) == 7 * first


def test_an_order_holds_or_not(result: Result) -> None:
    words = {"statistic": "order", "observable": "capability", "filters": {"actor": "us_frontier"}, "windows": ["2022Q2", "2023Q2"]}
    assert observed(**words, direction="rising").read(result) == 1.0
    assert observed(**words, direction="falling").read(result) == 0.0


def test_a_window_beyond_the_run_has_no_value(result: Result) -> None:
    assert np.isnan(observed(observable="units_delivered", window=2030).read(result))


@pytest.mark.parametrize(("slip", "said"), [
    (("units_delivered", "units_deliverd"), 'line 7  facts.F1.observation.observable: "units_deliverd" is no observable; '
     'did you mean "units_delivered"?'),
    (("chip: H100", "chp: H100"), 'line 7  facts.F1.observation.filters.chp: units_delivered has no filter "chp"; '
     'did you mean "chip"?'),
    (("unit: thousand", "units: thousand"), 'line 11  facts.F1.units: is no key here; did you mean "unit"?'),
    (("low: 1", "low: 9"), "line 4  facts.F1: 9, 2, 3 are not in order"),
    (("tag: emerges", "tag: given"), "line 4  facts.F1: a fact tagged given says no reason"),
])
def test_a_slip_is_told_with_its_line(tmp_path: Path, slip: tuple[str, str], said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_facts(written(tmp_path, FACT.replace(*slip)))
    assert said in str(caught.value)


def test_a_label_no_world_has_is_told(tmp_path: Path) -> None:
    facts = read_facts(written(tmp_path, FACT.replace("H100", "H1000")))
    clock = Clock(START, START.replace(year=2024))
    with pytest.raises(ScenarioError, match=r'line 7 .*filters\.chip: this world has no chip "H1000"; did you mean "H100"'):
        facts.check_labels({"chip": ("A100", "H100")}, clock, ["F1"])


def test_a_window_of_no_known_form_is_told(tmp_path: Path) -> None:
    facts = read_facts(written(tmp_path, FACT.replace("window: 2022", "window: last spring")))
    with pytest.raises(ScenarioError, match=r'line 7 .*"last spring" is no window'):
        facts.check_labels({}, Clock(START, START.replace(year=2024)), ["F1"])


def test_no_such_file_names_the_shipped_ones() -> None:
    with pytest.raises(UsageError, match=r'no facts "opne".*open'):
        read_facts("opne")


def test_the_vocabulary_has_no_other_dimension() -> None:
    for fact in read_facts("open").facts.values():
        assert isinstance(fact, Fact)
        for part in ([] if fact.observation is None else [one for _, one in fact.observation.leaves()]):
            assert part.event or all(dim in DIMS for dim in part.filters)


def test_facts_are_read_without_the_line_of_another_file(tmp_path: Path) -> None:
    facts = read_facts(written(tmp_path, FACT))
    assert isinstance(facts, Facts) and facts.line(("facts", "F1", "low")) == 8
