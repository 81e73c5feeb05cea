"""The growth bench runs each size by itself and says it as a table and a chart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import sim
from experiments import bench_growth
from experiments.bench_run import column_bytes
from experiments.commands.bench import command


def test_columns_are_counted_once_and_grow_with_labs() -> None:
    world = sim.build(sim.load("teaching/rush"), 1)
    counted = column_bytes(world)
    labs, chips = len(world.frame.names.lab), len(world.frame.names.chip)
    assert counted > world.ledger.stock.nbytes + world.primary.queue.nbytes
    world.spare = world.ledger.stock  # the same column under another name
    assert column_bytes(world) == counted
    world.more = np.zeros((labs, chips))
    assert column_bytes(world) == counted + 8 * labs * chips


def test_growth_says_a_table_and_draws_a_chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def one(name: str, size: int, weeks: int) -> dict[str, float]:
        return {"drawn": size, "seconds_build": 0.1 * weeks, "ticks_per_second": 1e4 / size, "ms_roofline": size / 1e4,
                "column_mb": size / 1e3, "peak_memory_mb": 300.0 + size}

    monkeypatch.setattr(bench_growth, "_one", one)
    plot = tmp_path / "growth.svg"
    said = CliRunner().invoke(command, ["growth", "--labs", "1000", "--labs", "100", "--weeks", "2", "--plot", str(plot)])
    assert said.exit_code == 0, said.output
    assert said.output.splitlines()[2:] == ["| 100 | 0.20 | 100 | 10 | 0.01 | 0.1 | 400 |",
                                            "| 1,000 | 0.20 | 10 | 100 | 0.1 | 1 | 1,300 |"]
    drawn = plot.read_text()
    assert drawn.startswith("<svg") and "every column read once" in drawn
