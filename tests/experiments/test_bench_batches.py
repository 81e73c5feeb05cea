"""The benches of batches say every figure they promise, on a lesson of a few weeks."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner

from experiments import bench_engines, bench_pairing
from experiments.commands.bench import command

WORLD = """schema: 1
title: {title}
extends: teaching/rush
time: {{end: 2030-06-03}}
"""


def worlds(folder: Path) -> list[str]:
    """A short lesson and the same with other behaviour, as files."""
    rest = {"short": "", "keen": "behaviour: {choice_exponent: 6.0}\n"}
    for name, more in rest.items():
        (folder / f"{name}.yaml").write_text(WORLD.format(title=name) + more)
    return [str(folder / f"{name}.yaml") for name in rest]


def test_pairing_has_a_row_a_counterfactual_and_a_factor_a_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base, other = worlds(tmp_path)
    monkeypatch.setattr(bench_pairing, "counterfactuals", lambda _: [other])
    words = ["pairing", base, "--seeds", "3"]
    (row,) = json.loads(CliRunner().invoke(command, [*words, "--json"], catch_exceptions=False).stdout)
    assert (row["counterfactual"], row["pairs"], row["failed"]) == ("keen", 3, 0)
    assert all(factor is None or factor >= 0 for factor in row["factors"].values())
    shown = CliRunner().invoke(command, words, catch_exceptions=False).stdout
    assert "median of all" in shown and "\nkeen" in shown


def test_a_factor_that_nothing_moves_is_a_dash() -> None:
    row = {"counterfactual": "x", "pairs": 3, "failed": 1, "median": math.inf, "factors": {"lag": 12.3456}}
    last = bench_pairing.table([row]).splitlines()[-1].split("  ")
    assert [cell.strip() for cell in last if cell] == ["x", "–", "–", "–", "–", "–", "–", "12.3", "∞", "3 (1 failed)"]


def test_engines_are_timed_against_the_sequential_runs(tmp_path: Path) -> None:
    base, _ = worlds(tmp_path)
    words = ["engines", base, "--runs", "4", "--reference", "2", "--json"]
    shown = CliRunner().invoke(command, words, catch_exceptions=False)
    said = json.loads(shown.stdout)
    assert said["equal_tables"] is True
    assert said["sequential_runs"] == 2 and "sequential: 2 runs" in shown.stderr
    assert said["ideal_s"] == pytest.approx(said["sequential_mean_run_s"] * 4 / 2)
    for engine in bench_engines.PARALLEL:
        assert said[f"{engine}_over_ideal"] == pytest.approx(said[f"{engine}_s"] / said["ideal_s"] - 1)
        assert 0 <= said[f"{engine}_idle_share"] < 1
        assert said[f"{engine}_parent_growth_mb"] < 200
