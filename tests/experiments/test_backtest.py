"""Backtest and calibration from the command line, on a small world: figures, files, exact errors, taking up what was kept."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from experiments import calibration, forecast
from experiments.calibration import NEAR, downhill, spread_out
from experiments.cli import main
from experiments.emulator import Emulator
from experiments.misfit import Target, Yardstick
from experiments.readings import KEPT
from experiments.store import Store
from sim.scenario_io import read_posterior

FACTS = """
schema: 1
facts:
  ORDERS:
    title: orders of the first year
    tag: emerges
    observation: {observable: orders_usd, filters: {region: CN}, window: 2030, scale: 1e9}
    low: 0
    central: 1
    high: 1e6
    unit: USD bn
    band: source
    group: one
    confidence: high
    mechanism: stockpiling
    source: a test
  NEVER:
    title: ten times what anybody sells
    tag: emerges
    observation: {observable: units_delivered, filters: {basis: ship_to}, window: 2030}
    low: 1e12
    central: 1e12
    high: 1e12
    unit: chips
    band: none
    group: two
    confidence: low
    earlier: {2027: 1e11, 2028: 2e11, 2029: 4e11}
    source: a test
  GIVEN:
    title: an input
    tag: given
    reason: an input
    low: 1
    central: 1
    high: 1
    unit: none
    band: none
    group: two
    confidence: low
    source: a test
