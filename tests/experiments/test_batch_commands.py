"""The batch verbs on a real world, from the command line: run, stop, extend, ask, export, verify."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from experiments.cli import main
from experiments.design_file import read_design
from experiments.store import Store
from experiments.verify import read_claims, verify
from sim.errors import UsageError
from tests.experiments.workshop import PAIR, bits, carry

SHORT = ("--set", "time.end=2030-06-03")
QUIET = ("--engine", "sequential", "--quiet")


def said(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """What a verb answers in JSON, after an exit code of 0."""
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two policies of a lesson on three seeds, twenty-one weeks."""
    out = tmp_path_factory.mktemp("ensemble") / "scarcity"
    words = ["ensemble", "teaching/scarcity", *SHORT, "--policy", "no-rule", "--seeds", "3", "--outcome", "lag_months"]
    assert main([*words, *QUIET, "--out", str(out)]) == 0
    return out


def test_an_ensemble_is_the_same_on_two_processes(folder: Path, tmp_path: Path) -> None:
    from experiments import batch

    store = Store.open(folder)
    other = batch.start(store.design, tmp_path / "other")
    carry(other, PAIR)
    assert bits(other) == bits(store)


def test_no_world_outlives_its_run() -> None:
    from mesa import Agent

    import sim

    before = set(Agent._ids)
    sim.run(sim.load("teaching/rush"), 1, "headline")
    assert set(Agent._ids) == before


def test_status_query_and_resume(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = said(capsys, "status", str(folder))
    assert (status["total"], status["done"], status["failed"], status["missing"], status["running"]) == (6, 6, 0, 0, "")
    rows = said(capsys, "query", str(folder), "select policy, count(*) runs, avg(lag_months) lag from runs group by 1 order by 1")
    assert [(row["policy"], row["runs"]) for row in rows] == [("base", 3), ("no-rule", 3)]
    weeks = said(capsys, "query", str(folder), "select max(tick) last from timeseries where metric = 'lag_months'")
    assert weeks == [{"last": 20}]
    assert said(capsys, "resume", str(folder), *QUIET)["done_now"] == 0


def test_extend_adds_seeds_to_every_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    assert said(capsys, "ensemble", "teaching/scarcity", *SHORT, "--seeds", "1", "--seed", "7", *QUIET, "--out", out)["done"] == 1
    assert said(capsys, "extend", out, "--seeds", "+2", *QUIET)["total"] == 3
    seeds = said(capsys, "query", out, "select seed from runs order by seed")
    assert [row["seed"] for row in seeds] == [7, 8, 9]
    assert main(["extend", out, "--seeds", "many", *QUIET]) == 2


def test_a_run_that_fails_ends_with_exit_code_4_and_its_command_fails_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "design.yaml"
    path.write_text(
        "scenario: teaching/scarcity\nconstants: {time.end: 2030-02-04}\n"
        "sampling: {kind: table, rows: [{behaviour.train_share: 0.5}, {behaviour.train_share: -1}]}\n"
    )
    assert main(["sweep", str(path), *QUIET, "--out", str(tmp_path / "out")]) == 4
    assert "1 of 2 runs" in capsys.readouterr().out
    (failure,) = [json.loads(line) for line in (tmp_path / "out" / "failures.jsonl").read_text().splitlines()]
    words = re.findall(r"'[^']*'|\S+", failure["reproduce"])
    assert words[:3] == ["chokepoint", "run", "teaching/scarcity"]
    assert main([word.strip("'") for word in words[1:]] + ["--out", str(tmp_path / "alone"), "--quiet"]) == 3
    assert "train_share" in capsys.readouterr().err
    assert "train_share" in failure["error"]


def test_a_policy_that_is_neither_lever_nor_scenario_is_told_with_levers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ensemble", "teaching/rush", "--policy", "zero-grac"]) == 2
    assert 'did you mean "zero-grace"?' in capsys.readouterr().err


def test_until_stops_when_the_interval_is_narrow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("ensemble", "teaching/scarcity", "--set", "time.end=2030-02-04", "--until", "lag_months ±1000", "--seeds", "50")
    assert said(capsys, *words, *QUIET, "--out", str(tmp_path / "out"))["total"] == 10


def test_attribute_shares_the_effect_of_a_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        "attribute",
        "teaching/scarcity",
        "--rules",
        "rule=US_CHIP_RULE",
        "--lever",
        "no-thrift",
        "--outcome",
        "licensed_h100e_cumulative:last",
    )
    (found,) = said(capsys, *words, "--seeds", "2", *QUIET, "--out", str(tmp_path / "out"))
    assert set(found["shares"]) == {"rule", "no-thrift"}
    assert sum(share["value"] for share in found["shares"].values()) == pytest.approx(found["whole"]["value"])
    assert found["shares"]["rule"]["value"] < 0
    assert main(["attribute", "teaching/scarcity", "--rules", "x=NO_SUCH", "--outcome", "lag_months", *QUIET]) == 2


