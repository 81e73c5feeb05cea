"""Growth of a whole run with the number of drawn labs: each size in a process of its own, as a table and a chart."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments import charts

SIZES = (100, 1_000, 10_000, 100_000)
HEAD = ("drawn labs", "build s", "ticks per second", "ms a tick", "roofline ms", "columns MB", "peak MB")


def grow(scenario_name: str, weeks: int, sizes: Sequence[int] = SIZES) -> list[dict[str, Any]]:
    """What `bench run --labs N` says for each size, the smallest first."""
    return [_one(scenario_name, size, weeks) for size in sorted(sizes)]


def _one(scenario_name: str, size: int, weeks: int) -> dict[str, Any]:
    asked = ["bench", "run", scenario_name, "--labs", str(size), "--weeks", str(weeks), "--json"]
    said = subprocess.run([sys.executable, "-m", "experiments.cli", *asked], capture_output=True, text=True, check=True)
    return {"drawn": size, **json.loads(said.stdout)}


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The sizes as a Markdown table."""
    lines = ["| " + " | ".join(HEAD) + " |", "|---" * len(HEAD) + "|"]
    for row in rows:
        cells = (f"{row['drawn']:,}", f"{row['seconds_build']:.2f}", f"{row['ticks_per_second']:.3g}",
                 f"{1000.0 / row['ticks_per_second']:.3g}", f"{row['ms_roofline']:.2g}", f"{row['column_mb']:.3g}",
                 f"{row['peak_memory_mb']:,.0f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def draw(rows: Sequence[dict[str, Any]], file: Path) -> None:
    """The time of a tick and its roofline over the number of labs, as an SVG file."""
    series = {
        "a tick": [(row["drawn"], 1000.0 / row["ticks_per_second"]) for row in rows],
        "every column read once": [(row["drawn"], row["ms_roofline"]) for row in rows],
    }
    file.write_text(charts.svg(charts.growth(series, "drawn labs", "ms of processor time"), "growth") + "\n", encoding="utf-8")