"""


@pytest.fixture
def facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(FACTS)
    return "mine.yaml"


def test_a_file_of_facts_is_scored_without_code(facts: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "teaching/rush", "--facts", facts, "--seeds", "2", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["summary"] == {"facts_scored": 2, "groups": 2, "groups_passed": 1, "groups_beating_baselines":
                               said["summary"]["groups_beating_baselines"]}
    orders, never, given = said["facts"]
    assert orders["pass"] is True and orders["q05"] <= orders["median"] <= orders["q95"] and orders["median"] > 0
    assert never["pass"] is False and said["misses"]["NEVER"] == "median further than half a band"
    assert never["rival"] == pytest.approx(8e11, rel=0.02) and set(said["rivals"]["NEVER"]) == {"last_value", "trend"}
    assert list(said["rivals"]["ORDERS"]) == ["stockpiling off"]
    assert given["pass"] is None or given["median"] is None
    folder = Path(said["folder"])
    assert "**miss**" in (folder / "scoreboard.md").read_text()
    page = (folder / "report.html").read_text()
    assert page.count("<svg") == 2 and "http" not in page.replace("http-equiv", "")


def test_what_runs_said_is_taken_up_again(facts: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["backtest", "teaching/rush", "--facts", facts, "--seeds", "1", "--json"]
    assert main(arguments) == 0
    first = json.loads(capsys.readouterr().out)
    kept = sorted(KEPT.glob("*.json"))
    times = [file.stat().st_mtime_ns for file in kept]
    assert kept and main(arguments) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert [file.stat().st_mtime_ns for file in sorted(KEPT.glob("*.json"))] == times


@pytest.mark.parametrize(("slip", "said"), [
    (("orders_usd", "order_usd"), '"order_usd" is no observable; did you mean "orders_usd"?'),
    (("filters: {region: CN}", "filters: {regoin: CN}"), 'orders_usd has no filter "regoin"; did you mean "region"?'),
    (("filters: {region: CN}", "filters: {region: China}"), 'this world has no region "China"; known: CN, ROW, US'),
    (("window: 2030, scale", "window: spring, scale"), '"spring" is no window'),
    (("mechanism: stockpiling", "mechanism: magic"), 'ORDERS names no mechanism "magic"'),
])
def test_an_unknown_word_is_told_exactly(facts: str, capsys: pytest.CaptureFixture[str], slip: tuple[str, str], said: str) -> None:
    Path(facts).write_text(FACTS.replace(*slip))
    assert main(["backtest", "teaching/rush", "--facts", facts, "--seeds", "1"]) in (2, 3)
    told = capsys.readouterr()
    assert said in told.err and not told.out


def test_the_open_facts_do_not_fit_a_world_without_their_parts(facts: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "teaching/rush", "--facts", "open", "--seeds", "1"]) == 3
    assert 'this world has no chip "H20"' in capsys.readouterr().err


PARAMETER = "behaviour.impatience_share_per_month"


def said(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_what_calibration_leaves_is_what_runs_start_from(facts: str, capsys: pytest.CaptureFixture[str],
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    """From a world that declares a free parameter, through its posterior, to runs, ensembles and pairs that use it."""
    monkeypatch.setattr(calibration, "CUTOFF", date(2031, 6, 1))
    Path("toy.yaml").write_text("schema: 1\nextends: teaching/rush\nposterior: posterior\n"
                                f"uncertainties: {{impatience: {{path: {PARAMETER}}}}}\n")
    Path("heir.yaml").write_text("schema: 1\nextends: toy\nbehaviour: {thrift: off}\n")
    told = said(capsys, "calibrate", "toy.yaml", "--facts", facts, "--waves", "2", "--runs", "6", "--draws", "4")
    low, high = told["parameters"][PARAMETER]
    assert len(told["standing"]) == 2 and len(told["folds"]) == 2 and told["runs"] == 12
    assert told["misfit"]["centre"] <= min(told["misfit"]["own"], told["misfit"]["draws"])
    assert all(emulator["error"] >= 0 for emulator in told["emulators"].values())
    posterior = read_posterior(Path(told["folder"]) / "posterior.yaml")
    assert posterior.hash == told["hash"] == sim.load("toy.yaml").hash
    assert len(posterior.draws) == 4 and all(low <= draw[PARAMETER] <= high for draw in posterior.draws)
    Path("posterior.yaml").write_bytes((Path(told["folder"]) / "posterior.yaml").read_bytes())
    draws = [draw[PARAMETER] for draw in posterior.draws]
    centre = sim.load("heir.yaml")
    assert centre.behaviour.impatience_share_per_month.value == posterior.centre[PARAMETER]
    assert said(capsys, "calibrate", "toy.yaml", "--facts", facts, "--waves", "2", "--runs", "6", "--draws", "4")["centre"] == {
        PARAMETER: posterior.centre[PARAMETER]}, "what it says of itself is no evidence"
    assert said(capsys, "backtest", "toy.yaml", "--facts", facts, "--seeds", "1")["draws"] == centre.posterior.note
    main(["ensemble", "toy.yaml", "--policy", "heir.yaml", "--seeds", "5", "--engine", "sequential", "--out", "many", "--quiet"])
    runs = [dict(case.settings)[PARAMETER] for _, case in Store.open(Path("many")).plan()]
    assert runs == [*draws, draws[0]] * 2, "both policies take the draw of the seed, and round again"
    assert main(["compare", "toy.yaml", "heir.yaml", "--seeds", "2", "--out", "pair", "--quiet"]) == 0
    assert main(["verify", "pair/report.html", "--quiet"]) == 0


def test_nothing_after_the_cutoff_is_fitted(facts: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "teaching/rush", "--facts", facts, "--parameter", PARAMETER, "--waves", "1", "--runs", "6"]) == 2
    assert "holds no fact that can be fitted: tagged emerges, read off the world, before 2025-05-01" in capsys.readouterr().err


def test_a_parameter_must_have_a_range(facts: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "teaching/rush", "--facts", facts, "--parameter", "behaviour.impatience"]) == 2
    assert '"behaviour.impatience" has no range to fit in' in capsys.readouterr().err
    assert main(["calibrate", "teaching/rush", "--facts", facts]) == 2
    assert "no parameter to fit" in capsys.readouterr().err


def test_an_emulator_says_what_it_does_not_know() -> None:
    x = np.linspace(0.0, 1.0, 12)[:, None]
    y = 3.0 + 2.0 * x[:, 0] + np.sin(6.0 * x[:, 0])
    emulator = Emulator.fit(x, y)
    mean, variance = emulator.at(x)
    assert np.abs(mean - y).max() < 0.3 and emulator.error < 0.5
    far = emulator.at(np.array([[3.0]]))[1][0]
    assert far >= variance.max() >= emulator.error**2


def test_points_of_the_next_wave_lie_apart() -> None:
    x = np.array([[0.0, 0.0], [0.01, 0.0], [1.0, 1.0], [0.0, 1.0]])
    assert spread_out(x, 3).tolist() == [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]


def test_a_start_goes_downhill_no_further_than_near() -> None:
    x = np.random.default_rng(1).random((60, 2))
    yardstick = Yardstick({("F", 0): Target("F", 0, 1.0, 0.1, 0.9, 1.0, 1.1, False)}, {"F": 1.0}, {"F": "g"})
    emulators = {("F", 0): Emulator.fit(x, x[:, 0] + x[:, 1])}
    close, far = downhill(emulators, yardstick, np.array([[0.45, 0.45], [0.1, 0.2]]))
    assert close.sum() == pytest.approx(1.0, abs=0.02), "the fact is met where the inputs add up to one"
    assert far == pytest.approx([0.1 + NEAR, 0.2 + NEAR]), "which is further than it may go"


def test_the_waves_after_those_that_explore_go_downhill(facts: str, capsys: pytest.CaptureFixture[str],
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "CUTOFF", date(2031, 6, 1))
    asked = []
    monkeypatch.setattr(calibration, "downhill", lambda emulators, yardstick, starts: asked.append(starts) or starts)
    Path("toy.yaml").write_text(f"schema: 1\nextends: teaching/rush\nuncertainties: {{impatience: {{path: {PARAMETER}}}}}\n")
    said(capsys, "calibrate", "toy.yaml", "--facts", facts, "--waves", "3", "--runs", "6", "--draws", "4")
    assert [starts.shape for starts in asked] == [(6, 1)], "the third of three waves, from as many starts as it has runs"


def test_a_forecast_says_what_it_stands_on(facts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "CUTOFF", date(2030, 7, 1))
    assert main(["forecast", "teaching/rush", "--seeds", "2", "--out", "page.md", "--quiet"]) == 0
    page = Path("page.md").read_text()
    assert "Parameters: no posterior applies, frozen at 2030-07-01" in page and "## 2030-07-01 to 2030-12-31" in page
    assert sim.load("teaching/rush").hash[:16] in page and page.count("| figure |") == page.count("\n## ") >= 1


def test_nothing_is_forecast_where_the_run_has_ended(facts: str, monkeypatch: pytest.MonkeyPatch,
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(forecast, "CUTOFF", date(2050, 1, 1))
    assert main(["forecast", "teaching/rush", "--seeds", "1"]) == 2
    assert "ends before 2050-01-01; there is nothing to forecast" in capsys.readouterr().err