def test_iamc_has_a_row_a_variable_and_a_column_a_year(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = said(capsys, "export", str(folder), "--form", "iamc")
    with open(written["file"], newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == written["rows"]
    assert list(rows[0]) == ["Model", "Scenario", "Region", "Variable", "Unit", "2030"]
    assert {row["Scenario"] for row in rows} == {"base", "no-rule"}
    lag = [row for row in rows if row["Variable"] == "Lag months" and row["Scenario"] == "base"]
    assert [row["Region"] for row in lag] == ["World"]
    keys = [(row["Scenario"], row["Region"], row["Variable"], row["Unit"]) for row in rows]
    assert len(set(keys)) == len(keys)


def test_the_exported_table_is_sorted_and_whole(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pyarrow.parquet as pq

    out = tmp_path / "table.parquet"
    written = said(capsys, "export", str(folder), "--form", "parquet", "--out", str(out))
    table = pq.read_table(out)
    assert len(table) == said(capsys, "query", str(folder), "select count(*) n from timeseries")[0]["n"]
    assert written["sha256"] == bits(Store.open(folder))


def test_a_report_is_verified_and_a_changed_number_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert main(["run", "teaching/scarcity", *SHORT, "--quiet", "--out", str(out)]) == 0
    assert said(capsys, "verify", str(out / "report.html"), "--workers", "1")["broken"] == []
    claims = read_claims(out / "report.html")
    changed = [claim if at else type(claim)(**{**vars(claim), "value": claim.value + 1}) for at, claim in enumerate(claims)]
    assert [check.holds for check in verify(changed, 1)] == [False] + [True] * (len(claims) - 1)
    page = tmp_path / "page.html"
    page.write_text("<html></html>")
    with pytest.raises(UsageError, match="states no numbers"):
        read_claims(page)


def test_a_design_takes_the_ranges_the_scenario_states(tmp_path: Path) -> None:
    import sim
    from experiments.batch import ranges_of

    design = read_design("morris-history")
    whole = design.completed(ranges_of(sim.load("history")), {})
    assert all(factor.low is not None and factor.high is not None for factor in whole.factors.values())
    assert len(whole.factors) == 20


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--outcome", "lag_mnths"], 'did you mean "lag_months"'),
        (["--outcome", "lag_months[vendor=nvidia]"], 'no dimension "vendor"'),
        (["--outcome", "units_delivered[chip=T11]"], 'no world that is run has a chip "T11"; did you mean "T1"'),
        (["--outcome", "lag_months@1999"], "no week of the run"),
        (["--outcome", "lag_months@soon"], "lag_months@soon"),
        (["--seeds", "0"], "--seeds"),
        (["--seed", "-1"], "--seed"),
        (["--workers", "0"], "--workers"),
    ],
)
def test_what_no_run_could_answer_is_told_before_a_folder_is_made(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ensemble", "teaching/scarcity", *words, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert told in said and "defect" not in said
    assert not (tmp_path / "out").exists()
